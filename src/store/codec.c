/* codec.c — how keys and values lie on disk. Nothing read here is believed: every length is checked before it is used. */
#include "codec.h"

#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------------ keys and plain values */

void be64_put(unsigned char *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
}

uint64_t be64_get(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the byte swaps above and LMDB's files are little-endian");

MDB_val key_pack(struct key *k, unsigned n, const uint64_t *numbers)
{
    for (unsigned i = 0; i < n; i++)
        be64_put(k->bytes + 8 * (size_t)i, numbers[i]);
    k->len = 8 * (size_t)n;
    return (MDB_val){k->len, k->bytes};
}

MDB_val key_text(struct key *k, uint64_t home, const char *text)
{
    size_t len = strnlen(text, sizeof k->bytes - 8 - 1);
    be64_put(k->bytes, home);
    memcpy(k->bytes + 8, text, len);
    k->len = 8 + len;
    return (MDB_val){k->len, k->bytes};
}

int decode_number(const MDB_val *v, uint64_t *out)
{
    return value_struct(v, out, sizeof *out);
}

int value_struct(const MDB_val *v, void *out, size_t size)
{
    if (v->mv_size != size)
        return -EIO;
    memcpy(out, v->mv_data, size);
    return 0;
}

bool name_valid(const char *name)
{
    size_t len = strnlen(name, NAME_LEN_MAX + 1);
    return len > 0 && len <= NAME_LEN_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* ------------------------------------------------------------------ heads */

enum { S_KEY, S_EXT, S_EMAIL, S_NAME, S_ID_ALIAS, S_EMAIL_ALIAS, STRINGS };

static const uint16_t longest[STRINGS] = {
    [S_KEY] = KEY_LEN_MAX,   [S_EXT] = TEXT_LEN_MAX,      [S_EMAIL] = TEXT_LEN_MAX,
    [S_NAME] = NAME_LEN_MAX, [S_ID_ALIAS] = NAME_LEN_MAX, [S_EMAIL_ALIAS] = NAME_LEN_MAX,
};

struct head_disk { /* the strings follow, each with its NUL */
    uint64_t home, size;
    int64_t mtime_ns;
    uint64_t row_hash;
    int64_t row_at, detail_at;
    uint64_t version;
    uint32_t flags;
    uint16_t len[STRINGS];
};

static const char **string_of(struct head *h, int i)
{
    const char **at[STRINGS] = {
        [S_KEY] = &h->rec.key,   [S_EXT] = &h->rec.ext,       [S_EMAIL] = &h->rec.email,
        [S_NAME] = &h->rec.name, [S_ID_ALIAS] = &h->id_alias, [S_EMAIL_ALIAS] = &h->email_alias,
    };
    return at[i];
}

int head_unpack(uint64_t ino, const MDB_val *v, struct head *out)
{
    struct head_disk d;
    if (v->mv_size < sizeof d)
        return -EIO;
    memcpy(&d, v->mv_data, sizeof d);
    const char *p = (const char *)v->mv_data + sizeof d;
    size_t left = v->mv_size - sizeof d;
    for (int i = 0; i < STRINGS; i++) {
        size_t len = d.len[i];
        if (len > longest[i] || len >= left || p[len] != '\0')
            return -EIO;
        *string_of(out, i) = p;
        p += len + 1;
        left -= len + 1;
    }
    if (left != 0 || !name_valid(out->rec.name))
        return -EIO;
    out->rec.ino = ino;
    out->rec.home = d.home;
    out->rec.flags = d.flags;
    out->rec.size = d.size;
    out->rec.mtime_ns = d.mtime_ns;
    out->rec.row_hash = d.row_hash;
    out->rec.row_at = d.row_at;
    out->rec.detail_at = d.detail_at;
    out->version = d.version;
    return 0;
}

size_t head_size(const struct head *h)
{
    struct head copy = *h;
    size_t size = sizeof(struct head_disk);
    for (int i = 0; i < STRINGS; i++)
        size += strlen(*string_of(&copy, i)) + 1;
    return size;
}

void head_pack(const struct head *h, void *to)
{
    struct head copy = *h;
    struct head_disk d;
    memset(&d, 0, sizeof d); /* the padding goes to disk too */
    d.home = h->rec.home;
    d.size = h->rec.size;
    d.mtime_ns = h->rec.mtime_ns;
    d.row_hash = h->rec.row_hash;
    d.row_at = h->rec.row_at;
    d.detail_at = h->rec.detail_at;
    d.version = h->version;
    d.flags = h->rec.flags;
    char *p = (char *)to + sizeof d;
    for (int i = 0; i < STRINGS; i++) {
        size_t len = strlen(*string_of(&copy, i));
        d.len[i] = (uint16_t)len;
        memcpy(p, *string_of(&copy, i), len + 1);
        p += len + 1;
    }
    memcpy(to, &d, sizeof d);
}

static void keep(const char **s, char *room, size_t size)
{
    size_t len = strnlen(*s, size - 1);
    memcpy(room, *s, len);
    room[len] = '\0';
    *s = room;
}

void head_keep(struct head *h, struct head_texts *room)
{
    keep(&h->rec.key, room->key, sizeof room->key);
    keep(&h->rec.ext, room->ext, sizeof room->ext);
    keep(&h->rec.email, room->email, sizeof room->email);
    keep(&h->rec.name, room->name, sizeof room->name);
    keep(&h->id_alias, room->id_alias, sizeof room->id_alias);
    keep(&h->email_alias, room->email_alias, sizeof room->email_alias);
}

/* ------------------------------------------------------------------ versions */

static bool hex16(const char *s, uint64_t *out)
{
    uint64_t v = 0;
    for (int i = 0; i < 16; i++) {
        unsigned digit;
        if (s[i] >= '0' && s[i] <= '9')
            digit = (unsigned)(s[i] - '0');
        else if (s[i] >= 'a' && s[i] <= 'f')
            digit = (unsigned)(s[i] - 'a') + 10;
        else
            return false;
        v = v << 4 | digit;
    }
    *out = v;
    return true;
}

bool version_parse(const char *hex, uint64_t *version)
{
    return strnlen(hex, 17) == 16 && hex16(hex, version);
}

bool version_find(const void *body, size_t len, uint64_t *version)
{
    static const char label[] = "\"version\": \"";
    const size_t label_len = sizeof label - 1;
    const char *start = body;
    size_t end = len; /* a match begins before it */
    while (end > 0) {
        const char *quote = memrchr(start, '"', end);
        if (!quote)
            return false;
        size_t at = (size_t)(quote - start);
        if (len - at >= label_len + 17 && memcmp(quote, label, label_len) == 0 && quote[label_len + 16] == '"' &&
            hex16(quote + label_len, version))
            return true;
        end = at;
    }
    return false;
}

/* ------------------------------------------------------------------ marks */

enum { MARK_SHOWN, MARK_HIDDEN, MARK_LEAVING };
struct mark_disk { /* job, error and successor follow, without NULs */
    uint8_t state, hidden;
    uint16_t job_len, error_len, successor_len;
};
_Static_assert(sizeof(struct mark_disk) == 8, "MARK_SIZE_MAX says so");

int mark_unpack(const MDB_val *v, struct store_mark *out)
{
    struct mark_disk d;
    if (v->mv_size < sizeof d)
        return -EIO;
    memcpy(&d, v->mv_data, sizeof d);
    if (d.state > STORE_FAILED || d.hidden > MARK_LEAVING || d.job_len >= sizeof out->job ||
        d.error_len >= sizeof out->error || d.successor_len >= sizeof out->successor ||
        v->mv_size != sizeof d + d.job_len + d.error_len + d.successor_len)
        return -EIO;
    const char *text = (const char *)v->mv_data + sizeof d;
    out->state = (enum store_state)d.state;
    out->hidden = d.hidden != MARK_SHOWN;
    out->leaving = d.hidden == MARK_LEAVING;
    memcpy(out->job, text, d.job_len);
    out->job[d.job_len] = '\0';
    memcpy(out->error, text + d.job_len, d.error_len);
    out->error[d.error_len] = '\0';
    memcpy(out->successor, text + d.job_len + d.error_len, d.successor_len);
    out->successor[d.successor_len] = '\0';
    return 0;
}

size_t mark_pack(const struct store_mark *m, unsigned char to[static MARK_SIZE_MAX])
{
    struct mark_disk d = {
        .state = (uint8_t)m->state,
        .hidden = m->leaving  ? MARK_LEAVING
                  : m->hidden ? MARK_HIDDEN
                              : MARK_SHOWN,
        .job_len = (uint16_t)strnlen(m->job, sizeof m->job - 1),
        .error_len = (uint16_t)strnlen(m->error, sizeof m->error - 1),
        .successor_len = (uint16_t)strnlen(m->successor, sizeof m->successor - 1),
    };
    memcpy(to, &d, sizeof d);
    memcpy(to + sizeof d, m->job, d.job_len);
    memcpy(to + sizeof d + d.job_len, m->error, d.error_len);
    memcpy(to + sizeof d + d.job_len + d.error_len, m->successor, d.successor_len);
    return sizeof d + d.job_len + d.error_len + d.successor_len;
}
