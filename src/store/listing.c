/* listing.c — what is known of directories, and sweeps under way. */
#include "store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ------------------------------------------------------------------ listings */

static int listing_get(struct store_read *r, uint64_t dir, struct listing_disk *out)
{
    struct key k;
    MDB_val value;
    int rc = table_get(r, T_LISTINGS, key_numbers(&k, 1, dir), &value);
    if (rc == -ENOENT) {
        memset(out, 0, sizeof *out);
        return 0;
    }
    return rc ? -EIO : value_struct(&value, out, sizeof *out);
}

static int listing_put(struct store_write *w, uint64_t dir, struct listing_disk *l, struct err *e)
{
    struct key k;
    return table_put(w, T_LISTINGS, key_numbers(&k, 1, dir), (MDB_val){sizeof *l, l}, e);
}

int store_listing(struct store_read *r, uint64_t dir, struct store_listing *out)
{
    struct listing_disk l;
    int rc = listing_get(r, dir, &l);
    *out = (struct store_listing){0};
    if (rc)
        return rc;
    *out = (struct store_listing){
        .complete_at = l.complete_at,
        .changed_ns = l.changed_ns,
        .entries = l.entries,
        .total = l.total,
        .details = l.details,
    };
    return 0;
}

static int64_t later_than(int64_t before)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    return now > before ? now : before + 1;
}

int listing_shift(struct store_write *w, uint64_t dir, int entries, int details, bool changed, struct err *e)
{
    struct listing_disk l;
    if (!dir || (!entries && !details && !changed))
        return 0;
    int rc = listing_get(&w->view, dir, &l);
    if (rc)
        return write_spoil(w, rc, "a damaged listing", e);
    l.entries += (uint64_t)entries;
    l.details += (uint64_t)details;
    if (changed)
        l.changed_ns = later_than(l.changed_ns);
    return listing_put(w, dir, &l, e);
}

int store_set_listing(struct store_write *w, uint64_t dir, int64_t complete_at, uint64_t total, struct err *e)
{
    struct listing_disk l;
    int rc = write_usable(w, e);
    if (rc)
        return rc;
    if (listing_get(&w->view, dir, &l))
        return write_spoil(w, -EIO, "a damaged listing", e);
    if (l.complete_at == complete_at && l.total == total)
        return 0;
    l.complete_at = complete_at;
    l.total = total;
    return listing_put(w, dir, &l, e);
}

/* ------------------------------------------------------------------ sweeps */

static MDB_val page_key(struct key *k, uint64_t dir, uint32_t page)
{
    uint32_t big_endian = __builtin_bswap32(page);
    key_numbers(k, 1, dir);
    memcpy(k->bytes + 8, &big_endian, 4);
    k->len = 12;
    return (MDB_val){k->len, k->bytes};
}

int store_sweep_load(struct store_read *r, uint64_t dir, struct store_sweep *out)
{
    struct key k;
    struct sweep_disk d;
    MDB_val value;
    int rc = table_get(r, T_SWEEPS, key_numbers(&k, 1, dir), &value);
    if (rc == 0)
        rc = value_struct(&value, &d, sizeof d);
    if (rc)
        return rc;
    *out = (struct store_sweep){
        .newest = d.newest, .started_at = d.started_at, .total = d.total, .pages = d.pages, .done = d.done};
    return 0;
}

/* A copy, for nothing in the map is aligned. */
int store_sweep_page(struct store_read *r, uint64_t dir, uint32_t page, const uint64_t **recs, size_t *n)
{
    struct key k;
    MDB_val value;
    int rc = table_get(r, T_SWEEPS, page_key(&k, dir, page), &value);
    if (rc)
        return rc;
    if (value.mv_size % sizeof **recs)
        return -EIO;
    free(r->page);
    r->page = malloc(value.mv_size + sizeof **recs);
    if (!r->page)
        return -ENOMEM;
    memcpy(r->page, value.mv_data, value.mv_size);
    *recs = r->page;
    *n = value.mv_size / sizeof **recs;
    return 0;
}

int store_sweep_save(struct store_write *w, uint64_t dir, const struct store_sweep *s, struct err *e)
{
    struct key k;
    struct sweep_disk d = {
        .newest = s->newest, .started_at = s->started_at, .total = s->total, .pages = s->pages, .done = s->done};
    int rc = write_usable(w, e);
    return rc ? rc : table_put(w, T_SWEEPS, key_numbers(&k, 1, dir), (MDB_val){sizeof d, &d}, e);
}

int store_sweep_save_page(struct store_write *w, uint64_t dir, uint32_t page, const uint64_t *recs, size_t n,
                          struct err *e)
{
    struct key k;
    void *to;
    size_t size = n * sizeof *recs;
    int rc = write_usable(w, e);
    if (rc == 0)
        rc = write_take(w, 6 + table_pages(w, size), e);
    if (rc == 0)
        rc = table_reserve(w, T_SWEEPS, page_key(&k, dir, page), size, &to, e);
    if (rc == 0 && size)
        memcpy(to, recs, size);
    return rc;
}

int store_sweep_forget(struct store_write *w, uint64_t dir, struct err *e)
{
    struct key prefix, k;
    MDB_val key, value;
    int rc = write_usable(w, e);
    if (rc)
        return rc;
    while ((rc = table_first(&w->view, T_SWEEPS, key_numbers(&prefix, 1, dir), &key, &value)) == 0) {
        if (key.mv_size > 12)
            return write_spoil(w, -EIO, "a damaged sweep", e);
        memcpy(k.bytes, key.mv_data, k.len = key.mv_size);
        rc = table_del(w, T_SWEEPS, (MDB_val){k.len, k.bytes}, e);
        if (rc)
            return rc;
    }
    return rc == -ENOENT ? 0 : write_spoil(w, rc, "a damaged sweep", e);
}
