/* SPDX-License-Identifier: MIT */
/*
 * lib/base/path.c and utf8.h. The input is up to three strings: a directory, a path and a prefix.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/base/path.h"
#include "lib/base/utf8.h"

static void check_normal(const char *path) {
    char again[PATH_LENGTH_MAX];
    size_t parent;
    const char *last = path_split_last(path, &parent);

    FUZZ_ASSERT(path[0] == '/' && strlen(path) < PATH_LENGTH_MAX);
    FUZZ_ASSERT(path_normalize(again, NULL, path) == PATH_OK && string_equal(again, path));
    FUZZ_ASSERT((last == NULL) == string_equal(path, "/"));
    FUZZ_ASSERT(last == NULL || path_name_is_valid(last));
    FUZZ_ASSERT(!path_wants_directory(path) || last == NULL);
}

static void check_prefix(const char *prefix, const char *path) {
    const char *const prefixes[] = {"/", prefix};
    const char *rest;
    const char *below = path_rest(prefix, path);
    size_t index = path_match_longest(prefixes, 2, path, &rest);
    char joined[PATH_LENGTH_MAX];

    FUZZ_ASSERT(index == (below != NULL && !string_equal(prefix, "/")));
    if (below != NULL && below[0] != '\0') {
        FUZZ_ASSERT(path_normalize(joined, prefix, below) == PATH_OK);
        FUZZ_ASSERT(string_equal(joined, path));
    }
}

static void check_utf8(const char *bytes, size_t n) {
    while (n > 0) {
        char encoded[UTF8_LENGTH_MAX];
        uint32_t code_point;
        size_t length;

        if (utf8_decode(bytes, n, &code_point, &length) == UTF8_OK) {
            FUZZ_ASSERT(utf8_encode(code_point, encoded) == length);
            FUZZ_ASSERT(memcmp(encoded, bytes, length) == 0);
        }
        FUZZ_ASSERT(length > 0 && length <= n);
        bytes += length;
        n -= length;
    }
}

static void fuzz_one(const uint8_t *data, size_t size) {
    char *strings[3];
    char path[PATH_LENGTH_MAX], prefix[PATH_LENGTH_MAX];

    check_utf8((const char *)data, size);
    for (size_t i = 0; i < 3; i++) {
        size_t length = strnlen((const char *)data, size);

        strings[i] = calloc(1, length + 1);
        memcpy(strings[i], data, length);
        data += MIN(length + 1, size);
        size -= MIN(length + 1, size);
    }
    if (path_normalize(path, strings[0], strings[1]) == PATH_OK) {
        check_normal(path);
        if (path_normalize(prefix, "/", strings[2]) == PATH_OK) {
            check_prefix(prefix, path);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        free(strings[i]);
    }
}
