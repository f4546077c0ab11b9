/* SPDX-License-Identifier: MIT */
/*
 * Opening, reading and writing. Offsets and flags of an open file are its server's
 * (abi/protocols/file.idl).
 */
#include "lib/posix/file.h"

#define _GNU_SOURCE 1 /* O_PATH, SEEK_HOLE ... */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>
#include <sys/uio.h>

#include "lib/posix/call.h"
#include "lib/posix/calls.h"
#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "abi/generated/terminal.h"
#include "lib/native/syscall.h"
#include "lib/posix/descriptor_path.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/metadata.h"
#include "lib/posix/path.h"
#include "lib/posix/signal.h"
#include "lib/posix/terminal.h"
#include "lib/posix/vectors.h"

/* ---- open ---- */

struct open_request {
    uint32_t flags;
    uint32_t mode;
    uint32_t kind;
    uint32_t permissions; /* where the server tells them: see protocol file */
    handle_t file;
    bool is_limit; /* the server holds as much as it may */
};

static status_t open_request(void *context, struct namespace_step *step) {
    struct open_request *open = context;
    status_t status = file_open(step->gate, open->flags, open->mode, step->path, step->path_length,
                                step->target, step->target_bytes, &open->kind, &step->matched,
                                &step->target_length, &step->next, DEADLINE_NEVER);

    if (status == OK) {
        open->file = step->next;
        step->next = HANDLE_NONE;
    }
    open->permissions = open->kind & FILE_MODE_PERMISSIONS;
    open->kind &= FILE_MODE_KIND;
    open->is_limit = status == ERROR_TOO_MANY;
    return status;
}

static uint32_t file_flags(int flags) {
    static const struct {
        int posix;
        uint32_t file;
    } pairs[] = {
        {O_CREAT, FILE_OPEN_CREATE},      {O_EXCL, FILE_OPEN_EXCLUSIVE},
        {O_TRUNC, FILE_OPEN_TRUNCATE},    {O_DIRECTORY, FILE_OPEN_DIRECTORY},
        {O_APPEND, FILE_OPEN_APPEND},     {O_NOFOLLOW, FILE_OPEN_NO_FOLLOW},
        {O_NONBLOCK, FILE_OPEN_NONBLOCK},
    };
    uint32_t result = 0;

    if ((flags & O_TMPFILE) == O_TMPFILE) {
        /* With the flag for directories: servers that do not know this refuse to write to one. */
        result |= FILE_OPEN_TEMPORARY;
    }
    if ((flags & O_PATH) == 0) {
        int access = flags & O_ACCMODE;

        result |= access == O_RDONLY   ? FILE_OPEN_READ
                  : access == O_WRONLY ? FILE_OPEN_WRITE
                                       : FILE_OPEN_READ | FILE_OPEN_WRITE;
    }
    /* Most files are opened with none of these. */
    for (size_t i = 0; (flags & ~(O_ACCMODE | O_CLOEXEC)) != 0 && i < ARRAY_SIZE(pairs); i++) {
        if ((flags & pairs[i].posix) != 0) {
            result |= pairs[i].file;
        }
    }
    return result;
}

/* A FIFO that is opened to read, or to write, waits for the other. */
static long meet(const struct open_request *open) {
    uint32_t both = FILE_OPEN_READ | FILE_OPEN_WRITE;
    uint32_t access = open->flags & both;

    if (open->kind != FILE_MODE_PIPE || access == 0 || access == both ||
        (open->flags & FILE_OPEN_NONBLOCK) != 0) {
        return 0;
    }
    status_t status = file_meet(open->file, DEADLINE_NEVER);

    if (status == OK || status == ERROR_NOT_SUPPORTED || status == ERROR_BAD_MESSAGE) {
        return 0;
    }
    handle_drop(open->file);
    return errno_from_status(status);
}

static long open_at(int directory, const char *text, int flags, uint32_t mode) {
    struct posix_path path;
    struct open_request open = {.flags = file_flags(flags),
                                .mode = mode & FILE_MODE_PERMISSIONS & ~creation_mask()};
    unsigned fd_flags = (flags & O_CLOEXEC) != 0 ? FD_CLOEXEC_FLAG : 0;
    uint8_t patience = thread_self()->slow;
    int error = path_from_user(&path, directory, text);

    if ((flags & O_TMPFILE) == O_TMPFILE && (flags & O_ACCMODE) == O_RDONLY) {
        return -EINVAL;
    }
    if ((flags & (O_CREAT | O_TRUNC)) != 0 && !fd_has_room()) {
        return -EMFILE; /* nothing is to be changed then */
    }
    if (error == 0) {
        if (path.wants_directory) {
            open.flags |= FILE_OPEN_DIRECTORY;
        }
        if (path.wants_directory && (flags & O_CREAT) != 0) {
            return -EISDIR;
        }
        thread_self()->slow = CALL_FAST; /* only a FIFO has something to wait for, see meet */
        error = path_walk(&path, open_request, &open);
    }
    if (error == 0) {
        thread_self()->slow = patience;
        error = (int)meet(&open);
    }
    if (error == -ENOENT || error == -EROFS) {
        long named =
            path.at.length != 0 ? descriptor_open(path.at.text, open.flags, fd_flags) : -ENOENT;

        return named == -ENOENT ? error : named;
    }
    if (error != 0) {
        return open.is_limit ? -ENFILE : error;
    }
    int fd = fd_install(open.file, open.kind, fd_flags, 0,
                        open.kind == FILE_MODE_DIRECTORY ? path.at.text : NULL);

    if (fd >= 0 && open.kind == FILE_MODE_CHARACTER && (flags & O_NOCTTY) == 0) {
        terminal_opened(open.file);
    }
    return fd;
}

/* fexecve names its file so. */
static int open_descriptor(const char *path, struct open_request *open) {
    int fd = descriptor_of_path(path, FILE_OPEN_READ);
    struct file_stat stat;
    int error = fd < 0 ? fd : fd_stat(fd, &stat);

    if (error == 0 && (open->flags & FILE_OPEN_DIRECTORY) != 0) {
        error = -ENOTDIR;
    }
    if (error == 0) {
        open->kind = stat.mode & FILE_MODE_KIND;
        open->permissions = stat.mode & FILE_MODE_PERMISSIONS;
        error = errno_from_status(sys_handle_copy(fd_gate(fd), RIGHTS_ALL, 0, &open->file));
    }
    return error;
}

int file_open_program(int directory, const char *text, handle_t *file) {
    struct posix_path path;
    struct open_request open = {.flags = FILE_OPEN_READ | FILE_OPEN_NONBLOCK};
    int error = path_from_user(&path, directory, text);

    if (error == 0) {
        open.flags |= path.wants_directory ? FILE_OPEN_DIRECTORY : 0;
        error = path_walk(&path, open_request, &open);
    }
    if (error == -ENOENT && path.at.length != 0) {
        error = open_descriptor(path.at.text, &open);
    }
    if (error != 0) {
        return open.is_limit ? -ENFILE : error;
    }
    if (open.kind != FILE_MODE_REGULAR || (open.permissions & 0111) == 0) {
        handle_drop(open.file);
        return -EACCES;
    }
    *file = open.file;
    return 0;
}

long call_open(const long *a) {
    return open_at(LINUX_AT_FDCWD, (const char *)a[0], (int)a[1], (uint32_t)a[2]);
}

long call_openat(const long *a) {
    return open_at((int)a[0], (const char *)a[1], (int)a[2], (uint32_t)a[3]);
}

long call_close(const long *a) {
    return fd_close((int)a[0]);
}

/* ---- transfer ---- */

/* Regular files give and take all that is asked for in one system call, as programs expect; others
 * one transfer's worth. */
static bool is_whole(const struct fd *fd) {
    return (fd->mode & FILE_MODE_KIND) == FILE_MODE_REGULAR;
}

/* What a regular file or /dev/random does is never cut short by a signal: programs do not expect
 * EINTR from one, nor less than they asked for. */
static inline void hold_signals(const struct fd *fd) {
    if (is_whole(fd) || (fd->mode & FILE_MODE_KIND) == FILE_KIND_PROMPT) {
        thread_self()->slow = CALL_FAST;
    }
}

/* A connection whose server was restarted is one that was reset. */
static long read_failed(const struct fd *fd, status_t status) {
    bool is_gone = status == ERROR_STALE || status == ERROR_CLOSED;

    return is_gone && (fd->mode & FILE_MODE_KIND) == FILE_MODE_SOCKET ? -ECONNRESET
                                                                      : errno_from_status(status);
}

static long write_failed(const struct fd *fd, status_t status) {
    if (status == ERROR_BROKEN_PIPE) {
        signal_raise_here(SIGPIPE);
    }
    return read_failed(fd, status);
}

/* Pipes take a few bytes as a message of registers only, several times quicker than lent memory. */
static bool is_short(const struct fd *fd, size_t size, uint64_t offset) {
    return (fd->mode & FILE_MODE_KIND) == FILE_MODE_PIPE && size - 1 < FILE_SHORT_MAX_BYTES &&
           offset == FILE_OFFSET_CURRENT;
}

/* False: the server has no such thing. */
static bool read_short(const struct fd *fd, void *buffer, size_t size, long *result) {
    uint64_t words[FILE_SHORT_MAX_BYTES / sizeof(uint64_t)], n = 0;
    status_t status = file_read_short(fd->gate, (uint32_t)size, &n, &words[0], &words[1], &words[2],
                                      DEADLINE_NEVER);

    if (status == ERROR_NOT_SUPPORTED || status == ERROR_BAD_MESSAGE) {
        return false;
    }
    *result = status == OK ? (long)MIN(n, size) : read_failed(fd, status);
    if (*result > 0) {
        memcpy(buffer, words, (size_t)*result);
    }
    return true;
}

static bool write_short(const struct fd *fd, const void *buffer, size_t size, long *result) {
    uint64_t words[FILE_SHORT_MAX_BYTES / sizeof(uint64_t)] = {0}, n = 0;

    memcpy(words, buffer, size);
    status_t status = file_write_short(fd->gate, (uint32_t)size, words[0], words[1], words[2], &n,
                                       DEADLINE_NEVER);

    if (status == ERROR_NOT_SUPPORTED || status == ERROR_BAD_MESSAGE) {
        return false;
    }
    *result = status == OK ? (long)MIN(n, size) : write_failed(fd, status);
    return true;
}

long file_read_at(int number, void *buffer, size_t size, uint64_t offset) {
    struct fd fd = fd_get(number);
    size_t done = 0;
    long result;

    if (fd.gate == HANDLE_NONE) {
        return -EBADF;
    }
    if (is_short(&fd, size, offset) && read_short(&fd, buffer, size, &result)) {
        return result;
    }
    if ((fd.mode & FILE_MODE_KIND) == FILE_MODE_DIRECTORY) {
        return -EISDIR;
    }
    hold_signals(&fd);
    do {
        uint32_t part = (uint32_t)MIN(size - done, (size_t)FILE_TRANSFER_MAX_BYTES);
        uint64_t n = 0;
        uint64_t at = offset == FILE_OFFSET_CURRENT ? offset : offset + done;
        status_t status = file_read(fd.gate, at, (char *)buffer + done, part, &n, DEADLINE_NEVER);

        if (UNLIKELY(status == ERROR_BACKGROUND)) {
            status = terminal_ask_read(fd.gate);
            if (status == OK) {
                status =
                    file_read(fd.gate, TERMINAL_OFFSET_ASKED, buffer, part, &n, DEADLINE_NEVER);
            }
        }
        if (status != OK) {
            return done != 0 ? (long)done : read_failed(&fd, status);
        }
        done += MIN(n, (uint64_t)part);
        if (n < part) {
            break;
        }
    } while (done < size && is_whole(&fd));
    return (long)done;
}

/* [book:posix-write] */
long file_write_at(int number, const void *buffer, size_t size, uint64_t offset) {
    struct fd fd = fd_get(number);
    size_t done = 0;
    long result;

    if (fd.gate == HANDLE_NONE) {
        return -EBADF;
    }
    if (is_short(&fd, size, offset) && write_short(&fd, buffer, size, &result)) {
        return result;
    }
    hold_signals(&fd);
    do {
        uint32_t part = (uint32_t)MIN(size - done, (size_t)FILE_TRANSFER_MAX_BYTES);
        uint64_t n = 0;
        uint64_t at = offset == FILE_OFFSET_CURRENT ? offset : offset + done;
        status_t status =
            file_write(fd.gate, at, (const char *)buffer + done, part, &n, DEADLINE_NEVER);

        if (UNLIKELY(status == ERROR_BACKGROUND)) {
            status = terminal_ask_write(fd.gate);
            if (status == OK) {
                status = file_write(fd.gate, TERMINAL_OFFSET_ASKED, (const char *)buffer + done,
                                    part, &n, DEADLINE_NEVER);
            }
        }
        if (status != OK) {
            return done != 0 ? (long)done : write_failed(&fd, status);
        }
        done += MIN(n, (uint64_t)part);
        if (n == 0) {
            break;
        }
        /* A full pipe blocks in its server; what comes back short was interrupted or does not
         * block. */
    } while (done < size &&
             (is_whole(&fd) || (size > FILE_TRANSFER_MAX_BYTES && thread_self()->interrupt == 0)));
    return (long)done;
}
/* [/book] */

long call_read(const long *a) {
    return file_read_at((int)a[0], (void *)a[1], (size_t)a[2], FILE_OFFSET_CURRENT);
}

long call_write(const long *a) {
    return file_write_at((int)a[0], (const void *)a[1], (size_t)a[2], FILE_OFFSET_CURRENT);
}

long call_pread64(const long *a) {
    return a[3] < 0 ? -EINVAL : file_read_at((int)a[0], (void *)a[1], (size_t)a[2], (uint64_t)a[3]);
}

long call_pwrite64(const long *a) {
    return a[3] < 0 ? -EINVAL
                    : file_write_at((int)a[0], (const void *)a[1], (size_t)a[2], (uint64_t)a[3]);
}

/* ---- several buffers ---- */

/*
 * What one read or write could move at once is one transfer, atomic where that is. One message
 * lends up to MESSAGE_SEGMENTS_MAX buffers; more go through one. Fills segments from vectors[*next]
 * on and returns the bytes in them.
 */
static size_t gather(struct message *m, const struct iovec *vectors, int n_vectors, int *next,
                     uint32_t access) {
    unsigned n = 0;
    size_t bytes = 0;

    while (*next < n_vectors && n < MESSAGE_SEGMENTS_MAX) {
        const struct iovec *vector = &vectors[*next];
        size_t room = FILE_TRANSFER_MAX_BYTES - bytes;

        if (vector->iov_len > room) {
            break;
        }
        (*next)++;
        if (vector->iov_len != 0) {
            m->segments[n++] = MESSAGE_LEND(vector->iov_base, (uint32_t)vector->iov_len, access);
            bytes += vector->iov_len;
        }
    }
    m->control = MESSAGE_SEGMENTS(n);
    return bytes;
}

/* One vector alone, too large for a message with others. */
static long transfer_one(int fd, const struct iovec *vector, uint32_t access, uint64_t offset) {
    return access == LENT_WRITABLE ? file_read_at(fd, vector->iov_base, vector->iov_len, offset)
                                   : file_write_at(fd, vector->iov_base, vector->iov_len, offset);
}

static status_t transfer_once(handle_t gate, struct message *m, uint32_t access, uint64_t offset) {
    m->gate = gate;
    m->label = access == LENT_WRITABLE ? FILE_READ : FILE_WRITE;
    m->words[0] = offset;
    m->deadline = DEADLINE_NEVER;
    status_t status = posix_call(m);

    return status == OK ? (status_t)m->label : status;
}

static long transfer_group(const struct fd *fd, struct message *m, uint32_t access,
                           uint64_t offset) {
    handle_t gate = fd->gate;
    uint64_t segments = m->control;
    status_t status = transfer_once(gate, m, access, offset);

    if (UNLIKELY(status == ERROR_BACKGROUND)) {
        m->control = segments;
        status = access == LENT_WRITABLE ? terminal_ask_read(gate) : terminal_ask_write(gate);
        if (status == OK) {
            status = transfer_once(gate, m, access, TERMINAL_OFFSET_ASKED);
        }
    }
    if (status != OK) {
        return access == LENT_WRITABLE ? read_failed(fd, status) : write_failed(fd, status);
    }
    return (long)m->words[0];
}

/* More buffers than one message lends, as one transfer all the same (of a datagram there is no
 * second). */
static long transfer_joint(int fd, const struct iovec *vectors, size_t size, uint32_t access,
                           uint64_t offset) {
    struct joint joint;
    long n;

    if (!joint_open(&joint, size)) {
        return -ENOMEM;
    }
    if (access == LENT_WRITABLE) {
        n = file_read_at(fd, joint.bytes, joint.size, offset);
        vectors_scatter(vectors, 0, joint.bytes, (size_t)MAX(n, 0));
    } else {
        vectors_gather(vectors, 0, joint.bytes, joint.size);
        n = file_write_at(fd, joint.bytes, joint.size, offset);
    }
    joint_close(&joint);
    return n;
}

static long transfer_vectors(int number, const struct iovec *vectors, int n_vectors,
                             uint32_t access, uint64_t offset) {
    struct fd fd = fd_get(number);
    long done = 0;
    int next = 0, n_used;

    if (fd.gate == HANDLE_NONE) {
        return -EBADF;
    }
    ssize_t size = vectors_bytes(vectors, n_vectors, &n_used);

    if (size < 0) {
        return -EINVAL;
    }
    bool is_short_read = access == LENT_WRITABLE && !is_whole(&fd);

    if (n_used > MESSAGE_SEGMENTS_MAX && (size <= FILE_TRANSFER_MAX_BYTES || is_short_read)) {
        return transfer_joint(number, vectors, (size_t)size, access, offset);
    }
    hold_signals(&fd);
    while (next < n_vectors) {
        struct message m = {0};
        size_t asked = gather(&m, vectors, n_vectors, &next, access);
        uint64_t at = offset == FILE_OFFSET_CURRENT ? offset : offset + (uint64_t)done;
        long n;

        if (asked != 0) {
            n = transfer_group(&fd, &m, access, at);
        } else if (next < n_vectors) {
            asked = vectors[next].iov_len;
            n = transfer_one(number, &vectors[next++], access, at);
        } else {
            break;
        }
        if (n < 0) {
            return done != 0 ? done : n;
        }
        done += n;
        if ((size_t)n < asked || (access == LENT_WRITABLE && !is_whole(&fd))) {
            break;
        }
    }
    return done;
}

long call_readv(const long *a) {
    return transfer_vectors((int)a[0], (const struct iovec *)a[1], (int)a[2], LENT_WRITABLE,
                            FILE_OFFSET_CURRENT);
}

long call_writev(const long *a) {
    return transfer_vectors((int)a[0], (const struct iovec *)a[1], (int)a[2], LENT_READABLE,
                            FILE_OFFSET_CURRENT);
}

long call_preadv(const long *a) {
    return a[3] < 0 ? -EINVAL
                    : transfer_vectors((int)a[0], (const struct iovec *)a[1], (int)a[2],
                                       LENT_WRITABLE, (uint64_t)a[3]);
}

long call_pwritev(const long *a) {
    return a[3] < 0 ? -EINVAL
                    : transfer_vectors((int)a[0], (const struct iovec *)a[1], (int)a[2],
                                       LENT_READABLE, (uint64_t)a[3]);
}

/* ---- offset and size ---- */

long call_lseek(const long *a) {
    handle_t gate = fd_gate((int)a[0]);
    uint64_t position = 0;

    if (gate == HANDLE_NONE) {
        return -EBADF;
    }
    if (a[2] < SEEK_SET || a[2] > SEEK_HOLE) {
        return -EINVAL;
    }
    _Static_assert(SEEK_SET == FILE_SEEK_SET && SEEK_CUR == FILE_SEEK_CURRENT &&
                       SEEK_END == FILE_SEEK_END && SEEK_DATA == FILE_SEEK_DATA &&
                       SEEK_HOLE == FILE_SEEK_HOLE,
                   "the same numbers");
    status_t status = file_seek(gate, a[1], (uint32_t)a[2], &position, DEADLINE_NEVER);

    if (status == ERROR_BAD_MESSAGE || status == ERROR_NOT_SUPPORTED) {
        status = ERROR_NOT_SEEKABLE;
    }
    return status == ERROR_NOT_FOUND ? -ENXIO : errno_or(status, (long)position);
}

long call_fsync(const long *a) {
    handle_t gate = fd_gate((int)a[0]);

    if (gate == HANDLE_NONE) {
        return -EBADF;
    }
    status_t status = file_sync(gate, DEADLINE_NEVER);

    if (status == ERROR_BAD_MESSAGE || status == ERROR_NOT_SUPPORTED) {
        return -EINVAL;
    }
    return errno_from_status(status);
}

/* There is no list of all servers: what survives is written at once or by fsync. */
long call_sync(const long *a) {
    (void)a;
    return 0;
}
