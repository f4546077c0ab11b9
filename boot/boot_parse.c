/* SPDX-License-Identifier: MIT */
/*
 * What of reading the boot information needs no loader: putting the memory map in order, and
 * finding words in the command line. Tested on the host.
 *
 * Maps come unsorted, with overlaps and with nonsense in them. Where two ranges overlap, the bytes
 * are usable only if both say so.
 */
#include "boot/boot_read.h"

#include "kernel/panic.h"
#include "lib/base/string.h"

#define RAW_RANGES_MAX 256
#define PADDR_END      (1ull << 52) /* SDM 3, 4.1.4: no processor has more */

/* What the loader says, before it is put in order. */
static struct boot_range raw_ranges[RAW_RANGES_MAX];
static unsigned n_raw_ranges;

void boot_ranges_add(uint64_t start, uint64_t size, enum boot_range_type type) {
    uint64_t end;

    if (u64_add_overflows(start, size, &end) || end > PADDR_END) {
        end = PADDR_END;
    }
    if (start >= end) {
        return;
    }
    if (n_raw_ranges == RAW_RANGES_MAX) {
        panic("boot: the memory map has more than %u ranges", RAW_RANGES_MAX);
    }
    raw_ranges[n_raw_ranges++] = (struct boot_range){start, end, type};
}

static void range_append(struct boot_info *boot, struct boot_range range) {
    struct boot_range *last = boot->n_ranges == 0 ? NULL : &boot->ranges[boot->n_ranges - 1];

    if (range.type == BOOT_RANGE_USABLE) {
        range.start = ALIGN_UP(range.start, PAGE_SIZE);
        range.end = ALIGN_DOWN(range.end, PAGE_SIZE);
        if (range.start >= range.end) {
            return;
        }
    }
    if (last != NULL && last->end == range.start && last->type == range.type) {
        last->end = range.end;
        return;
    }
    if (boot->n_ranges == BOOT_RANGES_MAX) {
        panic("boot: the memory map has more than %u pieces", BOOT_RANGES_MAX);
    }
    boot->ranges[boot->n_ranges++] = range;
}

/* The lowest address from `from` on that is in some raw range; UINT64_MAX if there is none. */
static uint64_t piece_start(uint64_t from) {
    uint64_t start = UINT64_MAX;

    for (unsigned i = 0; i < n_raw_ranges; i++) {
        if (raw_ranges[i].end > from) {
            uint64_t first = MAX(raw_ranges[i].start, from);

            start = MIN(start, first);
        }
    }
    return start;
}

/* The longest piece from `start` on of which all bytes are in the same raw ranges. */
static struct boot_range piece_at(uint64_t start) {
    struct boot_range piece = {start, UINT64_MAX, BOOT_RANGE_USABLE};

    for (unsigned i = 0; i < n_raw_ranges; i++) {
        const struct boot_range *raw = &raw_ranges[i];

        if (raw->start > start) {
            piece.end = MIN(piece.end, raw->start);
        } else if (raw->end > start) {
            piece.end = MIN(piece.end, raw->end);
            piece.type = MAX(piece.type, raw->type); /* OTHER wins */
        }
    }
    return piece;
}

void boot_ranges_finish(struct boot_info *boot) {
    bool any_usable = false;
    uint64_t start = piece_start(0);

    while (start != UINT64_MAX) {
        struct boot_range piece = piece_at(start);

        range_append(boot, piece);
        start = piece_start(piece.end);
    }
    for (unsigned i = 0; i < boot->n_ranges; i++) {
        any_usable |= boot->ranges[i].type == BOOT_RANGE_USABLE;
    }
    n_raw_ranges = 0;
    if (!any_usable) {
        panic("boot: the loader's memory map shows no usable memory");
    }
}

const char *boot_option(const struct boot_info *boot, const char *name, size_t *length) {
    size_t name_length = strlen(name);
    const char *word = boot->command_line;

    while (*word != 0) {
        const char *end = word;

        while (*end != 0 && *end != ' ') {
            end++;
        }
        if ((size_t)(end - word) >= name_length && memcmp(word, name, name_length) == 0) {
            const char *rest = word + name_length;

            if (rest == end || *rest == '=') {
                rest += rest != end;
                *length = (size_t)(end - rest);
                return rest;
            }
        }
        word = *end == 0 ? end : end + 1;
    }
    return NULL;
}
