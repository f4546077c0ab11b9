/* SPDX-License-Identifier: MIT */
/*
 * A small good ELF executable as a structure, for the tests of the ELF reader: code, data with
 * .bss, a TLS image, symbols. AT(member) is the place of a member in the file.
 */
#pragma once

#include "lib/base/elf_format.h"

#define ELF_EXAMPLE_TEXT    0x400000ull
#define ELF_EXAMPLE_DATA    0x402000ull
#define ELF_EXAMPLE_SYMBOLS 7

/* The whole file. */
struct elf_example {
    struct elf_file_header header;
    struct elf_program_header code, data, tls, stack;
    uint8_t text[96];
    uint8_t variables[64];
    struct elf_symbol symbols[ELF_EXAMPLE_SYMBOLS];
    char names[64];
    struct elf_section_header sections[4];
};

#define AT(member) offsetof(struct elf_example, member)

static const struct elf_example elf_example = {
    .header = {.e_ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
               .e_type = 2,
               .e_machine = 62,
               .e_version = 1,
               .e_entry = ELF_EXAMPLE_TEXT + AT(text) + 8,
               .e_phoff = AT(code),
               .e_shoff = AT(sections),
               .e_ehsize = 64,
               .e_phentsize = 56,
               .e_phnum = 4,
               .e_shentsize = 64,
               .e_shnum = 4},
    .code = {.p_type = 1,
             .p_flags = 5,
             .p_vaddr = ELF_EXAMPLE_TEXT,
             .p_filesz = AT(variables),
             .p_memsz = AT(variables),
             .p_align = 4096},
    .data = {.p_type = 1,
             .p_flags = 6,
             .p_offset = AT(variables),
             .p_vaddr = ELF_EXAMPLE_DATA + AT(variables),
             .p_filesz = 64,
             .p_memsz = 0x3000,
             .p_align = 4096},
    .tls = {.p_type = 7,
            .p_flags = 4,
            .p_offset = AT(variables),
            .p_vaddr = ELF_EXAMPLE_DATA + AT(variables),
            .p_filesz = 16,
            .p_memsz = 32,
            .p_align = 16},
    .stack = {.p_type = 0x6474e551, .p_flags = 6, .p_memsz = 0x20000, .p_align = 16},
    .symbols = {{0},
                {.st_name = 1, .st_info = 0x12, .st_shndx = 1, .st_value = 0x1000, .st_size = 64},
                {.st_name = 7, .st_info = 0x10, .st_shndx = 1, .st_value = 0x1020},
                {.st_name = 7, .st_info = 0x10, .st_shndx = 1, .st_value = 0x1050},
                {.st_name = 13, .st_info = 0x11, .st_shndx = 1, .st_value = 0x1060, .st_size = 8},
                {.st_name = 20, .st_info = 0x12, .st_shndx = 1, .st_value = 0x2000, .st_size = 16},
                {.st_name = 20, .st_info = 0x12, .st_shndx = 0, .st_value = 0x1070}},
    .names = "\0first\0label\0object\0a_rather_long_name",
    .sections = {{0},
                 {.sh_type = 1, .sh_flags = 6},
                 {.sh_type = 2,
                  .sh_offset = AT(symbols),
                  .sh_size = ELF_EXAMPLE_SYMBOLS * 24,
                  .sh_link = 3,
                  .sh_entsize = 24},
                 {.sh_type = 3, .sh_offset = AT(names), .sh_size = 64}},
};
