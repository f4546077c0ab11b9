/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn in place of musl's, which forks by clone(CLONE_VFORK): here a program starts without
 * a copy of its parent. system, popen and posix_spawnp call this.
 */
#include <spawn.h>
#include <stddef.h>
#include <sys/types.h>

#include "fdop.h"
#include "hooks.h"

_Static_assert(offsetof(struct fdop, cmd) == offsetof(struct hooks_file_action, kind) &&
                   offsetof(struct fdop, srcfd) == offsetof(struct hooks_file_action, source) &&
                   offsetof(struct fdop, oflag) == offsetof(struct hooks_file_action, flags) &&
                   offsetof(struct fdop, mode) == offsetof(struct hooks_file_action, mode) &&
                   offsetof(struct fdop, path) == offsetof(struct hooks_file_action, path) &&
                   FDOP_CLOSE == HOOKS_ACTION_CLOSE && FDOP_FCHDIR == HOOKS_ACTION_FCHDIR,
               "file actions are read as they are");

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                char *const envp[restrict]) {
    const void *list = actions != NULL ? actions->__actions : NULL;
    /* posix_spawnp leaves its mark there: the exec function that it wants. */
    int search = attributes != NULL && attributes->__fn != NULL;

    return __euralios_spawn(pid, path, list, attributes, argv, envp, search);
}
