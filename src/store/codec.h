/* codec.h — how keys and values lie on disk, and the checks that reading them needs.
 *
 * Keys are big-endian, so that cursors walk in the numbers' order. Values are read with memcpy: nothing on a page is aligned.
 */
#ifndef STORE_CODEC_H
#define STORE_CODEC_H

#include "lmsfs/store.h"
#include <lmdb.h>

#define NAME_LEN_MAX 255  /* of a file name */
#define KEY_LEN_MAX  480  /* of a vendor's key: with its home it is an LMDB key, and those end at 511 */
#define TEXT_LEN_MAX 1000 /* of an external id or an e-mail address */

struct key {
    size_t len;
    unsigned char bytes[512];
};
MDB_val key_pack(struct key *k, unsigned n, const uint64_t *numbers); /* big-endian */
#define key_numbers(k, n, ...) key_pack(k, n, (const uint64_t[n]){__VA_ARGS__})
/* A number and a text; the text at most 503 bytes, which the caller has checked. */
MDB_val key_text(struct key *k, uint64_t home, const char *text);

void be64_put(unsigned char *p, uint64_t v);
uint64_t be64_get(const void *p);
int decode_number(const MDB_val *v, uint64_t *out); /* a value of one uint64_t; -EIO */
bool name_valid(const char *name);

/* A record's head: everything but its body. */
struct head {
    struct store_record rec; /* flags may hold HEAD_VERSIONED too */
    const char *id_alias, *email_alias;
    uint64_t version; /* that the body bears, where HEAD_VERSIONED is set */
};
#define HEAD_VERSIONED (1u << 8)

int head_unpack(uint64_t ino, const MDB_val *v, struct head *out); /* strings point into v; -EIO */
size_t head_size(const struct head *h);
void head_pack(const struct head *h, void *to); /* head_size() bytes */

/* Room for a head's strings, for when the page they point into is about to change. */
struct head_texts {
    char key[KEY_LEN_MAX + 1], ext[TEXT_LEN_MAX + 1], email[TEXT_LEN_MAX + 1];
    char name[NAME_LEN_MAX + 1], id_alias[NAME_LEN_MAX + 1], email_alias[NAME_LEN_MAX + 1];
};
void head_keep(struct head *h, struct head_texts *room); /* copies the strings and points at the copies */

/* The version that a document's bytes bear: the last `"version": "` with 16 hex digits behind it. */
bool version_find(const void *body, size_t len, uint64_t *version);
bool version_parse(const char *hex, uint64_t *version); /* exactly 16 lower-case hex digits */

int mark_unpack(const MDB_val *v, struct store_mark *out); /* -EIO */
#define MARK_SIZE_MAX                                                                  \
    (8 + sizeof((struct store_mark *)0)->job + sizeof((struct store_mark *)0)->error + \
     sizeof((struct store_mark *)0)->successor)
size_t mark_pack(const struct store_mark *m, unsigned char to[static MARK_SIZE_MAX]);

/* Values of other tables. */
struct listing_disk {
    int64_t complete_at, changed_ns;
    uint64_t entries, total, details;
};
struct sweep_disk {
    int64_t newest, started_at;
    uint64_t total;
    uint32_t pages, done;
};
/* Exactly `size` bytes into `out`, or -EIO. */
int value_struct(const MDB_val *v, void *out, size_t size);

#endif
