/* fuzz_conf.c — the configuration's text: whatever it is, it is read or refused with a sentence, and nothing is lost or read twice. */
#include "conf/sections.h"
#include "conf/tenant.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void expect(int ok)
{
    if (!ok)
        abort();
}

static void expect_sentence(int rc, const struct err *e)
{
    size_t len = strlen(e->text);
    expect(rc < 0 && e->code == rc && len > 0 && e->text[len - 1] != '\n');
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct sections s;
    struct err e = {0};
    int rc = sections_parse("fuzz.conf", (const char *)data, size, &s, &e);
    if (rc < 0) {
        expect_sentence(rc, &e);
        return 0;
    }
    for (size_t i = 0; i < s.n; i++) {
        struct conf_tenant t;
        struct conf c = {0};
        expect(s.list[i].line > 0);
        rc = tenant_read("fuzz.conf", &s.list[i], &t, &e);
        if (rc == 0) {
            expect(t.name && t.provider && t.base_url);
            tenant_release(&t);
        } else {
            expect_sentence(rc, &e);
        }
        e = (struct err){0};
        rc = general_read("fuzz.conf", &s.list[i], &c, &e);
        if (rc < 0)
            expect_sentence(rc, &e);
        conf_release(&c);
    }
    sections_release(&s);
    return 0;
}
