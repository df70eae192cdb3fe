/* path.c — "hownow/users/EXT-1.json", as people say it below the mount, to what it means. */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct tenant *tenant_named(struct engine *g, const char *name)
{
    for (size_t i = 0; i < g->tenants_n; i++)
        if (!strcmp(g->tenants[i].info.conf->name, name))
            return &g->tenants[i];
    return NULL;
}

static uint64_t look(struct engine *g, uint64_t home, const char *name)
{
    uint64_t ino = 0;
    struct store_read *v = store_read_begin(g->store);
    if (!v)
        return 0;
    if (store_lookup(v, home, name, &ino))
        ino = 0;
    store_read_end(v);
    return ino_is_alias(ino) ? ino_as(ino, INO_RECORD) : ino;
}

/* The directory `word` of a tenant. 0: none. */
static uint64_t dir_named(struct tenant *t, const char *word, const struct lms_collection **c)
{
    const struct lms_provider *p = t->info.provider;
    *c = NULL;
    if (!strcmp(word, "jobs") && p->job_request)
        return ino_make(INO_JOBS, t->info.number, 0, 0);
    bool bin = !strncmp(word, "deactivated-", 12);
    *c = lms_collection(p, bin ? word + 12 : word);
    if (!*c || (*c)->kind == LMS_SINGLETON)
        return 0;
    enum ino_kind kind = lms_has_parents(*c) ? INO_PARENTS : INO_DIR; /* a bin's records live in their collection's home */
    return ino_make(kind, t->info.number, (unsigned)lms_collection_index(p, *c), 0);
}

static bool same_folder(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* Is `file` a singleton's, in that folder (NULL: the tenant's own directory)? With file NULL: is there such a folder? */
static bool has_singleton(const struct tenant *t, const char *folder, const char *file)
{
    size_t len = file ? strlen(file) : 0;
    for (size_t i = 0; i < t->info.provider->collections_n; i++) {
        const struct lms_collection *c = &t->info.provider->collections[i];
        if (c->kind == LMS_SINGLETON && same_folder(c->folder, folder) &&
            (!file ||
             (len == strlen(c->name) + 5 && !strncmp(file, c->name, len - 5) && !strcmp(file + len - 5, ".json"))))
            return true;
    }
    return false;
}

static uint64_t parent_dir(struct tenant *t, const struct lms_collection *c, const char *word)
{
    char name[300];
    uint64_t home = home_of_parents(t, c), parent = 0;
    struct err ignored;
    if (snprintf(name, sizeof name, "%s.json", word) < 256 && !(parent = look(t->engine, home, name)) &&
        c->parent_is_word && word_make(t, home, name, false, &parent, &ignored))
        parent = 0;
    return parent
               ? ino_make(INO_DIR, t->info.number, (unsigned)lms_collection_index(t->info.provider, c), ino_rec(parent))
               : 0;
}

int path_resolve(struct engine *g, const char *path, uint64_t *home, char name[256], uint64_t *ino, struct err *e)
{
    char copy[4096], *save = NULL, *words[5];
    size_t n = 0;
    const struct lms_collection *c = NULL;
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return err_set(e, -ENAMETOOLONG, "the path is too long");
    for (char *w = strtok_r(copy, "/", &save); w && n < 5; w = strtok_r(NULL, "/", &save))
        words[n++] = w;
    *home = *ino = 0;
    name[0] = '\0';
    struct tenant *t = n ? tenant_named(g, words[0]) : NULL;
    if (!t)
        return err_set(e, -ENOENT, "%.200s: no such tenant", n ? words[0] : "/");
    *home = ino_make(INO_TENANT, t->info.number, 0, 0);
    if (n == 1)
        return 0;
    uint64_t dir = dir_named(t, words[1], &c);
    const char *folder = !dir && has_singleton(t, words[1], NULL) ? words[1] : NULL;
    if (folder && n == 2)
        return 0;
    if (!dir && n == (folder ? 3 : 2)) { /* a singleton */
        snprintf(name, 256, "%s", words[n - 1]);
        *ino = has_singleton(t, folder, name) ? look(g, *home, name) : 0;
        return *ino ? 0 : err_set(e, -ENOENT, "%.200s: nothing by that name is known", path);
    }
    size_t at = 2;
    if (dir && c && ino_kind(dir) == INO_PARENTS && n > 2)
        dir = parent_dir(t, c, words[at++]);
    size_t len = n > at ? strlen(words[at]) : 0;
    if (dir && n == at + 2 && c && c->files && len > 6 && !strcmp(words[at] + len - 6, ".files")) { /* a file of a record */
        snprintf(name, 256, "%.*s.json", (int)len - 6, words[at]);
        *home = dir;
        *ino = look(g, dir, name);
        return *ino ? 0 : err_set(e, -ENOENT, "%.200s: no record by that name is known", path);
    }
    if (!dir || n > at + 1)
        return err_set(e, -ENOENT, "%.200s: no such directory", path);
    *home = dir;
    if (n == at)
        return 0;
    snprintf(name, 256, "%s", words[at]);
    *ino = look(g, dir, name);
    return 0;
}

/* The name that a parent's directory has: its record's, without the ending. "" where it has none, or isn't known. */
static void parent_name(struct engine *g, uint64_t home, char name[256])
{
    uint64_t ino = parent_ino(g, home);
    struct store_read *v = ino ? store_read_begin(g->store) : NULL;
    struct store_record rec;
    name[0] = '\0';
    if (v && store_get(v, ino, &rec) == 0 && strlen(rec.name) > 5)
        snprintf(name, 256, "%.*s", (int)strlen(rec.name) - 5, rec.name); /* all end in ".json" */
    if (v)
        store_read_end(v);
}

void path_tell(struct tenant *t, uint64_t home, const char *name, char path[PATH_TOLD])
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    char parent[256];
    parent_name(t->engine, home, parent);
    snprintf(path, PATH_TOLD, "%s/%s/%s%s%s", t->info.conf->name, c ? c->name : "", parent, parent[0] ? "/" : "",
             name ? name : "");
}
