/* SPDX-License-Identifier: MIT */
/* See elf.h. */
#include "lib/base/elf.h"

#include "abi/kernel.h"
#include "lib/base/elf_format.h"
#include "lib/base/string.h"

bool elf_read_memory(void *context, uint64_t offset, void *to, size_t n) {
    memcpy(to, (const uint8_t *)context + offset, n);
    return true;
}

/* The only way to the file: nothing outside of it is ever asked for. */
static enum elf_result source_read(const struct elf_source *source, uint64_t offset, void *to,
                                   size_t n) {
    if (!u64_range_is_within(offset, n, source->size)) {
        return ELF_TRUNCATED;
    }
    return source->read(source->context, offset, to, n) ? ELF_OK : ELF_READ_FAILED;
}

/* Reads the file header and checks that this is a file for our machine. */
static enum elf_result read_file_header(const struct elf_source *source,
                                        struct elf_file_header *header) {
    enum elf_result result = source_read(source, 0, header, sizeof *header);

    if (result != ELF_OK) {
        return result;
    }
    if (memcmp(header->e_ident, "\177ELF", 4) != 0) {
        return ELF_NOT_ELF;
    }
    if (header->e_ident[ELF_IDENT_CLASS] != ELF_CLASS_64 ||
        header->e_ident[ELF_IDENT_DATA] != ELF_DATA_LITTLE_ENDIAN ||
        header->e_ident[ELF_IDENT_VERSION] != ELF_VERSION_CURRENT ||
        (header->e_ident[ELF_IDENT_OSABI] != ELF_OSABI_SYSV &&
         header->e_ident[ELF_IDENT_OSABI] != ELF_OSABI_GNU) ||
        header->e_machine != ELF_MACHINE_X86_64 || header->e_version != ELF_VERSION_CURRENT) {
        return ELF_WRONG_MACHINE;
    }
    return ELF_OK;
}

/* Checks what an executable's file header says about itself and its program headers. */
static enum elf_result check_executable(const struct elf_source *source,
                                        const struct elf_file_header *header) {
    if (header->e_type != ELF_TYPE_EXEC) {
        return ELF_NOT_STATIC;
    }
    if (header->e_ehsize != sizeof *header ||
        header->e_phentsize != sizeof(struct elf_program_header) || header->e_phnum == 0 ||
        header->e_phoff < sizeof *header || !IS_ALIGNED(header->e_phoff, 8)) {
        return ELF_BAD_HEADER;
    }
    if (header->e_phnum > ELF_PROGRAM_HEADERS_MAX) {
        return ELF_TOO_MANY;
    }
    if (!u64_range_is_within(header->e_phoff, header->e_phnum * ELF_PROGRAM_HEADER_SIZE,
                             source->size)) {
        return ELF_TRUNCATED;
    }
    return ELF_OK;
}

/* p_align: 0 and 1 mean none, else a power of two modulo which address and offset agree. */
static bool alignment_is_right(const struct elf_program_header *header) {
    if (header->p_align <= 1) {
        return true;
    }
    return u64_is_power_of_two(header->p_align) &&
           IS_ALIGNED(header->p_vaddr - header->p_offset, header->p_align);
}

/* Checks a PT_LOAD header and adds its segment to the image. One of no size is passed over. */
static enum elf_result add_segment(struct elf_image *image, const struct elf_source *source,
                                   const struct elf_program_header *header, uint64_t limit) {
    struct elf_segment segment = {
        .address = header->p_vaddr,
        .memory_size = header->p_memsz,
        .file_offset = header->p_offset,
        .file_size = header->p_filesz,
        .rights = header->p_flags,
    };

    if (header->p_filesz > header->p_memsz || !alignment_is_right(header)) {
        return ELF_BAD_SEGMENT;
    }
    if (!u64_range_is_within(header->p_offset, header->p_filesz, source->size)) {
        return ELF_TRUNCATED;
    }
    if (header->p_memsz == 0) {
        return ELF_OK;
    }
    if (segment.rights == 0 || (segment.rights & ~(ELF_READ | ELF_WRITE | ELF_EXECUTE)) != 0) {
        return ELF_BAD_SEGMENT;
    }
    if ((segment.rights & ELF_WRITE) && (segment.rights & ELF_EXECUTE)) {
        return ELF_WRITABLE_CODE;
    }
    if (segment.address < PAGE_SIZE ||
        !u64_range_is_within(segment.address, segment.memory_size, limit)) {
        return ELF_BAD_SEGMENT;
    }
    if (segment.file_size > 0 && !IS_ALIGNED(segment.address - segment.file_offset, PAGE_SIZE)) {
        return ELF_BAD_SEGMENT;
    }
    if (image->n_segments == ELF_SEGMENTS_MAX) {
        return ELF_TOO_MANY;
    }
    if (image->n_segments > 0) {
        const struct elf_segment *last = &image->segments[image->n_segments - 1];

        if (elf_segment_first_page(&segment) <
            ALIGN_UP(last->address + last->memory_size, PAGE_SIZE)) {
            return ELF_OVERLAP;
        }
    }
    image->segments[image->n_segments++] = segment;
    return ELF_OK;
}

static enum elf_result add_tls(struct elf_image *image, const struct elf_program_header *header) {
    uint64_t alignment = MAX(header->p_align, 1u);

    if (image->tls.alignment != 0 || header->p_filesz > header->p_memsz ||
        !u64_is_power_of_two(alignment) || alignment > ELF_TLS_ALIGNMENT_MAX) {
        return ELF_BAD_TLS;
    }
    image->tls = (struct elf_tls){
        .address = header->p_vaddr,
        .file_size = header->p_filesz,
        .memory_size = header->p_memsz,
        .alignment = alignment,
    };
    return ELF_OK;
}

static enum elf_result add_program_header(struct elf_image *image, const struct elf_source *source,
                                          const struct elf_program_header *header, uint64_t limit) {
    switch (header->p_type) {
    case ELF_PT_LOAD:
        return add_segment(image, source, header, limit);
    case ELF_PT_TLS:
        return add_tls(image, header);
    case ELF_PT_GNU_STACK:
        /* Its flags may ask for an executable stack, for code of the seventies; nobody gets one. */
        image->stack_size = header->p_memsz;
        return ELF_OK;
    case ELF_PT_DYNAMIC:
    case ELF_PT_INTERP:
        return ELF_NOT_STATIC;
    default:
        return ELF_OK; /* notes, properties and the like */
    }
}

/* What can be checked only when all segments are known. */
static enum elf_result check_image(struct elf_image *image, uint64_t limit) {
    bool entry_found = false;
    bool tls_found = image->tls.file_size == 0;

    for (unsigned i = 0; i < image->n_segments; i++) {
        const struct elf_segment *segment = &image->segments[i];

        if ((segment->rights & ELF_EXECUTE) && image->entry >= segment->address &&
            image->entry - segment->address < segment->memory_size) {
            entry_found = true;
        }
        if (image->tls.address >= segment->address &&
            u64_range_is_within(image->tls.address - segment->address, image->tls.file_size,
                                segment->file_size)) {
            tls_found = true;
        }
    }
    if (!entry_found) {
        return ELF_BAD_ENTRY;
    }
    if (!tls_found || image->tls.memory_size > limit) {
        return ELF_BAD_TLS;
    }
    image->tls.alignment = MAX(image->tls.alignment, 1u);
    return ELF_OK;
}

/* The program headers are in memory if a segment's bytes from the file include them. */
static void find_program_headers(struct elf_image *image, uint64_t file_offset) {
    uint64_t size = (uint64_t)image->n_program_headers * ELF_PROGRAM_HEADER_SIZE;

    for (unsigned i = 0; i < image->n_segments; i++) {
        const struct elf_segment *segment = &image->segments[i];

        if (file_offset >= segment->file_offset &&
            u64_range_is_within(file_offset - segment->file_offset, size, segment->file_size)) {
            image->program_headers = segment->address + (file_offset - segment->file_offset);
            return;
        }
    }
}

enum elf_result elf_open(struct elf_image *image, const struct elf_source *source, uint64_t limit) {
    struct elf_file_header header;
    enum elf_result result = read_file_header(source, &header);

    if (result == ELF_OK) {
        result = check_executable(source, &header);
    }
    if (result != ELF_OK) {
        return result;
    }
    *image = (struct elf_image){.entry = header.e_entry, .n_program_headers = header.e_phnum};
    for (unsigned i = 0; i < header.e_phnum; i++) {
        struct elf_program_header program_header;

        result = source_read(source, header.e_phoff + i * sizeof program_header, &program_header,
                             sizeof program_header);
        if (result == ELF_OK) {
            result = add_program_header(image, source, &program_header, limit);
        }
        if (result != ELF_OK) {
            return result;
        }
    }
    find_program_headers(image, header.e_phoff);
    return check_image(image, limit);
}

uint64_t elf_segment_first_page(const struct elf_segment *segment) {
    return ALIGN_DOWN(segment->address, PAGE_SIZE);
}

uint64_t elf_segment_n_pages(const struct elf_segment *segment) {
    uint64_t end = ALIGN_UP(segment->address + segment->memory_size, PAGE_SIZE);

    return (end - elf_segment_first_page(segment)) / PAGE_SIZE;
}

uint64_t elf_segment_n_file_pages(const struct elf_segment *segment) {
    return segment->file_size == 0
               ? 0
               : DIV_ROUND_UP(segment->address % PAGE_SIZE + segment->file_size, PAGE_SIZE);
}

uint64_t elf_segment_tail(const struct elf_segment *segment) {
    return segment->file_size == 0 || segment->file_size == segment->memory_size
               ? 0
               : -(segment->address + segment->file_size) % PAGE_SIZE;
}

uint32_t elf_segment_protection(const struct elf_segment *segment) {
    return ((segment->rights & ELF_READ) != 0 ? MAP_READ : 0) |
           ((segment->rights & ELF_WRITE) != 0 ? MAP_WRITE : 0) |
           ((segment->rights & ELF_EXECUTE) != 0 ? MAP_EXECUTE : 0);
}

static enum elf_result read_section(const struct elf_source *source,
                                    const struct elf_file_header *header, unsigned index,
                                    struct elf_section_header *section) {
    enum elf_result result = source_read(
        source, header->e_shoff + (uint64_t)index * sizeof *section, section, sizeof *section);

    if (result == ELF_OK &&
        !u64_range_is_within(section->sh_offset, section->sh_size, source->size)) {
        /* Of no interest unless it is one of ours; .bss has no bytes in the file. */
        section->sh_type = 0;
    }
    return result;
}

enum elf_result elf_symbols_open(struct elf_symbols *symbols, const struct elf_source *source) {
    struct elf_file_header header;
    struct elf_section_header table;
    struct elf_section_header names;
    enum elf_result result = read_file_header(source, &header);

    if (result != ELF_OK) {
        return result;
    }
    if (header.e_shentsize != sizeof table || header.e_shnum > ELF_SECTIONS_MAX ||
        !u64_range_is_within(header.e_shoff, header.e_shnum * sizeof table, source->size)) {
        return ELF_NO_SYMBOLS;
    }
    for (unsigned i = 0; i < header.e_shnum; i++) {
        result = read_section(source, &header, i, &table);
        if (result != ELF_OK) {
            return result;
        }
        if (table.sh_type != ELF_SHT_SYMTAB || table.sh_entsize != sizeof(struct elf_symbol) ||
            table.sh_link >= header.e_shnum) {
            continue;
        }
        result = read_section(source, &header, table.sh_link, &names);
        if (result != ELF_OK || names.sh_type != ELF_SHT_STRTAB) {
            return result != ELF_OK ? result : ELF_NO_SYMBOLS;
        }
        *symbols = (struct elf_symbols){
            .table_offset = table.sh_offset,
            .n_symbols = MIN(table.sh_size / sizeof(struct elf_symbol), ELF_SYMBOLS_MAX),
            .names_offset = names.sh_offset,
            .names_size = names.sh_size,
        };
        return ELF_OK;
    }
    return ELF_NO_SYMBOLS;
}

/* Could the symbol name code: a function, or a label of an assembly file? */
static bool symbol_names_code(const struct elf_symbol *symbol) {
    unsigned type = symbol->st_info & 15;

    return (type == ELF_STT_FUNC || type == ELF_STT_NOTYPE || type == ELF_STT_GNU_IFUNC) &&
           symbol->st_shndx != ELF_SHN_UNDEF && symbol->st_shndx < ELF_SHN_LORESERVE &&
           symbol->st_name != 0;
}

/* Is `symbol` a better name for `address` than `best` (st_name 0: none yet)? */
static bool symbol_is_better(const struct elf_symbol *symbol, const struct elf_symbol *best,
                             uint64_t address) {
    bool inside = address - symbol->st_value < symbol->st_size;
    bool best_inside = address - best->st_value < best->st_size;

    if (!symbol_names_code(symbol) || symbol->st_value > address ||
        (symbol->st_size != 0 && !inside)) {
        return false;
    }
    if (best->st_name == 0 || inside != best_inside) {
        return best->st_name == 0 || inside;
    }
    return symbol->st_value > best->st_value;
}

/* Reads the name at `offset` of the string table, cut to `size` - 1 bytes. */
static enum elf_result read_name(const struct elf_symbols *symbols, const struct elf_source *source,
                                 uint64_t offset, char *name, size_t size) {
    size_t n;
    enum elf_result result;

    if (offset >= symbols->names_size) {
        return ELF_SYMBOL_NOT_FOUND;
    }
    n = MIN(size - 1, symbols->names_size - offset);
    result = source_read(source, symbols->names_offset + offset, name, n);
    name[n] = '\0';
    return result;
}

enum elf_result elf_symbols_find(const struct elf_symbols *symbols, const struct elf_source *source,
                                 uint64_t address, char *name, size_t size, uint64_t *offset) {
    struct elf_symbol best = {0};
    struct elf_symbol some[16];
    enum elf_result result;

    for (uint64_t i = 0; i < symbols->n_symbols; i += ARRAY_SIZE(some)) {
        size_t n = MIN(ARRAY_SIZE(some), symbols->n_symbols - i);

        result = source_read(source, symbols->table_offset + i * sizeof some[0], some,
                             n * sizeof some[0]);
        if (result != ELF_OK) {
            return result;
        }
        for (size_t j = 0; j < n; j++) {
            if (symbol_is_better(&some[j], &best, address)) {
                best = some[j];
            }
        }
    }
    if (best.st_name == 0) {
        return ELF_SYMBOL_NOT_FOUND;
    }
    *offset = address - best.st_value;
    return read_name(symbols, source, best.st_name, name, size);
}

const char *elf_result_text(enum elf_result result) {
    static const char *const texts[] = {
        [ELF_OK] = "no error",
        [ELF_READ_FAILED] = "the file cannot be read",
        [ELF_TRUNCATED] = "the file is cut short",
        [ELF_NOT_ELF] = "not an ELF file",
        [ELF_WRONG_MACHINE] = "not for this machine",
        [ELF_NOT_STATIC] = "not a static executable",
        [ELF_BAD_HEADER] = "malformed header",
        [ELF_BAD_SEGMENT] = "malformed segment",
        [ELF_TOO_MANY] = "too many segments",
        [ELF_OVERLAP] = "segments overlap",
        [ELF_WRITABLE_CODE] = "a segment is both writable and executable",
        [ELF_BAD_ENTRY] = "the entry point is not in the code",
        [ELF_BAD_TLS] = "malformed thread-local storage",
        [ELF_NO_SYMBOLS] = "no symbol table",
        [ELF_SYMBOL_NOT_FOUND] = "no such symbol",
    };

    return result < ARRAY_SIZE(texts) ? texts[result] : "unknown result";
}
