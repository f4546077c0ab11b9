/* SPDX-License-Identifier: MIT */
/*
 * The top of a new program's stack, from high to low addresses:
 *
 *     strings      argv, envp, one after the other
 *     16 bytes     for AT_RANDOM
 *     start block  with its own strings
 *     auxv, 0, envp, 0, argv, argc      <- stack pointer, 16-aligned
 */
#include <elf.h>
#include <sys/auxv.h>

#include "lib/base/string.h"
#include "lib/native/namespace.h"
#include "lib/native/spawn_image.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"

enum { RANDOM_BYTES = 16, N_AUXV = 9 };

/* ---- measuring ---- */

static size_t list_bytes(char *const *list, size_t *n) {
    size_t bytes = 0;

    for (*n = 0; list != NULL && list[*n] != NULL; (*n)++) {
        bytes += strlen(list[*n]) + 1;
    }
    return bytes;
}

/* Entries that spawn adds itself. */
static bool adds_self(const struct spawn_args *args) {
    return (args->flags & SPAWN_SELF) != 0;
}

static bool adds_budget(const struct spawn_args *args) {
    return (args->flags & SPAWN_KEEP_NUMBERS) == 0 && args->budget != HANDLE_NONE;
}

static size_t entries_added(const struct spawn_args *args) {
    return (size_t)adds_self(args) + (size_t)adds_budget(args);
}

status_t spawn_stack_measure(struct spawn_stack *stack, const struct spawn_args *args) {
    size_t bytes;
    const char *prefix;
    handle_t gate;

    stack->strings_bytes = list_bytes(args->argv, &stack->n_argv);
    stack->strings_bytes += list_bytes(args->envp, &stack->n_envp);
    stack->n_entries = args->n_entries + entries_added(args);
    bytes = 1; /* offset 0 means no text, and the block begins with its head */
    for (size_t i = 0; i < args->n_entries; i++) {
        bytes += args->entries[i].text == NULL ? 0 : strlen(args->entries[i].text) + 1;
    }
    for (size_t i = 0; (args->flags & SPAWN_NAMESPACE) != 0 && namespace_entry(i, &prefix, &gate);
         i++) {
        bytes += strlen(prefix) + 1;
        stack->n_entries++;
    }
    stack->block_bytes =
        sizeof(struct startup_block) + stack->n_entries * sizeof(struct startup_entry) + bytes;
    size_t vectors = (1 + stack->n_argv + 1 + stack->n_envp + 1 + 2 * N_AUXV) * sizeof(uint64_t);
    size_t total = stack->strings_bytes + RANDOM_BYTES + stack->block_bytes + vectors + 64;

    stack->bytes = ALIGN_UP(total, (size_t)64);
    return stack->n_argv == 0                  ? ERROR_BAD_ARGUMENT
           : total > SPAWN_ARGUMENTS_BYTES_MAX ? ERROR_TOO_LARGE
                                               : OK;
}

/* ---- writing ---- */

/* What is written here, and where it will be there. */
struct writer {
    uint8_t *bytes;
    uint64_t base; /* the child's address of bytes[0] */
    uint64_t at;   /* offset below which all is still free */
};

static void *writer_reserve(struct writer *writer, size_t bytes, size_t alignment) {
    writer->at = ALIGN_DOWN(writer->at - bytes, (uint64_t)alignment);
    return writer->bytes + writer->at;
}

static uint64_t writer_address(const struct writer *writer, const void *here) {
    return writer->base + (uint64_t)((const uint8_t *)here - writer->bytes);
}

struct block_writer {
    struct startup_block *block;
    size_t text; /* offset of the next string */
    const struct spawn_args *args;
    handle_t process;
    /* Handles that are given together, and the entries that are to name them. */
    struct process_gift gifts[PROCESS_GIVE_MAX];
    struct startup_entry *receivers[PROCESS_GIVE_MAX];
    size_t n_gifts;
};

static status_t gifts_give(struct block_writer *writer) {
    handle_t numbers[PROCESS_GIVE_MAX];
    status_t status = writer->n_gifts == 0 ? OK
                                           : sys_process_give_all(writer->process, writer->gifts,
                                                                  writer->n_gifts, numbers);

    for (size_t i = 0; i < writer->n_gifts && status == OK; i++) {
        writer->receivers[i]->handle = numbers[i];
    }
    writer->n_gifts = 0;
    return status;
}

static status_t block_add(struct block_writer *writer, const struct spawn_entry *entry) {
    struct startup_entry *out = &writer->block->entries[writer->block->n_entries];

    *out = (struct startup_entry){.kind = entry->kind,
                                  .handle = entry->handle,
                                  .number = entry->number,
                                  .flags = entry->flags,
                                  .extra = entry->extra};
    if (entry->text != NULL) {
        size_t bytes = strlen(entry->text) + 1;

        if (!u64_range_is_within(writer->text, bytes, writer->block->size)) {
            return ERROR_BAD_STATE; /* another thread changed the namespace since it was measured */
        }
        memcpy((char *)writer->block + writer->text, entry->text, bytes);
        out->text = (uint32_t)writer->text;
        writer->text += bytes;
    }
    writer->block->n_entries++;
    if (entry->handle == HANDLE_NONE || (writer->args->flags & SPAWN_KEEP_NUMBERS) != 0) {
        return OK;
    }
    writer->gifts[writer->n_gifts] = (struct process_gift){entry->handle, entry->rights};
    writer->receivers[writer->n_gifts++] = out;
    return writer->n_gifts == PROCESS_GIVE_MAX ? gifts_give(writer) : OK;
}

static status_t block_write(struct startup_block *block, const struct spawn_stack *stack,
                            const struct spawn_args *args, handle_t process) {
    struct block_writer writer = {
        .block = block,
        .text = sizeof *block + stack->n_entries * sizeof block->entries[0],
        .args = args,
        .process = process,
    };
    status_t status = OK;
    const char *prefix = NULL;
    handle_t gate = HANDLE_NONE;

    *block = (struct startup_block){.magic = STARTUP_MAGIC, .size = (uint32_t)stack->block_bytes};
    for (size_t i = 0; i < args->n_entries && status == OK; i++) {
        status = block_add(&writer, &args->entries[i]);
    }
    for (size_t i = 0; status == OK && (args->flags & SPAWN_NAMESPACE) != 0 &&
                       writer.block->n_entries < stack->n_entries - entries_added(args) &&
                       namespace_entry(i, &prefix, &gate);
         i++) {
        struct spawn_entry entry = {
            .kind = STARTUP_NAMESPACE, .handle = gate, .rights = RIGHTS_ALL, .text = prefix};
        status = block_add(&writer, &entry);
    }
    if (status == OK && adds_self(args)) {
        struct spawn_entry entry = {.kind = STARTUP_SELF, .handle = process, .rights = RIGHTS_ALL};
        status = block_add(&writer, &entry);
    }
    if (status == OK && adds_budget(args)) {
        struct spawn_entry entry = {.kind = STARTUP_BUDGET,
                                    .handle = args->budget,
                                    .rights = RIGHTS_ALL &
                                              ~(uint32_t)RIGHT_WRITE}; /* no memory for devices */
        status = block_add(&writer, &entry);
    }
    return status != OK ? status : gifts_give(&writer);
}

static bool cpu_has_rdrand(void) {
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return (ecx & (1u << 30)) != 0;
}

static uint64_t rdrand(void) {
    uint64_t value = 0;
    uint8_t ok = 0;

    for (int i = 0; i < 8 && !ok; i++) {
        __asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=q"(ok));
    }
    return value; /* 0 if the unit is at its end: the rest of the state is still there */
}

/* Seeds the child's stack protector and heap: from our own seed, the clock, and the processor's
 * generator if it has one. */
static uint64_t random_next(void) {
    static uint64_t state;
    static int has_rdrand = -1;

    if (has_rdrand < 0) {
        const uint64_t *own = (const uint64_t *)getauxval(AT_RANDOM);

        has_rdrand = cpu_has_rdrand();
        state = own == NULL ? 0 : own[1];
    }
    state += 0x9e3779b97f4a7c15ull + time_read_tsc() + (has_rdrand ? rdrand() : 0);
    uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull; /* the finish of splitmix64 */
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
    return mixed ^ (mixed >> 31);
}

/* Copies the strings, and their addresses (then a 0) to `vector`. Returns the first place after the
 * 0. */
static uint64_t *strings_write(struct writer *writer, uint64_t *vector, char *const *list, size_t n,
                               char **to) {
    for (size_t i = 0; i < n; i++) {
        size_t bytes = strlen(list[i]) + 1;

        memcpy(*to, list[i], bytes);
        *vector++ = writer_address(writer, *to);
        *to += bytes;
    }
    *vector++ = 0;
    return vector;
}

status_t spawn_stack_write(const struct spawn_stack *stack, const struct spawn_args *args,
                           const struct elf_image *image, handle_t process, uint8_t *to,
                           uint64_t *pointer) {
    struct writer writer = {to, stack->top - stack->bytes, stack->bytes};

    memset(to, 0, stack->bytes); /* what is between the parts */
    char *strings = writer_reserve(&writer, stack->strings_bytes, 1);
    const char *first_string = strings;
    uint64_t *random = writer_reserve(&writer, RANDOM_BYTES, 16);
    struct startup_block *block = writer_reserve(&writer, stack->block_bytes, 16);
    uint64_t *vector = writer_reserve(
        &writer, (1 + stack->n_argv + 1 + stack->n_envp + 1 + 2 * N_AUXV) * sizeof(uint64_t), 16);

    *pointer = writer_address(&writer, vector);
    random[0] = random_next();
    random[1] = random_next();
    *vector++ = stack->n_argv;
    vector = strings_write(&writer, vector, args->argv, stack->n_argv, &strings);
    vector = strings_write(&writer, vector, args->envp, stack->n_envp, &strings);

    const uint64_t auxv[2 * N_AUXV] = {
        AT_PHDR,     image->program_headers,
        AT_PHENT,    ELF_PROGRAM_HEADER_SIZE,
        AT_PHNUM,    image->program_headers == 0 ? 0 : image->n_program_headers,
        AT_PAGESZ,   PAGE_SIZE,
        AT_ENTRY,    image->entry,
        AT_RANDOM,   writer_address(&writer, random),
        AT_EXECFN,   writer_address(&writer, first_string),
        AT_EURALIOS, writer_address(&writer, block),
        AT_NULL,     0,
    };
    memcpy(vector, auxv, sizeof auxv);
    return block_write(block, stack, args, process);
}
