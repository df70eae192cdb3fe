/* fuzz_search.c — the text of a search: whatever a directory is called, it is a request of one line below the API's path, or refused with a
 * sentence. What a vendor takes, it takes for every page. */
#include "lmsfs/lms.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void expect(int ok)
{
    if (!ok)
        abort();
}

static void search(const struct lms_provider *p, const struct lms_collection *c, const char *text)
{
    struct http_request first, later;
    struct err e = {0};
    uint64_t window;
    char stem[256];
    int rc = p->search_request(c, text, 1, &first, &window, &e);
    if (rc) {
        expect((rc == -22 || rc == -95) && e.code == rc && e.text[0] && !first.path);
        return;
    }
    expect(first.path[0] == '/' && first.path[strcspn(first.path, " \r\n#\"<>")] == '\0' && first.method == HTTP_GET);
    for (const char *s = first.path; *s; s++)
        expect((unsigned char)*s > 0x20 && (unsigned char)*s < 0x7f);
    expect(p->search_request(c, text, 2, &later, &window, &e) == 0);
    bool pages = strstr(first.path, "page=") != NULL; /* what comes in one piece has none */
    expect(!pages || strcmp(first.path, later.path) != 0);
    if (p->search_parent && p->search_parent(c, text, stem) == 0)
        expect(strlen(stem) > 3);
    http_request_release(&first);
    http_request_release(&later);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const char *const vendors[] = {"hownow", "synap", "learningpool", "avia", "thrive"};
    char *text = malloc(size + 1);
    expect(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++) {
        const struct lms_provider *p = lms_provider(vendors[i]);
        for (size_t k = 0; p && p->search_request && k < p->collections_n; k++)
            search(p, &p->collections[k], text);
    }
    free(text);
    return 0;
}
