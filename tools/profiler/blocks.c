/* SPDX-License-Identifier: MIT */
/*
 * A QEMU plugin that counts guest instructions by the block of code they are in, between two
 * markers (tests/bench/measure.h): tools/profile makes a table by function of what it writes.
 *
 *     -plugin blocks.so,out=FILE
 *
 * A marker (`xchg %bx, %bx`, which does nothing) begins a batch, the next one ends it. FILE then
 * has a line for each block that ran in the last whole batch: its address, the host page that holds
 * it (so that programs with the same addresses can be told apart), its instructions times how often
 * it ran, and its first bytes.
 */
#include "tools/profiler/plugin.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int qemu_plugin_version = 1;

enum { BYTES = 16 };

struct block {
    struct block *next;
    uint64_t count; /* instructions, since the last marker that began a batch */
    uint64_t address;
    uintptr_t host;
    size_t n_bytes;
    uint8_t bytes[BYTES];
};

static struct block *blocks;
static const char *path;
static bool in_batch;

static void batch_write(void) {
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    for (const struct block *block = blocks; block != NULL; block = block->next) {
        if (block->count == 0) {
            continue;
        }
        fprintf(file, "%" PRIx64 " %" PRIxPTR " %" PRIu64 " ", block->address, block->host >> 12,
                block->count);
        for (size_t i = 0; i < block->n_bytes; i++) {
            fprintf(file, "%02x", block->bytes[i]);
        }
        fputc('\n', file);
    }
    fclose(file);
}

static void on_marker(unsigned cpu, void *data) {
    (void)cpu;
    (void)data;
    in_batch = !in_batch;
    if (!in_batch) {
        batch_write();
        return;
    }
    for (struct block *block = blocks; block != NULL; block = block->next) {
        block->count = 0;
    }
}

static void on_translated(uint64_t id, struct qemu_plugin_tb *tb) {
    static const uint8_t marker[] = {0x66, 0x87, 0xdb};
    struct block *block = calloc(1, sizeof *block);
    size_t n = qemu_plugin_tb_n_insns(tb);

    (void)id;
    if (block == NULL) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
        size_t size = qemu_plugin_insn_size(instruction);
        const void *bytes = qemu_plugin_insn_data(instruction);

        if (i == 0) {
            block->address = qemu_plugin_insn_vaddr(instruction);
            block->host = (uintptr_t)qemu_plugin_insn_haddr(instruction);
        }
        if (block->n_bytes + size <= BYTES) {
            memcpy(block->bytes + block->n_bytes, bytes, size);
            block->n_bytes += size;
        }
        if (size == sizeof marker && memcmp(bytes, marker, size) == 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_marker, NO_REGISTERS, NULL);
        }
    }
    block->next = blocks;
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &block->count, n);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int n, char **arguments) {
    (void)info;
    for (int i = 0; i < n; i++) {
        if (strncmp(arguments[i], "out=", 4) == 0) {
            path = arguments[i] + 4;
        }
    }
    if (path == NULL) {
        fprintf(stderr, "profiler: out=FILE is missing\n");
        return -1;
    }
    path = strdup(path);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    return 0;
}
