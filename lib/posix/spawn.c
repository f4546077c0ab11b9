/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn without fork: the child is prepared with the descriptors that it is to have, and
 * started by proc. system and popen come here too.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/string.h"
#include "lib/libc/hooks.h"
#include "lib/native/syscall.h"
#include "lib/posix/calls.h"
#include "lib/posix/children.h"
#include "lib/posix/descriptor_path.h"
#include "lib/posix/errno.h"
#include "lib/posix/pool.h"
#include "lib/posix/proc.h"
#include "lib/posix/program.h"
#include "lib/posix/signal.h"

/* ---- file actions ---- */

/* Puts an entry at number `to`; the caller's entry is copied, with its path. */
static int put(struct program_state *state, int to, const struct fd *entry, bool owned) {
    if (to < 0 || to >= FD_MAX) {
        return -EBADF;
    }
    struct fd copy = *entry;

    copy.flags = 0;
    copy.path = copy.path != NULL ? pool_copy_string(copy.path) : NULL;
    program_state_close(state, to);
    state->fds[to] = copy;
    state->owned[to] = owned;
    state->n_fds = MAX(state->n_fds, to + 1);
    return 0;
}

static int action_dup2(struct program_state *state, int from, int to) {
    handle_t second = HANDLE_NONE;

    if (from < 0 || from >= FD_MAX || state->fds[from].gate == HANDLE_NONE) {
        return -EBADF;
    }
    if (from == to) {
        state->fds[to].flags = 0; /* as POSIX asks: no longer close-on-exec */
        return 0;
    }
    if (!state->owned[from]) {
        return put(state, to, &state->fds[from], false);
    }
    status_t status = sys_handle_copy(state->fds[from].gate, RIGHTS_ALL, 0, &second);

    if (status != OK) {
        return errno_from_status(status);
    }
    struct fd entry = state->fds[from];

    entry.gate = second;
    int error = put(state, to, &entry, true);

    if (error != 0) {
        handle_drop(second);
    }
    return error;
}

/* Relative paths are taken from where the child is by then. */
static int absolute(const struct program_state *state, const char *text, char *path) {
    return path_make_normal(path, state->directory, text);
}

/* Opens in this process, which then gives its descriptor away. */
static int open_here(const struct program_state *state, const char *text, int flags, mode_t mode) {
    char path[PATH_LENGTH_MAX];
    int error = absolute(state, text, path);
    const long args[6] = {(long)path, flags | O_CLOEXEC, (long)mode};

    return error != 0 ? error : (int)call_open(args);
}

static int action_open(struct program_state *state, const struct hooks_file_action *action) {
    char path[PATH_LENGTH_MAX];
    handle_t gate = HANDLE_NONE;

    if (absolute(state, action->path, path) == 0 && descriptor_number(path) >= 0) {
        /* The child's, of which this process has another. */
        return action_dup2(state, descriptor_number(path), action->fd) == 0 ? 0 : -ENOENT;
    }
    int fd = open_here(state, action->path, action->flags, action->mode);

    if (fd < 0) {
        return fd;
    }
    struct fd entry = fd_get(fd);
    status_t status = sys_handle_copy(entry.gate, RIGHTS_ALL, 0, &gate);

    entry.path = fd_path(fd, path, sizeof path) ? path : NULL;
    (void)fd_close(fd);
    if (status != OK) {
        return errno_from_status(status);
    }
    entry.gate = gate;
    int error = put(state, action->fd, &entry, true);

    if (error != 0) {
        handle_drop(gate);
    }
    return error;
}

static int action_change_directory(struct program_state *state, const char *text) {
    char path[PATH_LENGTH_MAX];
    int fd = open_here(state, text, O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0) {
        return fd;
    }
    (void)fd_close(fd);
    int error = absolute(state, text, path);

    if (error == 0) {
        memcpy(state->directory, path, sizeof path);
    }
    return error;
}

static int action_do(struct program_state *state, const struct hooks_file_action *action) {
    int fd = action->fd;

    switch (action->kind) {
    case HOOKS_ACTION_CLOSE:
        if (fd >= 0 && fd < FD_MAX) {
            program_state_close(state, fd);
        }
        return 0;
    case HOOKS_ACTION_DUP2:
        return action_dup2(state, action->source, fd);
    case HOOKS_ACTION_OPEN:
        return action_open(state, action);
    case HOOKS_ACTION_CHDIR:
        return action_change_directory(state, action->path);
    case HOOKS_ACTION_FCHDIR:
        if (fd < 0 || fd >= FD_MAX || state->fds[fd].gate == HANDLE_NONE) {
            return -EBADF;
        }
        return state->fds[fd].path == NULL ? -ENOTDIR
               : string_copy(state->directory, sizeof state->directory, state->fds[fd].path)
                   ? 0
                   : -ENAMETOOLONG;
    default:
        return -EINVAL;
    }
}

/* The list is in reverse order: musl puts new ones in front. */
static int actions_do(struct program_state *state, const struct hooks_file_action *actions) {
    int error = 0;

    while (actions != NULL && actions->next != NULL) {
        actions = actions->next;
    }
    for (; actions != NULL && error == 0; actions = actions->previous) {
        error = action_do(state, actions);
    }
    return error;
}

/* ---- attributes ---- */

static uint32_t attributes_apply(struct program_state *state, const posix_spawnattr_t *attributes,
                                 uint32_t *group) {
    uint32_t flags = 0;
    uint64_t set;

    *group = 0;
    if (attributes == NULL) {
        return 0;
    }
    if ((attributes->__flags & POSIX_SPAWN_SETPGROUP) != 0) {
        flags |= PROC_ADOPT_GROUP;
        *group = (uint32_t)attributes->__pgrp;
    }
    if ((attributes->__flags & POSIX_SPAWN_SETSID) != 0) {
        flags |= PROC_ADOPT_SESSION;
    }
    if ((attributes->__flags & POSIX_SPAWN_SETSIGMASK) != 0) {
        memcpy(&state->blocked, &attributes->__mask, sizeof state->blocked);
    }
    if ((attributes->__flags & POSIX_SPAWN_SETSIGDEF) != 0) {
        memcpy(&set, &attributes->__def, sizeof set);
        state->ignored &= ~set;
        flags |= PROC_ADOPT_RESET; /* what is still ignored the child tells when it starts */
    }
    return flags;
}

/* ---- the hook ---- */

/* Descriptors that are still close-on-exec when all actions are done. */
static void drop_cloexec(struct program_state *state) {
    for (int fd = 0; fd < state->n_fds; fd++) {
        if ((state->fds[fd].flags & FD_CLOEXEC_FLAG) != 0) {
            program_state_close(state, fd);
        }
    }
}

static int start(const struct program *program, struct program_state *state,
                 const posix_spawnattr_t *attributes, char *const *envp, uint32_t *pid) {
    struct spawn_prepared prepared;
    uint32_t group;
    uint32_t flags = attributes_apply(state, attributes, &group);

    if (proc_gate() == HANDLE_NONE) {
        return -ENOSYS;
    }
    int error = program_prepare(program, state, envp, 0, &prepared);

    if (error != 0) {
        return error;
    }
    status_t status =
        process_adopt(prepared.process, flags, group, prepared.entry, prepared.stack, pid);

    if (status == OK) {
        child_keep(*pid, prepared.process);
    } else {
        handle_drop(prepared.process);
    }
    return status == ERROR_DENIED ? -EPERM : errno_from_status(status);
}

static int spawn_one(uint32_t *pid, const char *path, const struct hooks_file_action *actions,
                     const posix_spawnattr_t *attributes, char *const *argv, char *const *envp) {
    struct program program;
    char at[PATH_LENGTH_MAX];
    struct program_state *state = program_state_make(false);

    if (state == NULL) {
        return -ENOMEM;
    }
    int error = actions_do(state, actions);

    drop_cloexec(state);
    if (error == 0) {
        error = absolute(state, path, at);
    }
    unsigned tries = 0;

    while (error == 0) {
        error = program_open(&program, LINUX_AT_FDCWD, at, argv);
        if (error == 0) {
            error = start(&program, state, attributes, envp, pid);
            program_close(&program);
        }
        if (error == 0 || !program_try_again(error, &tries)) {
            break;
        }
        error = 0;
    }
    program_state_free(state);
    return error;
}

/* posix_spawnp: tries the folders of PATH in order, as execvp does. */
static int spawn_search(uint32_t *pid, const char *file, const struct hooks_file_action *actions,
                        const posix_spawnattr_t *attributes, char *const *argv, char *const *envp) {
    const char *list = getenv("PATH");
    char path[PATH_LENGTH_MAX];
    int error = -ENOENT;
    bool was_denied = false;

    list = list != NULL ? list : "/bin";
    for (;;) {
        size_t length = strcspn(list, ":");

        if (string_copy_n(path, sizeof path, list, length) &&
            (length == 0 || string_append(path, sizeof path, "/")) &&
            string_append(path, sizeof path, file)) {
            error = spawn_one(pid, path, actions, attributes, argv, envp);
            was_denied = was_denied || error == -EACCES;
            if (error != -ENOENT && error != -ENOTDIR && error != -EACCES) {
                return error;
            }
        }
        if (list[length] == '\0') {
            return was_denied ? -EACCES : error;
        }
        list += length + 1;
    }
}

int __euralios_spawn(int *pid, const char *path, const struct hooks_file_action *actions,
                     const void *attributes, char *const *argv, char *const *envp, int search) {
    uint32_t number = 0;
    bool searches = search != 0 && strchr(path, '/') == NULL;
    int error = searches ? spawn_search(&number, path, actions, attributes, argv, envp)
                         : spawn_one(&number, path, actions, attributes, argv, envp);

    if (error == 0 && pid != NULL) {
        *pid = (int)number;
    }
    return -error;
}
