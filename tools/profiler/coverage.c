/* SPDX-License-Identifier: MIT */
/*
 * A QEMU plugin that remembers which instructions of the kernel were executed; tools/coverage makes
 * lines of source of them.
 *
 *     -plugin coverage.so,out=PATH
 *
 * When QEMU ends, PATH.PID gets the address of each instruction of the kernel's half that was
 * executed, in hexadecimal, one a line, some of them more than once. A block of code counts as
 * executed whole when it was entered: nothing in the kernel faults, and interrupts come between
 * blocks.
 */
#include "tools/profiler/plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int qemu_plugin_version = 1;

#define KERNEL_HALF (1ULL << 63)

struct block {
    struct block *next;
    uint64_t count;
    size_t n;
    uint64_t addresses[];
};

/* Each processor's thread translates its own blocks: a stack to which anybody may push. */
static struct block *blocks;
static const char *path;

static void on_translated(uint64_t id, struct qemu_plugin_tb *tb) {
    size_t n = qemu_plugin_tb_n_insns(tb);
    struct block *block;

    (void)id;
    if (qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)) < KERNEL_HALF) {
        return;
    }
    block = calloc(1, sizeof *block + n * sizeof block->addresses[0]);
    if (block == NULL) {
        abort();
    }
    block->n = n;
    for (size_t i = 0; i < n; i++) {
        block->addresses[i] = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i));
    }
    block->next = __atomic_load_n(&blocks, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&blocks, &block->next, block, 1, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &block->count, 1);
}

static void on_end(uint64_t id, void *data) {
    char name[4096];
    FILE *file;

    (void)id;
    (void)data;
    snprintf(name, sizeof name, "%s.%d", path, (int)getpid());
    file = fopen(name, "w");
    if (file == NULL) {
        perror(name);
        return;
    }
    for (const struct block *block = blocks; block != NULL; block = block->next) {
        for (size_t i = 0; block->count != 0 && i < block->n; i++) {
            fprintf(file, "%" PRIx64 "\n", block->addresses[i]);
        }
    }
    fclose(file);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int n, char **arguments) {
    (void)info;
    for (int i = 0; i < n; i++) {
        if (strncmp(arguments[i], "out=", 4) == 0) {
            path = strdup(arguments[i] + 4);
        }
    }
    if (path == NULL) {
        fprintf(stderr, "coverage: out=PATH is missing\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
