/* err.c — the sentence beside an errno. */
#include "lmsfs/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int(err_set)(struct err *e, int code, const char *fmt, ...)
{
    if (!e)
        return code;
    int saved = errno;
    va_list ap;
    va_start(ap, fmt);
    e->code = code;
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    errno = saved;
    return code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
    if (!e)
        return 0;
    char old[sizeof e->text];
    memcpy(old, e->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof e->text - 2)
        snprintf(e->text + n, sizeof e->text - (size_t)n, ": %.*s", (int)sizeof old - 1, old);
    return e->code;
}

const char *err_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {EPERM, "EPERM"},
        {ENOENT, "ENOENT"},
        {EIO, "EIO"},
        {EAGAIN, "EAGAIN"},
        {ENOMEM, "ENOMEM"},
        {EACCES, "EACCES"},
        {EBUSY, "EBUSY"},
        {EEXIST, "EEXIST"},
        {ENOTDIR, "ENOTDIR"},
        {EISDIR, "EISDIR"},
        {EINVAL, "EINVAL"},
        {EFBIG, "EFBIG"},
        {ENOSPC, "ENOSPC"},
        {EROFS, "EROFS"},
        {EPROTO, "EPROTO"},
        {ENOTSUP, "EOPNOTSUPP"},
        {ETIMEDOUT, "ETIMEDOUT"},
        {EDQUOT, "EDQUOT"},
        {ESTALE, "ESTALE"},
        {EHOSTUNREACH, "EHOSTUNREACH"},
        {EINTR, "EINTR"},
        {ECANCELED, "ECANCELED"},
        {ESHUTDOWN, "ESHUTDOWN"},
        {ENAMETOOLONG, "ENAMETOOLONG"},
        {ENODATA, "ENODATA"},
        {ENOTEMPTY, "ENOTEMPTY"},
        {ECONNREFUSED, "ECONNREFUSED"},
    };
    static _Thread_local char other[16];
    if (code < 0)
        code = -code;
    if (code == 0)
        return "OK";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            return names[i].name;
    snprintf(other, sizeof other, "E%d", code);
    return other;
}
