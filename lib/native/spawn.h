/* SPDX-License-Identifier: MIT */
/*
 * Starting programs: an ELF file becomes a process that is ready to start (spawn_prepare); then
 * spawn starts it, lib/posix lets proc start it, or exec becomes it. Whatever fails, all that was
 * made is undone.
 */
#pragma once

#include "abi/startup.h"
#include "abi/types.h"
#include "lib/base/types.h"

/* Where the program is. Exactly one of `file` and `image`. */
struct spawn_source {
    handle_t file;    /* an open file (protocol file): read, or mapped where its server can */
    const void *head; /* with file: its first n_head bytes, if they are known already; or NULL */
    size_t n_head;
    const void *image; /* or in memory, page-aligned or not */
    size_t image_bytes;
    handle_t memory; /* with image: the memory object behind it, for mapping read-only segments
                        without a copy; or NONE */
    uint64_t memory_offset; /* of image in it */
};

enum spawn_handle_flags {
    SPAWN_COPY = 0, /* the parent keeps its handle */
    SPAWN_MOVE = 1, /* closed in the parent when (and only when) all succeeded */
};

/* An entry of the child's start block. handle HANDLE_NONE: none. */
struct spawn_entry {
    enum startup_kind kind;
    handle_t handle;
    uint32_t rights; /* of the copy that the child gets: RIGHTS_ALL for as many as the parent has */
    uint32_t number;
    uint32_t flags;
    uint32_t extra;
    const char *text; /* or NULL */
    enum spawn_handle_flags move;
};

enum spawn_flags {
    SPAWN_SELF = 4, /* the child gets a handle of itself (STARTUP_SELF): it then does not end when
                       it is closed unstarted, but must be killed */
    SPAWN_NAMESPACE = 1,    /* adds an entry for each of the caller's namespace */
    SPAWN_KEEP_NUMBERS = 2, /* for process_become: handles are not given; the entries name the
                               caller's own numbers */
};

struct spawn_args {
    struct spawn_source source;
    const char *name;  /* process name; NULL: the last component of argv[0] */
    char *const *argv; /* NULL-terminated, at least argv[0] */
    char *const *envp; /* NULL-terminated; NULL: empty */
    const struct spawn_entry *entries;
    size_t n_entries;
    handle_t budget;    /* that pays for the child; HANDLE_NONE: the caller's */
    size_t stack_bytes; /* 0: SPAWN_STACK_DEFAULT */
    uint32_t flags;     /* enum spawn_flags */
};

enum { SPAWN_STACK_DEFAULT = 1024 * 1024, SPAWN_ARGUMENTS_BYTES_MAX = 2048 * 1024 };

/* A process that is ready to start. */
struct spawn_prepared {
    handle_t process;
    uint64_t entry;
    uint64_t stack;
};

/*
 * Makes the process: segments mapped (never writable and executable), stack with a guard page,
 * argc/argv/envp/auxv, start block (STARTUP_BUDGET is added when a budget is given).
 * TOO_LARGE if arguments and entries exceed SPAWN_ARGUMENTS_BYTES_MAX, NOT_EXECUTABLE if the file
 * is no program for this machine.
 */
WARN_UNUSED status_t spawn_prepare(const struct spawn_args *args, struct spawn_prepared *prepared);

/* spawn_prepare, then starts it. *process is the handle with all rights. */
WARN_UNUSED status_t spawn(const struct spawn_args *args, handle_t *process);
