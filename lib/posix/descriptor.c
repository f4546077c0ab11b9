/* SPDX-License-Identifier: MIT */
/*
 * Descriptors themselves: dup, fcntl, ioctl, pipes.
 */
#include "lib/posix/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "abi/generated/pipe.h"
#include "lib/native/namespace.h"
#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/file_lock.h"
#include "lib/posix/metadata.h"
#include "lib/posix/path.h"
#include "lib/posix/terminal.h"
#include "lib/posix/thread.h"

/* ---- dup ---- */

long call_dup(const long *a) {
    return fd_duplicate((int)a[0], 0, 0);
}

long call_dup2(const long *a) {
    return fd_duplicate_to((int)a[0], (int)a[1], 0);
}

long call_dup3(const long *a) {
    if (a[0] == a[1] || (a[2] & ~(long)O_CLOEXEC) != 0) {
        return -EINVAL;
    }
    return fd_duplicate_to((int)a[0], (int)a[1], a[2] != 0 ? FD_CLOEXEC_FLAG : 0);
}

/* ---- fcntl ---- */

static int posix_flags(uint32_t flags) {
    int access = flags & (FILE_OPEN_READ | FILE_OPEN_WRITE);
    int result = access == FILE_OPEN_WRITE  ? O_WRONLY
                 : access == FILE_OPEN_READ ? O_RDONLY
                 : access == 0              ? O_PATH
                                            : O_RDWR;

    result |= (flags & FILE_OPEN_APPEND) != 0 ? O_APPEND : 0;
    return result | ((flags & FILE_OPEN_NONBLOCK) != 0 ? O_NONBLOCK : 0);
}

static long get_flags(handle_t gate) {
    uint32_t flags = 0;
    status_t status = file_set_flags(gate, 0, 0, &flags, DEADLINE_NEVER);

    if (status == ERROR_BAD_MESSAGE || status == ERROR_NOT_SUPPORTED) {
        return O_RDWR;
    }
    return errno_or(status, posix_flags(flags));
}

static long set_flags(handle_t gate, long wanted) {
    uint32_t value = ((wanted & O_APPEND) != 0 ? FILE_OPEN_APPEND : 0) |
                     ((wanted & O_NONBLOCK) != 0 ? FILE_OPEN_NONBLOCK : 0);
    uint32_t flags;

    return errno_from_status(
        file_set_flags(gate, FILE_OPEN_APPEND | FILE_OPEN_NONBLOCK, value, &flags, DEADLINE_NEVER));
}

long call_fcntl(const long *a) {
    int number = (int)a[0];
    struct fd fd = fd_get(number);

    if (fd.gate == HANDLE_NONE) {
        return -EBADF;
    }
    switch (a[1]) {
    case F_DUPFD:
        return fd_duplicate(number, (int)a[2], 0);
    case F_DUPFD_CLOEXEC:
        return fd_duplicate(number, (int)a[2], FD_CLOEXEC_FLAG);
    case F_GETFD:
        return (fd.flags & FD_CLOEXEC_FLAG) != 0 ? FD_CLOEXEC : 0;
    case F_SETFD:
        return fd_set_flags(number, (a[2] & FD_CLOEXEC) != 0 ? FD_CLOEXEC_FLAG : 0);
    case F_GETFL:
        return get_flags(fd.gate);
    case F_SETFL:
        return set_flags(fd.gate, a[2]);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
        return lock_control(number, a[1], (struct flock *)a[2]);
    default:
        return -EINVAL;
    }
}

/* ---- ioctl ---- */

static long get_readable(int number, int *n) {
    struct file_stat stat;

    thread_self()->slow = CALL_FAST;
    int error = fd_stat(number, &stat);

    if (error == 0) {
        *n = (int)MIN(stat.size, (uint64_t)INT_MAX);
    }
    return error;
}

/* isatty asks of every file that stdio opens: no need to ask the server of one that cannot be a
 * terminal. */
static long control(const struct fd *fd, unsigned request, long argument) {
    return (fd->mode & FILE_MODE_KIND) == FILE_MODE_CHARACTER || fd->mode == 0
               ? terminal_control(fd->gate, request, argument)
               : -ENOTTY;
}

long call_ioctl(const long *a) {
    int number = (int)a[0];
    struct fd fd = fd_get(number);
    unsigned request = (unsigned)a[1];
    uint32_t flags;

    if (fd.gate == HANDLE_NONE) {
        return -EBADF;
    }
    bool is_stream = (fd.mode & FILE_MODE_KIND) == FILE_MODE_PIPE ||
                     (fd.mode & FILE_MODE_KIND) == FILE_MODE_SOCKET;

    switch (request) {
    case FIONREAD:
        /* Of a terminal it is one of its own requests. */
        return is_stream ? get_readable(number, (int *)a[2]) : control(&fd, request, a[2]);
    case FIOCLEX:
        return fd_set_flags(number, FD_CLOEXEC_FLAG);
    case FIONCLEX:
        return fd_set_flags(number, 0);
    case FIONBIO:
        return errno_from_status(file_set_flags(fd.gate, FILE_OPEN_NONBLOCK,
                                                *(const int *)a[2] != 0 ? FILE_OPEN_NONBLOCK : 0,
                                                &flags, DEADLINE_NEVER));
    default:
        return control(&fd, request, a[2]);
    }
}

/* ---- pipes ---- */

static int pipe_server(handle_t *gate) {
    static handle_t behind; /* the name is behind another server, which was asked */
    const char *rest;
    handle_t found, before = HANDLE_NONE;

    status_t status = namespace_resolve("/dev/pipe", gate, &rest);

    if (status != OK || rest[0] == '\0') {
        return status == OK ? 0 : -ENFILE;
    }
    *gate = __atomic_load_n(&behind, __ATOMIC_ACQUIRE);
    if (*gate != HANDLE_NONE) {
        return 0;
    }
    status = namespace_root("/dev/pipe", &found);
    if (status == OK && !__atomic_compare_exchange_n(&behind, &before, found, false,
                                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        handle_drop(found); /* another thread was faster */
    }
    *gate = behind;
    return status == OK ? 0 : -ENFILE;
}

/* Two descriptors for two gates, or none. */
static long install_pair(int *fds, handle_t first, handle_t second, unsigned flags, unsigned mode) {
    int one = fd_install(first, mode, flags, 0, NULL);
    int other = fd_install(second, mode, flags, 0, NULL);

    if (one < 0 || other < 0) {
        (void)fd_close(one);
        (void)fd_close(other);
        return -EMFILE;
    }
    fds[0] = one;
    fds[1] = other;
    return 0;
}

static long pipe_make(int *fds, long flags) {
    handle_t server, reader, writer;

    if ((flags & ~(long)(O_CLOEXEC | O_NONBLOCK)) != 0) {
        return -EINVAL;
    }
    int error = pipe_server(&server);

    if (error != 0) {
        return error;
    }
    status_t status = pipe_create(server, (flags & O_NONBLOCK) != 0 ? FILE_OPEN_NONBLOCK : 0,
                                  &reader, &writer, DEADLINE_NEVER);

    if (status != OK) {
        return status == ERROR_TOO_MANY ? -ENFILE : errno_from_status(status);
    }
    return install_pair(fds, reader, writer, (flags & O_CLOEXEC) != 0 ? FD_CLOEXEC_FLAG : 0,
                        FILE_MODE_PIPE);
}

long call_pipe(const long *a) {
    return pipe_make((int *)a[0], 0);
}

long call_pipe2(const long *a) {
    return pipe_make((int *)a[0], a[1]);
}

long call_socketpair(const long *a) {
    handle_t server, one, other;
    long flags = a[1] & (SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (a[0] != AF_UNIX || (a[1] & ~(long)(SOCK_CLOEXEC | SOCK_NONBLOCK)) != SOCK_STREAM) {
        return -EOPNOTSUPP;
    }
    int error = pipe_server(&server);

    if (error != 0) {
        return error;
    }
    status_t status =
        pipe_create_pair(server, (flags & SOCK_NONBLOCK) != 0 ? FILE_OPEN_NONBLOCK : 0, &one,
                         &other, DEADLINE_NEVER);

    if (status != OK) {
        return status == ERROR_TOO_MANY ? -ENFILE : errno_from_status(status);
    }
    return install_pair((int *)a[3], one, other, (flags & SOCK_CLOEXEC) != 0 ? FD_CLOEXEC_FLAG : 0,
                        FILE_MODE_SOCKET);
}
