/* SPDX-License-Identifier: MIT */
/*
 * /proc as a directory: `list`, `memory` and `kernel`, texts that are made when they are opened.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "abi/kernel.h"
#include "abi/tag.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/server_state.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/proc/member.h"

enum { NAME_BYTES = 16, TEXT_FIRST_BYTES = 2048, TEXTS_BYTES_MAX = 1024 * 1024 };

/* An open file, or an open directory (then without text). */
struct text {
    struct root root; /* first: through an open /proc programs speak protocol proc too */
    uint32_t login;   /* of who opened it */
    char *bytes;
    size_t size, allocated;
    uint64_t offset;
    uint32_t file; /* index into files, FILES for the directory */
    bool is_cut;   /* out of memory while it was made */
};

static struct shares shares = {.total = TEXTS_BYTES_MAX}; /* of `allocated` */

static const struct server_class text_class;

static void text_free(struct text *text) {
    share_return(&shares, text->login, text->allocated);
    free(text->bytes);
    free(text);
}

/* ---- making ---- */

static void add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct text *text, const char *format, ...) {
    va_list args;
    size_t room = text->allocated - text->size;

    va_start(args, format);
    size_t length = format_buffer_v(text->bytes + text->size, room, format, args);
    va_end(args);
    if (length >= room && !text->is_cut) {
        size_t n = MAX(text->allocated * 2, text->size + length + TEXT_FIRST_BYTES);
        char *grown = realloc(text->bytes, n);

        if (grown == NULL) {
            text->is_cut = true;
            return;
        }
        text->bytes = grown;
        text->allocated = n;
        va_start(args, format);
        length = format_buffer_v(text->bytes + text->size, n - text->size, format, args);
        va_end(args);
    }
    text->size += text->is_cut ? 0 : length;
}

static void make_list(struct text *text) {
    const struct member *member;

    members_find_services();
    LIST_FOR_EACH(member, &members, node) {
        struct process_status status = {.cpu_ns = member->cpu_ns};

        if (!member->is_dead && sys_process_info(member->process, PROCESS_INFO_STATUS, &status,
                                                 sizeof status, 0, NULL, NULL) != OK) {
            continue;
        }
        add(text, "%u %u %u %u %c %llu %llu %u %s\n", member->pid, member->parent, member->group,
            member->session,
            member->is_dead      ? 'Z'
            : member->is_stopped ? 'T'
                                 : 'R',
            (unsigned long long)status.cpu_ns, (unsigned long long)status.n_frames,
            status.n_threads, member->is_dead ? "-" : status.name);
    }
}

struct figure {
    const char *name;
    uint64_t value;
};

/* What the kernel says of itself; all 0 if our manifest does not give us the right to know. */
static struct system_info system_figures(void) {
    struct system_info info = {0};
    status_t status = sys_system_control(startup_handle(STARTUP_SYSTEM, NULL), SYSTEM_INFO,
                                         (uint64_t)(uintptr_t)&info, 0, 0, NULL);

    return status == OK ? info : (struct system_info){0};
}

static void add_figures(struct text *text, const struct figure *figures, size_t n) {
    for (size_t i = 0; i < n; i++) {
        add(text, "%s %llu\n", figures[i].name, (unsigned long long)figures[i].value);
    }
}

static void make_memory(struct text *text) {
    const struct system_info info = system_figures();
    const struct figure figures[] = {
        {"total_bytes", info.frames_total * PAGE_SIZE},
        {"free_bytes", info.frames_free * PAGE_SIZE},
        {"used_bytes", (info.frames_total - info.frames_free) * PAGE_SIZE},
        {"kernel_bytes", info.frames_kernel * PAGE_SIZE},
        {"quarantined_bytes", info.frames_quarantined * PAGE_SIZE},
    };

    add_figures(text, figures, ARRAY_SIZE(figures));
}

static void make_kernel(struct text *text) {
    const struct system_info info = system_figures();
    const struct figure figures[] = {
        {"processes", info.n_processes},
        {"threads", info.n_threads},
        {"endpoints", info.n_endpoints},
        {"gates", info.n_gates},
        {"memory_objects", info.n_memory},
        {"handles", info.n_handles},
        {"budgets", info.n_budgets},
        {"irqs", info.n_irqs},
        {"idle_ns", info.idle_ns},
        {"uptime_ns", time_now_ns()},
        {"context_switches", info.context_switches},
        {"interrupts", info.interrupts},
        {"system_calls", info.system_calls},
        {"lock_ticks", info.lock_ticks},
        {"moves", info.moves},
    };

    add_figures(text, figures, ARRAY_SIZE(figures));
}

static const struct {
    const char *name;
    void (*make)(struct text *text);
} files[] = {{"list", make_list}, {"memory", make_memory}, {"kernel", make_kernel}};
enum { FILES = ARRAY_SIZE(files) };

/* ---- opening ---- */

/* Index of the file that the path names, FILES for the directory itself. */
static status_t find(const struct request *request, uint32_t path_length, uint32_t *file) {
    char path[NAME_BYTES];
    status_t status = request_read_path(request, 0, path_length, path, sizeof path);

    if (status == ERROR_NAME_TOO_LONG) {
        return ERROR_NOT_FOUND;
    }
    if (status != OK) {
        return status;
    }
    for (*file = 0; *file < FILES && !string_equal(path, files[*file].name);) {
        ++*file;
    }
    return *file < FILES || path[0] == '\0' ? OK : ERROR_NOT_FOUND;
}

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *gate) {
    uint32_t file;
    status_t status = find(request, path_length, &file);

    (void)context, (void)mode, (void)target_length, (void)matched, (void)length;
    if (status != OK) {
        return status == ERROR_NOT_FOUND && (flags & FILE_OPEN_CREATE) != 0 ? ERROR_READ_ONLY
                                                                            : status;
    }
    if ((flags & (FILE_OPEN_WRITE | FILE_OPEN_TRUNCATE)) != 0) {
        return file == FILES ? ERROR_IS_DIRECTORY : ERROR_READ_ONLY;
    }
    if ((flags & FILE_OPEN_DIRECTORY) != 0 && file != FILES) {
        return ERROR_NOT_DIRECTORY;
    }
    uint32_t login = tag_login(request->tag);
    struct text *text = share_is_left(&shares, login, 1) ? calloc(1, sizeof *text) : NULL;

    if (text == NULL) {
        return ERROR_NO_MEMORY;
    }
    text->login = login;
    text->file = file;
    if (file != FILES) {
        files[file].make(text);
    }
    share_take(&shares, login, text->allocated);
    *kind = file == FILES ? FILE_MODE_DIRECTORY : FILE_MODE_REGULAR;
    status = text->is_cut ? ERROR_NO_MEMORY
                          : server_object_create(server, request->tag, &text_class, text, gate);
    if (status != OK) {
        text_free(text);
    }
    return status;
}

static void on_closed(struct server *loop, void *object) {
    struct text *text = object;

    (void)loop;
    text_free(text);
}

/* ---- what all of it answers ---- */

static status_t stat_write(struct request *request, uint32_t file, uint64_t size,
                           uint32_t stat_length) {
    bool is_directory = file == FILES;
    const struct file_stat stat = {
        .device = DEVICE_NUMBER_PROC,
        .id = (uint64_t)file + 1,
        .size = size,
        .mode = is_directory ? FILE_MODE_DIRECTORY | 0555 : FILE_MODE_REGULAR | 0444,
        .n_links = 1,
        .block_bytes = PAGE_SIZE,
        .accessed_ns = time_wall_ns(),
        .modified_ns = time_wall_ns(),
        .changed_ns = time_wall_ns(),
    };

    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_root_stat(void *context, struct request *request, uint32_t flags,
                             uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                             uint32_t *length, handle_t *next) {
    uint32_t file;
    status_t status = find(request, path_length, &file);

    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    return status == OK ? stat_write(request, file, 0, stat_length) : status;
}

static status_t on_text_stat(void *context, struct request *request, uint32_t flags,
                             uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                             uint32_t *length, handle_t *next) {
    const struct text *text = context;

    if (path_length != 0) {
        return text->file == FILES ? on_root_stat(context, request, flags, path_length, stat_length,
                                                  matched, length, next)
                                   : ERROR_NOT_DIRECTORY;
    }
    return stat_write(request, text->file, text->size, stat_length);
}

static status_t on_text_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                             uint32_t path_length, uint32_t target_length, uint32_t *kind,
                             uint32_t *matched, uint32_t *length, handle_t *gate) {
    const struct text *text = context;

    return text->file != FILES && path_length != 0
               ? ERROR_NOT_DIRECTORY
               : on_open(context, request, flags, mode, path_length, target_length, kind, matched,
                         length, gate);
}

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    struct text *text = context;
    uint64_t at = offset == FILE_OFFSET_CURRENT ? text->offset : offset;

    if (text->file == FILES) {
        return ERROR_IS_DIRECTORY;
    }
    if (at >= text->size) {
        return OK;
    }
    *n = MIN(text->size - at, (uint64_t)data_length);
    status_t status = request_write(request, 0, text->bytes + at, *n);

    if (status == OK && offset == FILE_OFFSET_CURRENT) {
        text->offset += *n;
    }
    return status;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    struct text *text = context;
    int64_t base = whence == FILE_SEEK_SET       ? 0
                   : whence == FILE_SEEK_CURRENT ? (int64_t)text->offset
                                                 : (int64_t)text->size;
    int64_t sum;

    (void)request;
    if (whence > FILE_SEEK_END || __builtin_add_overflow(base, offset, &sum) || sum < 0) {
        return ERROR_BAD_ARGUMENT;
    }
    text->offset = *position = (uint64_t)sum;
    return OK;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    (void)context, (void)request, (void)mask, (void)value;
    *flags = FILE_OPEN_READ;
    return OK;
}

static status_t on_watch(void *context, struct request *request, uint32_t events, uint32_t key,
                         handle_t notify, uint32_t *ready) {
    (void)context, (void)request, (void)key, (void)notify;
    *ready = events & (FILE_EVENT_READ | FILE_EVENT_WRITE);
    return OK;
}

/* One entry at a time fits into what is lent, or none. */
static status_t on_list(void *context, struct request *request, uint64_t cookie,
                        uint32_t entries_length, uint64_t *bytes, uint64_t *next) {
    struct text *text = context;
    uint64_t at = cookie == FILE_OFFSET_CURRENT ? text->offset : cookie;

    if (text->file != FILES) {
        return ERROR_NOT_DIRECTORY;
    }
    for (; at < FILES; at++) {
        union {
            struct directory_entry entry;
            char bytes[offsetof(struct directory_entry, name) + NAME_BYTES];
        } out = {.entry = {.id = at + 1, .next = at + 1, .kind = FILE_MODE_REGULAR >> 12}};
        size_t name_bytes = strlen(files[at].name) + 1;
        size_t size = ALIGN_UP(offsetof(struct directory_entry, name) + name_bytes, (size_t)8);

        if (*bytes + size > entries_length) {
            if (*bytes == 0) {
                return ERROR_BAD_ARGUMENT;
            }
            break;
        }
        out.entry.length = (uint16_t)size;
        memcpy(out.bytes + offsetof(struct directory_entry, name), files[at].name, name_bytes);
        status_t status = request_write(request, *bytes, &out, size);

        if (status != OK) {
            return status;
        }
        *bytes += size;
    }
    if (cookie == FILE_OFFSET_CURRENT) {
        text->offset = at;
    }
    *next = at;
    return OK;
}

const struct file_handlers text_directory_handlers = {.open = on_open, .stat = on_root_stat};

static const struct file_handlers file_handlers = {
    .open = on_text_open,
    .read = on_read,
    .seek = on_seek,
    .stat = on_text_stat,
    .set_flags = on_set_flags,
    .watch = on_watch,
};
static const struct directory_handlers list_handlers = {.read = on_list};
static const struct server_protocol text_protocols[] = {
    FILE_SERVE(file_handlers), DIRECTORY_SERVE(list_handlers), PROC_SERVE(proc_handlers), {0}};
static const struct server_class text_class = {
    .protocols = text_protocols, .closed = on_closed, .cancelled = on_cancelled};
