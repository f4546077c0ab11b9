/* SPDX-License-Identifier: MIT */
/*
 * From one descriptor to another, through a buffer of ours: sendfile, copy_file_range.
 */
#include "lib/posix/calls.h"

#include <errno.h>

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "lib/posix/fd.h"
#include "lib/posix/file.h"
#include "lib/posix/thread.h"
#include "lib/posix/vectors.h"

/* Most that one call copies, as on Linux. */
#define COPY_BYTES_MAX 0x7ffff000ull

/* Where to read, or to write: a file's own offset, or one that the caller keeps. */
struct place {
    int fd;
    int64_t *kept; /* NULL: the file's own */
};

static uint64_t place_offset(const struct place *place) {
    return place->kept != NULL ? (uint64_t)*place->kept : FILE_OFFSET_CURRENT;
}

static void place_advance(const struct place *place, long n) {
    if (place->kept != NULL) {
        *place->kept += n;
    }
}

/* What was read and could not be written: as if it had not been read. Not to be interrupted by what
 * interrupted the writing. */
static void give_back(const struct place *from, long n) {
    uint64_t position;

    thread_self()->slow = CALL_FAST;
    if (from->kept == NULL && n > 0) {
        status_t status =
            file_seek(fd_gate(from->fd), -n, FILE_SEEK_CURRENT, &position, DEADLINE_NEVER);
        (void)status; /* of a pipe it is lost */
    }
}

/* So much, through the buffer; 0: the end. */
static long copy_piece(const struct place *from, const struct place *to, void *buffer,
                       size_t size) {
    uint8_t patience = thread_self()->slow;
    long n = file_read_at(from->fd, buffer, size, place_offset(from));

    thread_self()->slow = patience; /* of a file nothing interrupts the reading */
    if (n <= 0) {
        return n;
    }
    long written = file_write_at(to->fd, buffer, (size_t)n, place_offset(to));

    if (written < n) {
        give_back(from, n - MAX(written, 0));
    }
    thread_self()->slow = patience;
    if (written > 0) {
        place_advance(from, written);
        place_advance(to, written);
    }
    return written;
}

static long copy(const struct place *from, const struct place *to, uint64_t size) {
    struct joint joint;
    uint64_t done = 0;
    long n = 0;

    if ((from->kept != NULL && *from->kept < 0) || (to->kept != NULL && *to->kept < 0)) {
        return -EINVAL;
    }
    size = MIN(size, COPY_BYTES_MAX);
    if (!joint_open(&joint, (size_t)size)) {
        return -ENOMEM;
    }
    while (done < size) {
        size_t part = (size_t)MIN(size - done, (uint64_t)joint.size);

        n = copy_piece(from, to, joint.bytes, part);
        done += (uint64_t)MAX(n, 0);
        if (n < (long)part) {
            break;
        }
    }
    joint_close(&joint);
    return done == 0 ? n : (long)done;
}

long call_sendfile(const long *a) {
    const struct place from = {.fd = (int)a[1], .kept = (int64_t *)a[2]}, to = {.fd = (int)a[0]};

    return copy(&from, &to, (uint64_t)a[3]);
}

static bool is_regular(int fd) {
    return (fd_get(fd).mode & FILE_MODE_KIND) == FILE_MODE_REGULAR;
}

long call_copy_file_range(const long *a) {
    const struct place from = {.fd = (int)a[0], .kept = (int64_t *)a[1]};
    const struct place to = {.fd = (int)a[2], .kept = (int64_t *)a[3]};

    if (fd_gate(from.fd) == HANDLE_NONE || fd_gate(to.fd) == HANDLE_NONE) {
        return -EBADF;
    }
    return a[5] != 0 || !is_regular(from.fd) || !is_regular(to.fd)
               ? -EINVAL
               : copy(&from, &to, (uint64_t)a[4]);
}
