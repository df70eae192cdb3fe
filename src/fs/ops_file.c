/* ops_file.c — files that belong to a record and are none of its documents: ID-….password, which is there until it was read. They are found
 * by name and never listed, so that no grep -r reads them. */
#include "attr.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t record_of(uint64_t file)
{
    return ino_make(INO_RECORD, ino_tenant(file), ino_coll(file), ino_part_id(file));
}

/* "ID-5.password" → the file of ID-5.json, while there is a password to be read. 0: none. */
uint64_t file_named(struct mount *m, struct store_read *r, uint64_t dir, const char *name)
{
    static const char suffix[] = ".password";
    size_t len = strlen(name), n = sizeof suffix - 1;
    char document[256];
    uint64_t ino;
    if (len <= n || strcmp(name + len - n, suffix) != 0 || m->options.read_only || !tree_is_record_dir(dir) ||
        (size_t)snprintf(document, sizeof document, "%.*s.json", (int)(len - n), name) >= sizeof document ||
        store_lookup(r, tree_home(dir), document, &ino))
        return 0;
    uint64_t record = ino_is_alias(ino) ? ino_as(ino, INO_RECORD) : ino;
    if (!engine_secret_len(m->engine, record))
        return 0;
    return ino_make_part(INO_FILE, ino_tenant(record), ino_coll(record), FILE_PASSWORD, ino_rec(record));
}

off_t file_size(struct mount *m, uint64_t ino)
{
    size_t len = engine_secret_len(m->engine, record_of(ino));
    return len ? (off_t)len + 1 : -1;
}

/* Opening takes it: there is no second time. */
void open_file(fuse_req_t req, uint64_t ino, const struct fuse_file_info *asked)
{
    struct fuse_file_info fi = *asked;
    char *text = NULL;
    if ((fi.flags & O_ACCMODE) != O_RDONLY) {
        reply_code(req, -EPERM);
        return;
    }
    text = engine_secret_take(mount_of(req)->engine, record_of(ino));
    if (!text) {
        reply_code(req, -ENOENT);
        return;
    }
    fi.fh = (uint64_t)(uintptr_t)text;
    fi.direct_io = 1; /* it must not stay in the kernel's cache */
    fi.noflush = 1;
    if (fuse_reply_open(req, &fi) == -ENOENT)
        release_file(&fi);
}

void read_file(fuse_req_t req, size_t size, off_t off, const struct fuse_file_info *fi)
{
    const char *text = (const char *)(uintptr_t)fi->fh;
    char line[1024];
    int len = snprintf(line, sizeof line, "%.*s\n", (int)sizeof line - 2, text);
    size_t left = off >= 0 && off < len ? (size_t)(len - off) : 0;
    fuse_reply_buf(req, left ? line + off : NULL, size < left ? size : left);
    explicit_bzero(line, sizeof line);
}

void release_file(const struct fuse_file_info *fi)
{
    char *text = (char *)(uintptr_t)fi->fh;
    explicit_bzero(text, strlen(text));
    free(text);
}
