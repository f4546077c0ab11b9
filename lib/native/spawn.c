/* SPDX-License-Identifier: MIT */
/*
 * Programs become processes. What of the file can be mapped from its server's memory object is; the
 * rest (all, where the server cannot map) is memory of the child, into which the kernel writes for
 * us (process_write). Everything in the child is private, so that its forks do not share it.
 */
#include "lib/native/spawn.h"

#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/namespace.h"
#include "lib/native/spawn_image.h"
#include "lib/native/syscall.h"

/* Below this is nothing but the program and what it maps; the stack ends here, with a gap to the
 * kernel's pages. Not far above the beginning of a page table: a fork looks at each entry of the
 * tables that there are, and few stacks come down into the next. */
#define STACK_TOP 0x00007fffffe40000ull

/* Runs up to so many pages are entered into the child's page tables at once. Code and constants are
 * there already and cost an entry each; what is writable costs a copy of each page. */
enum { POPULATE_SHARED_MAX = 64, POPULATE_PRIVATE_MAX = 16 };

/* What is read of a file at first, for its headers. */
enum { HEAD_BYTES = 1024 };

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

static status_t head_read(struct spawn_content *content, uint8_t *buffer) {
    uint64_t got;
    status_t status = file_read(content->source->file, 0, buffer, HEAD_BYTES, &got, DEADLINE_NEVER);

    if (status == OK) {
        content->head = buffer;
        content->n_head = MIN(got, (uint64_t)HEAD_BYTES);
    }
    return status;
}

status_t spawn_content_open(struct spawn_content *content, const struct spawn_source *source,
                            uint8_t *buffer) {
    content->source = source;
    content->status = OK;
    content->head = source->head;
    content->n_head = source->head == NULL ? 0 : source->n_head;
    content->owns_memory = false;
    content->memory = HANDLE_NONE;
    if (source->image != NULL) {
        content->size = source->image_bytes;
        content->memory = source->memory;
        content->skip = source->memory_offset;
        return OK;
    }
    status_t status = content->head == NULL ? head_read(content, buffer) : (status_t)OK;
    if (status != OK) {
        return status;
    }
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

/* ---- the child's memory ---- */

/* What is under way. */
struct spawn_work {
    struct spawn_content content;
    struct elf_image image;
    struct spawn_stack stack;
    handle_t process;
    uint8_t buffer[PAGE_SIZE]; /* first the headers, then parts of the file, then the stack */
};

/*
 * Maps a run of pages in the child; none is fine. Short runs are entered into the page tables at
 * once: most of their pages will be touched, and a fault for each costs several times as much.
 */
static status_t map_there(const struct spawn_work *work, handle_t memory, uint64_t address,
                          uint64_t n_pages, uint64_t offset, uint32_t flags) {
    uint64_t populated = (flags & MAP_WRITE) != 0 ? POPULATE_PRIVATE_MAX : POPULATE_SHARED_MAX;

    if (memory != HANDLE_NONE && n_pages <= populated) {
        flags |= MAP_POPULATE;
    }
    return n_pages == 0 ? OK
                        : sys_map(work->process, memory, address, n_pages * PAGE_SIZE, offset,
                                  flags | MAP_FIXED, NULL);
}

/* From the file's own memory. Where zeros follow in the last page, they are written into the copy
 * that is made of it. */
static status_t segment_map(struct spawn_work *work, const struct elf_segment *segment,
                            uint64_t begin) {
    static const uint8_t zeros[PAGE_SIZE];
    uint32_t protection = elf_segment_protection(segment);
    /* What cannot be written need not be private, which spares forks the work. */
    uint32_t kind = (protection & MAP_WRITE) != 0 ? MAP_PRIVATE : 0;
    uint64_t address = elf_segment_first_page(segment), n_file = elf_segment_n_file_pages(segment);
    uint64_t tail = elf_segment_tail(segment);

    status_t status =
        map_there(work, work->content.memory, address, n_file, begin, protection | kind);
    if (status == OK && tail != 0) {
        status =
            sys_process_write(work->process, segment->address + segment->file_size, zeros, tail);
    }
    return status != OK ? status
                        : map_there(work, HANDLE_NONE, address + n_file * PAGE_SIZE,
                                    elf_segment_n_pages(segment) - n_file, 0, protection);
}

/* Fresh memory, into which the file's bytes are written. */
static status_t segment_copy(struct spawn_work *work, const struct elf_segment *segment) {
    uint64_t n_pages = elf_segment_n_pages(segment), first = elf_segment_first_page(segment);
    uint32_t protection = elf_segment_protection(segment);
    const uint8_t *image = work->content.source->image;
    status_t status = map_there(work, HANDLE_NONE, first, n_pages, 0, MAP_READ | MAP_WRITE);

    for (uint64_t done = 0; done < segment->file_size && status == OK;) {
        uint64_t n = segment->file_size - done;
        const uint8_t *from = image == NULL ? work->buffer : image + segment->file_offset;

        if (image == NULL) { /* in parts */
            n = MIN(n, (uint64_t)sizeof work->buffer);
            if (!spawn_content_read(&work->content, segment->file_offset + done, work->buffer, n)) {
                return work->content.status != OK ? work->content.status : ERROR_BAD_FORMAT;
            }
        }
        status = sys_process_write(work->process, segment->address + done, from, n);
        done += n;
    }
    if (status == OK && protection != (MAP_READ | MAP_WRITE)) {
        status = sys_protect(work->process, first, n_pages * PAGE_SIZE, protection);
    }
    return status;
}

static status_t segment_make(struct spawn_work *work, const struct elf_segment *segment) {
    uint64_t begin = work->content.skip + segment->file_offset - segment->address % PAGE_SIZE;
    bool is_mapped = work->content.memory != HANDLE_NONE && IS_ALIGNED(begin, PAGE_SIZE) &&
                     (elf_segment_tail(segment) == 0 || (segment->rights & ELF_WRITE) != 0);

    return is_mapped ? segment_map(work, segment, begin) : segment_copy(work, segment);
}

/* The stack: a guard page, and pages of which the last ones are written. */
static status_t stack_make(struct spawn_work *work, const struct spawn_args *args, uint8_t *buffer,
                           uint64_t *pointer) {
    const struct spawn_stack *stack = &work->stack;
    uint64_t bytes = args->stack_bytes == 0 ? (uint64_t)SPAWN_STACK_DEFAULT : args->stack_bytes;
    uint64_t n_pages = DIV_ROUND_UP(bytes, PAGE_SIZE) + DIV_ROUND_UP(stack->bytes, PAGE_SIZE);
    uint64_t bottom = stack->top - n_pages * PAGE_SIZE;

    status_t status = map_there(work, HANDLE_NONE, bottom - PAGE_SIZE, 1, 0, MAP_GUARD);
    if (status == OK) {
        status = map_there(work, HANDLE_NONE, bottom, n_pages, 0, MAP_READ | MAP_WRITE);
    }
    if (status == OK) {
        status = spawn_stack_write(stack, args, &work->image, work->process, buffer, pointer);
    }
    return status != OK
               ? status
               : sys_process_write(work->process, stack->top - stack->bytes, buffer, stack->bytes);
}

/* The same with a larger buffer, if that is necessary. */
static status_t stack_make_buffered(struct spawn_work *work, const struct spawn_args *args,
                                    uint64_t *pointer) {
    uint64_t length = ALIGN_UP((uint64_t)work->stack.bytes, PAGE_SIZE), address;

    if (work->stack.bytes <= sizeof work->buffer) {
        return stack_make(work, args, work->buffer, pointer);
    }
    status_t status =
        sys_map(HANDLE_NONE, HANDLE_NONE, 0, length, 0, MAP_READ | MAP_WRITE, &address);

    if (status != OK) {
        return status;
    }
    status = stack_make(work, args, (uint8_t *)address, pointer);
    status_t unmapped = sys_unmap(HANDLE_NONE, address, length);
    (void)unmapped;
    return status;
}

/* Fills the process with memory; the stack pointer goes to prepared. */
static status_t process_fill(struct spawn_work *work, const struct spawn_args *args,
                             struct spawn_prepared *prepared) {
    status_t status = OK;

    work->content.n_head = 0; /* the buffer is used for something else from here on */
    for (unsigned i = 0; i < work->image.n_segments && status == OK; i++) {
        status = segment_make(work, &work->image.segments[i]);
    }
    return status != OK ? status : stack_make_buffered(work, args, &prepared->stack);
}

/* ---- all of it ---- */

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
    work->process = prepared->process;
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
    status = spawn_content_open(&work->content, &args->source, work->buffer);
    if (status != OK) {
        return status;
    }
    struct elf_source source = {spawn_content_read, &work->content, work->content.size};
    status = elf_status(elf_open(&work->image, &source, STACK_TOP - (1ull << 32)), &work->content);
    if (status != OK) {
        spawn_content_close(&work->content);
    }
    work->stack.top = STACK_TOP;
    return status;
}

status_t spawn_prepare(const struct spawn_args *args, struct spawn_prepared *prepared) {
    struct spawn_work work;
    status_t status = work_open(&work, args);

    if (status != OK) {
        return status;
    }
    status = process_make(&work, args, prepared);
    prepared->entry = work.image.entry;
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
