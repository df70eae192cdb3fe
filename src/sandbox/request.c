/* One request as it came and the reply that is being written for it. */
#include "request.h"

#include <microhttpd.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "when.h"

static int hex_digit(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place; false on a broken escape or a NUL. */
static bool percent_decode(char *s, bool plus_is_space)
{
    char *out = s;

    for (; *s; s++) {
        if (*s == '%') {
            int high = hex_digit(s[1]), low = high < 0 ? -1 : hex_digit(s[2]);

            if (low < 0 || high * 16 + low == 0)
                return false;
            *out++ = (char)(high * 16 + low);
            s += 2;
        } else {
            *out++ = *s == '+' && plus_is_space ? ' ' : *s;
        }
    }
    *out = '\0';
    return true;
}

/* Splits "a=1&b=2" in place; the caller copies what it keeps. */
static bool next_pair(char **rest, char **key, char **value)
{
    char *item;

    do
        item = strsep(rest, "&");
    while (item && !*item);
    if (!item)
        return false;
    *key = strsep(&item, "=");
    *value = item ? item : strchr(*key, '\0');
    return true;
}

static void parse_query(struct request *rq, char *text)
{
    char *key, *value;

    while (next_pair(&text, &key, &value)) {
        if (rq->query_count == REQUEST_MAX_QUERY || !percent_decode(key, true) || !percent_decode(value, true) ||
            sb_request_query(rq, key)) {
            rq->bad_target = true;
            return;
        }
        rq->query[rq->query_count].key = sb_strdup(key);
        rq->query[rq->query_count++].value = sb_strdup(value);
    }
}

static void parse_path(struct request *rq, char *path)
{
    char *rest = path + (*path == '/');
    char *segment;

    while ((segment = strsep(&rest, "/"))) {
        if (rq->segment_count == REQUEST_MAX_SEGMENTS || !percent_decode(segment, false)) {
            rq->bad_target = true;
            return;
        }
        rq->segments[rq->segment_count++] = sb_strdup(segment);
    }
}

struct request *sb_request_new(const char *target)
{
    struct request *rq = sb_alloc(sizeof(*rq));
    char *copy = sb_strdup(target);
    char *query = strchr(copy, '?');

    rq->target = sb_strdup(target);
    rq->arrived = sb_wall();
    rq->actor = UINT32_MAX;
    if (query)
        *query++ = '\0';
    parse_path(rq, copy);
    if (query)
        parse_query(rq, query);
    free(copy);
    return rq;
}

void sb_request_free(struct request *rq)
{
    if (!rq)
        return;
    for (unsigned i = 0; i < rq->segment_count; i++)
        free(rq->segments[i]);
    for (unsigned i = 0; i < rq->query_count; i++) {
        free(rq->query[i].key);
        free(rq->query[i].value);
    }
    for (unsigned i = 0; i < rq->part_count; i++) {
        free(rq->parts[i].name);
        free(rq->parts[i].file);
        free(rq->parts[i].type);
        sb_release(&rq->parts[i].data);
    }
    free(rq->parts);
    json_decref(rq->json);
    sb_release(&rq->body);
    free(rq->target);
    free(rq);
}

const char *sb_request_header(const struct request *rq, const char *name)
{
    return rq->connection ? MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND, name) : NULL;
}

const char *sb_request_query(const struct request *rq, const char *key)
{
    for (unsigned i = 0; i < rq->query_count; i++)
        if (strcmp(rq->query[i].key, key) == 0)
            return rq->query[i].value;
    return NULL;
}

bool sb_request_has_type(const struct request *rq, const char *type)
{
    const char *given = sb_request_header(rq, "Content-Type");
    size_t len = strlen(type);

    if (!given || strncasecmp(given, type, len) != 0)
        return false;
    given += len;
    given += strspn(given, " \t");
    return *given == '\0' || *given == ';';
}

/* ---- bodies ---- */

bool sb_request_parse_json(struct request *rq)
{
    if (!rq->json && rq->body.len)
        rq->json = json_loadb(rq->body.data, rq->body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    return rq->json != NULL;
}

static struct form_part *part_add(struct request *rq, const char *name, const char *file, const char *type)
{
    struct form_part *part;

    rq->parts = sb_realloc(rq->parts, (rq->part_count + 1) * sizeof(*rq->parts));
    part = &rq->parts[rq->part_count++];
    memset(part, 0, sizeof(*part));
    part->name = sb_strdup(name);
    part->file = file ? sb_strdup(file) : NULL;
    part->type = type ? sb_strdup(type) : NULL;
    sb_add(&part->data, "", 0);
    return part;
}

const struct form_part *sb_request_part(const struct request *rq, const char *name)
{
    for (unsigned i = 0; i < rq->part_count; i++)
        if (strcmp(rq->parts[i].name, name) == 0)
            return &rq->parts[i];
    return NULL;
}

bool sb_request_parse_form(struct request *rq)
{
    char *copy, *rest, *key, *value;
    bool ok = rq->body.len == 0 || strlen(rq->body.data) == rq->body.len;

    if (!ok || rq->part_count)
        return ok;
    rest = copy = sb_strdup(rq->body.data ? rq->body.data : "");
    while (ok && next_pair(&rest, &key, &value)) {
        ok = percent_decode(key, true) && percent_decode(value, true) && !sb_request_part(rq, key);
        if (ok)
            sb_str(&part_add(rq, key, NULL, NULL)->data, value);
    }
    free(copy);
    return ok;
}

static enum MHD_Result multipart_piece(void *context, enum MHD_ValueKind kind, const char *key, const char *file,
                                       const char *type, const char *encoding, const char *data, uint64_t offset,
                                       size_t size)
{
    struct request *rq = context;

    (void)kind;
    (void)encoding;
    if (!key)
        return MHD_NO;
    if (offset == 0) {
        if (sb_request_part(rq, key))
            return MHD_NO;
        part_add(rq, key, file, type);
    }
    sb_add(&rq->parts[rq->part_count - 1].data, data, size);
    return MHD_YES;
}

bool sb_request_parse_multipart(struct request *rq)
{
    struct MHD_PostProcessor *post;
    bool ok;

    if (rq->part_count)
        return true;
    if (!sb_request_has_type(rq, "multipart/form-data") || !rq->body.len)
        return false;
    post = MHD_create_post_processor(rq->connection, 64 * 1024, multipart_piece, rq);
    if (!post)
        return false;
    ok = MHD_post_process(post, rq->body.data, rq->body.len) == MHD_YES;
    return MHD_destroy_post_processor(post) == MHD_YES && ok;
}

/* ---- replies ---- */

void sb_reply_release(struct reply *rp)
{
    sb_release(&rp->body);
    free(rp->own_type);
    json_decref(rp->headers);
    memset(rp, 0, sizeof(*rp));
}

void sb_reply_header(struct reply *rp, const char *name, const char *value)
{
    if (!rp->headers)
        rp->headers = json_object();
    json_object_set_new(rp->headers, name, json_string(value));
}

void sb_reply_json(struct reply *rp, int status, json_t *value)
{
    /* 15 digits: 71.1 goes out as 71.1 and not as 71.099999999999994. */
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    sb_reply_text(rp, status, text ? text : "null");
    free(text);
    json_decref(value);
}

void sb_reply_text(struct reply *rp, int status, const char *json_text)
{
    rp->status = status;
    sb_release(&rp->body);
    sb_str(&rp->body, json_text);
}
