/* Whatever Synap's host may answer. */
#include "fuzz_lms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const stems[] = {"ID-userID12345", "EMAIL-lena@example.org", NULL};
    struct http_reply r = {.status = 200, .body = malloc(size + 1), .len = size};

    memcpy(r.body, data, size);
    r.body[size] = '\0';
    read_everything(lms_provider("synap"), &r, stems);
    http_reply_release(&r);
    return 0;
}
