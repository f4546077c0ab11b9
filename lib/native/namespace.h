/* SPDX-License-Identifier: MIT */
/*
 * The namespace of this process: (path prefix -> gate), from the start block, and nothing else
 * exists.
 *
 * Paths here are absolute and clean ("/a/b": no `.`, `..`, double or trailing slash); lib/base/path
 * makes them so. The root entry has the prefix "". Longest prefix wins. A REDIRECT answer (names,
 * symbolic links) is followed, at most 40 times. Thread-safe; changes are local to this process.
 * fork copies the list with the memory, spawn takes it along.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/path.h"

enum { NAMESPACE_REDIRECTS_MAX = 40 };

/* Reads the start block, as the first use of the others would: before there is a second thread. */
void namespace_load(void);

/* Guards the list, for a few instructions. For lib/posix: who forks holds it. */
extern struct lock namespace_lock;

/*
 * The gate for the longest prefix of `path`, and in *rest the rest without leading slash (inside
 * `path`, "" if nothing is left). NOT_FOUND if no prefix matches. The gate stays the namespace's.
 */
WARN_UNUSED status_t namespace_resolve(const char *path, handle_t *gate, const char **rest);

/* Binds the prefix to the gate, in place of what it was bound to. The namespace owns the gate from
 * now on, also on an error. */
WARN_UNUSED status_t namespace_bind(const char *prefix, handle_t gate);

/* Takes the prefix out and closes its gate. NOT_FOUND if it is not bound. */
WARN_UNUSED status_t namespace_unbind(const char *prefix);

/* The i-th entry (any order), false if there are no more. For spawn, and for listing "/" when no
 * server does. */
bool namespace_entry(size_t i, const char **prefix, handle_t *gate);

/*
 * What a request with a path needs, whatever its protocol: called with a gate and the path relative
 * to it, returns the server's status and for REDIRECT sets *matched and either *next (a gate, owned
 * by the caller) or the link's target.
 */
struct namespace_step {
    handle_t gate;
    const char *path; /* relative to gate */
    uint32_t path_length;
    uint32_t matched;       /* out */
    handle_t next;          /* out: HANDLE_NONE: a symbolic link */
    char *target;           /* out: the link's target is written here */
    uint32_t target_bytes;  /* room in target */
    uint32_t target_length; /* out */
};
typedef status_t namespace_request(void *context, struct namespace_step *step);

/*
 * Resolves `path` and makes the request, following redirects to other servers and symbolic links,
 * until its status is another than REDIRECT. LOOP after 40.
 */
WARN_UNUSED status_t namespace_walk(const char *path, namespace_request *request, void *context);

/* A path on its way: absolute and normal. `text` is the caller's, or `made`. */
struct namespace_path {
    const char *text;
    size_t length;
    char made[PATH_LENGTH_MAX];
};

/*
 * The same when namespace_resolve has been asked already: `gate` and `rest` (inside path->text) are
 * its answers. Where symbolic links led elsewhere the path is that one, made.
 */
WARN_UNUSED status_t namespace_walk_at(struct namespace_path *path, handle_t gate, const char *rest,
                                       namespace_request *request, void *context);

/*
 * As path_normalize, but ".." behind a name means the parent of the directory that the name leads
 * to, through symbolic links, as POSIX wants it. (With none, nothing is asked.) NOT_FOUND,
 * NOT_DIRECTORY, LOOP and so on, if there is no such directory.
 */
WARN_UNUSED status_t namespace_normalize(char *out, const char *directory, const char *path);

/* Opens with FILE_OPEN_ flags; *file is the new open file. `kind` may be NULL, else gets
 * FILE_MODE_REGULAR ... */
WARN_UNUSED status_t namespace_open(const char *path, uint32_t flags, uint32_t mode, handle_t *file,
                                    uint32_t *kind);

/*
 * The gate behind `path` itself, for protocols other than file: if a server is mounted there, its
 * root gate, which outlives the server's restarts (what open gives does not). *gate is the
 * caller's.
 */
WARN_UNUSED status_t namespace_root(const char *path, handle_t *gate);
