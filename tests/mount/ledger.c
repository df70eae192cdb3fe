/* ledger — a ledger or a cache as another lmsfs would have left it: reads and writes the LMDB tables themselves.
 *
 *   ledger load DIR <FILE      makes DIR and what FILE says: TABLE KEY VALUE, a line each; TABLE alone is an empty table
 *   ledger dump DIR            the same, on standard output
 *   ledger number DIR KEY N    "meta"'s KEY becomes the 32-bit number N
 *   ledger text DIR KEY TEXT   "meta"'s KEY becomes TEXT
 *   ledger table DIR NAME      a table more, with one entry
 *
 * A KEY or VALUE is text, or hexadecimal digits after "x:".
 */
#include <ctype.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "ledger: %s: %s\n", what, mdb_strerror(rc));
    exit(1);
}

static MDB_env *opened(const char *dir)
{
    MDB_env *env;
    must(mdb_env_create(&env), "create");
    must(mdb_env_set_mapsize(env, 4ull << 30), "map");
    must(mdb_env_set_maxdbs(env, 32), "tables");
    must(mdb_env_open(env, dir, 0, 0600), dir);
    return env;
}

/* In place: what "x:" begins becomes the bytes it means. */
static MDB_val bytes_of(char *text)
{
    size_t n = 0;
    unsigned byte;
    if (strncmp(text, "x:", 2) != 0)
        return (MDB_val){strlen(text), text};
    for (const char *at = text + 2; sscanf(at, "%2x", &byte) == 1; at += 2)
        text[n++] = (char)byte;
    return (MDB_val){n, text};
}

static void print_bytes(const MDB_val *v)
{
    const unsigned char *p = v->mv_data;
    size_t plain = 0;
    while (plain < v->mv_size && (isprint(p[plain]) || (plain > 2 && *p == 0x7b && p[plain] >= 0x80)))
        plain++;
    if (v->mv_size && plain == v->mv_size) {
        printf("%.*s", (int)v->mv_size, (const char *)p);
        return;
    }
    printf("x:");
    for (size_t i = 0; i < v->mv_size; i++)
        printf("%02x", p[i]);
}

static void load(const char *dir)
{
    char *line = NULL;
    size_t size = 0;
    MDB_txn *txn;
    mkdir(dir, 0700);
    MDB_env *env = opened(dir);
    must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    while (getline(&line, &size, stdin) > 0) {
        MDB_dbi table;
        line[strcspn(line, "\n")] = '\0';
        char *rest = line, *name = strsep(&rest, "\t"), *key = strsep(&rest, "\t");
        if (!*name || *name == '#')
            continue;
        must(mdb_dbi_open(txn, name, MDB_CREATE, &table), name);
        if (!key)
            continue;
        MDB_val k = bytes_of(key), v = rest ? bytes_of(rest) : (MDB_val){0, NULL};
        must(mdb_put(txn, table, &k, &v, 0), name);
    }
    must(mdb_txn_commit(txn), "commit");
    free(line);
    mdb_env_close(env);
}

static void dump(const char *dir)
{
    MDB_txn *txn;
    MDB_dbi names, table;
    MDB_cursor *each, *cursor;
    MDB_val name, key, value;
    MDB_env *env = opened(dir);
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
    must(mdb_dbi_open(txn, NULL, 0, &names), "names");
    must(mdb_cursor_open(txn, names, &each), "cursor");
    while (mdb_cursor_get(each, &name, &value, MDB_NEXT) == 0) {
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)name.mv_size, (const char *)name.mv_data);
        must(mdb_dbi_open(txn, text, 0, &table), text);
        must(mdb_cursor_open(txn, table, &cursor), text);
        puts(text);
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            printf("%s\t", text);
            print_bytes(&key);
            putchar('\t');
            print_bytes(&value);
            putchar('\n');
        }
        mdb_cursor_close(cursor);
    }
    mdb_cursor_close(each);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

static void put(const char *dir, const char *name, MDB_val key, MDB_val value)
{
    MDB_txn *txn;
    MDB_dbi table;
    MDB_env *env = opened(dir);
    must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    must(mdb_dbi_open(txn, name, MDB_CREATE, &table), name);
    must(mdb_put(txn, table, &key, &value, 0), name);
    must(mdb_txn_commit(txn), "commit");
    mdb_env_close(env);
}

int main(int argc, char **argv)
{
    const char *act = argc > 2 ? argv[1] : "", *dir = argv[2];
    if (!strcmp(act, "load") && argc == 3) {
        load(dir);
    } else if (!strcmp(act, "dump") && argc == 3) {
        dump(dir);
    } else if (!strcmp(act, "number") && argc == 5) {
        uint32_t n = (uint32_t)strtoul(argv[4], NULL, 10);
        put(dir, "meta", (MDB_val){strlen(argv[3]), argv[3]}, (MDB_val){sizeof n, &n});
    } else if (!strcmp(act, "text") && argc == 5) {
        put(dir, "meta", (MDB_val){strlen(argv[3]), argv[3]}, (MDB_val){strlen(argv[4]), argv[4]});
    } else if (!strcmp(act, "table") && argc == 4) {
        put(dir, argv[3], (MDB_val){3, "key"}, (MDB_val){5, "value"});
    } else {
        fputs("usage: ledger load|dump DIR; ledger number|text DIR KEY VALUE; ledger table DIR NAME\n", stderr);
        return 2;
    }
    return 0;
}
