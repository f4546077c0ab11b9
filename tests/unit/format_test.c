/* SPDX-License-Identifier: MIT */
/* lib/base/format.c against the host's printf: chosen cases, and 300,000 random conversions. */
#include "tests/unit/test.h"

#include <limits.h>
#include <string.h>

#include "lib/base/format.h"

/* Formats with both and compares text and length, in a buffer that is just large enough. */
#define ASSERT_SAME(...)                                                                           \
    do {                                                                                           \
        char expected_[2048];                                                                      \
        int length_ = snprintf(expected_, sizeof expected_, __VA_ARGS__);                          \
        char *got_ = malloc((size_t)length_ + 1);                                                  \
        assert_int_equal(format_buffer(got_, (size_t)length_ + 1, __VA_ARGS__), length_);          \
        assert_string_equal(got_, expected_);                                                      \
        free(got_);                                                                                \
    } while (0)

static void test_chosen(void **state) {
    (void)state;
    ASSERT_SAME("plain");
    ASSERT_SAME("%d|%i|%u", -1, INT_MIN, UINT_MAX);
    ASSERT_SAME("%ld %lld %lu %llu", LONG_MIN, LLONG_MIN, ULONG_MAX, ULLONG_MAX);
    ASSERT_SAME("%zu %zx %jd %td", SIZE_MAX, (size_t)0, INTMAX_MIN, (ptrdiff_t)-5);
    ASSERT_SAME("%hhd %hhu %hd %hu", (signed char)-3, (unsigned char)250, (short)-3,
                (unsigned short)65530);
    ASSERT_SAME("%x %X %#x %#X %#x", 0xabcu, 0xabcu, 0xabcu, 0xabcu, 0u);
    ASSERT_SAME("%016llx|%-16llx|%16llx|", 0x1234ull, 0x1234ull, 0x1234ull);
    ASSERT_SAME("%p", (void *)0xffff800000000000ull);
    ASSERT_SAME("%s|%10s|%-10s|%.2s|%.*s|%*s", "abc", "abc", "abc", "abc", 1, "abc", -6, "abc");
    ASSERT_SAME("%c%c%3c|%-3c|", 'a', 0x80, 'b', 'c');
    ASSERT_SAME("100%% %5d%%", 5);
    ASSERT_SAME("%.0d|%.0u|%#.0o|%#o|%.5d|%+d|% d", 0, 0u, 0u, 8u, 42, 42, 42);
    ASSERT_SAME("%s", "");
    ASSERT_SAME("%500d|%-500d|%.300d", 1, 2, 3);
}

static void test_differences(void **state) {
    char buffer[64];
    const char *volatile null = NULL;
    const char *volatile unknown = "a %d %f b %d";

    (void)state;
    format_buffer(buffer, sizeof buffer, "%s %p", null, (void *)null);
    assert_string_equal(buffer, "(null) 0x0");
    /* What cannot be interpreted is shown, and ends the interpretation. */
    format_buffer(buffer, sizeof buffer, unknown, 1, 2.0, 3);
    assert_string_equal(buffer, "a 1 %f b %d");
    unknown = "50%";
    format_buffer(buffer, sizeof buffer, unknown, 1);
    assert_string_equal(buffer, "50%");
}

static void test_cutting(void **state) {
    char buffer[8];

    (void)state;
    memset(buffer, 'x', sizeof buffer);
    assert_int_equal(format_buffer(buffer, 4, "%d", 123456), 6);
    assert_string_equal(buffer, "123");
    assert_int_equal(buffer[4], 'x');
    assert_int_equal(format_buffer(buffer, 1, "abc"), 3);
    assert_string_equal(buffer, "");
    assert_int_equal(format_buffer(NULL, 0, "%s", "abc"), 3);
    assert_int_equal(format_buffer(buffer, 4, "abc"), 3);
    assert_string_equal(buffer, "abc");
}

static void count_sink(void *context, const char *bytes, size_t n) {
    size_t *count = context;

    assert_non_null(bytes);
    assert_true(n > 0);
    *count += n;
}

static void test_sink(void **state) {
    size_t count = 0;

    (void)state;
    assert_int_equal(format_to(count_sink, &count, "%5d%s%%", 1, "xyz"), 9);
    assert_int_equal(count, 9);
    assert_int_equal(format_to(count_sink, &count, "%s", ""), 0);
}

static uint64_t interesting(struct test_random *random) {
    uint64_t value = test_random(random) >> test_random_below(random, 64);

    return test_random_below(random, 8) == 0 ? 0 : test_random(random) >> 63 ? -value : value;
}

/* A random conversion that C defines: printf leaves some combinations of flags undefined. */
static char random_spec(struct test_random *random, char *spec, const char *size) {
    static const char conversions[] = "diuoxXsc";
    char conversion = conversions[test_random_below(random, sizeof conversions - 1)];
    const char *flags = strchr("di", conversion)    ? "-0+ "
                        : strchr("oxX", conversion) ? "-0#"
                        : conversion == 'u'         ? "-0"
                                                    : "-";

    *spec++ = '<';
    *spec++ = '%';
    while (test_random_below(random, 3) != 0) {
        *spec++ = flags[test_random_below(random, strlen(flags))];
    }
    if (test_random(random) >> 63) {
        spec += sprintf(spec, "%u", (unsigned)test_random_below(random, 40) + 1);
    }
    if (conversion != 'c' && test_random(random) >> 63) {
        spec += sprintf(spec, ".%u", (unsigned)test_random_below(random, 30));
    }
    if (!strchr("sc", conversion)) {
        spec = stpcpy(spec, size);
    }
    *spec++ = conversion;
    strcpy(spec, ">");
    return conversion;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static void test_random_conversions(void **state) {
    static const char *const sizes[] = {"hh", "h", "", "l", "ll", "z", "j", "t"};
    struct test_random random = {5};
    char spec[128];

    (void)state;
    for (int round = 0; round < 300000; round++) {
        unsigned size = (unsigned)test_random_below(&random, 8);
        char conversion = random_spec(&random, spec, sizes[size]);
        uint64_t value = interesting(&random);

        if (conversion == 's') {
            char text[24] = {0};

            memset(text, 'a', value % 24);
            text[23] = '\0';
            ASSERT_SAME(spec, text);
        } else if (conversion == 'c') {
            ASSERT_SAME(spec, (int)(value % 127 + 1));
        } else if (size < 3) {
            ASSERT_SAME(spec, (int)value);
        } else {
            ASSERT_SAME(spec, (long)value);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chosen),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_sink),
        cmocka_unit_test(test_random_conversions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
