/* SPDX-License-Identifier: MIT */
/*
 * lib/base/elf.c: a file made here, each of its fields made wrong, cut at every byte, changed at
 * random. The file lies in memory of its exact size, so that the sanitizer sees every read beyond
 * it, and what is accepted must keep the promises of elf.h.
 */
#include "tests/unit/test.h"

#include <string.h>

#include "abi/kernel.h"
#include "lib/base/elf.h"
#include "tests/unit/elf_example.h"

#define LIMIT 0x800000000000ull

/* --- a source that checks what it is asked for --- */

struct memory {
    const uint8_t *bytes;
    size_t size;
    int n_until_failure; /* reads that succeed; negative: all */
};

static bool checked_read(void *context, uint64_t offset, void *to, size_t n) {
    struct memory *memory = context;

    assert_true(offset <= memory->size && n <= memory->size - offset);
    if (memory->n_until_failure == 0) {
        return false;
    }
    memory->n_until_failure -= memory->n_until_failure > 0;
    return elf_read_memory((void *)(uintptr_t)memory->bytes, offset, to, n);
}

/* What elf.h promises of an accepted image. */
static void assert_promises(const struct elf_image *image, uint64_t file_size) {
    uint64_t end = PAGE_SIZE;
    bool entry_found = false;

    assert_in_range(image->n_segments, 1, ELF_SEGMENTS_MAX);
    for (unsigned i = 0; i < image->n_segments; i++) {
        const struct elf_segment *segment = &image->segments[i];
        uint64_t n_pages = elf_segment_n_pages(segment);

        assert_true(elf_segment_first_page(segment) >= end);
        assert_true(n_pages > 0);
        end = elf_segment_first_page(segment) + n_pages * PAGE_SIZE;
        assert_true(end <= LIMIT && end > segment->address);
        assert_true(segment->address + segment->memory_size <= end);
        assert_true(segment->file_size <= segment->memory_size);
        assert_true(u64_range_is_within(segment->file_offset, segment->file_size, file_size));
        assert_in_range(segment->rights, 1, 7);
        assert_true((segment->rights & 3) != 3);
        entry_found |= (segment->rights & ELF_EXECUTE) && image->entry >= segment->address &&
                       image->entry < segment->address + segment->memory_size;
    }
    assert_true(entry_found);
    assert_true(image->tls.file_size <= image->tls.memory_size);
    assert_true(u64_is_power_of_two(image->tls.alignment));
    assert_in_range(image->tls.alignment, 1, ELF_TLS_ALIGNMENT_MAX);
}

/* Opens the first `size` bytes of a file, looks up symbols too, and checks all that can be. */
static enum elf_result open_bytes(const void *bytes, size_t size) {
    uint8_t *copy = malloc(size + (size == 0));
    struct memory memory = {.bytes = copy, .size = size, .n_until_failure = -1};
    struct elf_source source = {checked_read, &memory, size};
    struct elf_image image;
    struct elf_symbols symbols;
    enum elf_result result;

    memcpy(copy, bytes, size);
    memset(&image, 0xa5, sizeof image);
    result = elf_open(&image, &source, LIMIT);
    assert_true(strcmp(elf_result_text(result), "unknown result") != 0);
    if (result == ELF_OK) {
        assert_promises(&image, size);
    }
    if (elf_symbols_open(&symbols, &source) == ELF_OK) {
        char name[12];
        uint64_t offset;

        memset(name, 'x', sizeof name);
        if (elf_symbols_find(&symbols, &source, 0x1030, name, sizeof name, &offset) == ELF_OK) {
            assert_true(strnlen(name, sizeof name) < sizeof name);
        }
    }
    free(copy);
    return result;
}

static enum elf_result open_file(const struct elf_example *file) {
    return open_bytes(file, sizeof *file);
}

/* --- tests --- */

static void test_good_file(void **state) {
    struct elf_source source = {elf_read_memory, (void *)(uintptr_t)&elf_example,
                                sizeof elf_example};
    struct elf_image image;

    (void)state;
    assert_int_equal(open_file(&elf_example), ELF_OK);
    assert_int_equal(elf_open(&image, &source, LIMIT), ELF_OK);
    assert_int_equal(image.entry, ELF_EXAMPLE_TEXT + AT(text) + 8);
    assert_int_equal(image.n_segments, 2);
    assert_int_equal(image.segments[0].address, ELF_EXAMPLE_TEXT);
    assert_int_equal(image.segments[0].rights, ELF_READ | ELF_EXECUTE);
    assert_int_equal(image.segments[1].address, ELF_EXAMPLE_DATA + AT(variables));
    assert_int_equal(image.segments[1].memory_size, 0x3000);
    assert_int_equal(image.segments[1].file_size, 64);
    assert_int_equal(image.segments[1].file_offset, AT(variables));
    assert_int_equal(elf_segment_first_page(&image.segments[1]), ELF_EXAMPLE_DATA);
    assert_int_equal(elf_segment_n_pages(&image.segments[1]), 4);
    assert_int_equal(image.tls.address, ELF_EXAMPLE_DATA + AT(variables));
    assert_int_equal(image.tls.file_size, 16);
    assert_int_equal(image.tls.memory_size, 32);
    assert_int_equal(image.tls.alignment, 16);
    assert_int_equal(image.program_headers, ELF_EXAMPLE_TEXT + 64);
    assert_int_equal(image.n_program_headers, 4);
    assert_int_equal(image.stack_size, 0x20000);
}

/* One field of the example, and what comes of it. */
struct wrong {
    size_t offset;
    unsigned size;
    uint64_t value;
    enum elf_result result;
};

#define FIELD(member, value, result)                                                               \
    { AT(member), sizeof(((struct elf_example *)0)->member), value, result }

static void assert_wrong(const struct wrong *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct elf_example file = elf_example;
        enum elf_result result;

        memcpy((uint8_t *)&file + cases[i].offset, &cases[i].value, cases[i].size);
        result = open_file(&file);
        if (result != cases[i].result) {
            print_message("offset %zu value %#llx: %s\n", cases[i].offset,
                          (unsigned long long)cases[i].value, elf_result_text(result));
        }
        assert_int_equal(result, cases[i].result);
    }
}

static void test_wrong_file_header(void **state) {
    static const struct wrong cases[] = {
        FIELD(header.e_ident[0], 0, ELF_NOT_ELF),
        FIELD(header.e_ident[3], 'f', ELF_NOT_ELF),
        FIELD(header.e_ident[4], 1, ELF_WRONG_MACHINE),
        FIELD(header.e_ident[5], 2, ELF_WRONG_MACHINE),
        FIELD(header.e_ident[6], 0, ELF_WRONG_MACHINE),
        FIELD(header.e_ident[7], 3, ELF_OK),
        FIELD(header.e_ident[7], 9, ELF_WRONG_MACHINE),
        FIELD(header.e_machine, 3, ELF_WRONG_MACHINE),
        FIELD(header.e_version, 2, ELF_WRONG_MACHINE),
        FIELD(header.e_type, 1, ELF_NOT_STATIC),
        FIELD(header.e_type, 3, ELF_NOT_STATIC),
        FIELD(header.e_ehsize, 63, ELF_BAD_HEADER),
        FIELD(header.e_phentsize, 32, ELF_BAD_HEADER),
        FIELD(header.e_phnum, 0, ELF_BAD_HEADER),
        FIELD(header.e_phnum, 33, ELF_TOO_MANY),
        FIELD(header.e_phnum, 0xffff, ELF_TOO_MANY),
        FIELD(header.e_phoff, 0, ELF_BAD_HEADER),
        FIELD(header.e_phoff, 65, ELF_BAD_HEADER),
        FIELD(header.e_phoff, sizeof(struct elf_example), ELF_TRUNCATED),
        FIELD(header.e_phoff, UINT64_MAX - 7, ELF_TRUNCATED),
        FIELD(header.e_entry, 0, ELF_BAD_ENTRY),
        FIELD(header.e_entry, ELF_EXAMPLE_TEXT - 1, ELF_BAD_ENTRY),
        FIELD(header.e_entry, ELF_EXAMPLE_TEXT + AT(variables), ELF_BAD_ENTRY),
        FIELD(header.e_entry, ELF_EXAMPLE_DATA + AT(variables), ELF_BAD_ENTRY),
        FIELD(header.e_entry, UINT64_MAX, ELF_BAD_ENTRY),
        FIELD(header.e_shoff, UINT64_MAX, ELF_OK), /* needed for symbols only */
        FIELD(header.e_shnum, 0xffff, ELF_OK),
    };

    (void)state;
    assert_wrong(cases, ARRAY_SIZE(cases));
}

static void test_wrong_segments(void **state) {
    static const struct wrong cases[] = {
        FIELD(code.p_type, 2, ELF_NOT_STATIC),
        FIELD(code.p_type, 3, ELF_NOT_STATIC),
        FIELD(code.p_type, 0, ELF_BAD_ENTRY),
        FIELD(data.p_type, 0, ELF_BAD_TLS),
        FIELD(code.p_flags, 7, ELF_WRITABLE_CODE),
        FIELD(code.p_flags, 3, ELF_WRITABLE_CODE),
        FIELD(code.p_flags, 0, ELF_BAD_SEGMENT),
        FIELD(code.p_flags, 0x15, ELF_BAD_SEGMENT),
        FIELD(code.p_flags, 4, ELF_BAD_ENTRY),
        FIELD(data.p_filesz, 0x3001, ELF_BAD_SEGMENT),
        FIELD(data.p_memsz, 63, ELF_BAD_SEGMENT),
        FIELD(data.p_filesz, sizeof(struct elf_example) - AT(variables), ELF_OK),
        FIELD(data.p_filesz, sizeof(struct elf_example) - AT(variables) + 1, ELF_TRUNCATED),
        FIELD(data.p_offset, AT(variables) + 4096, ELF_TRUNCATED),
        FIELD(data.p_offset, AT(variables) + 1, ELF_BAD_SEGMENT),
        FIELD(data.p_offset, UINT64_MAX - 4095 + AT(variables), ELF_TRUNCATED),
        FIELD(data.p_vaddr, ELF_EXAMPLE_DATA + AT(variables) + 1, ELF_BAD_SEGMENT),
        FIELD(data.p_vaddr, AT(variables), ELF_BAD_SEGMENT), /* page 0 */
        FIELD(data.p_vaddr, ELF_EXAMPLE_TEXT + AT(variables), ELF_OVERLAP),
        FIELD(data.p_vaddr, ELF_EXAMPLE_TEXT - 0x3000 + AT(variables), ELF_OVERLAP),
        FIELD(data.p_vaddr, ELF_EXAMPLE_TEXT - 0x4000 + AT(variables),
              ELF_OVERLAP), /* descending */
        FIELD(data.p_vaddr, LIMIT - 0x4000 + AT(variables), ELF_BAD_TLS),
        FIELD(data.p_vaddr, LIMIT - 0x3000 + AT(variables), ELF_BAD_SEGMENT),
        FIELD(data.p_vaddr, UINT64_MAX - 4095 + AT(variables), ELF_BAD_SEGMENT),
        FIELD(data.p_memsz, LIMIT, ELF_BAD_SEGMENT),
        FIELD(data.p_memsz, UINT64_MAX, ELF_BAD_SEGMENT),
        FIELD(data.p_align, 3, ELF_BAD_SEGMENT),
        FIELD(data.p_align, 0, ELF_OK),
        FIELD(data.p_align, 1, ELF_OK),
        FIELD(data.p_align, 0x2000, ELF_OK),
        FIELD(data.p_align, 0x8000, ELF_BAD_SEGMENT),
        FIELD(data.p_align, 1ull << 63, ELF_BAD_SEGMENT),
        FIELD(tls.p_filesz, 33, ELF_BAD_TLS),
        FIELD(tls.p_memsz, 15, ELF_BAD_TLS),
        FIELD(tls.p_memsz, UINT64_MAX, ELF_BAD_TLS),
        FIELD(tls.p_align, 24, ELF_BAD_TLS),
        FIELD(tls.p_align, 8192, ELF_BAD_TLS),
        FIELD(tls.p_align, 0, ELF_OK),
        FIELD(tls.p_vaddr, 0, ELF_BAD_TLS),
        FIELD(tls.p_vaddr, ELF_EXAMPLE_DATA + AT(variables) + 49, ELF_BAD_TLS), /* partly in .bss */
        FIELD(tls.p_vaddr, ELF_EXAMPLE_DATA + AT(variables) + 48, ELF_OK),
        FIELD(stack.p_flags, 7, ELF_OK),
        FIELD(stack.p_type, 7, ELF_BAD_TLS), /* a second one */
    };

    (void)state;
    assert_wrong(cases, ARRAY_SIZE(cases));
}

static void test_empty_segments(void **state) {
    struct elf_example file = elf_example;

    (void)state;
    /* One of no size is nowhere: its address does not matter. */
    file.stack.p_type = 1;
    file.stack.p_vaddr = 0;
    file.stack.p_offset = 0;
    file.stack.p_flags = 7;
    file.stack.p_memsz = 0;
    assert_int_equal(open_file(&file), ELF_OK);
    file.stack.p_memsz = 1;
    assert_int_equal(open_file(&file), ELF_WRITABLE_CODE);
}

static void test_too_many_segments(void **state) {
    static uint8_t bytes[64 + 20 * 56];
    struct elf_file_header header = elf_example.header;

    (void)state;
    header.e_phoff = 64;
    header.e_entry = 0x1000;
    for (unsigned n = 1; n <= 20; n++) {
        header.e_phnum = (uint16_t)n;
        memcpy(bytes, &header, 64);
        for (unsigned i = 0; i < n; i++) {
            struct elf_program_header segment = {
                .p_type = 1, .p_flags = 5, .p_vaddr = 0x1000 * (i + 1), .p_memsz = 4096};

            memcpy(bytes + 64 + i * 56, &segment, 56);
        }
        assert_int_equal(open_bytes(bytes, sizeof bytes),
                         n <= ELF_SEGMENTS_MAX ? ELF_OK : ELF_TOO_MANY);
    }
}

/* Maps a segment page by page, and compares with what it should be. */
static void test_pages(void **state) {
    struct test_random random = {11};

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct elf_segment segment = {
            .address = 0x10000 + test_random_below(&random, 9000),
            .memory_size = 1 + test_random_below(&random, 20000),
            .file_offset = test_random_below(&random, 100000),
        };

        segment.file_size = test_random_below(&random, segment.memory_size + 1);
        uint64_t first = elf_segment_first_page(&segment), n = elf_segment_n_pages(&segment);
        uint64_t n_file = elf_segment_n_file_pages(&segment), tail = elf_segment_tail(&segment);
        uint64_t file_end = segment.address + segment.file_size;

        assert_true(segment.address - first < PAGE_SIZE && n_file <= n && tail < PAGE_SIZE);
        assert_in_range(first + n * PAGE_SIZE, segment.address + segment.memory_size,
                        segment.address + segment.memory_size + PAGE_SIZE - 1);
        if (segment.file_size == 0) {
            assert_true(n_file == 0 && tail == 0);
            continue;
        }
        assert_in_range(first + n_file * PAGE_SIZE, file_end, file_end + PAGE_SIZE - 1);
        assert_int_equal(tail, segment.file_size == segment.memory_size
                                   ? 0
                                   : first + n_file * PAGE_SIZE - file_end);
    }
}

static void test_protection(void **state) {
    struct elf_segment segment = {.rights = ELF_READ | ELF_EXECUTE};

    (void)state;
    assert_int_equal(elf_segment_protection(&segment), MAP_READ | MAP_EXECUTE);
    segment.rights = ELF_WRITE;
    assert_int_equal(elf_segment_protection(&segment), MAP_WRITE);
}

static void test_read_failures(void **state) {
    (void)state;
    for (int n = 0; n < 6; n++) {
        struct memory memory = {(const uint8_t *)&elf_example, sizeof elf_example, n};
        struct elf_source source = {checked_read, &memory, sizeof elf_example};
        struct elf_image image;

        assert_int_equal(elf_open(&image, &source, LIMIT), n < 5 ? ELF_READ_FAILED : ELF_OK);
    }
    for (int n = 0; n < 8; n++) {
        struct memory memory = {(const uint8_t *)&elf_example, sizeof elf_example, n};
        struct elf_source source = {checked_read, &memory, sizeof elf_example};
        struct elf_symbols symbols;
        char name[8];
        uint64_t offset;
        enum elf_result result = elf_symbols_open(&symbols, &source);

        if (result == ELF_OK) {
            result = elf_symbols_find(&symbols, &source, 0x1000, name, sizeof name, &offset);
        }
        assert_int_equal(result, n < 7 ? ELF_READ_FAILED : ELF_OK);
    }
}

static void assert_symbol(uint64_t address, const char *expected, uint64_t expected_offset) {
    struct elf_source source = {elf_read_memory, (void *)(uintptr_t)&elf_example,
                                sizeof elf_example};
    struct elf_symbols symbols;
    char name[12];
    uint64_t offset = 99;
    enum elf_result result;

    assert_int_equal(elf_symbols_open(&symbols, &source), ELF_OK);
    result = elf_symbols_find(&symbols, &source, address, name, sizeof name, &offset);
    if (expected == NULL) {
        assert_int_equal(result, ELF_SYMBOL_NOT_FOUND);
        return;
    }
    assert_int_equal(result, ELF_OK);
    assert_string_equal(name, expected);
    assert_int_equal(offset, expected_offset);
}

static void test_symbols(void **state) {
    (void)state;
    assert_symbol(0, NULL, 0);
    assert_symbol(0xfff, NULL, 0);
    assert_symbol(0x1000, "first", 0);
    assert_symbol(0x101f, "first", 0x1f);
    assert_symbol(0x1020, "first", 0x20); /* a label inside a function is not its name */
    assert_symbol(0x103f, "first", 0x3f);
    assert_symbol(0x1040, "label", 0x20);
    assert_symbol(0x1050, "label", 0);
    assert_symbol(0x1061, "label", 0x11); /* objects and undefined symbols are no code */
    assert_symbol(0x1071, "label", 0x21);
    assert_symbol(0x2001, "a_rather_lo", 1);
    assert_symbol(0x2010, "label", 0xfc0);
}

static void test_wrong_symbol_tables(void **state) {
    static const struct wrong cases[] = {
        FIELD(header.e_shentsize, 63, ELF_NO_SYMBOLS),
        FIELD(header.e_shnum, 0, ELF_NO_SYMBOLS),
        FIELD(header.e_shnum, 2, ELF_NO_SYMBOLS),
        FIELD(header.e_shnum, 0xffff, ELF_NO_SYMBOLS),
        FIELD(header.e_shoff, UINT64_MAX - 63, ELF_NO_SYMBOLS),
        FIELD(sections[2].sh_entsize, 16, ELF_NO_SYMBOLS),
        FIELD(sections[2].sh_link, 4, ELF_NO_SYMBOLS),
        FIELD(sections[2].sh_link, 1, ELF_NO_SYMBOLS),
        FIELD(sections[2].sh_size, UINT64_MAX, ELF_NO_SYMBOLS),
        FIELD(sections[2].sh_offset, UINT64_MAX, ELF_NO_SYMBOLS),
        FIELD(sections[3].sh_size, UINT64_MAX, ELF_NO_SYMBOLS),
        FIELD(sections[3].sh_size, 1, ELF_SYMBOL_NOT_FOUND),
        FIELD(symbols[1].st_name, 64, ELF_SYMBOL_NOT_FOUND),
        FIELD(symbols[1].st_name, 63, ELF_OK),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct elf_example file = elf_example;
        struct memory memory = {(const uint8_t *)&file, sizeof file, -1};
        struct elf_source source = {checked_read, &memory, sizeof file};
        struct elf_symbols symbols;
        char name[40];
        uint64_t offset;
        enum elf_result result;

        memcpy((uint8_t *)&file + cases[i].offset, &cases[i].value, cases[i].size);
        result = elf_symbols_open(&symbols, &source);
        if (result == ELF_OK) {
            result = elf_symbols_find(&symbols, &source, 0x1000, name, sizeof name, &offset);
        }
        assert_int_equal(result, cases[i].result);
    }
}

static void test_every_truncation(void **state) {
    (void)state;
    for (size_t size = 0; size <= sizeof elf_example; size++) {
        enum elf_result result = open_bytes(&elf_example, size);

        if (size < AT(symbols)) {
            assert_int_equal(result, ELF_TRUNCATED);
        } else {
            assert_int_equal(result, ELF_OK); /* the rest is for symbols only */
        }
    }
}

/* Changes one to eight bytes; twice in three times in the headers, where it matters. */
static void mutate(struct test_random *random, struct elf_example *file) {
    static const uint64_t nasty[] = {
        0,          1,         0x7f,  0x80,      0xfff,      0x1000,     INT32_MAX,
        UINT32_MAX, LIMIT - 1, LIMIT, INT64_MAX, 1ull << 63, UINT64_MAX, UINT64_MAX - 4095};
    uint8_t *bytes = (uint8_t *)file;
    bool anywhere = test_random_below(random, 3) == 0;
    size_t at = test_random_below(random, anywhere ? sizeof *file : AT(text));
    uint64_t value = nasty[test_random_below(random, ARRAY_SIZE(nasty))];

    if (test_random(random) >> 63) {
        bytes[at] = (uint8_t)test_random(random);
    } else {
        at = MIN(ALIGN_DOWN(at, 8), sizeof *file - 8);
        memcpy(bytes + at, &value, test_random(random) >> 63 ? 8 : 4);
    }
}

static void test_mutations(void **state) {
    struct test_random random = {12};
    int n_accepted = 0;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        struct elf_example file = elf_example;

        for (uint64_t n = 1 + test_random_below(&random, 4); n > 0; n--) {
            mutate(&random, &file);
        }
        n_accepted += open_file(&file) == ELF_OK;
    }
    assert_in_range(n_accepted, 10000, 190000); /* neither all nor none: both paths were tried */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_file),         cmocka_unit_test(test_wrong_file_header),
        cmocka_unit_test(test_wrong_segments),    cmocka_unit_test(test_empty_segments),
        cmocka_unit_test(test_too_many_segments), cmocka_unit_test(test_pages),
        cmocka_unit_test(test_protection),        cmocka_unit_test(test_read_failures),
        cmocka_unit_test(test_symbols),           cmocka_unit_test(test_wrong_symbol_tables),
        cmocka_unit_test(test_every_truncation),  cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
