/* tree.c — the part of the tree that no record makes. */
#include "tree.h"
#include "ops.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ numbers */

#define CASE_BIT  (1ull << 56) /* of a refused save's numbers, in INO_FIXED: n, and which of the three */
#define CASE_WHAT 16

uint64_t tree_rejected(uint64_t ino)
{
    return ino_kind(ino) == INO_FIXED && (ino & CASE_BIT) ? (ino & ~CASE_BIT) / CASE_WHAT : 0;
}

uint64_t tree_rejected_ino(uint64_t n, enum control what)
{
    return CASE_BIT | (n * CASE_WHAT + what);
}

enum control tree_control(uint64_t ino)
{
    static const enum control fixed[] = {[INO_STATUS] = CONTROL_STATUS,
                                         [INO_AUDIT] = CONTROL_AUDIT,
                                         [INO_PENDING] = CONTROL_PENDING,
                                         [INO_REJECTED] = CONTROL_REJECTED,
                                         [INO_METRICS] = CONTROL_METRICS};
    if (tree_rejected(ino))
        return (enum control)(ino % CASE_WHAT);
    return ino < sizeof fixed / sizeof fixed[0] ? fixed[ino] : CONTROL_NONE;
}

const struct tenant_info *tree_tenant(const struct mount *m, uint64_t ino)
{
    enum ino_kind k = ino_kind(ino);
    if (k == INO_FIXED || k == INO_SCRATCH || k == INO_SHADOW)
        return NULL;
    return engine_tenant_numbered(m->engine, ino_tenant(ino));
}

static bool has_collection(enum ino_kind k)
{
    return k == INO_DIR || k == INO_BIN || k == INO_PARENTS || k == INO_RECORD ||
           (k >= INO_ALIAS_ID && k <= INO_ALIAS_NEW);
}

const struct lms_collection *tree_collection(const struct mount *m, uint64_t ino)
{
    const struct tenant_info *t = tree_tenant(m, ino);
    if (!t || !has_collection(ino_kind(ino)) || ino_coll(ino) >= t->provider->collections_n)
        return NULL;
    return &t->provider->collections[ino_coll(ino)];
}

static bool same_folder(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static unsigned folder_first(const struct lms_provider *p, const char *folder)
{
    unsigned i = 0;
    while (!same_folder(p->collections[i].folder, folder))
        i++;
    return i;
}

/* A folder has the number of the first of its collections, and one. The name of the folder; NULL: it is the tenant itself, or nothing. */
static const char *folder_name(const struct mount *m, uint64_t ino)
{
    const struct tenant_info *t = ino_kind(ino) == INO_TENANT && ino_rec(ino) ? tree_tenant(m, ino) : NULL;
    if (!t || ino_rec(ino) > t->provider->collections_n)
        return NULL;
    const char *folder = t->provider->collections[ino_rec(ino) - 1].folder;
    return folder && folder_first(t->provider, folder) == ino_rec(ino) - 1 ? folder : NULL;
}

bool tree_folder(const struct tenant_info *t, unsigned i, uint64_t *ino)
{
    for (unsigned k = 0; k < t->provider->collections_n; k++) {
        const char *folder = t->provider->collections[k].folder;
        if (folder && folder_first(t->provider, folder) == k && i-- == 0) {
            *ino = ino_make(INO_TENANT, t->number, 0, k + 1);
            return true;
        }
    }
    return false;
}

bool tree_is_dir(uint64_t ino)
{
    switch (ino_kind(ino)) {
    case INO_SEARCH:
        return search_is_dir(ino);
    case INO_FILE:
        return file_is_dir(ino);
    case INO_FIXED:
        return ino == INO_ROOT || ino == INO_CONTROL || ino == INO_REJECTED || tree_control(ino) == CONTROL_CASE;
    case INO_TENANT:
    case INO_DIR:
    case INO_BIN:
    case INO_JOBS:
    case INO_PARENTS:
        return true;
    default:
        return false;
    }
}

bool tree_is_record_dir(uint64_t ino)
{
    return ino_kind(ino) == INO_DIR || ino_kind(ino) == INO_BIN;
}

bool tree_exists(const struct mount *m, uint64_t ino)
{
    switch (ino_kind(ino)) {
    case INO_SEARCH:
        return search_exists(m, ino);
    case INO_FILE:
        return file_exists(m, ino);
    case INO_FIXED:
        return (ino >= INO_ROOT && ino <= INO_METRICS) || tree_rejected(ino);
    case INO_TENANT:
        return ino_rec(ino) ? folder_name(m, ino) != NULL : tree_tenant(m, ino) != NULL;
    case INO_JOBS:
        return tree_tenant(m, ino) != NULL;
    case INO_DIR:
    case INO_BIN:
    case INO_PARENTS:
        return tree_collection(m, ino) != NULL;
    default:
        return false;
    }
}

uint64_t tree_parent(const struct mount *m, uint64_t ino)
{
    switch (ino_kind(ino)) {
    case INO_SEARCH:
        return search_parent(ino);
    case INO_FILE:
        return file_parent(m, ino);
    case INO_FIXED:
        return tree_rejected(ino) ? INO_REJECTED : ino == INO_REJECTED ? INO_CONTROL : INO_ROOT;
    case INO_TENANT:
        if (!ino_rec(ino))
            return INO_ROOT;
        break;
    case INO_DIR:
        if (ino_rec(ino))
            return ino_make(INO_PARENTS, ino_tenant(ino), ino_coll(ino), 0);
        break;
    case INO_BIN:
    case INO_JOBS:
    case INO_PARENTS:
        break;
    default:
        return INO_ROOT;
    }
    return tree_tenant(m, ino) ? ino_make(INO_TENANT, ino_tenant(ino), 0, 0) : INO_ROOT;
}

uint64_t tree_home(uint64_t dir)
{
    if (ino_kind(dir) == INO_TENANT)
        return ino_make(INO_TENANT, ino_tenant(dir), 0, 0);
    return ino_kind(dir) == INO_BIN ? ino_as(dir, INO_DIR) : dir;
}

uint64_t tree_home_of_parents(const struct mount *m, uint64_t parents)
{
    const struct lms_collection *c = tree_collection(m, parents);
    const struct tenant_info *t = tree_tenant(m, parents);
    const struct lms_collection *parent = !c                  ? NULL
                                          : c->parent_is_word ? c
                                          : c->parent         ? lms_collection(t->provider, c->parent)
                                                              : NULL;
    int i = parent ? lms_collection_index(t->provider, parent) : -1;
    return i < 0 ? 0 : ino_make(INO_DIR, ino_tenant(parents), (unsigned)i, 0);
}

uint64_t tree_dir_of_parent(uint64_t parents, uint64_t parent_record)
{
    return ino_make(INO_DIR, ino_tenant(parents), ino_coll(parents), ino_rec(parent_record));
}

uint64_t tree_record_of_parent(const struct mount *m, uint64_t dir_or_alias)
{
    uint64_t home = tree_home_of_parents(m, dir_or_alias);
    return home ? ino_make(INO_RECORD, ino_tenant(home), ino_coll(home), ino_rec(dir_or_alias)) : 0;
}

/* ------------------------------------------------------------------ entries */

static bool entry(struct tree_entry *out, uint64_t ino, bool dir, const char *before, const char *name, const char *after)
{
    *out = (struct tree_entry){.ino = ino, .dir = dir};
    snprintf(out->name, sizeof out->name, "%s%s%s", before, name, after);
    return true;
}

static bool singleton_entry(const struct lms_collection *c, unsigned index, struct tree_entry *out)
{
    entry(out, 0, false, "", c->name, ".json");
    out->collection = index;
    return true;
}

static bool folder_nth(const struct lms_provider *p, const char *folder, unsigned i, struct tree_entry *out)
{
    for (unsigned k = 0; k < p->collections_n; k++)
        if (same_folder(p->collections[k].folder, folder) && i-- == 0)
            return singleton_entry(&p->collections[k], k, out);
    return false;
}

/* A collection has one entry in its tenant's directory, or two: its bin. Those of a folder have one together. */
static bool collection_entry(const struct tenant_info *info, const struct lms_collection *c, unsigned index, bool bin,
                             struct tree_entry *out)
{
    unsigned t = info->number;
    if (bin)
        return c->kind != LMS_SINGLETON && !lms_has_parents(c) && (c->can & LMS_DEACTIVATE) &&
               entry(out, ino_make(INO_BIN, t, index, 0), true, "deactivated-", c->name, "");
    if (c->folder)
        return folder_first(info->provider, c->folder) == index &&
               entry(out, ino_make(INO_TENANT, t, 0, index + 1), true, "", c->folder, "");
    if (c->kind == LMS_SINGLETON)
        return singleton_entry(c, index, out);
    return entry(out, ino_make(lms_has_parents(c) ? INO_PARENTS : INO_DIR, t, index, 0), true, "", c->name, "");
}

static bool tenant_nth(const struct mount *m, uint64_t dir, unsigned i, struct tree_entry *out)
{
    const struct tenant_info *t = tree_tenant(m, dir);
    if (!t)
        return false;
    if (ino_rec(dir))
        return folder_name(m, dir) && folder_nth(t->provider, folder_name(m, dir), i, out);
    for (unsigned k = 0; k < t->provider->collections_n; k++)
        for (int bin = 0; bin < 2; bin++)
            if (collection_entry(t, &t->provider->collections[k], k, bin, out) && i-- == 0)
                return true;
    if (t->provider->job_request && i-- == 0)
        return entry(out, ino_make(INO_JOBS, ino_tenant(dir), 0, 0), true, "", "jobs", "");
    return t->provider->search_request && i == 0 && entry(out, search_root(ino_tenant(dir)), true, "", "search", "");
}

static bool control_nth(uint64_t dir, unsigned i, struct tree_entry *out)
{
    static const struct {
        uint64_t ino;
        const char *name;
    } files[] = {{INO_STATUS, "status.json"},
                 {INO_AUDIT, "audit.jsonl"},
                 {INO_PENDING, "pending.json"},
                 {INO_REJECTED, "rejected"},
                 {INO_METRICS, "metrics"}};
    uint64_t n = tree_rejected(dir);
    if (dir == INO_CONTROL)
        return i < sizeof files / sizeof files[0] &&
               entry(out, files[i].ino, files[i].ino == INO_REJECTED, "", files[i].name, "");
    if (tree_control(dir) != CONTROL_CASE)
        return false;
    return (i == 0 && entry(out, tree_rejected_ino(n, CONTROL_DOCUMENT), false, "", "document.json", "")) ||
           (i == 1 && entry(out, tree_rejected_ino(n, CONTROL_REASON), false, "", "reason.json", ""));
}

bool tree_nth(const struct mount *m, uint64_t dir, unsigned i, struct tree_entry *out)
{
    if (dir == INO_ROOT) {
        const struct tenant_info *t = i < engine_tenants(m->engine) ? engine_tenant(m->engine, i) : NULL;
        return t && entry(out, ino_make(INO_TENANT, t->number, 0, 0), true, "", t->conf->name, "");
    }
    if (ino_kind(dir) == INO_FIXED)
        return control_nth(dir, i, out);
    return ino_kind(dir) == INO_TENANT && tenant_nth(m, dir, i, out);
}

int tree_find(const struct mount *m, uint64_t dir, const char *name, struct tree_entry *out)
{
    if (dir == INO_ROOT && strcmp(name, ".lmsfs") == 0) {
        entry(out, INO_CONTROL, true, "", name, "");
        return 0;
    }
    for (unsigned i = 0; tree_nth(m, dir, i, out); i++)
        if (strcmp(out->name, name) == 0)
            return 0;
    return -ENOENT;
}

/* ------------------------------------------------------------------ names */

static bool starts(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

/* Cut names end in "~" and 16 digits of a hash: doc_name_to_stem can't read them, the store knows them. */
static bool was_cut(const char *name, size_t len)
{
    return len >= 250 && name[len - 22] == '~' && strspn(name + len - 21, "0123456789abcdef") == 16;
}

enum name_kind name_kind(const char *name)
{
    static const struct {
        const char *prefix;
        enum name_kind kind;
    } prefixes[] = {{"EXT-", NAME_EXT}, {"ID-", NAME_ID}, {"EMAIL-", NAME_EMAIL}, {"SSN-", NAME_SECRET}};
    char stem[256];
    size_t len = strlen(name);
    if (name[0] == '.' || len < 5 || strcmp(name + len - 5, ".json") != 0)
        return NAME_SCRATCH;
    if (strcmp(name, "new.json") == 0 || (starts(name, "new-") && len > strlen("new-.json")))
        return NAME_NEW;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (starts(name, prefixes[i].prefix) && (was_cut(name, len) || doc_name_to_stem(name, stem, sizeof stem) == 0))
            return prefixes[i].kind;
    return NAME_REFUSED;
}

bool tree_holds_words(const struct mount *m, uint64_t home)
{
    const struct lms_collection *c = tree_collection(m, home);
    return c && c->parent_is_word && ino_kind(home) == INO_DIR && !ino_rec(home);
}

enum name_kind name_kind_in(const struct mount *m, uint64_t dir, const char *name)
{
    const struct lms_collection *c = tree_collection(m, dir);
    size_t len = strlen(name);
    char key[256];
    if (!tree_holds_words(m, dir) && (!c || !c->plain_names))
        return name_kind(name);
    if (name[0] == '.' || len < 6 || len > 255 || strcmp(name + len - 5, ".json") != 0)
        return NAME_SCRATCH;
    return was_cut(name, len) || doc_name_to_key(name, key, sizeof key) == 0 ? NAME_PLAIN : NAME_REFUSED;
}

bool may_update(const struct lms_collection *c)
{
    return c && c->fields && (c->can & (LMS_UPDATE | LMS_UPSERT));
}

bool may_create(const struct lms_collection *c, enum name_kind kind)
{
    if (!c || !c->fields || !(c->can & (LMS_CREATE | LMS_UPSERT)))
        return false;
    switch (kind) {
    case NAME_EXT:
        return c->ext_prefix != NULL;
    case NAME_ID:
        return !(c->can & LMS_SERVER_ID) && !c->ext_prefix; /* else an id is the server's to give */
    case NAME_PLAIN:
        return !(c->can & LMS_SERVER_ID);
    case NAME_NEW:
        return c->kind != LMS_WRITE_ONLY && (c->can & (LMS_SERVER_ID | LMS_UPSERT)) != 0;
    default:
        return false;
    }
}
