/* Synap: learning records, written as multipart forms and read as wrapped items. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "seed.h"
#include "synap.h"
#include "when.h"

#define FILE_MAX (10U << 20)

static json_t *score_json(double score)
{
    if (isnan(score))
        return json_null();
    if (score > -1e15 && score < 1e15 && score == (double)(json_int_t)score)
        return json_integer((json_int_t)score);
    return json_real(score);
}

static json_t *attr_json(const struct synap_record *r, const char *host)
{
    json_t *attr = json_deep_copy(r->attr), *value;
    long long now = sy_now_ms();
    const char *key;

    json_object_foreach(attr, key, value)
    {
        if (json_is_object(value))
            json_object_set_new(value, "url",
                                json_sprintf("%s%s/files/%s/%s?Expires=%lld&Signature=%08x",
                                             host ? "http://" : "https://", host ? host : "files.example.com", r->id,
                                             key, now / 1000 + 90, (unsigned)seed_mix((uint64_t)now, 0, 1)));
    }
    return attr;
}

json_t *sy_record_json(const struct synap_record *r, const char *host)
{
    char stamp[32];

    if (r->achieved_ms != SYNAP_NO_DATE)
        sb_stamp_ms_print(r->achieved_ms, stamp);
    return json_pack("{s:s, s:s, s:s?, s:b, s:o, s:o}", "objectId", r->id, "name", r->name, "achievedOn",
                     r->achieved_ms == SYNAP_NO_DATE ? NULL : stamp, "visibleToStudent", r->visible, "score",
                     score_json(r->score), "attr", attr_json(r, host));
}

static void answer_record(const struct request *rq, struct reply *rp, const struct synap_record *r)
{
    json_t *reply = json_pack("{s:o}", "learningRecord", sy_record_json(r, sb_request_header(rq, "Host")));

    sy_meta(reply, NULL);
    sb_reply_json(rp, 200, reply);
}

/* ---- what a form may say ---- */

struct draft {
    const char *user, *name;
    int64_t achieved_ms;
    double score;
    bool visible;
    bool has_achieved, has_score, has_visible;
};

/* The name inside "attr[name]", to be freed; NULL when it isn't that. */
static char *attr_name(const char *key)
{
    size_t len = strlen(key);

    if (strncmp(key, "attr[", 5) != 0 || len < 7 || key[len - 1] != ']')
        return NULL;
    return strndup(key + 5, len - 6);
}

static const char *file_wrong(const struct form_part *part)
{
    size_t len = strlen(part->file);

    if (len < 5 || strcasecmp(part->file + len - 4, ".pdf") != 0 || !part->type ||
        strcasecmp(part->type, "application/pdf") != 0 || strncmp(part->data.data, "%PDF-", 5) != 0)
        return "only .pdf files are supported";
    return part->data.len > FILE_MAX ? "files must be no larger than 10mb" : NULL;
}

static bool score_parse(const char *text, double *score)
{
    char *end;

    *score = strtod(text, &end);
    return end != text && !*end && isfinite(*score) && !isspace((unsigned char)*text) && !strpbrk(text, "xX");
}

/* NULL, or what is wrong with one field. */
static const char *read_part(const struct form_part *part, struct draft *d)
{
    const char *text = part->data.data;
    char *attr = attr_name(part->name);

    if (attr) {
        free(attr);
        return part->file ? file_wrong(part) : NULL;
    }
    if (part->file || strlen(text) != part->data.len)
        return "a file must be sent as attr[name]";
    if (strcmp(part->name, "userId") == 0) {
        d->user = text;
    } else if (strcmp(part->name, "name") == 0) {
        d->name = text;
        return *text ? NULL : "name must be a string";
    } else if (strcmp(part->name, "achievedOn") == 0) {
        d->has_achieved = true;
        return sb_stamp_ms_parse(text, &d->achieved_ms) ? NULL : "achievedOn must be an ISO 8601 date";
    } else if (strcmp(part->name, "score") == 0) {
        d->has_score = true;
        return score_parse(text, &d->score) ? NULL : "score must be a number";
    } else if (strcmp(part->name, "visibleToStudent") == 0) {
        d->has_visible = true;
        d->visible = strcmp(text, "true") == 0;
        return d->visible || strcmp(text, "false") == 0 ? NULL : "visibleToStudent must be a boolean";
    } else {
        return "Unrecognized key in the form";
    }
    return NULL;
}

/* The PATCH refuses in the form of its validator: a list of issues, printed into the message. */
static void refuse(struct reply *rp, bool patch, const char *field, const char *why)
{
    json_t *issues;
    char *text;

    if (!patch) {
        sy_error(rp, 400, why);
        return;
    }
    issues = json_pack("[{s:s, s:[s], s:s}]", "code", "invalid_type", "path", field, "message", why);
    text = json_dumps(issues, JSON_INDENT(2));
    sy_error(rp, 400, text);
    free(text);
    json_decref(issues);
}

static bool read_draft(const struct request *rq, struct reply *rp, struct draft *d, bool patch)
{
    memset(d, 0, sizeof(*d));
    for (unsigned i = 0; i < rq->part_count; i++) {
        const char *wrong = read_part(&rq->parts[i], d);

        if (wrong) {
            refuse(rp, patch, rq->parts[i].name, wrong);
            return false;
        }
    }
    return true;
}

static void keep_file(struct synap_record *r, const char *name, const struct buf *data)
{
    struct synap_file *f = r->files;

    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    if (!f) {
        f = sb_alloc(sizeof(*f));
        f->name = sb_strdup(name);
        f->next = r->files;
        r->files = f;
    }
    sb_release(&f->data);
    sb_add(&f->data, data->data, data->len);
}

static void apply(struct synap_record *r, const struct request *rq, const struct draft *d)
{
    if (d->name) {
        free(r->name);
        r->name = sb_strdup(d->name);
    }
    if (d->has_achieved)
        r->achieved_ms = d->achieved_ms;
    if (d->has_score)
        r->score = d->score;
    if (d->has_visible)
        r->visible = d->visible;
    for (unsigned i = 0; i < rq->part_count; i++) {
        const struct form_part *part = &rq->parts[i];
        char *name = attr_name(part->name);

        if (name && part->file) {
            keep_file(r, name, &part->data);
            json_object_set_new(r->attr, name,
                                json_pack("{s:o, s:s, s:s, s:I}", "filePath", json_sprintf("../file/%s", part->file),
                                          "fileName", part->file, "mimeType", part->type, "size",
                                          (json_int_t)part->data.len));
        } else if (name) {
            json_object_set_new(r->attr, name, json_stringn(part->data.data, part->data.len));
        }
        free(name);
    }
}

/* ---- the endpoints ---- */

void sy_record_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct synap_record *r;
    struct synap_user *u;
    struct draft d;

    if (!read_draft(rq, rp, &d, false))
        return;
    if (!d.user || !d.name) {
        refuse(rp, false, NULL, d.user ? "name must be a string" : "userId must be a string");
        return;
    }
    u = sy_by_id(sb->synap, d.user);
    if (!u) {
        sy_error(rp, 404, "Object not found.");
        return;
    }
    r = sy_record_add(sb->synap, u, d.name);
    apply(r, rq, &d);
    answer_record(rq, rp, r);
}

void sy_record_patch(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct synap_record *r = sy_record_by_id(sb->synap, rq->captured[0]);
    struct draft d;

    if (!read_draft(rq, rp, &d, true))
        return;
    if (!r || (d.user && strcmp(d.user, r->user->id) != 0)) {
        sy_error(rp, 404, "Object not found.");
        return;
    }
    apply(r, rq, &d);
    answer_record(rq, rp, r);
}

void sy_record_delete(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct synap_record *r = sy_record_by_id(sb->synap, rq->captured[0]);

    if (!r) {
        sy_error(rp, 404, "Object not found.");
        return;
    }
    sy_record_remove(sb->synap, r);
    rp->status = 204;
}

static bool count_query(const struct request *rq, const char *key, unsigned min, unsigned *value)
{
    const char *text = sb_request_query(rq, key);

    if (!text)
        return true;
    if (!*text || text[strspn(text, "0123456789")] || strlen(text) > 9)
        return false;
    *value = (unsigned)strtoul(text, NULL, 10);
    return *value >= min;
}

void sy_records_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *id = sb_request_query(rq, "userId");
    unsigned limit = 20, offset = 0, total = 0;
    struct synap_user *u;
    json_t *list, *reply;

    if (!id || !count_query(rq, "limit", 1, &limit) || !count_query(rq, "offset", 0, &offset)) {
        sy_error(rp, 400, id ? "limit and offset must be numbers" : "userId must be a string");
        return;
    }
    u = sy_by_id(sb->synap, id);
    if (!u) {
        sy_error(rp, 404, "Object Not Found");
        return;
    }
    if (limit > 100)
        limit = 100;
    list = json_array();
    for (const struct synap_record *r = u->records; r; r = r->next, total++)
        if (total >= offset && total - offset < limit)
            json_array_append_new(
                list, json_pack("{s:o}", "learningRecord", sy_record_json(r, sb_request_header(rq, "Host"))));
    reply = json_pack("{s:o}", "learningRecords", list);
    sy_meta(reply, json_pack("{s:I}", "totalCount", (json_int_t)total));
    sb_reply_json(rp, 200, reply);
}

/* ---- the files' own server ---- */

/* A seeded certificate: as long as its attribute says. */
static void print_seeded(const json_t *file, struct buf *out)
{
    json_int_t size = json_integer_value(json_object_get(file, "size"));

    sb_str(out, "%PDF-1.4\n");
    while ((json_int_t)out->len < size)
        sb_add(out, "% an invented certificate\n",
               (json_int_t)out->len + 26 > size ? (size_t)(size - (json_int_t)out->len) : 26);
}

void sy_file(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct synap_record *r = sy_record_by_id(sb->synap, rq->captured[0]);
    const char *expires = sb_request_query(rq, "Expires"), *name = rq->captured[1];
    const json_t *file = r ? json_object_get(r->attr, name) : NULL;
    bool credentials = sb_request_header(rq, "X-Api-Key") || sb_request_header(rq, "X-Syn-Org-Secret") ||
                       sb_request_header(rq, "Authorization");

    if (credentials || !expires || !sb_request_query(rq, "Signature") || strtoll(expires, NULL, 10) < sy_now_ms() / 1000) {
        sy_error(rp, 403, credentials ? "credentials have no business here" : "the signature is not good any more");
        return;
    }
    if (!json_is_object(file)) {
        sy_error(rp, 404, "no such file");
        return;
    }
    rp->status = 200;
    rp->type = rp->own_type = sb_strdup("application/pdf");
    for (const struct synap_file *f = r->files; f; f = f->next)
        if (strcmp(f->name, name) == 0) {
            sb_add(&rp->body, f->data.data, f->data.len);
            return;
        }
    print_seeded(file, &rp->body);
}
