/* SPDX-License-Identifier: MIT */
/*
 * Lists of buffers, as readv, sendmsg and their kin take them, and one buffer in their place: for
 * lists that must be one transfer and are more than a message can lend.
 */
#pragma once

#include <sys/uio.h>

#include "lib/base/types.h"

/* All that the list holds, and in *n_used how many of its buffers hold anything; -1: more buffers
 * than IOV_MAX, or more bytes than SSIZE_MAX. */
ssize_t vectors_bytes(const struct iovec *vectors, int n, int *n_used);

/* Copies `size` bytes, which the list has from byte `from` on: into the buffer, or out of it. */
void vectors_gather(const struct iovec *vectors, size_t from, char *buffer, size_t size);
void vectors_scatter(const struct iovec *vectors, size_t from, const char *buffer, size_t size);

/* One buffer for a list of `bytes`, or for as much of it as one transfer moves. */
struct joint {
    char *bytes;
    size_t size;
    char small[4096];
};

/* False: no memory. */
bool joint_open(struct joint *joint, size_t bytes);
void joint_close(struct joint *joint);
