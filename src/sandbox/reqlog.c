/* What was asked, in order: a bounded ring that tests read to see what a client really sent. */
#include "reqlog.h"

#include <stdlib.h>
#include <string.h>

#include "request.h"

#define RING      200000
#define BODY_ROOM (64 * 1024)

struct entry {
    uint64_t seq;
    double time;
    int status;
    size_t bytes_out;
    char method[16];
    char *target, *user, *body; /* body is JSON text, NULL when there was none */
};

struct reqlog {
    struct entry *ring;
    uint64_t next;  /* sequence number of the next entry, from 1; never reset */
    uint64_t first; /* the oldest kept */
};

struct reqlog *reqlog_new(void)
{
    struct reqlog *log = sb_alloc(sizeof(*log));

    log->ring = sb_alloc(RING * sizeof(*log->ring));
    log->next = log->first = 1;
    return log;
}

static void entry_clear(struct entry *e)
{
    free(e->target);
    free(e->user);
    free(e->body);
    memset(e, 0, sizeof(*e));
}

void reqlog_clear(struct reqlog *log)
{
    for (; log->first < log->next; log->first++)
        entry_clear(&log->ring[log->first % RING]);
}

void reqlog_free(struct reqlog *log)
{
    if (!log)
        return;
    reqlog_clear(log);
    free(log->ring);
    free(log);
}

/* ---- bodies ---- */

static bool is_secret(const char *key)
{
    return strcmp(key, "client_secret") == 0 || strcmp(key, "password") == 0 || strcmp(key, "user_pass") == 0;
}

static void mask(json_t *value)
{
    const char *key;
    json_t *inner;
    size_t i;

    json_object_foreach(value, key, inner)
    {
        if (is_secret(key))
            json_object_set_new(value, key, json_string("***"));
        else
            mask(inner);
    }
    json_array_foreach(value, i, inner)
    {
        mask(inner);
    }
}

static json_t *text_value(const char *bytes, size_t len)
{
    json_t *text;

    for (size_t cut = len < BODY_ROOM ? len : BODY_ROOM, tries = 0; tries < 4 && cut >= tries; tries++) {
        text = json_stringn(bytes, cut - tries); /* the cap may fall into the middle of a character */
        if (text)
            return text;
    }
    return json_sprintf("(%zu bytes that are not UTF-8)", len);
}

static json_t *form_value(const struct request *rq)
{
    json_t *form = json_object();

    for (unsigned i = 0; i < rq->part_count; i++) {
        const struct form_part *part = &rq->parts[i];
        json_t *value;

        if (is_secret(part->name))
            value = json_string("***");
        else if (part->file)
            value = json_pack("{s:s, s:s?, s:I}", "filename", part->file, "content_type", part->type, "size",
                              (json_int_t)part->data.len);
        else
            value = text_value(part->data.data, part->data.len);
        json_object_set_new(form, part->name, value);
    }
    return form;
}

static json_t *body_value(struct request *rq)
{
    json_t *copy;

    if (!rq->body.len)
        return NULL;
    if (sb_request_has_type(rq, "multipart/form-data") && sb_request_parse_multipart(rq))
        return form_value(rq);
    if (sb_request_has_type(rq, "application/x-www-form-urlencoded") && sb_request_parse_form(rq))
        return form_value(rq);
    if (rq->body.len > BODY_ROOM || !sb_request_parse_json(rq))
        return strstr(rq->body.data, "client_secret") || strstr(rq->body.data, "password")
                   ? json_string("***")
                   : text_value(rq->body.data, rq->body.len);
    copy = json_deep_copy(rq->json);
    mask(copy);
    return copy;
}

void reqlog_add(struct reqlog *log, struct request *rq, const struct reply *rp)
{
    struct entry *e;
    const char *user = sb_request_header(rq, "X-User-Id");
    json_t *body = body_value(rq);

    if (log->next - log->first == RING)
        entry_clear(&log->ring[log->first++ % RING]);
    e = &log->ring[log->next % RING];
    e->seq = log->next++;
    e->time = rq->arrived;
    e->status = rp->status;
    e->bytes_out = rp->status ? rp->body.len : 0;
    memcpy(e->method, rq->method, sizeof(e->method));
    e->target = sb_strdup(rq->target);
    e->user = user ? sb_strdup(user) : NULL;
    e->body = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(body);
}

/* ---- reading ---- */

static void entry_print(const struct entry *e, struct buf *out)
{
    sb_printf(out, "{\"seq\":%llu,\"time\":%.6f,\"method\":", (unsigned long long)e->seq, e->time);
    sb_json(out, e->method);
    sb_str(out, ",\"path\":");
    sb_json(out, e->target);
    sb_printf(out, ",\"status\":%d,\"user\":", e->status);
    sb_json(out, e->user);
    sb_str(out, ",\"body\":");
    sb_str(out, e->body ? e->body : "null");
    sb_printf(out, ",\"bytes_out\":%zu}", e->bytes_out);
}

void reqlog_print(const struct reqlog *log, struct buf *out, const char *path, const char *method, uint64_t since,
                  uint64_t limit)
{
    struct buf list = {0};
    uint64_t count = 0, from = since + 1 > log->first ? since + 1 : log->first;

    for (uint64_t seq = from; seq < log->next; seq++) {
        const struct entry *e = &log->ring[seq % RING];

        if ((path && !strstr(e->target, path)) || (method && strcmp(method, e->method) != 0))
            continue;
        if (count++ >= limit)
            continue;
        sb_str(&list, list.len ? ",\n" : "\n");
        entry_print(e, &list);
    }
    sb_printf(out, "{\"count\":%llu,\"total\":%llu,\"requests\":[", (unsigned long long)count,
              (unsigned long long)(log->next - 1));
    sb_add(out, list.data ? list.data : "", list.len);
    sb_str(out, "]}\n");
    sb_release(&list);
}
