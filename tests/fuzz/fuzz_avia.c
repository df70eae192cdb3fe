/* Whatever AVIA's host may answer. */
#include "fuzz_lms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A 2xx has its verdict in the body. */
static void read_change(const struct lms_provider *p, const struct http_reply *r)
{
    for (int op = LMS_OP_DEACTIVATE; op <= LMS_OP_DELETE; op++) {
        struct lms_change change = {.op = (enum lms_op)op};
        struct err e = {0};
        int rc = p->change_reply(&p->collections[0], &change, r, &e);
        if (rc)
            must_explain(rc, &e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const stems[] = {"SSN-123-45-6789", "ID-470543", NULL};
    struct http_reply r = {.status = 200, .body = malloc(size + 1), .len = size};

    memcpy(r.body, data, size);
    r.body[size] = '\0';
    read_everything(lms_provider("avia"), &r, stems);
    read_change(lms_provider("avia"), &r);
    http_reply_release(&r);
    return 0;
}
