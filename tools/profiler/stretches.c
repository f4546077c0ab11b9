/* SPDX-License-Identifier: MIT */
/*
 * A QEMU plugin that finds the longest stretches of the kernel: the guest instructions from an
 * entry (or from where a kernel thread switches interrupts off) to the exit to user mode (or to
 * where they are on again), during which nothing else can happen on that processor. tools/stretch
 * makes a table of what it writes.
 *
 *     -plugin stretches.so,places=FILE,out=FOLDER[,least=N]
 *
 * FILE tells it where things are in the kernel, a line for each, addresses in hexadecimal:
 *     kernel ADDRESS    code from here on is the kernel's
 *     entry ADDRESS     a way in: a stretch begins there
 *     name ADDRESS      a function that a stretch is named by, if it comes there
 *     wait FROM TO      waiting for another processor, which is not counted
 *
 * The file FOLDER/PID gets a line for each stretch of N instructions or more that is longer than
 * all before it with the same entry and name: instructions, entry, name (0: none), and then
 * ADDRESS:INSTRUCTIONS for each block of code in the order in which they were first run. It is
 * written at once, as many a machine of the tests is killed in the end.
 *
 * A stretch ends before the instruction after iretq, sysretq or sti: the kernel uses no other. An
 * iteration of `rep movsq` counts as an instruction, as it does for icount. An interrupt or a fault
 * within a stretch is a panic.
 */
#include "tools/profiler/plugin.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int qemu_plugin_version = 1;

enum { CPUS = 8, PLACES = 1024, KINDS = 1024 };

struct block {
    uint64_t address;
    uint64_t n; /* instructions */
    bool is_entry, is_name;
    struct {
        uint64_t stretch; /* the last one that came here */
        uint64_t n_runs;  /* in it */
    } on[CPUS];
};

struct cpu {
    bool inside;
    uint64_t stretch; /* number of the current one, from 1 */
    uint64_t count;   /* its instructions */
    uint64_t entry, name;
    struct block **blocks; /* that it came to */
    size_t n_blocks, room;
};

/* An entry with a name, and its longest stretch yet. */
struct kind {
    uint64_t entry, name, longest;
};

static struct cpu cpus[CPUS];
static struct {
    uint64_t entries[PLACES], names[PLACES];
    size_t n_entries, n_names;
    struct {
        uint64_t from, to;
    } waits[PLACES];
    size_t n_waits;
    uint64_t kernel;
} places;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* processors may have a thread each */
static struct kind kinds[KINDS];
static size_t n_kinds;
static uint64_t least = 1000;
static FILE *out;

static void fail(const char *what) {
    fprintf(stderr, "stretches: %s\n", what);
    exit(1);
}

static void record_write(const struct cpu *cpu, unsigned number) {
    fprintf(out, "%" PRIu64 " %" PRIx64 " %" PRIx64, cpu->count, cpu->entry, cpu->name);
    for (size_t i = 0; i < cpu->n_blocks; i++) {
        const struct block *block = cpu->blocks[i];

        fprintf(out, " %" PRIx64 ":%" PRIu64, block->address, block->n * block->on[number].n_runs);
    }
    fputc('\n', out);
    fflush(out);
}

static void record(const struct cpu *cpu, unsigned number) {
    size_t i = 0;

    pthread_mutex_lock(&lock);
    while (i < n_kinds && (kinds[i].entry != cpu->entry || kinds[i].name != cpu->name)) {
        i++;
    }
    if (i == n_kinds) {
        if (n_kinds == KINDS) {
            fail("too many kinds of stretches");
        }
        kinds[n_kinds++] = (struct kind){cpu->entry, cpu->name, 0};
    }
    if (cpu->count > kinds[i].longest) {
        kinds[i].longest = cpu->count;
        record_write(cpu, number);
    }
    pthread_mutex_unlock(&lock);
}

static void stretch_end(struct cpu *cpu, unsigned number) {
    if (cpu->inside && cpu->count >= least) {
        record(cpu, number);
    }
    cpu->inside = false;
}

static void stretch_begin(struct cpu *cpu, uint64_t entry) {
    cpu->inside = true;
    cpu->stretch++;
    cpu->count = 0;
    cpu->entry = entry;
    cpu->name = 0;
    cpu->n_blocks = 0;
}

static void stretch_add(struct cpu *cpu, unsigned number, struct block *block) {
    cpu->count += block->n;
    if (block->on[number].stretch != cpu->stretch) {
        block->on[number].stretch = cpu->stretch;
        block->on[number].n_runs = 0;
        if (cpu->n_blocks == cpu->room) {
            cpu->room = cpu->room * 2 + 64;
            cpu->blocks = realloc(cpu->blocks, cpu->room * sizeof(struct block *));
            if (cpu->blocks == NULL) {
                fail("no memory");
            }
        }
        cpu->blocks[cpu->n_blocks++] = block;
        if (block->is_name && cpu->name == 0) {
            cpu->name = block->address;
        }
    }
    block->on[number].n_runs++;
}

static struct cpu *cpu_numbered(unsigned number) {
    if (number >= CPUS) {
        fail("too many processors");
    }
    return &cpus[number];
}

/* [book:stretch-block] */
static void on_block(unsigned number, void *data) {
    struct cpu *cpu = cpu_numbered(number);
    struct block *block = data;

    if (block->is_entry) {
        stretch_end(cpu, number);
        stretch_begin(cpu, block->address);
    }
    if (cpu->inside) {
        stretch_add(cpu, number, block);
    }
}
/* [/book] */

/* data: the rest of a block, from `cli` on. */
static void on_disabled(unsigned number, void *data) {
    struct cpu *cpu = cpu_numbered(number);
    struct block *rest = data;

    if (!cpu->inside) {
        stretch_begin(cpu, rest->address);
        stretch_add(cpu, number, rest);
    }
}

static void on_exit_or_enabled(unsigned number, void *data) {
    (void)data;
    stretch_end(cpu_numbered(number), number);
}

static bool is_among(const uint64_t *addresses, size_t n, uint64_t address) {
    for (size_t i = 0; i < n; i++) {
        if (addresses[i] == address) {
            return true;
        }
    }
    return false;
}

static bool is_wait(uint64_t address) {
    for (size_t i = 0; i < places.n_waits; i++) {
        if (address >= places.waits[i].from && address < places.waits[i].to) {
            return true;
        }
    }
    return false;
}

/* Never freed: QEMU calls back with it for as long as it runs. */
static struct block *block_new(uint64_t address, size_t n) {
    struct block *block = calloc(1, sizeof *block);

    if (block == NULL) {
        fail("no memory");
    }
    block->address = address;
    block->n = is_wait(address) ? 0 : n;
    block->is_entry = is_among(places.entries, places.n_entries, address);
    block->is_name = is_among(places.names, places.n_names, address);
    return block;
}

static bool is_instruction(const struct qemu_plugin_insn *instruction, const char *bytes,
                           size_t size) {
    return qemu_plugin_insn_size(instruction) == size &&
           memcmp(qemu_plugin_insn_data(instruction), bytes, size) == 0;
}

static void on_translated(uint64_t id, struct qemu_plugin_tb *tb) {
    size_t n = qemu_plugin_tb_n_insns(tb);
    uint64_t address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));

    (void)id;
    if (address < places.kernel) {
        return;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, NO_REGISTERS, block_new(address, n));
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);

        if (is_instruction(instruction, "\xfa", 1)) { /* cli */
            qemu_plugin_register_vcpu_insn_exec_cb(
                instruction, on_disabled, NO_REGISTERS,
                block_new(qemu_plugin_insn_vaddr(instruction), n - i));
        } else if (is_instruction(instruction, "\xfb", 1) ||         /* sti */
                   is_instruction(instruction, "\x48\xcf", 2) ||     /* iretq */
                   is_instruction(instruction, "\x48\x0f\x07", 3)) { /* sysretq */
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_exit_or_enabled, NO_REGISTERS,
                                                   NULL);
        }
    }
}

static void place_add(const char *line) {
    uint64_t a, b;

    if (places.n_entries == PLACES || places.n_names == PLACES || places.n_waits == PLACES) {
        fail("too many places");
    }
    if (sscanf(line, "kernel %" SCNx64, &a) == 1) {
        places.kernel = a;
    } else if (sscanf(line, "entry %" SCNx64, &a) == 1) {
        places.entries[places.n_entries++] = a;
    } else if (sscanf(line, "name %" SCNx64, &a) == 1) {
        places.names[places.n_names++] = a;
    } else if (sscanf(line, "wait %" SCNx64 " %" SCNx64, &a, &b) == 2) {
        places.waits[places.n_waits].from = a;
        places.waits[places.n_waits++].to = b;
    } else {
        fail(line);
    }
}

static void places_read(const char *path) {
    FILE *file = fopen(path, "r");
    char line[100];

    if (file == NULL) {
        fail(path);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        place_add(line);
    }
    fclose(file);
}

static void out_open(const char *folder) {
    char path[4096];

    if (snprintf(path, sizeof path, "%s/%ld", folder, (long)getpid()) >= (int)sizeof path) {
        fail(folder);
    }
    out = fopen(path, "w");
    if (out == NULL) {
        fail(path);
    }
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int n, char **arguments) {
    (void)info;
    for (int i = 0; i < n; i++) {
        if (strncmp(arguments[i], "places=", 7) == 0) {
            places_read(arguments[i] + 7);
        } else if (strncmp(arguments[i], "out=", 4) == 0) {
            out_open(arguments[i] + 4);
        } else if (strncmp(arguments[i], "least=", 6) == 0) {
            least = strtoull(arguments[i] + 6, NULL, 10);
        }
    }
    if (places.kernel == 0 || out == NULL) {
        fail("places=FILE and out=FOLDER are needed");
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    return 0;
}
