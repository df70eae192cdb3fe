/* secret.c — where a credential's text comes from. */
#include "conf/secret.h"

#include "conf/private.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *after(const char *value, const char *scheme)
{
    size_t n = strlen(scheme);
    return strncmp(value, scheme, n) == 0 ? value + n : NULL;
}

/* Takes len bytes of text and says in `what` where they are from. */
static int accept_text(const char *text, size_t len, const char *what, char **out, struct err *e)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (len == 0)
        return err_set(e, -EINVAL, "%s is empty", what);
    if (len > SECRET_MAX)
        return err_set(e, -EFBIG, "%s is longer than %u bytes", what, SECRET_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return err_set(e, -EINVAL, "%s holds a control character at byte %zu", what, i + 1);
    *out = strndup(text, len);
    return *out ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static int from_file(const char *path, mode_t forbidden, char **out, struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    int rc = private_read(path, forbidden, SECRET_MAX + 2, &text, &len, e);
    if (rc < 0)
        return rc;
    rc = accept_text(text, len, path, out, e);
    private_free(text, len);
    return rc;
}

static bool is_env_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

static int from_env(const char *name, char **out, struct err *e)
{
    if (!is_env_name(name))
        return err_set(e, -EINVAL, "env: must be followed by the name of an environment variable");
    const char *text = getenv(name);
    if (!text)
        return err_set(e, -EINVAL, "env:%s: there is no such environment variable", name);
    char what[128];
    snprintf(what, sizeof what, "env:%s", name);
    return accept_text(text, strlen(text), what, out, e);
}

static int from_credential(const char *name, char **out, struct err *e)
{
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(e, -EINVAL, "credential: must be followed by a name without '/'");
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (!dir || *dir != '/')
        return err_set(e, -EINVAL,
                       "credential:%.64s: $CREDENTIALS_DIRECTORY is not set; systemd sets it, see LoadCredential=", name);
    char *path;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return err_set(e, -ENOMEM, "out of memory");
    int rc = from_file(path, 0037, out, e);
    free(path);
    return rc;
}

int secret_resolve(const char *value, char **out, struct err *e)
{
    const char *rest;
    if ((rest = after(value, "file:"))) {
        if (*rest != '/')
            return err_set(e, -EINVAL, "file: must be followed by an absolute path");
        return from_file(rest, 0077, out, e);
    }
    if ((rest = after(value, "env:")))
        return from_env(rest, out, e);
    if ((rest = after(value, "credential:")))
        return from_credential(rest, out, e);
    return accept_text(value, strlen(value), "the value", out, e);
}
