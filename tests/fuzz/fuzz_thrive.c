/* Whatever Thrive's host may answer. */
#include "fuzz_lms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const stems[] = {"ID-5f8a1c0e9b1e8a0012ab34cd", "EXT-UID30084022", NULL};
    struct http_reply r = {.status = 200, .body = malloc(size + 1), .len = size};

    memcpy(r.body, data, size);
    r.body[size] = '\0';
    read_everything(lms_provider("thrive"), &r, stems);
    http_reply_release(&r);
    return 0;
}
