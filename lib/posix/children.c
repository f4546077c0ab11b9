/* SPDX-License-Identifier: MIT */
#include "lib/posix/children.h"

#include <signal.h>

#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/signal.h"

enum { CHILDREN_MAX = 64 };

static struct child {
    uint32_t pid; /* 0: free */
    handle_t process;
} children[CHILDREN_MAX];
static unsigned next_victim;
static struct lock children_lock;

/* A free place; if there is none, that of the one that has been there longest, whose handle goes to
 * *old. */
static struct child *place_find(handle_t *old) {
    *old = HANDLE_NONE;
    for (unsigned i = 0; i < CHILDREN_MAX; i++) {
        if (children[i].pid == 0) {
            return &children[i];
        }
    }
    struct child *victim = &children[next_victim++ % CHILDREN_MAX];

    *old = victim->process;
    return victim;
}

void child_keep(uint32_t pid, handle_t process) {
    handle_t kept = HANDLE_NONE, old;

    if (signal_handler_of(SIGCHLD) == SIGNAL_IGNORE) {
        handle_drop(process); /* nobody will wait for it */
        return;
    }
    status_t status = sys_handle_copy(process, RIGHT_READ, HANDLE_NO_FORK, &kept);

    handle_drop(process);
    if (status != OK) {
        return;
    }
    critical_lock(&children_lock);
    *place_find(&old) = (struct child){pid, kept};
    critical_unlock(&children_lock);
    if (old != HANDLE_NONE) {
        handle_drop(old);
    }
}

void child_forget(uint32_t pid) {
    handle_t process = HANDLE_NONE;

    critical_lock(&children_lock);
    for (unsigned i = 0; i < CHILDREN_MAX && process == HANDLE_NONE; i++) {
        if (children[i].pid == pid) {
            process = children[i].process;
            children[i] = (struct child){0};
        }
    }
    critical_unlock(&children_lock);
    if (process != HANDLE_NONE) {
        handle_drop(process);
    }
}

void children_after_fork(void) {
    children_lock = (struct lock)LOCK_INITIALIZER;
    for (unsigned i = 0; i < CHILDREN_MAX; i++) {
        children[i] = (struct child){0};
    }
}
