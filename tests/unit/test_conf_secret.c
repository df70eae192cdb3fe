/* Where secrets come from, and that none of them ever gets into a message. */
#include "conf/private.h"
#include "conf/secret.h"
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

static char dir[] = "/tmp/lmsfs-secret-XXXXXX";
static char path[64]; /* of the file the tests write */

static int group_setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/key", dir);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void write_file(const void *text, size_t len, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void expect(const char *value, const char *text)
{
    char *got = NULL;
    struct err e = {0};
    assert_int_equal(secret_resolve(value, &got, &e), 0);
    assert_string_equal(got, text);
    private_string_free(got);
}

static void expect_error(const char *value, int code, const char *sentence)
{
    char *got = NULL;
    struct err e = {0};
    assert_int_equal(secret_resolve(value, &got, &e), code);
    assert_string_equal(e.text, sentence);
    assert_null(got);
}

static const char *with_scheme(const char *scheme, const char *rest)
{
    static char buf[128];
    snprintf(buf, sizeof buf, "%s%s", scheme, rest);
    return buf;
}

static const char *sentence(const char *fmt)
{
    static char buf[256];
    char *at = strstr(fmt, "%PATH");
    snprintf(buf, sizeof buf, "%.*s%s%s", (int)(at - fmt), fmt, path, at + 5);
    return buf;
}

static void test_a_secret_stands_for_itself(void **state)
{
    (void)state;
    expect("hunter2", "hunter2");
    expect("p\xc3\xa4ss", "p\xc3\xa4ss");
    expect_error("a\tb", -EINVAL, "the value holds a control character at byte 2");
}

static void test_a_secret_comes_from_a_file_without_its_end_of_line(void **state)
{
    (void)state;
    const char *value = with_scheme("file:", path);
    write_file("hunter2", 7, 0600);
    expect(value, "hunter2");
    write_file("hunter2\n", 8, 0400);
    expect(value, "hunter2");
    write_file(" hunter2 \r\n", 11, 0600);
    expect(value, " hunter2 ");
}

static void test_a_secret_file_is_read_only_when_nobody_else_can(void **state)
{
    (void)state;
    const char *value = with_scheme("file:", path);
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char text[256];
        write_file("hunter2", 7, modes[i]);
        snprintf(text, sizeof text, "%s: others can get at it (mode %04o): chmod 600 %s", path, modes[i], path);
        expect_error(value, -EACCES, text);
    }
}

static void test_what_can_be_no_secret_is_refused(void **state)
{
    (void)state;
    const char *value = with_scheme("file:", path);
    write_file("", 0, 0600);
    expect_error(value, -EINVAL, sentence("%PATH is empty"));
    write_file("\n", 1, 0600);
    expect_error(value, -EINVAL, sentence("%PATH is empty"));
    write_file("a\0b", 3, 0600);
    expect_error(value, -EINVAL, sentence("%PATH holds a control character at byte 2"));
    write_file("abc\ndef\n", 8, 0600);
    expect_error(value, -EINVAL, sentence("%PATH holds a control character at byte 4"));
    static char big[SECRET_MAX + 3];
    memset(big, 'x', sizeof big);
    write_file(big, SECRET_MAX, 0600);
    char *got = NULL;
    assert_int_equal(secret_resolve(value, &got, NULL), 0);
    assert_int_equal(strlen(got), SECRET_MAX);
    private_string_free(got);
    write_file(big, SECRET_MAX + 1, 0600);
    expect_error(value, -EFBIG, sentence("%PATH is longer than 65536 bytes"));
    write_file(big, SECRET_MAX + 3, 0600);
    expect_error(value, -EFBIG, sentence("%PATH: longer than 65538 bytes"));
}

static void test_a_secret_file_has_an_absolute_path(void **state)
{
    (void)state;
    expect_error("file:", -EINVAL, "file: must be followed by an absolute path");
    expect_error("file:key", -EINVAL, "file: must be followed by an absolute path");
    expect_error("file:/nowhere/at/all", -ENOENT, "/nowhere/at/all: No such file or directory");
    expect_error("file:/", -EINVAL, "/: not a regular file");
}

static void test_a_secret_comes_from_the_environment(void **state)
{
    (void)state;
    setenv("LMSFS_TEST_SECRET", "hunter2", 1);
    expect("env:LMSFS_TEST_SECRET", "hunter2");
    setenv("LMSFS_TEST_SECRET", "", 1);
    expect_error("env:LMSFS_TEST_SECRET", -EINVAL, "env:LMSFS_TEST_SECRET is empty");
    unsetenv("LMSFS_TEST_SECRET");
    expect_error("env:LMSFS_TEST_SECRET", -EINVAL, "env:LMSFS_TEST_SECRET: there is no such environment variable");
    expect_error("env:", -EINVAL, "env: must be followed by the name of an environment variable");
    expect_error("env:A=B", -EINVAL, "env: must be followed by the name of an environment variable");
}

static void test_a_secret_comes_from_systemd(void **state)
{
    (void)state;
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    static const mode_t modes[] = {0400, 0440, 0600};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        write_file("hunter2\n", 8, modes[i]);
        expect("credential:key", "hunter2");
    }
    char text[256];
    write_file("hunter2", 7, 0444);
    snprintf(text, sizeof text, "%s: others can get at it (mode 0444): chmod 600 %s", path, path);
    expect_error("credential:key", -EACCES, text);
    expect_error("credential:../key", -EINVAL, "credential: must be followed by a name without '/'");
    expect_error("credential:..", -EINVAL, "credential: must be followed by a name without '/'");
    expect_error("credential:", -EINVAL, "credential: must be followed by a name without '/'");
    unsetenv("CREDENTIALS_DIRECTORY");
    expect_error("credential:key", -EINVAL,
                 "credential:key: $CREDENTIALS_DIRECTORY is not set; systemd sets it, see LoadCredential=");
}

/* Whatever goes wrong around a secret, the message doesn't hold it. */
static void test_no_message_holds_a_secret(void **state)
{
    (void)state;
#define S    "Zq8xSecretZq8x"
#define HEAD "[t]\nprovider = hownow\nregion = eu\nclient_id = a\n"
    static const char *const texts[] = {
        HEAD "client_secret = " S "\nclient_secret = " S "\n",
        HEAD "client_secret = " S "\001\n",
        HEAD "client_secret = " S "\tx\n",
        HEAD "client_secret = " S "\nlist_ttl = x\n",
        HEAD "client_secret " S "\n",
        HEAD "client_secret =\n    " S "==\n",
        HEAD "client_secret = a\n    " S "==\n",
        HEAD "client_secret = a\n    " S "==\n    " S "==\n",
        HEAD "client_secret = a\n    " S "==x\n",
        HEAD S " = client_secret\n",
        HEAD "client_secert = " S "\n",
        HEAD "client_secret = file:" S "\n",
        HEAD "client_secret = env:" S "/\n",
        HEAD "client_secret = credential:" S "/x\n",
        HEAD "client_secret = " S S S S S S S S S S S S S S S S S S S S "\n",
        HEAD "client_secret = a\nbase_url = https://u:" S "@x.example\n",
        HEAD "client_secret = a\nbase_url = https://x.example/?" S "\n",
        HEAD "client_secret = a\nbase_url = " S "\n",
        HEAD "client_secret = a\nbase_url = http:// " S "\n",
        S " = x\n",
        S "\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct conf c;
        struct err e = {0};
        write_file(texts[i], strlen(texts[i]), 0600);
        assert_true(conf_load(path, &c, &e) < 0);
        assert_true(strlen(e.text) > 0);
        assert_null(strstr(e.text, "Zq8x"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_stands_for_itself),
        cmocka_unit_test(test_a_secret_comes_from_a_file_without_its_end_of_line),
        cmocka_unit_test(test_a_secret_file_is_read_only_when_nobody_else_can),
        cmocka_unit_test(test_what_can_be_no_secret_is_refused),
        cmocka_unit_test(test_a_secret_file_has_an_absolute_path),
        cmocka_unit_test(test_a_secret_comes_from_the_environment),
        cmocka_unit_test(test_a_secret_comes_from_systemd),
        cmocka_unit_test(test_no_message_holds_a_secret),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
