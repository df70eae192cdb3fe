/* File names: an id from the network can never leave its directory, and finds its way back. */
#include "test_lms_support.h"

static void assert_both_ways(const char *prefix, const char *id, const char *name)
{
    char made[256], stem[256], want[300];
    assert_int_equal(doc_stem_to_name(prefix, id, made, sizeof made), 0);
    assert_string_equal(made, name);
    snprintf(want, sizeof want, "%s%s", prefix, id);
    assert_int_equal(doc_name_to_stem(name, stem, sizeof stem), 0);
    assert_string_equal(stem, want);
}

static void test_plain_ids_are_names_as_they_are(void **state)
{
    (void)state;
    assert_both_ways("EXT-", "lnd_1234", "EXT-lnd_1234.json");
    assert_both_ways("ID-", "65728", "ID-65728.json");
    assert_both_ways("EMAIL-", "ines@example.org", "EMAIL-ines@example.org.json");
    assert_both_ways("EXT-", "Ünïcode 人", "EXT-Ünïcode 人.json");
    assert_both_ways("EXT-", "a.json", "EXT-a.json.json");
    assert_both_ways("EXT-", "new-1~", "EXT-new-1~.json");
}

static void test_an_id_never_leaves_its_directory(void **state)
{
    (void)state;
    assert_both_ways("EXT-", "../../etc", "EXT-..%2F..%2Fetc.json");
    assert_both_ways("EXT-", "/etc/passwd", "EXT-%2Fetc%2Fpasswd.json");
    assert_both_ways("EXT-", "a\nb\x7f\x01", "EXT-a%0Ab%7F%01.json");
    assert_both_ways("EXT-", "100%2F", "EXT-100%252F.json");
    assert_both_ways("EXT-", "..", "EXT-...json");
    char name[256];
    assert_int_equal(doc_stem_to_name("", "..", name, sizeof name), 0);
    assert_string_equal(name, "%2E..json");
    assert_int_equal(doc_stem_to_name("", ".hidden", name, sizeof name), 0);
    assert_string_equal(name, "%2Ehidden.json");
    assert_int_equal(doc_stem_to_name("EXT-", "", name, sizeof name), -EINVAL);
}

static void test_a_record_has_one_spelling(void **state)
{
    static const char *const names[] = {
        "EXT-%41.json", "EXT-%2f.json", "EXT-a/b.json",    "EXT-%00.json",   "EXT-%.json",
        "EXT-%2.json",  "EXT-%2E.json", "EXT-a\n.json",    "EXT-.json",      "EXT-1.JSON",
        "EXT-1",        "EXT-1.json~",  ".EXT-1.json.swp", "new.json",       "new-5.json",
        "ext-1.json",   "jane.json",    "-1.json",         ".json",          "",
        "EXT.json",     "4913",         "#EXT-1.json#",    "EXT-1.json.bak",
    };
    char stem[256];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (doc_name_to_stem(names[i], stem, sizeof stem) != -EINVAL)
            fail_msg("%s is taken for a record's name", names[i]);
}

static void test_long_ids_are_cut_and_stay_apart(void **state)
{
    char a[400], b[400], name_a[256], name_b[256], stem[256];
    (void)state;
    memset(a, 'x', 300);
    a[300] = '\0';
    memcpy(b, a, 301);
    b[299] = 'y';
    assert_int_equal(doc_stem_to_name("EXT-", a, name_a, sizeof name_a), 0);
    assert_int_equal(doc_stem_to_name("EXT-", b, name_b, sizeof name_b), 0);
    assert_int_equal(strlen(name_a), 255);
    assert_string_not_equal(name_a, name_b);
    assert_int_equal(name_a[255 - 5 - 17], '~');
    assert_string_equal(name_a + 250, ".json");
    assert_int_equal(doc_name_to_stem(name_a, stem, sizeof stem), -EINVAL);
    assert_int_equal(doc_stem_to_name("EXT-", a, stem, 255), -ENAMETOOLONG);

    a[246] = '\0'; /* 4 + 246 + 5: the longest that fits */
    assert_int_equal(doc_stem_to_name("EXT-", a, name_a, sizeof name_a), 0);
    assert_int_equal(strlen(name_a), 255);
    assert_int_equal(doc_name_to_stem(name_a, stem, sizeof stem), 0);
    assert_string_equal(stem + 4, a);
    assert_int_equal(doc_name_to_stem(name_a, stem, 250), -ENAMETOOLONG);
}

static void test_a_cut_splits_no_character_and_no_escape(void **state)
{
    char id[900], name[256];
    (void)state;
    for (size_t lead = 0; lead < 8; lead++) {
        memset(id, 'x', lead);
        id[lead] = '\0';
        for (size_t i = 0; i < 80; i++)
            memcpy(id + lead + 4 * i, i % 2 ? "😀" : "\x01\x01\x01\x01", 5);
        assert_int_equal(doc_stem_to_name("EXT-", id, name, sizeof name), 0);
        assert_true(strlen(name) >= 250 && strlen(name) <= 255);
        json_t *valid = json_string(name);
        assert_non_null(valid);
        json_decref(valid);
        const char *tilde = strrchr(name, '~');
        assert_true(tilde[-1] != '%' && tilde[-2] != '%');
    }
}

static void test_an_id_that_looks_cut_is_never_taken_for_another(void **state)
{
    char id[300], name[256], stem[256];
    (void)state;
    memset(id, 'x', 300);
    memcpy(id + 229, "~0123456789abcdef", 18); /* 246 bytes: it would fit as it is */
    assert_int_equal(doc_stem_to_name("EXT-", id, name, sizeof name), 0);
    assert_null(strstr(name, "~0123456789abcdef"));
    assert_int_equal(doc_name_to_stem(name, stem, sizeof stem), -EINVAL);
    assert_both_ways("EXT-", "short~0123456789abcdef", "EXT-short~0123456789abcdef.json");
}

static void test_every_byte_finds_its_way_back(void **state)
{
    char id[3] = "a", name[256], stem[256];
    (void)state;
    for (int c = 1; c < 256; c++) {
        id[1] = (char)c;
        assert_int_equal(doc_stem_to_name("EXT-", id, name, sizeof name), 0);
        assert_null(strchr(name, '/'));
        assert_int_equal(doc_name_to_stem(name, stem, sizeof stem), 0);
        assert_string_equal(stem + 4, id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_ids_are_names_as_they_are),
        cmocka_unit_test(test_an_id_never_leaves_its_directory),
        cmocka_unit_test(test_a_record_has_one_spelling),
        cmocka_unit_test(test_long_ids_are_cut_and_stay_apart),
        cmocka_unit_test(test_a_cut_splits_no_character_and_no_escape),
        cmocka_unit_test(test_an_id_that_looks_cut_is_never_taken_for_another),
        cmocka_unit_test(test_every_byte_finds_its_way_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
