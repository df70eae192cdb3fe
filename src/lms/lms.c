/* lms.c — the registry of vendors, and what all of them share. */
#include "lmsfs/lms.h"
#include "lms/text.h"
#include "lms/vendors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct lms_provider *const providers[] = {&hownow_provider, &synap_provider, &learningpool_provider,
                                                       &thrive_provider, &avia_provider};

const struct lms_provider *lms_provider(const char *name)
{
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
        if (!strcmp(providers[i]->name, name))
            return providers[i];
    return NULL;
}

const struct lms_collection *lms_collection(const struct lms_provider *p, const char *name)
{
    for (size_t i = 0; i < p->collections_n; i++)
        if (!strcmp(p->collections[i].name, name))
            return &p->collections[i];
    return NULL;
}

int lms_collection_index(const struct lms_provider *p, const struct lms_collection *c)
{
    return c >= p->collections && c < p->collections + p->collections_n ? (int)(c - p->collections) : -1;
}

/* ------------------------------------------------------------------ releasing */

static void free_wiped(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

void lms_record_release(struct lms_record *r)
{
    free(r->key);
    free(r->ext);
    free(r->email);
    free(r->parent);
    json_decref(r->doc);
    *r = (struct lms_record){0};
}

void lms_page_release(struct lms_page *p)
{
    for (size_t i = 0; i < p->rows_n; i++)
        lms_record_release(&p->rows[i]);
    free(p->rows);
    for (size_t i = 0; p->spoiled_keys && i < p->spoiled; i++)
        free(p->spoiled_keys[i]);
    free(p->spoiled_keys);
    *p = (struct lms_page){0};
}

void lms_plan_release(struct lms_plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        http_request_release(&p->steps[i]);
        free(p->labels[i]);
    }
    free(p->steps);
    free(p->labels);
    json_decref(p->reached);
    *p = (struct lms_plan){0};
}

void lms_verdict_release(struct lms_verdict *v)
{
    free(v->job_id);
    free(v->key);
    lms_record_release(&v->record);
    free_wiped(v->secret);
    json_decref(v->taken);
    *v = (struct lms_verdict){0};
}

void lms_job_release(struct lms_job *j)
{
    free(j->errors);
    json_decref(j->vendor);
    *j = (struct lms_job){0};
}

void lms_token_release(struct lms_token *t)
{
    free_wiped(t->value);
    *t = (struct lms_token){0};
}

const char *lms_job_status_name(enum lms_job_status s)
{
    static const char *const names[] = {"in_progress", "completed", "completed_with_warnings", "failed"};
    return names[s];
}

/* ------------------------------------------------------------------ errors */

int lms_status_errno(int status)
{
    if (status >= 200 && status < 300)
        return 0;
    switch (status) {
    case 0:
        return -EHOSTUNREACH;
    case 400:
    case 422:
        return -EINVAL;
    case 401:
    case 403:
        return -EACCES;
    case 404:
        return -ENOENT;
    case 409:
        return -EEXIST;
    case 429:
        return -EAGAIN;
    default:
        return -EIO;
    }
}

static void join(struct text *t, const char *s)
{
    if (t->len && t->s[t->len - 1] != ' ')
        text_add(t, "; ");
    text_add(t, s);
}

/* {"email": ["has been taken", "is odd"], "name": …} → "email: has been taken; is odd; name: …" */
static void flatten(struct text *t, const json_t *value, int levels)
{
    const char *key;
    json_t *member;
    if (json_is_string(value) && *json_string_value(value))
        join(t, json_string_value(value));
    if (!levels)
        return;
    json_object_foreach((json_t *)value, key, member)
    {
        size_t before = t->len;
        join(t, key);
        text_add(t, ": ");
        size_t named = t->len;
        flatten(t, member, levels - 1);
        if (t->len == named)
            t->len = before;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        flatten(t, json_array_get(value, i), levels - 1);
}

static void vendor_words(const struct http_reply *r, struct text *t)
{
    static const char *const members[] = {"error_message",     "errors", "message", "Message",
                                          "error_description", "error",  "code"};
    json_error_t why;
    json_t *body = NULL;

    if (!r->body || text_parse(r->body, r->len, TEXT_DEPTH, &body, &why))
        return;
    for (size_t i = 0; i < sizeof members / sizeof *members && !t->len; i++)
        flatten(t, json_object_get(body, members[i]), 3);
    json_decref(body);
}

/* Runs of blanks and control characters become one blank; a character isn't cut in two. */
static void copy_words(const char *s, size_t len, char *buf, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < size; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c > 0x20 && c != 0x7f)
            buf[n++] = (char)c;
        else if (n && buf[n - 1] != ' ')
            buf[n++] = ' ';
    }
    if (n + 1 == size && len > n) { /* it may have been cut: back to the start of a character that isn't whole */
        size_t start = n;
        while (start && ((unsigned char)buf[start - 1] & 0xc0) == 0x80)
            start--;
        unsigned char lead = start ? (unsigned char)buf[start - 1] : 0;
        size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
        if (want > 1 && n - (start - 1) < want)
            n = start - 1;
    }
    while (n && buf[n - 1] == ' ')
        n--;
    buf[n] = '\0';
}

void lms_error_text(const struct http_reply *r, char *buf, size_t size)
{
    struct text t = {0};
    if (!size)
        return;
    vendor_words(r, &t);
    buf[0] = '\0';
    if (t.len && !t.failed)
        copy_words(t.s, t.len, buf, size);
    text_release(&t);
    if (buf[0])
        return;
    size_t i = 0;
    while (r->body && i < r->len && r->body[i] && strchr(" \t\r\n", r->body[i]))
        i++;
    if (!r->status)
        snprintf(buf, size, "no reply was had");
    else if (!r->body || i == r->len)
        snprintf(buf, size, "HTTP %d with an empty body", r->status);
    else if (r->body[i] == '{')
        snprintf(buf, size, "HTTP %d with a body that gives no reason", r->status);
    else
        snprintf(buf, size, "HTTP %d with a body that is not the API's%s", r->status,
                 r->body[i] == '<' ? " (text/html?)" : "");
}
