/* Whatever a person may save: three documents (what was shown, what the server has by now, what was saved) with a line of
 * "===" between them, and each of them as a file's name. */
#include "fuzz_lms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *parse(const uint8_t *data, size_t size)
{
    json_t *doc;
    struct err e = {0};
    int rc = doc_parse((const char *)data, size, 1 << 20, &doc, &e);
    if (rc) {
        must_explain(rc, &e);
        return NULL;
    }
    must_read_back(doc);
    return doc;
}

static void name(const uint8_t *data, size_t size)
{
    char text[1024], stem[256], again[256];
    size = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    if (text[0]) {
        must_be_a_name("EXT-", text);
        must_be_a_name("", text);
    }
    if (doc_name_to_stem(text, stem, sizeof stem))
        return;
    char *dash = strchr(stem, '-');
    must(dash && dash[1]);
    char prefix[256];
    snprintf(prefix, sizeof prefix, "%.*s", (int)(dash + 1 - stem), stem);
    must(!doc_stem_to_name(prefix, dash + 1, again, sizeof again) && !strcmp(again, text)); /* one spelling */
}

static void save(const struct lms_provider *p, const struct lms_collection *c, const json_t *base, json_t *current,
                 const json_t *saved)
{
    json_t *delta, *merged, *changed, *again, *shown;
    struct lms_plan plan;
    struct err e = {0};

    int rc = current ? doc_check_edit(c, current, saved, "2026-03-01", &e) : doc_check(c, saved, true, "2026-03-01", &e);
    if (!rc)
        rc = doc_diff(c, base, saved, &delta, &e);
    if (rc) {
        must_explain(rc, &e);
        return;
    }
    rc = doc_apply(c, base, current, delta, &merged, &changed, &e);
    json_decref(delta);
    if (rc) {
        must_explain(rc, &e);
        return;
    }
    /* Once it is accepted and shown, saving it again is nothing. */
    shown = doc_project(c, current, merged);
    must(shown);
    must(!doc_diff(c, shown, shown, &again, &e) && json_object_size(again) == 0);
    json_decref(again);
    json_t *masked = doc_masked(c, merged);
    must(masked);
    json_decref(masked);
    struct lms_save s = {.parent_key = "U",
                         .key = current ? "5" : NULL,
                         .base = current,
                         .merged = merged,
                         .changed = changed,
                         .options = json_object_get(saved, "_options")};
    rc = p->save(c, &s, &plan, &e);
    if (rc)
        must_explain(rc, &e);
    else
        lms_plan_release(&plan);
    json_decref(shown);
    json_decref(merged);
    json_decref(changed);
}

/* What lmsfs itself showed, or made of a reply: no member but fields and `_readonly`. New reference. */
static json_t *shown_document(const struct lms_collection *c, const json_t *doc)
{
    json_t *out = json_object(), *readonly = json_object_get(doc, "_readonly");
    for (const struct lms_field *f = c->fields; f->name; f++)
        json_object_set(out, f->name, json_object_get(doc, f->name));
    json_object_set_new(out, "_readonly", json_is_object(readonly) ? json_deep_copy(readonly) : json_object());
    return out;
}

static void save_everywhere(json_t *const doc[3])
{
    static const char *const names[] = {"hownow", "synap"};
    for (size_t i = 0; i < 2; i++) {
        const struct lms_provider *p = lms_provider(names[i]);
        for (size_t j = 0; j < p->collections_n; j++) {
            const struct lms_collection *c = &p->collections[j];
            if (!c->fields)
                continue;
            json_t *base = shown_document(c, doc[0]), *current = shown_document(c, doc[1]);
            save(p, c, NULL, NULL, doc[2]);
            save(p, c, NULL, current, doc[2]);
            save(p, c, base, current, doc[2]);
            save(p, c, current, current, doc[2]);
            json_t *over = doc_overlay_row(base, current);
            must(over);
            json_decref(over);
            json_decref(base);
            json_decref(current);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *doc[3] = {NULL};
    for (int i = 0; i < 3; i++) {
        const uint8_t *end = i < 2 ? memmem(data, size, "===", 3) : NULL;
        size_t n = end ? (size_t)(end - data) : size;
        doc[i] = parse(data, n);
        name(data, n);
        data = end ? end + 3 : data + n;
        size = end ? size - n - 3 : 0;
    }
    if (json_is_object(doc[0]) && json_is_object(doc[1]) && json_is_object(doc[2]))
        save_everywhere(doc);
    for (int i = 0; i < 3; i++)
        json_decref(doc[i]);
    return 0;
}
