/* SPDX-License-Identifier: MIT */
#include "lib/posix/thread.h"

#include <errno.h>

#include "abi/kernel.h"
#include "lib/libc/hooks.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/errno.h"
#include "lib/posix/calls.h"
#include "lib/posix/signal.h"
#include "lib/posix/stacks.h"
#include "lib/posix/timers.h"

/* Linux's clone flags, as far as musl asks for them. */
enum {
    LINUX_CLONE_VM = 0x100,
    LINUX_CLONE_THREAD = 0x10000,
    LINUX_CLONE_SETTLS = 0x80000,
    LINUX_CLONE_PARENT_SETTID = 0x100000,
    LINUX_CLONE_CHILD_CLEARTID = 0x200000,
};

/* Thread numbers other than the first thread's, which is the pid, have this bit: the
 * highest that musl's arithmetic on CPU clocks leaves alone. */
#define TID_THREAD     0x08000000u
#define TID_ID_MASK    0x07ffffffu
#define TP_RECORD_WORD 32

/* musl's, for the thread structure's word of that name. */
extern size_t __sysinfo;

struct posix posix;
struct lock threads_lock;

/*
 * What a thread on its way out finds as its record: upcalls that still reach it only pass the
 * signals on. All such threads share it: nobody relies on what upcalls change in it.
 */
static struct posix_thread leaving = {.depth = 1, .exiting = true, .mask = UINT64_MAX};

static void record_set(uintptr_t tls, struct posix_thread *record) {
    *(struct posix_thread *volatile *)(tls + TP_RECORD_WORD) = record;
}

void lock_take_critical(struct lock *lock) {
    critical_lock(lock);
}

void lock_give_critical(struct lock *lock) {
    critical_unlock(lock);
}

void thread_start_first(void) {
    list_init(&posix.threads);
    list_push_back(&posix.threads, &posix.first.node);
    posix.n_threads = 1;
}

int __euralios_set_tp(void *tp) {
    status_t status =
        sys_thread_control(HANDLE_NONE, THREAD_SET_FS_BASE, (uint64_t)(uintptr_t)tp, NULL);

    if (status != OK) {
        return -EINVAL;
    }
    record_set((uintptr_t)tp, &posix.first);
    __sysinfo = (uintptr_t)&posix.first; /* musl will copy it to the same word */
    posix.has_tls = true;
    posix_start();
    return 0;
}

struct posix_thread *thread_find(uint32_t tid) {
    struct posix_thread *thread;

    LIST_FOR_EACH(thread, &posix.threads, node) {
        if (thread_number(thread) == tid) {
            return thread;
        }
    }
    return NULL;
}

uint32_t thread_number(const struct posix_thread *self) {
    return self->tid != 0 ? self->tid : process_pid();
}

/* First C code of a thread; its number is in place already (thread_clone waits for nothing else).
 */
static NORETURN void thread_main(struct posix_thread *self) {
    /* The number is in the record once the creator lets go. */
    lock_take(&threads_lock);
    lock_give(&threads_lock);
    critical_leave(); /* the one that it was made in */
    int result = self->start(self->argument);

    (void)result; /* pthread_exit has it; what start returns is seen by nobody */
    thread_end(0, 0);
}

/* Entry of a thread on its own stack: rdi = record. */
void thread_entry(struct posix_thread *self);
__asm__(".text\n"
        ".global thread_entry\n"
        ".type thread_entry,@function\n"
        "thread_entry:\n"
        "    xor %ebp, %ebp\n"
        "    and $-16, %rsp\n"
        "    call thread_main_from_entry\n"
        "    ud2\n");

NORETURN void thread_main_from_entry(struct posix_thread *self);
NORETURN void thread_main_from_entry(struct posix_thread *self) {
    thread_main(self);
}

/* Starts the thread of a record, and announces it. */
static long thread_launch(struct posix_thread *thread, int *parent_tid) {
    /* The lock is held until the number is in the record: the thread's first signal, and its exit,
     * wait for that. */
    critical_lock(&threads_lock);
    thread->depth = 1;
    status_t status =
        sys_thread_create((uint64_t)(uintptr_t)thread_entry, (uint64_t)(uintptr_t)thread,
                          (uint64_t)(uintptr_t)thread, thread->tls, &thread->id);
    if (status == OK) {
        thread->tid = TID_THREAD | (thread->id & TID_ID_MASK);
        if (parent_tid != NULL) {
            *parent_tid = (int)thread->tid;
        }
        list_push_back(&posix.threads, &thread->node);
        posix.n_threads++;
    }
    critical_unlock(&threads_lock);
    return status == OK ? (long)thread->tid : -EAGAIN;
}

bool thread_open_handle(struct posix_thread *thread) {
    uint64_t handle;

    if (thread->handle == HANDLE_NONE && (thread->id != 0 || thread == thread_self()) &&
        sys_thread_control(HANDLE_NONE, THREAD_OPEN, thread->id, &handle) == OK) {
        thread->handle = (handle_t)handle;
    }
    return thread->handle != HANDLE_NONE;
}

long thread_clone(int (*start)(void *), void *stack, int flags, void *argument, int *parent_tid,
                  void *tls, int *child_tid) {
    struct posix_thread *self = thread_self();
    const int needed = LINUX_CLONE_VM | LINUX_CLONE_THREAD | LINUX_CLONE_SETTLS;

    if ((flags & needed) != needed) {
        return -ENOSYS; /* a process: fork and posix_spawn have ways of their own */
    }
    if (!thread_open_handle(self)) {
        return -EAGAIN;
    }
    /* The record lies at the end of the stack: it is needed for as long. */
    struct posix_thread *thread =
        (struct posix_thread *)ALIGN_DOWN((uintptr_t)stack - sizeof *thread, 16);

    *thread = (struct posix_thread){
        .start = start,
        .argument = argument,
        .tls = (uintptr_t)tls,
        .mask = self->mask,
        .start_ns = time_now_ns(),
        .policy = self->policy,
        .priority = self->priority,
        .clear_tid = flags & LINUX_CLONE_CHILD_CLEARTID ? (uint32_t *)child_tid : NULL,
    };
    record_set((uintptr_t)tls, thread);
    stack_used((uintptr_t)stack);
    return thread_launch(thread, flags & LINUX_CLONE_PARENT_SETTID ? parent_tid : NULL);
}

int __euralios_clone(int (*function)(void *), void *stack, int flags, void *argument,
                     int *parent_tid, void *tls, int *child_tid) {
    return (int)thread_clone(function, stack, flags, argument, parent_tid, tls, child_tid);
}

NORETURN void thread_end(uintptr_t unmap_base, size_t unmap_length) {
    struct posix_thread *self = thread_self();
    uint32_t *clear = self->clear_tid;
    uintptr_t tls;

    __asm__("mov %%fs:0, %0" : "=r"(tls));
    critical_lock(&threads_lock);
    list_remove(&self->node);
    uint32_t left = --posix.n_threads;
    handle_t handle = self->handle;
    handle_t endpoint = self->poll_endpoint;

    lock_give(&threads_lock);
    if (left == 0) {
        sys_process_exit(0);
    }
    queue_drop_thread(self);
    /* From here on upcalls of this thread see `leaving`, for the record goes with its stack: they
     * take locks, and so must find none of ours. What they noted before is passed on here. */
    for (;;) {
        self->noted = 0;
        signals_pass_on(UINT64_MAX);
        record_set(tls, &leaving);
        if (self->noted == 0) {
            break;
        }
        record_set(tls, self);
    }
    if (endpoint != HANDLE_NONE) {
        handle_drop(endpoint);
    }
    if (handle != HANDLE_NONE) {
        handle_drop(handle);
    }
    sys_thread_exit(clear, unmap_base, unmap_length);
}

void __euralios_unmapself(void *base, size_t size) {
    stack_forget((uintptr_t)base);
    thread_end((uintptr_t)base, size);
}

void thread_after_fork(void) {
    struct posix_thread *self = thread_self();

    list_init(&posix.threads);
    list_node_init(&self->node);
    list_push_back(&posix.threads, &self->node);
    posix.n_threads = 1;
    /* What endpoints and threads had as handles is empty in a child. */
    self->handle = HANDLE_NONE;
    self->poll_endpoint = HANDLE_NONE;
    self->id = self->tid = 0;
    self->start_ns = 0;
    self->cancel = NULL;
    signals_after_fork();
    timers_after_fork();
}

long call_set_tid_address(const long *a) {
    struct posix_thread *self = thread_self();

    self->clear_tid = (uint32_t *)a[0];
    return (long)thread_number(self);
}

long call_gettid(const long *a) {
    (void)a;
    return (long)thread_number(thread_self());
}

long call_exit_thread(const long *a) {
    if (posix.n_threads == 1) {
        sys_process_exit((int32_t)(a[0] & 0xff));
    }
    thread_end(0, 0);
}
