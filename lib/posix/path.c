/* SPDX-License-Identifier: MIT */
#include "lib/posix/path.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/fork_locks.h"
#include "lib/posix/thread.h"

static char working_directory[PATH_LENGTH_MAX] = "/";
struct lock path_lock;
static uint32_t mask = 022;

void path_start(void) {
    const struct startup_entry *directory = startup_next(NULL, STARTUP_CWD);
    const struct startup_entry *umask = startup_next(NULL, STARTUP_UMASK);

    if (directory != NULL) {
        enum path_result result = path_normalize(working_directory, NULL, startup_text(directory));

        if (result != PATH_OK) {
            working_directory[0] = '/';
            working_directory[1] = '\0';
        }
    }
    if (umask != NULL) {
        mask = umask->number & 0777;
    }
}

int working_directory_set(const char *normal) {
    critical_lock(&path_lock);
    bool fits = string_copy(working_directory, sizeof working_directory, normal);

    critical_unlock(&path_lock);
    return fits ? 0 : -ENAMETOOLONG;
}

void working_directory_get(char *path, size_t size) {
    critical_lock(&path_lock);
    bool fits = string_copy(path, size, working_directory);

    critical_unlock(&path_lock);
    (void)fits; /* callers have PATH_LENGTH_MAX bytes */
}

uint32_t creation_mask_set(uint32_t new_mask) {
    return __atomic_exchange_n(&mask, new_mask & 0777, __ATOMIC_RELAXED);
}

uint32_t creation_mask(void) {
    return mask;
}

static enum path_last last_of(const char *text) {
    size_t n = strlen(text);
    bool is_dot = n >= 1 && text[n - 1] == '.', is_dots = n >= 2 && is_dot && text[n - 2] == '.';

    if (n >= 1 && text[n - 1] == '/') {
        return PATH_LAST_SLASH;
    }
    if (is_dots && (n == 2 || text[n - 3] == '/')) {
        return PATH_LAST_DOT_DOT;
    }
    return is_dot && (n == 1 || text[n - 2] == '/') ? PATH_LAST_DOT : PATH_LAST_NAME;
}

int path_make_normal(char *out, const char *base, const char *text) {
    if (path_inner_parent(text) != NULL) {
        return errno_from_status(namespace_normalize(out, base, text));
    }
    switch (path_normalize(out, base, text)) {
    case PATH_OK:
        return 0;
    case PATH_TOO_LONG:
    case PATH_NAME_TOO_LONG:
        return -ENAMETOOLONG;
    default:
        return -ENOENT;
    }
}

/* `base` is the path of the open directory `gate`, from which the text, now made normal, does not
 * lead up again. */
static void begin_at(struct posix_path *path, const char *base, handle_t gate) {
    size_t n = strlen(base);

    path->directory = gate;
    path->start = n + (path->at.made[n] == '/');
}

int path_from_user(struct posix_path *path, int directory, const char *text) {
    char base[PATH_LENGTH_MAX];
    bool is_in_open = false;

    if (text == NULL) {
        return -EFAULT;
    }
    path->at.text = text;
    path->at.length = path_normal_length(text);
    path->last = PATH_LAST_NAME;
    path->wants_directory = false;
    path->directory = HANDLE_NONE;
    if (LIKELY(path->at.length != 0)) {
        return 0;
    }
    path->last = last_of(text);
    path->wants_directory = path->last != PATH_LAST_NAME;
    base[0] = '\0';
    if (text[0] != '/') {
        if (directory == LINUX_AT_FDCWD) {
            working_directory_get(base, sizeof base);
        } else if (!fd_path(directory, base, sizeof base)) {
            return fd_gate(directory) == HANDLE_NONE ? -EBADF : -ENOTDIR;
        } else {
            is_in_open = strstr(text, "..") == NULL;
        }
    }
    int error = path_make_normal(path->at.made, base, text);

    path->at.text = path->at.made;
    path->at.length = error == 0 ? strlen(path->at.made) : 0;
    if (error == 0 && is_in_open) {
        begin_at(path, base, fd_gate(directory));
    }
    return error;
}

int path_walk(struct posix_path *path, namespace_request *request, void *context) {
    const char *rest;
    handle_t gate;
    status_t status = namespace_resolve(path->at.text, &gate, &rest);

    /* What the namespace has there, or below, is its own to say. */
    if (path->directory != HANDLE_NONE && (status != OK || rest < path->at.text + path->start)) {
        gate = path->directory;
        rest = path->at.text + path->start;
        status = OK;
    }
    path->directory = HANDLE_NONE; /* the walk may change the text */
    if (status == OK) {
        status = namespace_walk_at(&path->at, gate, rest, request, context);
    }
    return errno_from_status(status);
}

static status_t open_directory_request(void *context, struct namespace_step *step) {
    handle_t *directory = context;
    uint32_t kind;
    status_t status = file_open(step->gate, FILE_OPEN_DIRECTORY, 0, step->path, step->path_length,
                                step->target, step->target_bytes, &kind, &step->matched,
                                &step->target_length, &step->next, DEADLINE_NEVER);

    if (status == OK) {
        *directory = step->next;
        step->next = HANDLE_NONE;
    }
    return status;
}

int path_open_parent(const struct posix_path *path, handle_t *gate, const char **name) {
    struct posix_path parent = {.wants_directory = true};
    const char *last = path_split_last(path->at.text, &parent.at.length);

    if (last == NULL) {
        return -EBUSY; /* the root itself */
    }
    memcpy(parent.at.made, path->at.text, parent.at.length);
    parent.at.made[parent.at.length] = '\0';
    parent.at.text = parent.at.made;
    if (path->directory != HANDLE_NONE && last >= path->at.text + path->start) {
        parent.directory = path->directory;
        parent.start = MIN(path->start, parent.at.length);
    }
    int error = path_walk(&parent, open_directory_request, gate);

    *name = last;
    return error;
}
