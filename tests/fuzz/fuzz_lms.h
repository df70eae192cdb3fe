/* What must hold of every record that a vendor's file makes of a reply, whatever the reply was. */
#ifndef FUZZ_LMS_H
#define FUZZ_LMS_H

#include "lmsfs/doc.h"
#include "lmsfs/lms.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define must(x)                                                                   \
    do {                                                                          \
        if (!(x)) {                                                               \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x); \
            abort();                                                              \
        }                                                                         \
    } while (0)

static inline void must_read_back(const json_t *doc)
{
    char *a, *b;
    size_t a_len, b_len;
    json_t *again;
    struct err e;
    must(!doc_print(doc, &a, &a_len));
    must(!doc_parse(a, a_len, SIZE_MAX, &again, &e));
    must(doc_equal(doc, again));
    must(!doc_print(again, &b, &b_len));
    must(a_len == b_len && !memcmp(a, b, a_len));
    json_decref(again);
    free(a);
    free(b);
}

static inline void must_be_a_name(const char *prefix, const char *id)
{
    char name[256], stem[256];
    must(!doc_stem_to_name(prefix, id, name, sizeof name));
    must(!strchr(name, '/') && name[0] != '.' && strlen(name) <= 255);
    if (!doc_name_to_stem(name, stem, sizeof stem))
        must(!strncmp(stem, prefix, strlen(prefix)) && !strcmp(stem + strlen(prefix), id));
}

/* Saving a document as it was shown is no change and no request. */
static inline void must_save_to_nothing(const struct lms_provider *p, const struct lms_collection *c,
                                        struct lms_record *r)
{
    json_t *delta, *merged, *changed;
    struct lms_plan plan;
    struct err e = {0};
    must(!doc_diff(c, r->doc, r->doc, &delta, &e));
    must(json_object_size(delta) == 0);
    must(!doc_apply(c, r->doc, r->doc, delta, &merged, &changed, &e));
    must(json_array_size(changed) == 0);
    must(!doc_check_edit(c, r->doc, r->doc, "2026-03-01", &e));
    struct lms_save s = {
        .parent_key = c->parent ? "U" : NULL, .key = r->key, .base = r->doc, .merged = merged, .changed = changed};
    must(!p->save(c, &s, &plan, &e));
    must(plan.n == 0);
    json_t *shown = doc_project(c, r->doc, merged);
    must(shown && doc_equal(shown, r->doc));
    json_decref(shown);
    json_decref(delta);
    json_decref(merged);
    json_decref(changed);
}

static inline void must_be_a_record(const struct lms_provider *p, const struct lms_collection *c, struct lms_record *r)
{
    must(r->key && *r->key && json_is_object(r->doc));
    must_be_a_name("ID-", r->key);
    if (r->ext)
        must_be_a_name("EXT-", r->ext);
    must(!r->ext || *r->ext);
    must(!doc_finish(c, r->doc, true));
    must_read_back(r->doc);
    if (c->fields)
        must_save_to_nothing(p, c, r);
}

static inline void must_explain(int rc, const struct err *e)
{
    must(rc < 0 && e->code == rc && e->text[0]);
}

/* Every reader of a vendor on one body. */
static inline void read_everything(const struct lms_provider *p, const struct http_reply *r, const char *const *stems)
{
    for (size_t i = 0; i < p->collections_n; i++) {
        const struct lms_collection *c = &p->collections[i];
        struct lms_page page;
        struct lms_record record;
        struct lms_verdict verdict;
        struct err e = {0};
        int rc = p->list_reply(c, "U", r, &page, &e);
        if (rc)
            must_explain(rc, &e);
        else
            must(page.rows_n + page.spoiled <= c->page_size && (!page.spoiled || page.spoiled_by.text[0]));
        for (size_t j = 0; !rc && j < page.rows_n; j++)
            must_be_a_record(p, c, &page.rows[j]);
        if (!rc)
            lms_page_release(&page);
        for (size_t j = 0; stems[j] && c->kind != LMS_WRITE_ONLY; j++) { /* those the API never reads */
            rc = p->get_reply(c, "U", c->kind == LMS_SINGLETON ? NULL : stems[j], r, &record, &e);
            if (rc) {
                must_explain(rc, &e);
                continue;
            }
            must_be_a_record(p, c, &record);
            lms_record_release(&record);
        }
        for (int step = 0; step < 2; step++) {
            struct lms_save s = {.parent_key = "U", .key = step ? "5" : NULL};
            rc = p->saved(c, &s, 0, r, &verdict, &e);
            if (rc)
                must_explain(rc, &e);
            else
                lms_verdict_release(&verdict);
        }
    }
    char words[64];
    lms_error_text(r, words, sizeof words);
    must(words[0] && strlen(words) < sizeof words);
}

#endif
