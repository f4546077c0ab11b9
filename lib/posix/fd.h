/* SPDX-License-Identifier: MIT */
/*
 * File descriptors: small numbers for gates of open files.
 *
 * The table is this process's memory, so fork copies it; the open files are the servers'.
 * Descriptors made by dup share the number of one gate, which is closed with the last of them.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

enum { FD_MAX = 1024 };

enum fd_flags { FD_CLOEXEC_FLAG = 1 };

struct fd {
    handle_t gate; /* HANDLE_NONE: not open */
    uint16_t mode; /* FILE_MODE_REGULAR ... */
    uint8_t flags; /* enum fd_flags */
    char *path;    /* directories: absolute; else NULL. Owned by the table. */
};

/* STARTUP_FD entry: flags = enum fd_startup_flags | mode kind; text = path of a directory. */
enum fd_startup_flags {
    FD_STARTUP_TERMINAL =
        1, /* this is to be the controlling terminal of the session that the program leads */
};

/*
 * A descriptor >= from for `gate`, which the table owns from now on. -EMFILE: none left (gate is
 * closed). `path` may be NULL; is copied.
 */
int fd_install(handle_t gate, unsigned mode, unsigned flags, int from, const char *path);

/* Is a descriptor left? */
bool fd_has_room(void);

/* A copy of the entry; gate HANDLE_NONE if it is not open. Its path may not be used, only whether
 * there is one. */
struct fd fd_get(int fd);

/* HANDLE_NONE if it is not open. */
static inline handle_t fd_gate(int fd) {
    return fd_get(fd).gate;
}

/* Copies the path of an open directory. False: it is none, or does not fit. */
bool fd_path(int fd, char *path, size_t size);

int fd_close(int fd);

/* A second descriptor for old: the lowest >= from that is free, or exactly `from` (what it was is
 * closed). Minus an errno. */
int fd_duplicate(int old, int from, unsigned flags);
int fd_duplicate_to(int old, int new, unsigned flags);

int fd_set_flags(int fd, unsigned flags);

/* All entries are scanned by exec: the next open one >= fd, -1 at the end. */
int fd_next(int fd);

/* Takes over what the start block gives. */
void fd_start(void);
