/* SPDX-License-Identifier: MIT */
#include "programs/common/stream.h"

#include <errno.h>
#include <unistd.h>

/* One request to a file server may carry this much, so fewer, larger ones cost least. */
#define COPY_SIZE 65536

ssize_t stream_read(int fd, void *buffer, size_t size) {
    ssize_t n = 0;

    do {
        n = read(fd, buffer, size);
    } while (n < 0 && errno == EINTR);
    return n;
}

int stream_write(int fd, const void *buffer, size_t size) {
    const char *rest = buffer;

    while (size > 0) {
        ssize_t n = write(fd, rest, size);

        if (n > 0) {
            rest += n;
            size -= (size_t)n;
        } else if (n == 0) {
            /* A device that takes nothing and reports nothing would be asked for ever. */
            errno = EIO;
            return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

enum stream_copy_result stream_copy(int from, int to) {
    static char buffer[COPY_SIZE];

    for (;;) {
        ssize_t n = stream_read(from, buffer, sizeof buffer);

        if (n < 0) {
            return STREAM_READ_FAILED;
        }
        if (n == 0) {
            return STREAM_COPIED;
        }
        if (stream_write(to, buffer, (size_t)n) != 0) {
            return STREAM_WRITE_FAILED;
        }
    }
}
