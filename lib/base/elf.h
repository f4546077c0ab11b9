/* SPDX-License-Identifier: MIT */
/*
 * Reader for ELF64 x86-64 static executables (System V ABI, generic and AMD64 supplements): what
 * to map where, and names for backtraces. Loads nothing itself.
 *
 * The file is read through a callback in small pieces, each piece once, so it need not be in
 * memory, and one that changes meanwhile cannot get past a check. Nothing is believed: whatever
 * the bytes are, no read goes outside of [0, source->size), no loop runs longer than the limits
 * below, and an image that was accepted keeps every promise made here.
 */
#pragma once

#include "lib/base/types.h"

#define ELF_SEGMENTS_MAX        16 /* loadable ones */
#define ELF_PROGRAM_HEADERS_MAX 32
#define ELF_SECTIONS_MAX        4096
#define ELF_SYMBOLS_MAX         (1u << 20)
#define ELF_TLS_ALIGNMENT_MAX   PAGE_SIZE

enum elf_result {
    ELF_OK,
    ELF_READ_FAILED,      /* the callback failed */
    ELF_TRUNCATED,        /* something lies beyond the end of the file */
    ELF_NOT_ELF,          /* no ELF magic */
    ELF_WRONG_MACHINE,    /* not 64-bit little endian x86-64 of the current version */
    ELF_NOT_STATIC,       /* not a static executable at fixed addresses */
    ELF_BAD_HEADER,       /* a header of impossible size, number or place */
    ELF_BAD_SEGMENT,      /* a segment of impossible size, alignment, rights or address */
    ELF_TOO_MANY,         /* more headers than the limits above */
    ELF_OVERLAP,          /* segments not in ascending order, or two in one page */
    ELF_WRITABLE_CODE,    /* a segment both writable and executable */
    ELF_BAD_ENTRY,        /* the entry point is in no executable segment */
    ELF_BAD_TLS,          /* a malformed thread-local segment, or two */
    ELF_NO_SYMBOLS,       /* no (usable) symbol table */
    ELF_SYMBOL_NOT_FOUND, /* no symbol at or below the address */
};

/* Reads exactly `n` bytes at `offset`; false if that cannot be done. Only called for ranges inside
 * the size given. */
typedef bool elf_read(void *context, uint64_t offset, void *to, size_t n);

struct elf_source {
    elf_read *read;
    void *context;
    uint64_t size; /* of the file, bytes */
};

/* For files in memory: source = {elf_read_memory, (void *)bytes, size}. */
bool elf_read_memory(void *context, uint64_t offset, void *to, size_t n);

enum elf_rights {
    ELF_EXECUTE = 1 << 0, /* the values of p_flags */
    ELF_WRITE = 1 << 1,
    ELF_READ = 1 << 2,
};

/*
 * One segment to load. The first file_size bytes at `address` come from the file, from file_offset
 * on; the rest up to memory_size is zero, and so is what its pages hold around it.
 */
struct elf_segment {
    uint64_t address;     /* address % PAGE_SIZE == file_offset % PAGE_SIZE unless file_size is 0 */
    uint64_t memory_size; /* > 0, >= file_size */
    uint64_t file_offset;
    uint64_t file_size;
    unsigned rights; /* enum elf_rights; not zero, never write and execute */
};

struct elf_tls {
    uint64_t address; /* of the initial image */
    uint64_t file_size;
    uint64_t memory_size; /* 0: the program has no thread-local data */
    uint64_t alignment;   /* a power of two, 1 to ELF_TLS_ALIGNMENT_MAX */
};

/*
 * A checked executable. Segments ascend, lie between the first page and the limit given, and share
 * no page. `entry` is in an executable one, the TLS image inside the file's bytes of one.
 */
struct elf_image {
    uint64_t entry;
    unsigned n_segments; /* >= 1 */
    struct elf_segment segments[ELF_SEGMENTS_MAX];
    struct elf_tls tls;
    uint64_t program_headers; /* address of the program headers in memory; 0 if not loaded */
    unsigned n_program_headers;
    uint64_t stack_size; /* wished for by PT_GNU_STACK; 0: none */
};

/* Size of a program header, for AT_PHENT. */
#define ELF_PROGRAM_HEADER_SIZE 56

/* Reads and checks an executable. No page at or above `limit` (a multiple of PAGE_SIZE) is used. */
WARN_UNUSED enum elf_result elf_open(struct elf_image *image, const struct elf_source *source,
                                     uint64_t limit);

/* First address of the segment's pages, and number of pages. */
uint64_t elf_segment_first_page(const struct elf_segment *segment);
uint64_t elf_segment_n_pages(const struct elf_segment *segment);

/* How many of its pages, from the first on, have bytes of the file. */
uint64_t elf_segment_n_file_pages(const struct elf_segment *segment);

/* How many bytes behind those of the file, to the end of the last of these pages, have to be zero.
 * 0 also where nothing of the segment follows: then it does not matter what is there. */
uint64_t elf_segment_tail(const struct elf_segment *segment);

/* Its rights as flags of map. */
uint32_t elf_segment_protection(const struct elf_segment *segment);

struct elf_symbols {
    uint64_t table_offset; /* of the symbols in the file */
    uint64_t n_symbols;
    uint64_t names_offset;
    uint64_t names_size;
};

/* Finds the symbol table of any 64-bit ELF file. */
WARN_UNUSED enum elf_result elf_symbols_open(struct elf_symbols *symbols,
                                             const struct elf_source *source);

/*
 * Looks up the function that `address` is in: the one whose range holds it, else the nearest label
 * without a size below it. Its name goes to the `size` (>= 1) bytes at `name`, cut if too long; the
 * distance from its start to *offset. Reads the whole table: for crash reports, not hot paths.
 */
WARN_UNUSED enum elf_result elf_symbols_find(const struct elf_symbols *symbols,
                                             const struct elf_source *source, uint64_t address,
                                             char *name, size_t size, uint64_t *offset);

/* A result in words. */
const char *elf_result_text(enum elf_result result);
