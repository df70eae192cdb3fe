/* value.c — configuration values: text into numbers, words, URLs. */
#include "conf/value.h"

#include "base/loopback.h"
#include "conf/secret.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_MAX 48 /* bytes of a value that a message repeats */

static void *place(const struct key *k, void *obj)
{
    return (char *)obj + k->offset;
}

static int store_string(const struct key *k, void *obj, const char *s, size_t len, struct err *e)
{
    char *copy = strndup(s, len);
    if (!copy)
        return err_set(e, -ENOMEM, "out of memory");
    *(char **)place(k, obj) = copy;
    return 0;
}

/* Digits only: strtoul alone would take blanks, signs and "0x". False also past SIZE_MAX. */
static bool number(const char *s, size_t len, size_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)s[i]) || __builtin_mul_overflow(n, (size_t)10, &n) ||
            __builtin_add_overflow(n, (size_t)(s[i] - '0'), &n))
            return false;
    }
    *out = n;
    return len > 0;
}

static int whole_number(const struct key *k, void *obj, const char *value, const char *of, struct err *e)
{
    size_t n;
    if (!number(value, strlen(value), &n) || n < k->min || n > k->max)
        return err_set(e, -EINVAL, "must be a whole number%s from %zu to %zu, not '%.*s'", of, k->min, k->max,
                       QUOTE_MAX, value);
    *(int *)place(k, obj) = (int)n;
    return 0;
}

int value_seconds(const struct key *k, void *obj, const char *value, struct err *e)
{
    return whole_number(k, obj, value, " of seconds", e);
}

int value_number(const struct key *k, void *obj, const char *value, struct err *e)
{
    return whole_number(k, obj, value, "", e);
}

static const char *size_text(size_t n, char buf[static 32])
{
    static const char unit[] = {'\0', 'K', 'M', 'G'};
    size_t i = 0;
    for (; i < 3 && n >= 1024 && n % 1024 == 0; i++)
        n /= 1024;
    snprintf(buf, 32, "%zu%c", n, unit[i]);
    return buf;
}

int value_size(const struct key *k, void *obj, const char *value, struct err *e)
{
    size_t len = strlen(value), n, shift = 0;
    switch (value[len - 1]) {
    case 'k':
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    }
    bool ok = number(value, shift ? len - 1 : len, &n) && n <= SIZE_MAX >> shift;
    if (!ok || n << shift < k->min || n << shift > k->max) {
        char min[32], max[32];
        return err_set(e, -EINVAL, "must be a size from %s to %s (bytes, or with k, M, G), not '%.*s'",
                       size_text(k->min, min), size_text(k->max, max), QUOTE_MAX, value);
    }
    *(size_t *)place(k, obj) = n << shift;
    return 0;
}

int value_yesno(const struct key *k, void *obj, const char *value, struct err *e)
{
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0)
        return err_set(e, -EINVAL, "must be yes or no, not '%.*s'", QUOTE_MAX, value);
    *(bool *)place(k, obj) = yes;
    return 0;
}

int value_word(const struct key *k, void *obj, const char *value, struct err *e)
{
    char all[128] = "";
    for (unsigned i = 0; k->words[i]; i++) {
        if (strcmp(value, k->words[i]) == 0) {
            memcpy(place(k, obj), &i, sizeof i);
            return 0;
        }
        size_t at = strlen(all);
        snprintf(all + at, sizeof all - at, "%s%s", i == 0 ? "" : k->words[i + 1] ? ", " : " or ", k->words[i]);
    }
    return err_set(e, -EINVAL, "must be %s, not '%.*s'", all, QUOTE_MAX, value);
}

int value_path(const struct key *k, void *obj, const char *value, struct err *e)
{
    if (*value != '/')
        return err_set(e, -EINVAL, "must be an absolute path, not '%.*s'", QUOTE_MAX, value);
    size_t len = strlen(value);
    while (len > 1 && value[len - 1] == '/')
        len--;
    return store_string(k, obj, value, len, e);
}

/* What makes a URL unfit is told without repeating it: a password may stand in it. */
static int check_url(CURLU *u, const char *value, struct err *e)
{
    const char *authority = strstr(value, "://");
    authority = authority ? authority + 3 : value;
    if (memchr(authority, '@', strcspn(authority, "/?#")))
        return err_set(e, -EINVAL, "must not hold a user name or password");
    if (strchr(value, '?'))
        return err_set(e, -EINVAL, "must not have a query ('?')");
    if (strchr(value, '#'))
        return err_set(e, -EINVAL, "must not have a fragment ('#')");
    if (authority == value || strchr(value, '\\') || curl_url_set(u, CURLUPART_URL, value, 0) != CURLUE_OK)
        return err_set(e, -EINVAL, "must be a URL like https://lms.example.com");
    char *scheme = NULL, *host = NULL;
    int rc = 0;
    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        rc = err_set(e, -EINVAL, "must be a URL like https://lms.example.com");
    else if (strcmp(scheme, "http") == 0 && !is_loopback_host(host))
        rc = err_set(e, -EINVAL, "must be https: plain http is for this machine only, not for %.*s", QUOTE_MAX, host);
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        rc = err_set(e, -EINVAL, "must be https, not %.*s", QUOTE_MAX, scheme);
    curl_free(scheme);
    curl_free(host);
    return rc;
}

int value_base_url(const struct key *k, void *obj, const char *value, struct err *e)
{
    CURLU *u = curl_url();
    if (!u)
        return err_set(e, -ENOMEM, "out of memory");
    int rc = check_url(u, value, e);
    char *whole = NULL;
    if (rc == 0 && curl_url_get(u, CURLUPART_URL, &whole, 0) != CURLUE_OK)
        rc = err_set(e, -ENOMEM, "out of memory");
    if (rc == 0) {
        size_t len = strlen(whole);
        while (len > 0 && whole[len - 1] == '/')
            len--;
        rc = store_string(k, obj, whole, len, e);
    }
    curl_free(whole);
    curl_url_cleanup(u);
    return rc;
}

int value_secret(const struct key *k, void *obj, const char *value, struct err *e)
{
    return secret_resolve(value, place(k, obj), e);
}

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* "<PREFIX->" and at least one byte more, without blanks. */
static bool is_stem(const char *value, const char *prefix)
{
    return starts_with(value, prefix) && value[strlen(prefix)] && !strpbrk(value, " \t");
}

static bool is_email_stem(const char *value)
{
    if (!is_stem(value, "EMAIL-"))
        return false;
    const char *address = value + strlen("EMAIL-"), *at = strchr(address, '@');
    return at && at != address && at[1] && !strchr(at + 1, '@');
}

int value_actor(const struct key *k, void *obj, const char *value, struct err *e)
{
    if (!is_email_stem(value) && !is_stem(value, "EXT-") && !is_stem(value, "ID-"))
        return err_set(e, -EINVAL, "must be EMAIL-<address>, EXT-<external id> or ID-<id>, not '%.*s'", QUOTE_MAX, value);
    return store_string(k, obj, value, strlen(value), e);
}

int value_successor(const struct key *k, void *obj, const char *value, struct err *e)
{
    if (strcmp(value, "manager") != 0 && !is_stem(value, "EXT-") && !is_stem(value, "ID-"))
        return err_set(e, -EINVAL, "must be manager, EXT-<external id> or ID-<id>, not '%.*s'", QUOTE_MAX, value);
    return store_string(k, obj, value, strlen(value), e);
}

static void names_free(char **names)
{
    for (char **p = names; p && *p; p++)
        free(*p);
    free(names);
}

int value_names(const struct key *k, void *obj, const char *value, struct err *e)
{
    static const char blanks[] = " \t", letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    char **names = calloc(strlen(value) / 2 + 2, sizeof *names);
    size_t n = 0;
    int rc = 0;
    if (!names)
        return err_set(e, -ENOMEM, "out of memory");
    for (const char *p = value + strspn(value, blanks); rc == 0 && *p; p += strspn(p, blanks)) {
        size_t len = strcspn(p, blanks);
        if (strspn(p, letters) < len || !islower((unsigned char)*p))
            rc = err_set(e, -EINVAL, "must be collection names with blanks between them, not '%.*s'", QUOTE_MAX, value);
        else if (!(names[n++] = strndup(p, len)))
            rc = err_set(e, -ENOMEM, "out of memory");
        p += len;
    }
    if (rc < 0)
        names_free(names);
    else
        *(char ***)place(k, obj) = names;
    return rc;
}
