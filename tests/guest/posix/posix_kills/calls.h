/* SPDX-License-Identifier: MIT */
/* The calls of posix_kills, each with what it must give. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What a call gave. */
enum outcome { RIGHT, ENDED, WRONG }; /* ENDED: EINTR */

/* When it may be ENDED. */
enum interruption { NEVER, NO_RESTART, ALWAYS };

struct call {
    const char *name;
    enum outcome (*call)(void);
    enum interruption interruption;
    bool blocks;    /* for ever: to be killed and cancelled only */
    bool no_cancel; /* what a cancellation leaves stops the next, or none ends it */
    bool locks;     /* the library holds locks meanwhile, which an asynchronous one leaves taken */
};

/* Each ends with one that has no name. */
extern const struct call calls[], quick_calls[];

/* RIGHT if so; else by errno. */
enum outcome outcome_of(bool is_right);

#define FOLDER "/tmp/posix_kills"
enum { PATH_BYTES = 64 };

/* FOLDER/what with numbers of the caller's own; path has PATH_BYTES. */
const char *own_path(char *path, const char *what);

/* FOLDER/file, of 100 KiB. */
extern int shared_file;

/* Of the thread, for names of its own. */
extern __thread unsigned own_number;

/* Makes what the calls work on; false: it could not. To be taken away at the end. */
bool calls_prepare(void);
void calls_end(void);

/* Removes the files that killed ones have left, and waits until nobody else is expected at what is
 * shared. */
void calls_clean(void);
