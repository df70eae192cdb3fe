/* seal.c — see seal.h. */
#include "sync/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

bool seal_is_needed(const struct lms_collection *c)
{
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->flags & (LMS_SECRET | LMS_PRIVATE))
            return true;
    return false;
}

static void pad_path(struct engine *g, uint64_t seq, char path[4096])
{
    snprintf(path, 4096, "%s/pads/%llu", g->conf->cache_dir, (unsigned long long)seq);
}

static int sync_dir(struct engine *g)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/pads", g->conf->cache_dir);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = fd < 0 || fsync(fd) ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return r;
}

static int pad_read(struct engine *g, uint64_t seq, unsigned char *pad, size_t len)
{
    char path[4096];
    pad_path(g, seq, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int r = fd < 0 ? -errno : 0;
    if (r == 0 && (fstat(fd, &st) || (size_t)st.st_size != len || read(fd, pad, len) != (ssize_t)len))
        r = -EIO;
    if (fd >= 0)
        close(fd);
    return r;
}

static int pad_make(struct engine *g, uint64_t seq, unsigned char *pad, size_t len)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/pads", g->conf->cache_dir);
    if (mkdir(path, 0700) && errno != EEXIST)
        return -errno;
    for (size_t at = 0; at < len;) {
        ssize_t n = getrandom(pad + at, len - at, 0);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    pad_path(g, seq, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write(fd, pad, len) != (ssize_t)len || fsync(fd) ? -EIO : 0;
    close(fd);
    return r ? r : sync_dir(g);
}

char *seal(struct engine *g, uint64_t seq, const char *text, size_t len, struct err *e)
{
    unsigned char *pad = calloc(len + 1, 1);
    char *hex = malloc(2 * len + 1);
    int r = pad && hex ? 0 : -ENOMEM;
    if (r == 0 && (r = pad_read(g, seq, pad, len))) /* an entry that is written again keeps its pad */
        r = pad_make(g, seq, pad, len);
    for (size_t i = 0; i < len && r == 0; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)text[i] ^ pad[i]);
    if (hex)
        hex[r == 0 ? 2 * len : 0] = '\0';
    if (pad)
        explicit_bzero(pad, len);
    free(pad);
    if (r == 0)
        return hex;
    free(hex);
    err_set(e, r, "the journal can't keep a document with secrets: %s", strerror(-r));
    return NULL;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *unseal(struct engine *g, uint64_t seq, const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    unsigned char *pad = malloc(*len + 1);
    char *text = malloc(*len + 1);
    bool ok = pad && text && strlen(hex) % 2 == 0 && pad_read(g, seq, pad, *len) == 0;
    for (size_t i = 0; i < *len && ok; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        text[i] = (char)((high * 16 + low) ^ pad[i]);
    }
    if (pad)
        explicit_bzero(pad, *len);
    free(pad);
    if (ok) {
        text[*len] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

void seal_drop(struct engine *g, uint64_t seq)
{
    char path[4096];
    pad_path(g, seq, path);
    unlink(path);
}

void seal_sweep(struct engine *g)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/pads", g->conf->cache_dir);
    DIR *d = opendir(path);
    for (struct dirent *f; d && (f = readdir(d));) {
        char *end;
        uint64_t seq = strtoull(f->d_name, &end, 10);
        void *value;
        size_t len;
        if (*end || end == f->d_name)
            continue;
        int r = ledger_get(g->store, LEDGER_SAVES, seq, &value, &len);
        if (r == 0)
            free(value);
        else if (r == -ENOENT)
            seal_drop(g, seq);
    }
    if (d)
        closedir(d);
}
