/* SPDX-License-Identifier: MIT */
/*
 * What exec and posix_spawn have in common: the file that is to run, a script's interpreter, and
 * what the new program is given.
 */
#pragma once

#include "lib/native/spawn.h"
#include "lib/posix/fd.h"
#include "lib/posix/path.h"

/* What the stack of the first thread may grow to; its memory comes as it is touched. */
#define PROGRAM_STACK_BYTES (8ull * 1024 * 1024)

/* What the new program starts with: the caller's, as changed by file actions. */
struct program_state {
    struct fd fds[FD_MAX]; /* paths are copies */
    bool owned[FD_MAX];    /* the gate was opened for the child alone */
    int n_fds;
    char directory[PATH_LENGTH_MAX];
    uint64_t blocked, ignored;
    uint64_t pending; /* exec only */
    struct spawn_entry entries[FD_MAX + 16];
    handle_t keep[FD_MAX + 64];
    size_t n_keep;
};

/* What one request reads: the first line of a script, or the headers of an ELF file. */
enum { PROGRAM_HEAD_BYTES = 1024 };

/* The file to run, and its arguments. */
struct program {
    handle_t file;
    char *const *argv;
    uint64_t memory, memory_bytes; /* of an argv made here; 0: none */
    uint32_t n_head;
    uint8_t head[PROGRAM_HEAD_BYTES]; /* the file's first bytes */
};

/*
 * Opens the program at `text`, or for a script (#!) its interpreter, with the arguments that makes.
 * `directory` is a descriptor for relative paths. Minus an errno, or 0; then program_close.
 */
int program_open(struct program *program, int directory, const char *text, char *const *argv);
void program_close(struct program *program);

/*
 * Did this fail because the server that has the program was just being restarted? Then waits a
 * little and returns true, a few times.
 */
bool program_try_again(int error, unsigned *tries);

/* A new state with copies of the caller's, without the descriptors that are close-on-exec if so.
 * NULL: no memory. */
struct program_state *program_state_make(bool drop_cloexec);
void program_state_free(struct program_state *state);

/* Takes out the descriptor (closes it for the child). */
void program_state_close(struct program_state *state, int fd);

/*
 * Prepares the process. flags: enum spawn_flags besides SPAWN_NAMESPACE; with SPAWN_KEEP_NUMBERS
 * state->keep is filled for process_become. Minus an errno, or 0.
 */
int program_prepare(const struct program *program, struct program_state *state, char *const *envp,
                    uint32_t flags, struct spawn_prepared *prepared);
