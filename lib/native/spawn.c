/* SPDX-License-Identifier: MIT */
/*
 * Programs become processes. What of the file can be mapped from its server's memory object is; the
 * rest (the page where data ends and zeros begin, the top of the stack; all, where the server
 * cannot map) goes through one memory object that is mapped here for a moment. Everything in the
 * child is private, so that its forks do not share it.
 */
#include "lib/native/spawn.h"

#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/namespace.h"
#include "lib/native/spawn_image.h"
#include "lib/native/syscall.h"

/* Below this is nothing but the program and what it maps; the stack ends here, with a gap to the
 * kernel's pages. */
#define STACK_TOP 0x00007fffffff0000ull

/* Runs up to so many pages are entered into the child's page tables at once. Code and constants are
 * there already and cost an entry each; what is writable costs a copy of each page. */
enum { POPULATE_SHARED_MAX = 64, POPULATE_PRIVATE_MAX = 16 };

static void handle_close(handle_t handle) {
    if (handle != HANDLE_NONE) {
        status_t status = sys_handle_close(handle);
        (void)status;
    }
}

/* ---- the program file ---- */

bool spawn_content_read(void *context, uint64_t offset, void *to, size_t n) {
    struct spawn_content *content = context;

    if (u64_range_is_within(offset, n, content->n_head)) {
        memcpy(to, content->head + offset, n);
        return true;
    }
    if (content->source->image != NULL) {
        memcpy(to, (const uint8_t *)content->source->image + offset, n);
        return true;
    }
    for (size_t done = 0; done < n;) {
        uint64_t got;
        uint32_t part = (uint32_t)MIN(n - done, (size_t)FILE_TRANSFER_MAX_BYTES);

        content->status = file_read(content->source->file, offset + done, (uint8_t *)to + done,
                                    part, &got, DEADLINE_NEVER);
        if (content->status != OK || got == 0 || got > part) {
            return false;
        }
        done += got;
    }
    return true;
}

status_t spawn_content_open(struct spawn_content *content, const struct spawn_source *source) {
    content->source = source;
    content->status = OK;
    content->n_head = 0;
    content->owns_memory = false;
    content->memory = HANDLE_NONE;
    if (source->image != NULL) {
        content->size = source->image_bytes;
        content->memory = source->memory;
        content->skip = source->memory_offset;
        return OK;
    }
    uint64_t got;
    status_t status =
        file_read(source->file, 0, content->head, sizeof content->head, &got, DEADLINE_NEVER);
    if (status != OK) {
        return status;
    }
    content->n_head = (uint32_t)MIN(got, sizeof content->head);

    status = file_map(source->file, 0, 0, 0, &content->skip, &content->size, &content->memory,
                      DEADLINE_NEVER);
    if (status == OK) {
        content->owns_memory = true;
        return OK;
    }
    struct file_stat stat;
    uint32_t matched, length;
    handle_t next;

    content->memory = HANDLE_NONE;
    status = file_stat(source->file, 0, "", 0, &stat, sizeof stat, &matched, &length, &next,
                       DEADLINE_NEVER);
    handle_close(status == OK || status == ERROR_REDIRECT ? next : HANDLE_NONE);
    content->size = stat.size;
    return status;
}

void spawn_content_close(struct spawn_content *content) {
    if (content->owns_memory) {
        handle_close(content->memory);
    }
}

/* ---- segments ---- */

/* How one segment gets into the child: three runs of pages in order, each possibly empty. */
struct segment_plan {
    uint64_t n_direct; /* mapped from the file's own memory */
    uint64_t n_copied; /* through the copy, from copy_offset */
    uint64_t n_zero;
    uint64_t copy_offset;
};

static void segment_plan(struct segment_plan *plan, const struct elf_segment *segment,
                         const struct spawn_content *content, struct spawn_copy *copy) {
    uint64_t n_pages = elf_segment_n_pages(segment);
    uint64_t in_first = segment->address % PAGE_SIZE;
    uint64_t n_file =
        segment->file_size == 0 ? 0 : DIV_ROUND_UP(in_first + segment->file_size, PAGE_SIZE);
    uint64_t begin = content->skip + segment->file_offset - in_first;

    *plan = (struct segment_plan){.n_zero = n_pages - n_file};
    if (content->memory != HANDLE_NONE && IS_ALIGNED(begin, PAGE_SIZE)) {
        /* A page where the file's bytes end and zeros begin cannot be the file's own. */
        plan->n_direct = segment->memory_size == segment->file_size
                             ? n_file
                             : (in_first + segment->file_size) / PAGE_SIZE;
    }
    plan->n_copied = n_file - plan->n_direct;
    plan->copy_offset = spawn_copy_add(copy, plan->n_copied);
}

static uint32_t segment_protection(const struct elf_segment *segment) {
    return ((segment->rights & ELF_READ) != 0 ? MAP_READ : 0) |
           ((segment->rights & ELF_WRITE) != 0 ? MAP_WRITE : 0) |
           ((segment->rights & ELF_EXECUTE) != 0 ? MAP_EXECUTE : 0);
}

/* Fills the copied pages of a segment. */
static status_t segment_fill(const struct segment_plan *plan, const struct elf_segment *segment,
                             struct spawn_content *content, struct spawn_copy *copy) {
    for (uint64_t i = 0; i < plan->n_copied; i++) {
        uint64_t file_offset;
        size_t page_offset, n;
        uint8_t *page = copy->here + plan->copy_offset + i * PAGE_SIZE;

        if (elf_segment_page(segment, plan->n_direct + i, &file_offset, &page_offset, &n) &&
            !spawn_content_read(content, file_offset, page + page_offset, n)) {
            return content->status != OK ? content->status : ERROR_BAD_FORMAT;
        }
    }
    return OK;
}

/*
 * Maps a run of pages in the child; none is fine. Short runs are entered into the page tables at
 * once: most of their pages will be touched, and a fault for each costs several times as much.
 */
static status_t map_there(handle_t process, handle_t memory, uint64_t address, uint64_t n_pages,
                          uint64_t offset, uint32_t flags) {
    uint64_t populated = (flags & MAP_WRITE) != 0 ? POPULATE_PRIVATE_MAX : POPULATE_SHARED_MAX;

    if (memory != HANDLE_NONE && n_pages <= populated) {
        flags |= MAP_POPULATE;
    }
    return n_pages == 0 ? OK
                        : sys_map(process, memory, address, n_pages * PAGE_SIZE, offset,
                                  flags | MAP_FIXED, NULL);
}

static status_t segment_map(const struct segment_plan *plan, const struct elf_segment *segment,
                            const struct spawn_content *content, const struct spawn_copy *copy,
                            handle_t process) {
    uint32_t protection = segment_protection(segment);
    /* What cannot be written need not be private, which spares forks the work. */
    uint32_t from_file = protection | ((protection & MAP_WRITE) != 0 ? MAP_PRIVATE : 0);
    uint64_t address = elf_segment_first_page(segment);
    uint64_t begin = content->skip + segment->file_offset - segment->address % PAGE_SIZE;

    status_t status =
        map_there(process, content->memory, address, plan->n_direct, begin, from_file);
    address += plan->n_direct * PAGE_SIZE;
    if (status == OK) {
        status =
            map_there(process, copy->memory, address, plan->n_copied, plan->copy_offset, from_file);
        address += plan->n_copied * PAGE_SIZE;
    }
    return status != OK ? status
                        : map_there(process, HANDLE_NONE, address, plan->n_zero, 0, protection);
}

/* ---- all of it ---- */

struct spawn_work {
    struct spawn_content content;
    struct elf_image image;
    struct segment_plan plans[ELF_SEGMENTS_MAX];
    struct spawn_copy copy;
    struct spawn_stack stack;
};

static status_t copy_make(struct spawn_copy *copy) {
    uint64_t address;
    status_t status = sys_memory_create(copy->n_pages, 0, 0, HANDLE_NONE, &copy->memory);

    if (status != OK) {
        return status;
    }
    status = sys_map(HANDLE_NONE, copy->memory, 0, copy->n_pages * PAGE_SIZE, 0,
                     MAP_READ | MAP_WRITE | MAP_POPULATE, &address);
    if (status == OK) {
        copy->here = (uint8_t *)address;
    }
    return status;
}

static void copy_end(struct spawn_copy *copy) {
    if (copy->here != NULL) {
        status_t status = sys_unmap(HANDLE_NONE, (uint64_t)copy->here, copy->n_pages * PAGE_SIZE);
        (void)status;
    }
    handle_close(copy->memory);
}

/* The stack: a guard page, zero pages, and the pages that we wrote. */
static status_t stack_map(const struct spawn_work *work, handle_t process, size_t wished) {
    const struct spawn_stack *stack = &work->stack;
    uint64_t written = stack->n_pages * PAGE_SIZE;
    uint64_t bytes =
        ALIGN_UP(wished == 0 ? (uint64_t)SPAWN_STACK_DEFAULT : wished, PAGE_SIZE) + written;
    uint64_t bottom = stack->top - bytes;

    status_t status = map_there(process, HANDLE_NONE, bottom - PAGE_SIZE, 1, 0, MAP_GUARD);
    if (status == OK) {
        status = map_there(process, HANDLE_NONE, bottom, (bytes - written) / PAGE_SIZE, 0,
                           MAP_READ | MAP_WRITE);
    }
    if (status == OK) {
        status = map_there(process, work->copy.memory, stack->top - written, stack->n_pages,
                           stack->copy_offset, MAP_READ | MAP_WRITE | MAP_PRIVATE);
    }
    return status;
}

/* Fills the process with memory; the stack pointer goes to prepared. */
static status_t process_fill(struct spawn_work *work, const struct spawn_args *args,
                             struct spawn_prepared *prepared) {
    status_t status = copy_make(&work->copy);

    for (unsigned i = 0; i < work->image.n_segments && status == OK; i++) {
        const struct elf_segment *segment = &work->image.segments[i];

        status = segment_fill(&work->plans[i], segment, &work->content, &work->copy);
        if (status == OK) {
            status = segment_map(&work->plans[i], segment, &work->content, &work->copy,
                                 prepared->process);
        }
    }
    /* Written before it is mapped: mapping may already copy the pages. */
    if (status == OK) {
        status = spawn_stack_write(&work->stack, args, &work->image, prepared->process,
                                   work->copy.here + work->stack.copy_offset, &prepared->stack);
    }
    if (status == OK) {
        status = stack_map(work, prepared->process, args->stack_bytes);
    }
    return status;
}

static const char *process_name(const struct spawn_args *args) {
    const char *slash = strrchr(args->argv[0], '/');

    return args->name != NULL ? args->name : slash == NULL ? args->argv[0] : slash + 1;
}

/* The process handle is made here, and closed (which ends an unstarted process) on any failure. */
static status_t process_make(struct spawn_work *work, const struct spawn_args *args,
                             struct spawn_prepared *prepared) {
    char name[32];
    bool cut = !string_copy(name, sizeof name, process_name(args));

    (void)cut; /* a long name is shown cut */
    status_t status = sys_process_create(args->budget, name, &prepared->process);
    if (status != OK) {
        return status;
    }
    status = process_fill(work, args, prepared);
    if (status != OK) {
        status_t killed = sys_process_kill(prepared->process, 0); /* it may hold itself */
        (void)killed;
        handle_close(prepared->process);
        prepared->process = HANDLE_NONE;
    }
    return status;
}

static status_t elf_status(enum elf_result result, const struct spawn_content *content) {
    return result == ELF_OK            ? OK
           : content->status != OK     ? content->status
           : result == ELF_READ_FAILED ? ERROR_IO
                                       : ERROR_NOT_EXECUTABLE;
}

static status_t work_open(struct spawn_work *work, const struct spawn_args *args) {
    status_t status = spawn_stack_measure(&work->stack, args);

    if (status != OK) {
        return status;
    }
    status = spawn_content_open(&work->content, &args->source);
    if (status != OK) {
        return status;
    }
    struct elf_source source = {spawn_content_read, &work->content, work->content.size};
    status = elf_status(elf_open(&work->image, &source, STACK_TOP - (1ull << 32)), &work->content);
    if (status != OK) {
        spawn_content_close(&work->content);
        return status;
    }
    work->copy = (struct spawn_copy){.memory = HANDLE_NONE};
    for (unsigned i = 0; i < work->image.n_segments; i++) {
        segment_plan(&work->plans[i], &work->image.segments[i], &work->content, &work->copy);
    }
    work->stack.top = STACK_TOP;
    work->stack.copy_offset = spawn_copy_add(&work->copy, work->stack.n_pages);
    return OK;
}

status_t spawn_prepare(const struct spawn_args *args, struct spawn_prepared *prepared) {
    struct spawn_work work;
    status_t status = work_open(&work, args);

    if (status != OK) {
        return status;
    }
    status = process_make(&work, args, prepared);
    prepared->entry = work.image.entry;
    copy_end(&work.copy);
    spawn_content_close(&work.content);
    if (status != OK) {
        return status;
    }
    for (size_t i = 0; i < args->n_entries; i++) {
        if (args->entries[i].move == SPAWN_MOVE) {
            handle_close(args->entries[i].handle);
        }
    }
    return OK;
}

status_t spawn(const struct spawn_args *args, handle_t *process) {
    struct spawn_prepared prepared;
    status_t status = spawn_prepare(args, &prepared);

    if (status != OK) {
        return status;
    }
    status = sys_process_start(prepared.process, prepared.entry, prepared.stack, 0);
    if (status != OK) {
        handle_close(prepared.process);
        return status;
    }
    *process = prepared.process;
    return OK;
}
