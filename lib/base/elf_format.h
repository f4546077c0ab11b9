/* SPDX-License-Identifier: MIT */
/*
 * The structures of an ELF64 file as they stand in it (System V ABI, chapters 4 and 5). Only for
 * the ELF reader and for tests that write such files; names are those of the specification.
 */
#pragma once

#include "lib/base/types.h"

struct elf_file_header {
    uint8_t e_ident[16];
    uint16_t e_type;
    uint16_t e_machine;
    uint32_t e_version;
    uint64_t e_entry;
    uint64_t e_phoff;
    uint64_t e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize;
    uint16_t e_phentsize;
    uint16_t e_phnum;
    uint16_t e_shentsize;
    uint16_t e_shnum;
    uint16_t e_shstrndx;
};
_Static_assert(sizeof(struct elf_file_header) == 64, "Elf64_Ehdr");

struct elf_program_header {
    uint32_t p_type;
    uint32_t p_flags;
    uint64_t p_offset;
    uint64_t p_vaddr;
    uint64_t p_paddr;
    uint64_t p_filesz;
    uint64_t p_memsz;
    uint64_t p_align;
};
_Static_assert(sizeof(struct elf_program_header) == 56, "Elf64_Phdr");

struct elf_section_header {
    uint32_t sh_name;
    uint32_t sh_type;
    uint64_t sh_flags;
    uint64_t sh_addr;
    uint64_t sh_offset;
    uint64_t sh_size;
    uint32_t sh_link;
    uint32_t sh_info;
    uint64_t sh_addralign;
    uint64_t sh_entsize;
};
_Static_assert(sizeof(struct elf_section_header) == 64, "Elf64_Shdr");

struct elf_symbol {
    uint32_t st_name;
    uint8_t st_info;
    uint8_t st_other;
    uint16_t st_shndx;
    uint64_t st_value;
    uint64_t st_size;
};
_Static_assert(sizeof(struct elf_symbol) == 24, "Elf64_Sym");

enum {
    ELF_IDENT_CLASS = 4, /* indices into e_ident */
    ELF_IDENT_DATA = 5,
    ELF_IDENT_VERSION = 6,
    ELF_IDENT_OSABI = 7,

    ELF_CLASS_64 = 2,
    ELF_DATA_LITTLE_ENDIAN = 1,
    ELF_VERSION_CURRENT = 1,
    ELF_OSABI_SYSV = 0,
    ELF_OSABI_GNU = 3, /* what ld writes if GNU extensions are used, e.g. unique symbols */

    ELF_TYPE_EXEC = 2,
    ELF_MACHINE_X86_64 = 62,

    ELF_PT_LOAD = 1,
    ELF_PT_DYNAMIC = 2,
    ELF_PT_INTERP = 3,
    ELF_PT_TLS = 7,
    ELF_PT_GNU_STACK = 0x6474e551,

    ELF_SHT_SYMTAB = 2,
    ELF_SHT_STRTAB = 3,

    ELF_STT_NOTYPE = 0,
    ELF_STT_FUNC = 2,
    ELF_STT_GNU_IFUNC = 10,
    ELF_SHN_UNDEF = 0,
    ELF_SHN_LORESERVE = 0xff00,
};
