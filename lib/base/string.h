/* SPDX-License-Identifier: MIT */
/*
 * Strings, for the kernel, programs and the host alike.
 *
 * The first part declares what the C library has too. Programs and the host get those functions
 * from their C library; the kernel from lib/base/kernel_string.c, which is linked into nothing
 * else. The second part is ours, always compiled from lib/base/string.c.
 */
#pragma once

#include "lib/base/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *bytes, int byte, size_t n);
size_t strlen(const char *string);
size_t strnlen(const char *string, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *string, int c);
char *strrchr(const char *string, int c);

/*
 * Copies `from` into the `size` bytes at `to`, cutting it if it is too long; always terminates
 * (size >= 1). Returns false if it was cut.
 */
WARN_UNUSED bool string_copy(char *to, size_t size, const char *from);

/* The same for `length` bytes without terminator. A NUL among them ends the copy; not an error. */
WARN_UNUSED bool string_copy_n(char *to, size_t size, const char *from, size_t length);

/* Appends `from` to the string in the `size` bytes at `to`. Returns false if it was cut. */
WARN_UNUSED bool string_append(char *to, size_t size, const char *from);

bool string_equal(const char *a, const char *b);
bool string_starts_with(const char *string, const char *prefix);
bool string_ends_with(const char *string, const char *suffix);

/* Is the string of exactly `length` bytes at `bytes` (no terminator) equal to `string`? */
bool string_equal_n(const char *bytes, size_t length, const char *string);

enum string_number_result {
    STRING_NUMBER_OK,
    STRING_NUMBER_MALFORMED, /* empty, or something that is no digit of the base */
    STRING_NUMBER_RANGE,     /* a number, but outside the limits */
};

/*
 * Parses all `length` bytes at `digits` as an unsigned number: no sign, no blanks. `base` is 2..16,
 * or 0: then a prefix 0x means 16, and 10 otherwise (a leading 0 is not octal). Sets *value only
 * if the result is STRING_NUMBER_OK and then min <= *value <= max.
 */
WARN_UNUSED enum string_number_result string_to_u64_n(const char *digits, size_t length,
                                                      unsigned base, uint64_t min, uint64_t max,
                                                      uint64_t *value);

/* The same for a terminated string. */
WARN_UNUSED enum string_number_result string_to_u64(const char *digits, unsigned base, uint64_t min,
                                                    uint64_t max, uint64_t *value);
