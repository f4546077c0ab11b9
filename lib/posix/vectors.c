/* SPDX-License-Identifier: MIT */
#include "lib/posix/vectors.h"

#include <limits.h>

#include "lib/posix/call.h"
#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/posix/pool.h"

ssize_t vectors_bytes(const struct iovec *vectors, int n, int *n_used) {
    size_t total = 0;

    *n_used = 0;
    if (n < 0 || n > IOV_MAX) {
        return -1;
    }
    for (int i = 0; i < n; i++) {
        if (vectors[i].iov_len > (size_t)SSIZE_MAX - total) {
            return -1;
        }
        total += vectors[i].iov_len;
        *n_used += vectors[i].iov_len != 0;
    }
    return (ssize_t)total;
}

/* The next of `left` bytes of the list that lie in one buffer, which begin *from bytes into it;
 * both move on. */
static char *piece_next(const struct iovec **vector, size_t *from, size_t left, size_t *bytes) {
    while (*from >= (*vector)->iov_len) {
        *from -= (*vector)->iov_len;
        (*vector)++;
    }
    char *piece = (char *)(*vector)->iov_base + *from;

    *bytes = MIN((*vector)->iov_len - *from, left);
    *from += *bytes;
    return piece;
}

void vectors_gather(const struct iovec *vectors, size_t from, char *buffer, size_t size) {
    size_t bytes;

    for (size_t done = 0; done < size; done += bytes) {
        const char *piece = piece_next(&vectors, &from, size - done, &bytes);

        memcpy(buffer + done, piece, bytes);
    }
}

void vectors_scatter(const struct iovec *vectors, size_t from, const char *buffer, size_t size) {
    size_t bytes;

    for (size_t done = 0; done < size; done += bytes) {
        char *piece = piece_next(&vectors, &from, size - done, &bytes);

        memcpy(piece, buffer + done, bytes);
    }
}

bool joint_open(struct joint *joint, size_t bytes) {
    joint->size = MIN(bytes, (size_t)FILE_TRANSFER_MAX_BYTES);
    joint->bytes = joint->size <= sizeof joint->small ? joint->small : pool_map_pages(joint->size);
    return joint->bytes != NULL;
}

void joint_close(struct joint *joint) {
    if (joint->bytes != joint->small) {
        pool_unmap_pages(joint->bytes, joint->size);
    }
}
