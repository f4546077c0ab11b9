/* SPDX-License-Identifier: MIT */
#include "programs/common/number.h"

#include <stdio.h>

int number_parse(const char *string, uint64_t limit, uint64_t *value) {
    uint64_t number = 0;

    if (*string == '\0') {
        return -1;
    }
    for (; *string != '\0'; string++) {
        if (*string < '0' || *string > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*string - '0'), &number)) {
            return -1;
        }
    }
    if (number > limit) {
        return -1;
    }
    *value = number;
    return 0;
}

char *number_human(uint64_t bytes, char buffer[NUMBER_HUMAN_SIZE]) {
    static const char units[] = "KMGTPE";
    unsigned unit = 0;
    uint64_t whole = 0, rest = 0, tenths = 0;

    if (bytes < 1024) {
        snprintf(buffer, NUMBER_HUMAN_SIZE, "%u", (unsigned)bytes);
        return buffer;
    }
    while (bytes >> (10 * (unit + 1)) >= 1024 && units[unit + 1] != '\0') {
        unit++;
    }
    whole = bytes >> (10 * (unit + 1));
    rest = bytes & ((UINT64_C(1) << (10 * (unit + 1))) - 1);
    /* rest is below 2^60, so ten times it fits. */
    tenths = (rest * 10 + (UINT64_C(1) << (10 * (unit + 1))) - 1) >> (10 * (unit + 1));
    if (whole * 10 + tenths < 100) {
        snprintf(buffer, NUMBER_HUMAN_SIZE, "%u.%u%c", (unsigned)(whole + tenths / 10),
                 (unsigned)(tenths % 10), units[unit]);
        return buffer;
    }
    whole += tenths > 0;
    if (whole == 1024) {
        /* Below 16 E, so there is a next unit. */
        snprintf(buffer, NUMBER_HUMAN_SIZE, "1.0%c", units[unit + 1]);
    } else {
        snprintf(buffer, NUMBER_HUMAN_SIZE, "%u%c", (unsigned)whole, units[unit]);
    }
    return buffer;
}
