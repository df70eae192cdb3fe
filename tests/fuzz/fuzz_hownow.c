/* Whatever HowNow's host may answer. */
#include "fuzz_lms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const stems[] = {"ID-65728", "ID-360", "EXT-JR-001", "EMAIL-noor@example.org", NULL};
    const struct lms_provider *p = lms_provider("hownow");
    struct http_reply r = {.status = 200, .body = malloc(size + 1), .len = size};
    struct lms_token token;
    struct lms_job job;
    struct err e = {0};

    memcpy(r.body, data, size);
    r.body[size] = '\0';
    read_everything(p, &r, stems);
    int rc = p->token_reply(&r, &token, &e);
    if (rc)
        must_explain(rc, &e);
    else
        lms_token_release(&token);
    rc = p->job_reply(&r, &job, &e);
    if (rc)
        must_explain(rc, &e);
    else
        lms_job_release(&job);
    http_reply_release(&r);
    return 0;
}
