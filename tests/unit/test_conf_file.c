/* What the configuration file may say, and the sentence for everything it may not. */
#include "lmsfs/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_NAME "lmsfs.conf"
#define TENANT    "[t]\nprovider = hownow\nregion = eu\nclient_id = a\nclient_secret = b\n"

/* Tests run in a folder of their own, so that messages name the file as "lmsfs.conf". */
static char dir[] = "/tmp/lmsfs-conf-XXXXXX";
static char data_dir[4096];

static int group_setup(void **state)
{
    (void)state;
    char here[3000];
    if (!getcwd(here, sizeof here))
        return -1;
    snprintf(data_dir, sizeof data_dir, "%s/tests/data/conf", here);
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    unlink(FILE_NAME);
    return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void write_file(const char *text, size_t len, mode_t mode)
{
    unlink(FILE_NAME);
    int fd = open(FILE_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int load_text(const char *text, struct conf *c, struct err *e)
{
    write_file(text, strlen(text), 0600);
    return conf_load(FILE_NAME, c, e);
}

static void copy_data(const char *name)
{
    char path[5000], text[8192];
    snprintf(path, sizeof path, "%s/%s", data_dir, name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    write_file(text, n, 0600);
}

static void load_ok(const char *text, struct conf *c)
{
    struct err e = {0};
    int rc = load_text(text, c, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(rc, 0);
}

/* ---- what is read ---- */

static void test_every_key_reaches_its_member(void **state)
{
    (void)state;
    struct conf c;
    struct err e = {0};
    copy_data("complete.conf");
    int rc = conf_load(FILE_NAME, &c, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(rc, 0);
    assert_string_equal(c.path, FILE_NAME);
    assert_string_equal(c.cache_dir, "/srv/lmsfs/cache");
    assert_int_equal(c.max_document, 2 << 20);
    assert_int_equal(c.max_scratch, 1 << 30);
    assert_int_equal(c.tenants_n, 2);

    const struct conf_tenant *t = conf_tenant(&c, "hownow");
    assert_non_null(t);
    assert_int_equal(t->line, 7);
    assert_string_equal(t->provider, "hownow");
    assert_string_equal(t->base_url, "https://api-london.hownow.app");
    assert_string_equal(t->client_id, "abc");
    assert_string_equal(t->client_secret, "s3cret;not-a-comment");
    assert_string_equal(t->act_as, "EMAIL-admin@example.com");
    assert_string_equal(t->successor, "EXT-77");
    assert_string_equal(t->allow_delete[0], "users");
    assert_string_equal(t->allow_delete[1], "job-roles");
    assert_null(t->allow_delete[2]);
    assert_null(t->org_id);
    assert_null(t->events_url);
    const int got[] = {t->list_ttl,     t->record_ttl,     t->list_timeout, t->op_timeout,
                       t->lock_wait,    t->job_timeout,    t->crawl_limit,  t->removal_grace,
                       t->max_removals, t->removal_window, t->base_ttl,     t->job_retention};
    for (int i = 0; i < 12; i++)
        assert_int_equal(got[i], i + 1);
    assert_int_equal(t->rate_per_minute, 100);
    assert_int_equal(t->settle, SETTLE_COMPLETED);
    assert_int_equal(t->unlink, UNLINK_DENY);
    assert_int_equal(t->detail, DETAIL_REQUIRE);
    assert_false(t->trickle);
    assert_int_equal(t->max_response, 64 << 10);

    t = conf_tenant(&c, "synap.staging-2");
    assert_non_null(t);
    assert_string_equal(t->base_url, "http://127.0.0.1:8080/api");
    assert_string_equal(t->org_secret, "p");
    assert_string_equal(t->api_key, "q");
    assert_int_equal(t->rate_per_minute, 0);
    assert_int_equal(t->options.n, 4);
    assert_string_equal(t->options.at[0].name, "addToUserGroup");
    assert_string_equal(t->options.at[0].text, "g1");
    assert_string_equal(t->options.at[1].name, "setDefaultPassword");
    assert_null(t->options.at[1].text);
    assert_true(t->options.at[1].yes);
    assert_false(t->options.at[2].yes);
    assert_null(conf_tenant(&c, "synap"));
    conf_release(&c);
    assert_null(c.tenants);
}

static void test_what_is_left_out_has_the_documented_value(void **state)
{
    (void)state;
    struct conf c;
    struct err e = {0};
    copy_data("smallest.conf");
    assert_int_equal(conf_load(FILE_NAME, &c, &e), 0);
    assert_string_equal(c.cache_dir, "/var/cache/lmsfs");
    assert_int_equal(c.max_document, 1 << 20);
    assert_int_equal(c.max_scratch, 64 << 20);
    assert_int_equal(c.audit_max, 16 << 20);
    const struct conf_tenant *t = conf_tenant(&c, "hownow");
    assert_string_equal(t->base_url, "https://api.hownow.app");
    assert_int_equal(t->rate_per_minute, 50);
    assert_int_equal(t->list_ttl, 900);
    assert_int_equal(t->record_ttl, 300);
    assert_int_equal(t->list_timeout, 300);
    assert_int_equal(t->op_timeout, 30);
    assert_int_equal(t->lock_wait, 5);
    assert_int_equal(t->job_timeout, 300);
    assert_int_equal(t->crawl_limit, 10);
    assert_int_equal(t->removal_grace, 3);
    assert_int_equal(t->max_removals, 10);
    assert_int_equal(t->removal_window, 3600);
    assert_int_equal(t->base_ttl, 604800);
    assert_int_equal(t->job_retention, 604800);
    assert_int_equal(t->settle, SETTLE_ACCEPTED);
    assert_int_equal(t->unlink, UNLINK_DEACTIVATE);
    assert_int_equal(t->detail, DETAIL_AUTO);
    assert_true(t->trickle);
    assert_int_equal(t->max_response, 8 << 20);
    assert_null(t->act_as);
    assert_null(t->allow_delete);
    assert_null(t->successor);
    t = conf_tenant(&c, "synap");
    assert_string_equal(t->base_url, "https://api-org.synap.ac");
    assert_int_equal(t->rate_per_minute, 60);
    conf_release(&c);
}

static void test_editors_marks_mean_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\xef\xbb\xbf" TENANT,
        "[t]\r\nprovider = hownow\r\nregion = eu\r\nclient_id = a\r\nclient_secret = b\r\n",
        "[t]\nprovider = hownow\nregion = eu\nclient_id = a\nclient_secret = b",
        "\n\n   [t]   ; the one\n\tprovider=hownow\n    region\t=\teu  ; here\nclient_id = a\nclient_secret = "
        "b\n\n;x\n#y",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct conf c;
        load_ok(texts[i], &c);
        assert_int_equal(c.tenants_n, 1);
        assert_string_equal(c.tenants[0].name, "t");
        assert_string_equal(c.tenants[0].client_secret, "b");
        conf_release(&c);
    }
}

static void test_a_long_comment_is_no_long_line(void **state)
{
    (void)state;
    char text[2000];
    struct conf c;
    snprintf(text, sizeof text, TENANT ";%01000d\n", 0);
    load_ok(text, &c);
    conf_release(&c);
}

static void test_a_tenant_may_have_a_name_of_64_letters(void **state)
{
    (void)state;
    char text[300];
    struct conf c;
    snprintf(text, sizeof text, "[a%063d]\nprovider = hownow\nregion = eu\nclient_id = a\nclient_secret = b\n", 0);
    load_ok(text, &c);
    assert_int_equal(strlen(c.tenants[0].name), 64);
    conf_release(&c);
}

static void test_sizes_are_bytes_or_k_M_G(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } sizes[] = {{"65536", 65536}, {"64k", 65536}, {"64K", 65536}, {"3M", 3 << 20}, {"1G", 1 << 30}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char text[300];
        struct conf c;
        snprintf(text, sizeof text, TENANT "max_response = %s\n", sizes[i].text);
        load_ok(text, &c);
        assert_int_equal(c.tenants[0].max_response, sizes[i].bytes);
        conf_release(&c);
    }
}

static void test_plain_http_goes_to_this_machine(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"http://localhost:8080", "http://localhost:8080"},
        {"http://127.9.8.7/x/", "http://127.9.8.7/x"},
        {"http://[::1]:1/", "http://[::1]:1"},
        {"https://lms.example.com//", "https://lms.example.com"},
        {"HTTPS://lms.example.com/a", "https://lms.example.com/a"},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char text[300];
        struct conf c;
        snprintf(text, sizeof text, "[t]\nprovider = hownow\nbase_url = %s\nclient_id = a\nclient_secret = b\n",
                 urls[i][0]);
        load_ok(text, &c);
        assert_string_equal(c.tenants[0].base_url, urls[i][1]);
        conf_release(&c);
    }
}

/* ---- what is refused ---- */

static void test_every_mistake_has_its_sentence(void **state)
{
    (void)state;
#define REST "region = eu\nclient_id = a\nclient_secret = b\n"
    static const struct {
        const char *text, *sentence;
    } mistakes[] = {
        /* the form */
        {"", "lmsfs.conf: there is no tenant in it: a section for each, like [hownow]"},
        {"[lmsfs]\ncache_dir = /x\n", "lmsfs.conf: there is no tenant in it: a section for each, like [hownow]"},
        {"provider = hownow\n", "lmsfs.conf:1: a key stands before the first [section]"},
        {TENANT "[t]\n", "lmsfs.conf:6: [t] a second section of this name; the first is in line 1"},
        {TENANT "region = uk\n", "lmsfs.conf:6: [t] region: given a second time; the first is in line 3"},
        {"[t]\nprovider =\n", "lmsfs.conf:2: [t] provider: has no value"},
        {"[t]\nprovider = ; later\n", "lmsfs.conf:2: [t] provider: has no value"},
        {"[t]\n= 5\n", "lmsfs.conf:2: there is no key before the '='"},
        {"[t\n", "lmsfs.conf:1: ']' is missing after a section's name"},
        {"[t] x\n", "lmsfs.conf:1: there is text after a section's ']'"},
        {"[t]\n\nhello\n", "lmsfs.conf:3: neither a [section] nor a \"key = value\""},
        {"[t]\nhello\nworld = 1\nprovider\n", "lmsfs.conf:2: neither a [section] nor a \"key = value\""},
        {"[t]\nprovider = how\001now\n", "lmsfs.conf:2: there is a control character in this line"},
        /* names */
        {"[Acme]\n",
         "lmsfs.conf:1: [Acme] a tenant's name has 1 to 64 of a-z 0-9 . _ - and starts with a letter or a digit"},
        {"[.x]\n",
         "lmsfs.conf:1: [.x] a tenant's name has 1 to 64 of a-z 0-9 . _ - and starts with a letter or a digit"},
        {"[]\n", "lmsfs.conf:1: [] a tenant's name has 1 to 64 of a-z 0-9 . _ - and starts with a letter or a digit"},
        {"[a/b]\n",
         "lmsfs.conf:1: [a/b] a tenant's name has 1 to 64 of a-z 0-9 . _ - and starts with a letter or a digit"},
        /* keys */
        {TENANT "rate_per_minut = 5\n",
         "lmsfs.conf:6: [t] rate_per_minut: unknown key (did you mean rate_per_minute?)"},
        {TENANT "lsit_ttl = 5\n", "lmsfs.conf:6: [t] lsit_ttl: unknown key (did you mean list_ttl?)"},
        {TENANT "clientid = 5\n", "lmsfs.conf:6: [t] clientid: unknown key (did you mean client_id?)"},
        {TENANT "regoin = 5\n", "lmsfs.conf:6: [t] regoin: unknown key (did you mean region?)"},
        {TENANT "colour = red\n", "lmsfs.conf:6: [t] colour: unknown key for provider hownow"},
        {TENANT "org_id = red\n", "lmsfs.conf:6: [t] org_id: unknown key for provider hownow"},
        {"[lmsfs]\ncachedir = /x\n", "lmsfs.conf:2: [lmsfs] cachedir: unknown key (did you mean cache_dir?)"},
        {"[lmsfs]\nprovider = hownow\n", "lmsfs.conf:2: [lmsfs] provider: unknown key"},
        /* providers and their credentials */
        {"[t]\nregion = eu\n",
         "lmsfs.conf:1: [t] provider: is missing (known: hownow, synap, learningpool, thrive, avia)"},
        {"\n[t]\nprovider = x\n",
         "lmsfs.conf:3: [t] provider: unknown provider 'x' (known: hownow, synap, learningpool, thrive, avia)"},
        {"\n[t]\nprovider = hownow\nregion = eu\nclient_id = a\n",
         "lmsfs.conf:2: [t] client_secret: is missing: provider hownow needs it"},
        {"[t]\nprovider = synap\norg_id = a\norg_secret = b\n",
         "lmsfs.conf:1: [t] api_key: is missing: provider synap needs it"},
        /* where the service is */
        {"[t]\nprovider = hownow\nclient_id = a\nclient_secret = b\n",
         "lmsfs.conf:1: [t] region: is missing (uk, eu, uat), and so is base_url"},
        {"[t]\nprovider = hownow\nclient_id = a\nclient_secret = b\nregion = us\n",
         "lmsfs.conf:5: [t] region: unknown region 'us' (hownow has: uk, eu, uat)"},
        {TENANT "base_url = https://x.example\n",
         "lmsfs.conf:3: [t] region: can't stand beside base_url: one of them goes"},
        /* how fast it may be asked */
        {TENANT "plan = gold\n", "lmsfs.conf:6: [t] plan: unknown plan 'gold' (hownow has: essential, pro)"},
        {TENANT "plan = pro\nrate_per_minute = 7\n",
         "lmsfs.conf:6: [t] plan: can't stand beside rate_per_minute: one of them goes"},
        {"[t]\nprovider = synap\norg_id = a\norg_secret = b\napi_key = c\nplan = pro\n",
         "lmsfs.conf:6: [t] plan: unknown key for provider synap"},
        {"[t]\nprovider = synap\norg_id = a\norg_secret = b\napi_key = c\nact_as = ID-1\n",
         "lmsfs.conf:6: [t] act_as: unknown key for provider synap"},
        {TENANT "rate_per_minute = 6001\n",
         "lmsfs.conf:6: [t] rate_per_minute: must be a whole number from 0 to 6000, not '6001'"},
        {TENANT "rate_per_minute = -1\n",
         "lmsfs.conf:6: [t] rate_per_minute: must be a whole number from 0 to 6000, not '-1'"},
        /* times, sizes, words */
        {TENANT "op_timeout = 30s\n",
         "lmsfs.conf:6: [t] op_timeout: must be a whole number of seconds from 1 to 3600, not '30s'"},
        {TENANT "op_timeout = 0\n",
         "lmsfs.conf:6: [t] op_timeout: must be a whole number of seconds from 1 to 3600, not '0'"},
        {TENANT "lock_wait = 99999999999999999999999\n",
         "lmsfs.conf:6: [t] lock_wait: must be a whole number of seconds from 1 to 60, not '99999999999999999999999'"},
        {TENANT "max_response = 1k\n",
         "lmsfs.conf:6: [t] max_response: must be a size from 64K to 1G (bytes, or with k, M, G), not '1k'"},
        {TENANT "max_response = M\n",
         "lmsfs.conf:6: [t] max_response: must be a size from 64K to 1G (bytes, or with k, M, G), not 'M'"},
        {TENANT "max_response = 18446744073709551615G\n", "lmsfs.conf:6: [t] max_response: must be a size from 64K to "
                                                          "1G (bytes, or with k, M, G), not '18446744073709551615G'"},
        {TENANT "trickle = true\n", "lmsfs.conf:6: [t] trickle: must be yes or no, not 'true'"},
        {TENANT "detail = all\n", "lmsfs.conf:6: [t] detail: must be auto, require or never, not 'all'"},
        {TENANT "unlink = Deny\n", "lmsfs.conf:6: [t] unlink: must be deactivate, deny or rewrite, not 'Deny'"},
        {TENANT "settle = later\n", "lmsfs.conf:6: [t] settle: must be accepted or completed, not 'later'"},
        {TENANT "allow_delete = users, skills\n",
         "lmsfs.conf:6: [t] allow_delete: must be collection names with blanks between them, not 'users, skills'"},
        {TENANT "successor = bob\n",
         "lmsfs.conf:6: [t] successor: must be manager, EXT-<external id> or ID-<id>, not 'bob'"},
        {TENANT "act_as = bob\n",
         "lmsfs.conf:6: [t] act_as: must be EMAIL-<address>, EXT-<external id> or ID-<id>, not 'bob'"},
        {TENANT "act_as = EMAIL-bob\n",
         "lmsfs.conf:6: [t] act_as: must be EMAIL-<address>, EXT-<external id> or ID-<id>, not 'EMAIL-bob'"},
        {TENANT "act_as = ID-\n",
         "lmsfs.conf:6: [t] act_as: must be EMAIL-<address>, EXT-<external id> or ID-<id>, not 'ID-'"},
        {"[lmsfs]\ncache_dir = ~/x\n", "lmsfs.conf:2: [lmsfs] cache_dir: must be an absolute path, not '~/x'"},
        {"[lmsfs]\ncache_dir = x\n", "lmsfs.conf:2: [lmsfs] cache_dir: must be an absolute path, not 'x'"},
        /* URLs */
        {"[t]\nprovider = hownow\nbase_url = http://lms.example.com\n" REST,
         "lmsfs.conf:3: [t] base_url: must be https: plain http is for this machine only, not for lms.example.com"},
        {"[t]\nprovider = hownow\nbase_url = http://127.0.0.1.example.com\n" REST,
         "lmsfs.conf:3: [t] base_url: must be https: plain http is for this machine only, not for "
         "127.0.0.1.example.com"},
        {"[t]\nprovider = hownow\nbase_url = ftp://x.example\n" REST,
         "lmsfs.conf:3: [t] base_url: must be https, not ftp"},
        {"[t]\nprovider = hownow\nbase_url = https://bob:pw@x.example\n" REST,
         "lmsfs.conf:3: [t] base_url: must not hold a user name or password"},
        {"[t]\nprovider = hownow\nbase_url = https://@x.example\n" REST,
         "lmsfs.conf:3: [t] base_url: must not hold a user name or password"},
        {"[t]\nprovider = hownow\nbase_url = https://x.example/?k=pw\n" REST,
         "lmsfs.conf:3: [t] base_url: must not have a query ('?')"},
        {"[t]\nprovider = hownow\nbase_url = https://x.example/#pw\n" REST,
         "lmsfs.conf:3: [t] base_url: must not have a fragment ('#')"},
        {"[t]\nprovider = hownow\nbase_url = x.example\n" REST,
         "lmsfs.conf:3: [t] base_url: must be a URL like https://lms.example.com"},
        {"[t]\nprovider = hownow\nbase_url = https://\n" REST,
         "lmsfs.conf:3: [t] base_url: must be a URL like https://lms.example.com"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct conf c;
        struct err e = {0};
        int rc = load_text(mistakes[i].text, &c, &e);
        assert_string_equal(e.text, mistakes[i].sentence);
        assert_int_equal(rc, -EINVAL);
        assert_int_equal(e.code, -EINVAL);
        assert_int_equal(load_text(mistakes[i].text, &c, NULL), -EINVAL);
    }
}

static void test_a_line_that_libinih_would_cut_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct conf c;
    char text[1000];
    for (int digits = 100; digits < 400; digits++) { /* either read whole or refused, never cut */
        snprintf(text, sizeof text, "[t]\nprovider = hownow\nregion = eu\nclient_id = a\nclient_secret = %0*d\n",
                 digits, 7);
        if (load_text(text, &c, &e) == 0) {
            assert_int_equal(strlen(c.tenants[0].client_secret), digits);
            conf_release(&c);
            continue;
        }
        assert_non_null(strstr(e.text, "lmsfs.conf:5: the line is longer than "));
        assert_non_null(strstr(e.text, "a long secret goes into a file: key = file:/path"));
    }
    assert_int_equal(e.code, -EINVAL);
}

static void test_a_NUL_byte_is_refused(void **state)
{
    (void)state;
    static const char text[] = TENANT "list_ttl = 5\0;\n";
    struct conf c;
    struct err e = {0};
    write_file(text, sizeof text - 1, 0600);
    assert_int_equal(conf_load(FILE_NAME, &c, &e), -EINVAL);
    assert_string_equal(e.text, "lmsfs.conf:6: there is a control character in this line");
}

/* ---- who may read the file ---- */

static void test_a_file_that_others_can_read_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0644, 0640, 0604, 0660, 0610, 0601, 0620, 0602};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct conf c;
        struct err e = {0};
        char sentence[200];
        write_file(TENANT, strlen(TENANT), modes[i]);
        assert_int_equal(conf_load(FILE_NAME, &c, &e), -EACCES);
        snprintf(sentence, sizeof sentence, "lmsfs.conf: others can get at it (mode %04o): chmod 600 lmsfs.conf",
                 modes[i]);
        assert_string_equal(e.text, sentence);
    }
}

static void test_a_file_of_somebody_else_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct conf c;
    struct err e = {0};
    write_file(TENANT, strlen(TENANT), 0600);
    assert_int_equal(chown(FILE_NAME, 65534, 65534), 0);
    assert_int_equal(conf_load(FILE_NAME, &c, &e), -EACCES);
    assert_string_equal(e.text, "lmsfs.conf: belongs to user 65534, who is neither root nor the one that runs lmsfs");
}

static void test_what_is_no_file_is_refused_and_never_waited_for(void **state)
{
    (void)state;
    struct conf c;
    struct err e = {0};
    assert_int_equal(conf_load("nowhere.conf", &c, &e), -ENOENT);
    assert_string_equal(e.text, "nowhere.conf: No such file or directory");
    assert_int_equal(conf_load(".", &c, &e), -EINVAL);
    assert_string_equal(e.text, ".: not a regular file");
    unlink(FILE_NAME);
    assert_int_equal(mkfifo(FILE_NAME, 0600), 0);
    assert_int_equal(conf_load(FILE_NAME, &c, &e), -EINVAL);
    assert_string_equal(e.text, "lmsfs.conf: not a regular file");
}

static void test_a_file_without_bound_is_refused(void **state)
{
    (void)state;
    struct conf c;
    struct err e = {0};
    write_file(TENANT, strlen(TENANT), 0600);
    assert_int_equal(truncate(FILE_NAME, 1 << 30), 0);
    assert_int_equal(conf_load(FILE_NAME, &c, &e), -EFBIG);
    assert_string_equal(e.text, "lmsfs.conf: longer than 131072 bytes");
}

static void test_two_files_can_be_compared_without_telling_secrets(void **state)
{
    (void)state;
    struct conf a, b;
    struct err e;
    assert_int_equal(load_text(TENANT "op_timeout = 7\n", &a, &e), 0);
    assert_int_equal(load_text("; another look\n" TENANT "op_timeout = 8\n", &b, &e), 0);
    assert_int_equal(a.settings_n, 5);
    assert_int_equal(b.settings_n, 5);
    for (size_t i = 0; i < 5; i++) {
        bool differs = strcmp(a.settings[i].name, "[t] op_timeout") == 0;
        assert_string_equal(a.settings[i].name, b.settings[i].name);
        assert_int_equal(a.settings[i].hash != b.settings[i].hash, differs);
    }
    conf_release(&a);
    conf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_files_can_be_compared_without_telling_secrets),
        cmocka_unit_test(test_every_key_reaches_its_member),
        cmocka_unit_test(test_what_is_left_out_has_the_documented_value),
        cmocka_unit_test(test_editors_marks_mean_nothing),
        cmocka_unit_test(test_a_long_comment_is_no_long_line),
        cmocka_unit_test(test_a_tenant_may_have_a_name_of_64_letters),
        cmocka_unit_test(test_sizes_are_bytes_or_k_M_G),
        cmocka_unit_test(test_plain_http_goes_to_this_machine),
        cmocka_unit_test(test_every_mistake_has_its_sentence),
        cmocka_unit_test(test_a_line_that_libinih_would_cut_is_refused),
        cmocka_unit_test(test_a_NUL_byte_is_refused),
        cmocka_unit_test(test_a_file_that_others_can_read_is_refused),
        cmocka_unit_test(test_a_file_of_somebody_else_is_refused),
        cmocka_unit_test(test_what_is_no_file_is_refused_and_never_waited_for),
        cmocka_unit_test(test_a_file_without_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
