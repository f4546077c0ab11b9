/* SPDX-License-Identifier: MIT */
/* See string.h. */
#include "lib/base/string.h"

/* Copies as much of the `length` bytes at `from` as there is room for, and terminates. */
static bool copy_cut(char *to, size_t size, const char *from, size_t length) {
    size_t copied = MIN(length, size - 1);

    memcpy(to, from, copied);
    to[copied] = '\0';
    return copied == length;
}

bool string_copy_n(char *to, size_t size, const char *from, size_t length) {
    return copy_cut(to, size, from, strnlen(from, length));
}

bool string_copy(char *to, size_t size, const char *from) {
    return copy_cut(to, size, from, strlen(from));
}

bool string_append(char *to, size_t size, const char *from) {
    size_t used = strnlen(to, size - 1);

    return string_copy(to + used, size - used, from);
}

bool string_equal(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

bool string_starts_with(const char *string, const char *prefix) {
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool string_ends_with(const char *string, const char *suffix) {
    size_t length = strlen(string);
    size_t suffix_length = strlen(suffix);

    return length >= suffix_length &&
           memcmp(string + length - suffix_length, suffix, suffix_length) == 0;
}

bool string_equal_n(const char *bytes, size_t length, const char *string) {
    return strlen(string) == length && memcmp(bytes, string, length) == 0;
}

/* Value of a digit in bases up to 16; 16 if it is none. */
static unsigned digit_value(char c) {
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return 16;
}

enum string_number_result string_to_u64_n(const char *digits, size_t length, unsigned base,
                                          uint64_t min, uint64_t max, uint64_t *value) {
    uint64_t number = 0;
    bool overflow = false;

    if (base == 0) {
        base = 10;
        if (length > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
            base = 16;
            digits += 2;
            length -= 2;
        }
    }
    if (length == 0) {
        return STRING_NUMBER_MALFORMED;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned digit = digit_value(digits[i]);

        if (digit >= base) {
            return STRING_NUMBER_MALFORMED;
        }
        /* Go on after an overflow: "999...9x" is malformed, not out of range. */
        overflow |= u64_mul_overflows(number, base, &number);
        overflow |= u64_add_overflows(number, digit, &number);
    }
    if (overflow || number < min || number > max) {
        return STRING_NUMBER_RANGE;
    }
    *value = number;
    return STRING_NUMBER_OK;
}

enum string_number_result string_to_u64(const char *digits, unsigned base, uint64_t min,
                                        uint64_t max, uint64_t *value) {
    return string_to_u64_n(digits, strlen(digits), base, min, max, value);
}
