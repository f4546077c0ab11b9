/* SPDX-License-Identifier: MIT */
/*
 * poll, select and their kin, on the `watch` request of protocol file.
 *
 * Each thread that polls has an endpoint, and gives every server that it asks a gate to it whose
 * badge is (round << 16 | index). A notification only wakes the thread, which then asks again: so
 * one that is late, or of an earlier round, does no harm.
 */
#include "lib/posix/calls.h"

#include <errno.h>
#include <poll.h>
#include <sys/select.h>
#include <time.h>

#include "lib/base/string.h"
#include "lib/native/block.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "lib/posix/clock.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/signal.h"

enum { ROUND_SHIFT = 16 };

_Static_assert(POLLIN == FILE_EVENT_READ && POLLPRI == FILE_EVENT_PRIORITY &&
                   POLLOUT == FILE_EVENT_WRITE && POLLERR == FILE_EVENT_ERROR &&
                   POLLHUP == FILE_EVENT_HANGUP,
               "the same numbers");

/* The descriptors of the list that have been asked about, one bit each. */
struct asked {
    uint64_t bits[FD_MAX / 64];
};

struct poll_wait {
    struct pollfd *fds;
    nfds_t n;
    uint64_t deadline; /* 0: do not wait */
};

static status_t prepare_endpoint(struct posix_thread *self) {
    self->poll_round++;
    return self->poll_endpoint != HANDLE_NONE ? OK : sys_endpoint_create(&self->poll_endpoint);
}

/*
 * The key of an entry's watch: the same in the next poll, so that it replaces what this one leaves,
 * and another for each entry and thread, for two may be one open file (dup; or twice the same
 * descriptor, then it is the place in the list): a watch that is replaced wakes its thread. A
 * thread is told by its endpoint.
 */
static uint32_t watch_key(const struct posix_thread *self, struct asked *asked, uint32_t fd,
                          uint32_t index) {
    uint64_t bit = 1ull << fd % 64;
    uint32_t which = (asked->bits[fd / 64] & bit) == 0 ? fd : FD_MAX + index;

    asked->bits[fd / 64] |= bit;
    return self->poll_endpoint * 2 * FD_MAX + which;
}

/* Finds the events of one descriptor. With `arm` its server is to notify this thread when there are
 * none yet. 0, -EINTR, or -EAGAIN: it has no room for that. */
static int check_one(struct posix_thread *self, struct pollfd *entry, uint32_t index,
                     struct asked *asked_before, bool arm) {
    struct fd fd = fd_get(entry->fd);
    uint32_t wanted = (uint32_t)(entry->events & (POLLIN | POLLPRI | POLLOUT));
    uint32_t asked = wanted, ready = 0;
    handle_t gate = HANDLE_NONE;

    if (fd.gate == HANDLE_NONE) {
        entry->revents = POLLNVAL;
        return 0;
    }
    /* POLLRDNORM and POLLWRNORM are other names. */
    asked |= (entry->events & POLLRDNORM) != 0 ? FILE_EVENT_READ : 0;
    asked |= (entry->events & POLLWRNORM) != 0 ? FILE_EVENT_WRITE : 0;
    if (arm) {
        uint64_t badge = (uint64_t)self->poll_round << ROUND_SHIFT | index;

        if (sys_gate_create(self->poll_endpoint, badge, &gate) != OK) {
            return -EAGAIN;
        }
    }
    uint32_t key = watch_key(self, asked_before, (uint32_t)entry->fd, index);
    status_t status = file_watch(fd.gate, asked, key, gate, &ready, DEADLINE_NEVER);

    switch (status) {
    case OK:
        break;
    case ERROR_BAD_MESSAGE:
    case ERROR_NOT_SUPPORTED:
        entry->revents = (short)(entry->events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM));
        return 0;
    case ERROR_INTERRUPTED:
        return -EINTR;
    case ERROR_TOO_MANY:
    case ERROR_NO_MEMORY:
    case ERROR_OUT_OF_BUDGET:
        return -EAGAIN;
    default:
        entry->revents = POLLERR | POLLHUP; /* the server is gone, and the file with it */
        return 0;
    }
    short events = (short)(ready & (asked | POLLERR | POLLHUP));

    events |= (events & POLLIN) != 0 ? (short)(entry->events & POLLRDNORM) : 0;
    events |= (events & POLLOUT) != 0 ? (short)(entry->events & POLLWRNORM) : 0;
    entry->revents = events;
    return 0;
}

/* How many are ready, or an error of check_one. Watches are armed up to the first that is. */
static int check_all(struct posix_thread *self, const struct poll_wait *poll, bool arm) {
    struct asked asked = {{0}};
    int n_ready = 0;

    for (nfds_t i = 0; i < poll->n; i++) {
        struct pollfd *entry = &poll->fds[i];

        entry->revents = 0;
        if (entry->fd >= 0) {
            int error = check_one(self, entry, (uint32_t)i, &asked, arm && n_ready == 0);

            if (error != 0) {
                return error;
            }
            n_ready += entry->revents != 0;
        }
    }
    return n_ready;
}

/* Until something of this round is notified: OK; else TIMEOUT or INTERRUPTED. */
static status_t wait_for_notification(const struct posix_thread *self, uint64_t deadline) {
    for (;;) {
        struct message m = {.gate = self->poll_endpoint, .deadline = deadline};
        status_t status = native_message(SYSCALL_receive, &m, &self->interrupt);

        if (status == ERROR_INTERRUPTED && self->interrupt == 0) {
            continue;
        }
        if (status != OK ||
            (m.kind == MESSAGE_NOTIFICATION && m.badge >> ROUND_SHIFT == self->poll_round)) {
            return status;
        }
    }
}

/* Takes what is there: that the gates are closed of watches that were not made. */
static void notifications_drop(const struct posix_thread *self) {
    struct message m;

    do {
        m = (struct message){.gate = self->poll_endpoint, .deadline = 0};
    } while (message_receive(&m) == OK);
}

static long poll_run(void *context) {
    const struct poll_wait *poll = context;
    struct posix_thread *self = thread_self();
    bool waits = poll->deadline != 0;

    if (waits && prepare_endpoint(self) != OK) {
        return -ENOMEM;
    }
    for (;;) {
        int n_ready = check_all(self, poll, waits);

        if (n_ready == -EAGAIN && waits) {
            notifications_drop(self);
        }
        if (n_ready != 0 || !waits) {
            return n_ready;
        }
        status_t status = wait_for_notification(self, poll->deadline);

        if (status == ERROR_TIMEOUT) {
            return check_all(self, poll, false); /* the last word, and takes the watches away */
        }
        if (status != OK) {
            return errno_from_status(status);
        }
    }
}

static int deadline_of(const struct timespec *timeout, uint64_t *deadline) {
    int error = timeout_deadline(timeout, deadline);

    if (error == 0 && timeout != NULL && timeout->tv_sec == 0 && timeout->tv_nsec == 0) {
        *deadline = 0;
    }
    return error;
}

static long poll_masked(struct poll_wait *poll, const uint64_t *mask) {
    return mask != NULL ? signals_with_mask(mask, poll_run, poll) : poll_run(poll);
}

long call_poll(const long *a) {
    struct poll_wait poll = {.fds = (struct pollfd *)a[0], .n = (nfds_t)a[1]};
    int timeout_ms = (int)a[2];

    if (poll.n > FD_MAX) {
        return -EINVAL;
    }
    poll.deadline = timeout_ms < 0    ? DEADLINE_NEVER
                    : timeout_ms == 0 ? 0
                                      : time_deadline((uint64_t)timeout_ms * NS_PER_MS);
    return poll_run(&poll);
}

long call_ppoll(const long *a) {
    struct poll_wait poll = {.fds = (struct pollfd *)a[0], .n = (nfds_t)a[1]};
    int error = deadline_of((const struct timespec *)a[2], &poll.deadline);

    if (poll.n > FD_MAX) {
        return -EINVAL;
    }
    return error != 0 ? error : poll_masked(&poll, (const uint64_t *)a[3]);
}

/* ---- select ---- */

static short select_events(int fd, const fd_set *in, const fd_set *out, const fd_set *other) {
    return (short)((in != NULL && FD_ISSET(fd, in) ? POLLIN : 0) |
                   (out != NULL && FD_ISSET(fd, out) ? POLLOUT : 0) |
                   (other != NULL && FD_ISSET(fd, other) ? POLLPRI : 0));
}

/* What select takes for readable, writable and exceptional. */
enum {
    SELECT_IN = POLLIN | POLLHUP | POLLERR,
    SELECT_OUT = POLLOUT | POLLERR,
    SELECT_OTHER = POLLPRI,
};

/* Is there something that select was asked for, or an error of the call? */
static bool select_has_come(const struct pollfd *entry) {
    short events = (short)(((entry->events & POLLIN) != 0 ? SELECT_IN : 0) |
                           ((entry->events & POLLOUT) != 0 ? SELECT_OUT : 0) |
                           ((entry->events & POLLPRI) != 0 ? SELECT_OTHER : 0) | POLLNVAL);

    return (entry->revents & events) != 0;
}

/* poll until something has come for select. What is only hung up, and was asked for something else,
 * will never be that: it is left out, with its descriptor as ~fd. */
static long select_poll(struct poll_wait *poll, const uint64_t *mask) {
    bool has_come = false;
    long n;

    do {
        n = poll_masked(poll, mask);
        for (nfds_t i = 0; n > 0 && i < poll->n; i++) {
            struct pollfd *entry = &poll->fds[i];

            if (select_has_come(entry)) {
                has_come = true;
            } else if (entry->revents != 0) {
                entry->fd = ~entry->fd;
            }
        }
    } while (n > 0 && !has_come);
    return n;
}

/* Clears the bit in `set` unless one of `events` came; returns whether it stays. */
static int select_result(const struct pollfd *entry, fd_set *set, short wanted, short events) {
    if (set == NULL || (entry->events & wanted) == 0) {
        return 0;
    }
    if (entry->fd < 0 || (entry->revents & events) == 0) {
        FD_CLR(entry->fd < 0 ? ~entry->fd : entry->fd, set);
        return 0;
    }
    return 1;
}

static long select_run(int n_fds, fd_set *in, fd_set *out, fd_set *other,
                       const struct timespec *timeout, const uint64_t *mask) {
    struct pollfd fds[FD_SETSIZE];
    struct poll_wait poll = {.fds = fds};
    int error = deadline_of(timeout, &poll.deadline);

    if (error != 0 || n_fds < 0) {
        return -EINVAL;
    }
    for (int fd = 0; fd < MIN(n_fds, FD_SETSIZE); fd++) {
        short events = select_events(fd, in, out, other);

        if (events != 0) {
            fds[poll.n++] = (struct pollfd){.fd = fd, .events = events};
        }
    }
    long n = select_poll(&poll, mask);

    for (nfds_t i = 0; n > 0 && i < poll.n; i++) {
        if (fds[i].fd >= 0 && (fds[i].revents & POLLNVAL) != 0) {
            n = -EBADF;
        }
    }
    if (n < 0) {
        return n; /* with the sets as they were */
    }
    n = 0;
    for (nfds_t i = 0; i < poll.n; i++) {
        n += select_result(&fds[i], in, POLLIN, SELECT_IN);
        n += select_result(&fds[i], out, POLLOUT, SELECT_OUT);
        n += select_result(&fds[i], other, POLLPRI, SELECT_OTHER);
    }
    return n;
}

long call_select(const long *a) {
    const struct timeval *time = (const struct timeval *)a[4];
    struct timespec timeout;

    if (time != NULL) {
        timeout = (struct timespec){.tv_sec = time->tv_sec + time->tv_usec / 1000000,
                                    .tv_nsec = time->tv_usec % 1000000 * 1000};
    }
    return select_run((int)a[0], (fd_set *)a[1], (fd_set *)a[2], (fd_set *)a[3],
                      time != NULL ? &timeout : NULL, NULL);
}

long call_pselect6(const long *a) {
    const struct {
        const uint64_t *set;
        size_t size;
    } *mask = (const void *)a[5];

    return select_run((int)a[0], (fd_set *)a[1], (fd_set *)a[2], (fd_set *)a[3],
                      (const struct timespec *)a[4], mask != NULL ? mask->set : NULL);
}
