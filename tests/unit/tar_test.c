/* SPDX-License-Identifier: MIT */
/* lib/base/tar.c: archives made here, and the same ones damaged in every way. */
#include "tests/unit/test.h"

#include <string.h>

#include "lib/base/tar.h"
#include "tests/unit/tar_example.h"

static void test_entries(void **state) {
    static struct tar_example archive;
    struct tar_reader reader;
    struct tar_entry entry;
    char name[101], prefix[156];

    (void)state;
    memset(name, 'n', 100);
    memset(prefix, 'p', 155);
    name[100] = prefix[155] = '\0';
    tar_example_add(&archive, "", "bin/", '5', "");
    tar_example_add(&archive, "", "bin/ls", '0', "hello");
    tar_example_add(&archive, "usr/share", "x", '\0', "");
    tar_example_add(&archive, prefix, name, '2', "");
    tar_example_finish(&archive);
    tar_open(&reader, archive.bytes, archive.size);

    assert_int_equal(tar_next(&reader, &entry), TAR_OK);
    assert_string_equal(entry.name, "bin/");
    assert_int_equal(entry.type, TAR_TYPE_DIRECTORY);
    assert_int_equal(tar_next(&reader, &entry), TAR_OK);
    assert_string_equal(entry.name, "bin/ls");
    assert_int_equal(entry.type, TAR_TYPE_FILE);
    assert_int_equal(entry.mode, 0755);
    assert_int_equal(entry.mtime_s, 014000000000);
    assert_int_equal(entry.size, 5);
    assert_memory_equal(entry.data, "hello", 5);
    assert_int_equal(tar_next(&reader, &entry), TAR_OK);
    assert_string_equal(entry.name, "usr/share/x");
    assert_null(entry.data);
    assert_int_equal(tar_next(&reader, &entry), TAR_OK);
    assert_int_equal(entry.type, TAR_TYPE_SYMBOLIC_LINK);
    assert_string_equal(entry.link, "target");
    assert_int_equal(strlen(entry.name), 256);
    assert_int_equal(strspn(entry.name, "p"), 155);
    assert_int_equal(strspn(entry.name + 156, "n"), 100);
    assert_int_equal(tar_next(&reader, &entry), TAR_END);
    assert_int_equal(tar_next(&reader, &entry), TAR_END);
}

/* The first result of an archive of one entry with one field changed. */
static enum tar_result with_field(char type, size_t offset, const char *value, size_t length) {
    static struct tar_example archive;
    struct tar_reader reader;
    struct tar_entry entry;
    uint8_t *header;

    archive.size = 0;
    header = tar_example_add(&archive, "", "name", type, "data");
    memcpy(header + offset, value, length);
    tar_example_checksum(header);
    tar_example_finish(&archive);
    tar_open(&reader, archive.bytes, archive.size);
    return tar_next(&reader, &entry);
}

static void test_bad_fields(void **state) {
    (void)state;
    assert_int_equal(with_field('0', 0, "x", 1), TAR_OK);
    assert_int_equal(with_field('0', 0, "\0", 1), TAR_BAD_NAME);
    assert_int_equal(with_field('0', 257, "vstar", 5), TAR_BAD_MAGIC);
    assert_int_equal(with_field('0', 257, "ustarx", 6), TAR_BAD_MAGIC);
    assert_int_equal(with_field('0', 257, "ustar  \0", 8), TAR_OK);
    assert_int_equal(with_field('0', 124, "00000000008", 11), TAR_BAD_NUMBER);
    assert_int_equal(with_field('0', 124, "-0000000001", 11), TAR_BAD_NUMBER);
    assert_int_equal(with_field('0', 124, "\x80\0\0\0\0\0\0\0\0\0\0\4", 12), TAR_BAD_NUMBER);
    assert_int_equal(with_field('0', 124, "777777777777", 12), TAR_TRUNCATED);
    assert_int_equal(with_field('0', 124, "00000003001", 11), TAR_TRUNCATED);
    assert_int_equal(with_field('0', 124, "          4 ", 12), TAR_OK);
    assert_int_equal(with_field('0', 100, "rwxr-xr", 7), TAR_BAD_NUMBER);
    assert_int_equal(with_field('0', 136, "yesterday..", 11), TAR_BAD_NUMBER);
    assert_int_equal(with_field('x', 0, "x", 1), TAR_BAD_TYPE);
    assert_int_equal(with_field('L', 0, "x", 1), TAR_BAD_TYPE);
    assert_int_equal(with_field('K', 0, "x", 1), TAR_BAD_TYPE);
    assert_int_equal(with_field('?', 0, "x", 1), TAR_BAD_TYPE);
    assert_int_equal(with_field('6', 0, "x", 1), TAR_OK);
}

static void test_skipped_and_linked(void **state) {
    static struct tar_example archive;
    struct tar_reader reader;
    struct tar_entry entry;
    uint8_t *header;

    (void)state;
    archive.size = 0;
    tar_example_add(&archive, "", "pax_global_header", 'g', "52 comment=67477c7");
    /* A link's size is that of its target; no data follow. */
    header = tar_example_add(&archive, "", "link", '1', "");
    memcpy(header + 124, "00000001000", 11);
    tar_example_checksum(header);
    tar_example_add(&archive, "", "last", '0', "x");
    tar_example_finish(&archive);
    tar_open(&reader, archive.bytes, archive.size);
    assert_int_equal(tar_next(&reader, &entry), TAR_OK);
    assert_string_equal(entry.name, "link");
    assert_int_equal(entry.size, 0);
    assert_int_equal(entry.type, TAR_TYPE_HARD_LINK);
    assert_int_equal(tar_next(&reader, &entry), TAR_OK);
    assert_string_equal(entry.name, "last");
    assert_int_equal(tar_next(&reader, &entry), TAR_END);
}

static volatile uint8_t byte_sink; /* makes the reads below happen */

/* Reads all of an archive that lies in memory of its exact size; returns the last result. */
static enum tar_result read_all(const uint8_t *bytes, size_t size, int *n_entries) {
    uint8_t *copy = malloc(size + (size == 0));
    struct tar_reader reader;
    struct tar_entry entry;
    enum tar_result result;
    uint8_t sum = 0;

    memcpy(copy, bytes, size);
    tar_open(&reader, copy, size);
    *n_entries = 0;
    while ((result = tar_next(&reader, &entry)) == TAR_OK) {
        assert_true(strlen(entry.name) <= TAR_NAME_MAX && entry.name[0] != '\0');
        assert_true(strlen(entry.link) <= TAR_LINK_MAX);
        for (size_t i = 0; i < entry.size; i++) {
            sum ^= entry.data[i];
        }
        (*n_entries)++;
    }
    assert_int_equal(tar_next(&reader, &entry), result);
    assert_true(strlen(tar_result_text(result)) > 0);
    byte_sink = sum;
    free(copy);
    return result;
}

static void test_every_truncation(void **state) {
    static struct tar_example archive;
    size_t size = tar_example_make(&archive);
    int n_entries;

    (void)state;
    for (size_t cut = 0; cut <= size; cut++) {
        enum tar_result result = read_all(archive.bytes, cut, &n_entries);

        /* One of the two zero blocks at the end will do. */
        assert_int_equal(result, cut + TAR_BLOCK >= size ? TAR_END : TAR_TRUNCATED);
        assert_true(n_entries == 3 || cut + TAR_BLOCK < size);
    }
}

static void test_mutations(void **state) {
    static struct tar_example original, archive;
    struct test_random random = {10};
    int n_entries;
    int n_read = 0;

    (void)state;
    tar_example_make(&original);
    for (int round = 0; round < 100000; round++) {
        memcpy(&archive, &original, sizeof archive);
        for (uint64_t n = test_random_below(&random, 4) + 1; n > 0; n--) {
            size_t at = test_random_below(&random, archive.size);

            archive.bytes[at] = (uint8_t)test_random(&random);
            /* Mostly with the right checksum, or nothing else would be tested. */
            if (test_random_below(&random, 8) != 0 &&
                archive.bytes[at / TAR_BLOCK * TAR_BLOCK + 257]) {
                tar_example_checksum(archive.bytes + at / TAR_BLOCK * TAR_BLOCK);
            }
        }
        n_read += read_all(archive.bytes, archive.size, &n_entries) == TAR_END;
    }
    assert_in_range(n_read, 1000, 99000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_bad_fields),
        cmocka_unit_test(test_skipped_and_linked),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
