/* SPDX-License-Identifier: MIT */
#include "programs/common/allocate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/report.h"

static void *check(void *memory) {
    if (memory == NULL) {
        report("out of memory");
        _Exit(1);
    }
    return memory;
}

void *checked_malloc(size_t size) {
    return check(malloc(size == 0 ? 1 : size));
}

void *checked_realloc(void *memory, size_t n, size_t size) {
    size_t total = 0;

    if (__builtin_mul_overflow(n, size, &total)) {
        return check(NULL);
    }
    return check(realloc(memory, total == 0 ? 1 : total));
}

char *checked_strdup(const char *string) {
    return checked_strndup(string, strlen(string));
}

char *checked_strndup(const char *string, size_t length) {
    char *copy = checked_malloc(length + 1);

    memcpy(copy, string, length);
    copy[length] = '\0';
    return copy;
}
