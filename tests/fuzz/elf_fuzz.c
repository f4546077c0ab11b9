/* SPDX-License-Identifier: MIT */
/*
 * lib/base/elf.c: any bytes as a file, and any changes to a good one; what is accepted keeps the
 * promises of elf.h.
 */
#include "tests/fuzz/fuzz.h"

#include "lib/base/elf.h"
#include "tests/unit/elf_example.h"

#define LIMIT 0x800000000000ull

struct file {
    const uint8_t *bytes;
    size_t size;
};

static bool read_file(void *context, uint64_t offset, void *to, size_t n) {
    const struct file *file = context;

    FUZZ_ASSERT(u64_range_is_within(offset, n, file->size));
    memcpy(to, file->bytes + offset, n);
    return true;
}

static void check_image(const struct elf_image *image, size_t size) {
    uint64_t end = PAGE_SIZE;

    FUZZ_ASSERT(image->n_segments >= 1 && image->n_segments <= ELF_SEGMENTS_MAX);
    for (unsigned i = 0; i < image->n_segments; i++) {
        const struct elf_segment *segment = &image->segments[i];
        uint64_t first = elf_segment_first_page(segment);
        uint64_t n_pages = elf_segment_n_pages(segment);

        FUZZ_ASSERT(first >= end && n_pages > 0 && n_pages <= (LIMIT - first) / PAGE_SIZE);
        FUZZ_ASSERT((segment->rights & (ELF_WRITE | ELF_EXECUTE)) != (ELF_WRITE | ELF_EXECUTE));
        end = first + n_pages * PAGE_SIZE;
        FUZZ_ASSERT(elf_segment_n_file_pages(segment) <= n_pages &&
                    elf_segment_tail(segment) < PAGE_SIZE);
        FUZZ_ASSERT(u64_range_is_within(segment->file_offset, segment->file_size, size));
    }
}

static void read_bytes(const uint8_t *data, size_t size) {
    struct file file = {data, size};
    struct elf_source source = {read_file, &file, size};
    struct elf_image image;
    struct elf_symbols symbols;
    char name[16];
    uint64_t offset;
    uint64_t address = 0x1030; /* in a function of the example */

    if (elf_open(&image, &source, LIMIT) == ELF_OK) {
        check_image(&image, size);
        address = image.entry;
    }
    if (elf_symbols_open(&symbols, &source) == ELF_OK &&
        elf_symbols_find(&symbols, &source, address, name, sizeof name, &offset) == ELF_OK) {
        FUZZ_ASSERT(strnlen(name, sizeof name) < sizeof name && offset <= address);
    }
}

static void fuzz_one(const uint8_t *data, size_t size) {
    size_t example_size = sizeof elf_example;
    uint8_t *example = malloc(example_size);

    read_bytes(data, size);
    memcpy(example, &elf_example, example_size);
    fuzz_edit(example, &example_size, data, size);
    example = realloc(example, MAX(example_size, 1u)); /* what was cut off must not be read */
    read_bytes(example, example_size);
    free(example);
}
