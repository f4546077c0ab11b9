/* SPDX-License-Identifier: MIT */
/*
 * Numbers between people and programs.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Reads a whole string of decimal digits. Returns 0, or -1 if it is empty, has anything else in
 * it, or is above *limit*; then *value is unchanged. */
int number_parse(const char *string, uint64_t limit, uint64_t *value);

/* Enough for every number that number_human writes. */
#define NUMBER_HUMAN_SIZE 8

/* Writes a size in bytes as at most four characters and a binary unit: "0", "999", "1.0K", "15M".
 * Rounds up, so that nothing looks smaller than it is. Returns buffer. */
char *number_human(uint64_t bytes, char buffer[NUMBER_HUMAN_SIZE]);
