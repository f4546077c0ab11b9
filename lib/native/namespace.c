/* SPDX-License-Identifier: MIT */
/*
 * The list of prefixes, and walking a path through servers. Entries are sorted, the greatest first:
 * so the first prefix of a path that is found is the longest.
 */
#include "lib/native/namespace.h"

#include <stdlib.h>

#include "abi/generated/file.h"
#include "lib/base/path.h"
#include "lib/base/string.h"
#include "lib/native/lock.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"

/*
 * A program that only starts and ends should not need a heap for this: prefixes of the start block
 * stay where they are, and the first entries have their place.
 */
struct namespace_entry_ {
    const char *prefix; /* normal: "/", "/a/b" */
    bool owns_prefix;   /* it came from malloc */
    handle_t gate;
};

enum { FIRST_ENTRIES = 16 };

struct lock namespace_lock; /* guards all below */
static bool is_loaded;
static struct namespace_entry_ first_entries[FIRST_ENTRIES];
static struct namespace_entry_ *entries = first_entries;
static size_t n_entries;
static size_t n_allocated = FIRST_ENTRIES;

static void gate_close(handle_t gate) {
    if (gate != HANDLE_NONE) {
        status_t status = sys_handle_close(gate);
        (void)status;
    }
}

/* Where the prefix is, or, if it is not there, belongs. Those who hand on what they have do so in
 * this order. */
static size_t entry_place(const char *prefix, bool *is_there) {
    size_t i = n_entries;
    int order = -1;

    while (i > 0 && (order = strcmp(entries[i - 1].prefix, prefix)) < 0) {
        i--;
    }
    *is_there = i > 0 && order == 0;
    return *is_there ? i - 1 : i;
}

/* The list moves to `grown`, which has room for n. Returns what it leaves, for free. */
static void *entries_move(struct namespace_entry_ *grown, size_t n) {
    struct namespace_entry_ *left = entries;

    memcpy(grown, entries, n_entries * sizeof *grown);
    entries = grown;
    n_allocated = n;
    return left != first_entries ? left : NULL;
}

/* Adds or replaces; there is room. Returns what it replaces; gate and prefix NULL if nothing. */
static struct namespace_entry_ entry_put(const struct namespace_entry_ *new) {
    struct namespace_entry_ old = {.gate = HANDLE_NONE};
    bool is_there;
    size_t i = entry_place(new->prefix, &is_there);

    if (is_there) {
        old = entries[i];
    } else {
        memmove(&entries[i + 1], &entries[i], (n_entries++ - i) * sizeof entries[i]);
    }
    entries[i] = *new;
    return old;
}

/* Of an entry that is in the list no more. */
static void entry_release(const struct namespace_entry_ *entry) {
    gate_close(entry->gate);
    if (entry->owns_prefix) {
        free((char *)entry->prefix);
    }
}

/* Room for another entry: memory for entries_move, NULL on failure. */
static struct namespace_entry_ *entries_allocate(size_t n) {
    return malloc(n * sizeof(struct namespace_entry_));
}

static void load_locked(void) {
    n_entries = 0;
    is_loaded = true;
    for (const struct startup_entry *entry = startup_next(NULL, STARTUP_NAMESPACE); entry != NULL;
         entry = startup_next(entry, STARTUP_NAMESPACE)) {
        const char *prefix = startup_text(entry);

        if (n_entries == n_allocated) {
            struct namespace_entry_ *grown = entries_allocate(n_allocated * 2);

            if (grown == NULL) {
                return; /* without memory this early the name is not there, and open says so */
            }
            free(entries_move(grown, n_allocated * 2));
        }
        struct namespace_entry_ old = entry_put(&(struct namespace_entry_){
            .prefix = *prefix == '\0' ? "/" : prefix, .gate = entry->handle});

        entry_release(&old);
    }
}

void namespace_load(void) {
    lock_take_critical(&namespace_lock);
    load_locked();
    lock_give_critical(&namespace_lock);
}

static void lock_loaded(void) {
    lock_take_critical(&namespace_lock);
    if (!is_loaded) {
        load_locked();
    }
}

status_t namespace_resolve(const char *path, handle_t *gate, const char **rest) {
    *gate = HANDLE_NONE;
    *rest = NULL;
    lock_loaded();
    const struct namespace_entry_ *end = entries + n_entries;

    for (const struct namespace_entry_ *entry = entries; entry < end; entry++) {
        /* Most differ in the first letter. */
        if (entry->prefix[1] != path[1] && entry->prefix[1] != '\0') {
            continue;
        }
        *rest = path_rest(entry->prefix, path);
        if (*rest != NULL) {
            *gate = entry->gate;
            break;
        }
    }
    lock_give_critical(&namespace_lock);
    return *rest == NULL ? ERROR_NOT_FOUND : OK;
}

/*
 * Takes the lock, with room for another entry in the list. Memory is got without the lock: who
 * forks holds malloc's lock when it asks for ours. On success the caller frees *left when it has
 * given the lock back; on failure (NO_MEMORY) the lock is not held.
 */
static status_t lock_with_room(void **left) {
    struct namespace_entry_ *grown = NULL;
    size_t n = 0;

    *left = NULL;
    lock_loaded();
    while (n_entries == n_allocated && n <= n_allocated) {
        n = n_allocated * 2;
        lock_give_critical(&namespace_lock);
        free(grown);
        grown = entries_allocate(n);
        if (grown == NULL) {
            return ERROR_NO_MEMORY;
        }
        lock_loaded();
    }
    *left = n > n_allocated ? entries_move(grown, n) : grown;
    return OK;
}

status_t namespace_bind(const char *prefix, handle_t gate) {
    size_t bytes = strlen(prefix) + 1;
    char *copy = malloc(bytes);
    void *left;

    if (copy == NULL || lock_with_room(&left) != OK) {
        free(copy);
        gate_close(gate);
        return ERROR_NO_MEMORY;
    }
    memcpy(copy, prefix, bytes);
    struct namespace_entry_ old =
        entry_put(&(struct namespace_entry_){.prefix = copy, .owns_prefix = true, .gate = gate});

    lock_give_critical(&namespace_lock);
    entry_release(&old);
    free(left);
    return OK;
}

status_t namespace_unbind(const char *prefix) {
    struct namespace_entry_ old = {.gate = HANDLE_NONE};
    bool is_there;

    lock_loaded();
    size_t i = entry_place(prefix, &is_there);

    if (is_there) {
        old = entries[i];
        memmove(&entries[i], &entries[i + 1], (--n_entries - i) * sizeof entries[i]);
    }
    lock_give_critical(&namespace_lock);
    entry_release(&old);
    return is_there ? OK : ERROR_NOT_FOUND;
}

bool namespace_entry(size_t i, const char **prefix, handle_t *gate) {
    lock_loaded();
    bool found = i < n_entries;
    if (found) {
        *prefix = entries[i].prefix;
        *gate = entries[i].gate;
    }
    lock_give_critical(&namespace_lock);
    return found;
}

/* ---- walking ---- */

/* Walks inside walks: a link's target that goes through a link and back, whose target does ... */
enum { WALK_DEPTH_MAX = 6 };

/* What a walk and all those inside it share. */
struct walk_limits {
    unsigned depth;
    unsigned n_links; /* followed so far */
};

static status_t normalize_at(char *out, const char *directory, const char *path,
                             struct walk_limits *limits);

/* A walk: `path` is absolute and normal, step.path points into it. */
struct walk {
    struct namespace_step step;
    struct walk_limits *limits;
    bool owns_gate; /* step.gate came with a redirect */
    char path[PATH_LENGTH_MAX];
    char target[PATH_LENGTH_MAX];
};

static void walk_set_gate(struct walk *walk, handle_t gate, bool owned) {
    if (walk->owns_gate) {
        gate_close(walk->step.gate);
    }
    walk->step.gate = gate;
    walk->owns_gate = owned;
}

static status_t walk_start(struct walk *walk) {
    handle_t gate;
    const char *rest;
    status_t status = namespace_resolve(walk->path, &gate, &rest);

    if (status == OK) {
        walk_set_gate(walk, gate, false);
        walk->step.path = rest;
    }
    return status;
}

static status_t path_status(enum path_result result) {
    switch (result) {
    case PATH_OK:
        return OK;
    case PATH_EMPTY:
        return ERROR_NOT_FOUND;
    case PATH_NOT_ABSOLUTE:
        return ERROR_BAD_ARGUMENT;
    default:
        return ERROR_NAME_TOO_LONG;
    }
}

/* The first `matched` bytes of the step's path name a symbolic link: go on at its target, then with
 * the rest. */
static status_t walk_link(struct walk *walk) {
    const char *after = walk->step.path + walk->step.matched;
    char *relative = walk->target;
    size_t used = walk->step.target_length;
    char directory[PATH_LENGTH_MAX];

    if (++walk->limits->n_links > NAMESPACE_REDIRECTS_MAX) {
        return ERROR_LOOP;
    }
    if (used >= sizeof walk->target || used + strlen(after) >= sizeof walk->target) {
        return ERROR_NAME_TOO_LONG;
    }
    memcpy(relative + used, after, strlen(after) + 1); /* begins with a slash, or is empty */
    /* The directory that holds the link: all up to the last slash of what was matched. */
    size_t n = (size_t)(after - walk->path);
    while (n > 0 && walk->path[n - 1] != '/') {
        n--;
    }
    memcpy(directory, walk->path, n);
    directory[n] = '\0';
    status_t status = normalize_at(walk->path, n == 0 ? "/" : directory, relative, walk->limits);

    return status != OK ? status : walk_start(walk);
}

/* [book:namespace-redirect] */
static status_t walk_redirect(struct walk *walk) {
    struct namespace_step *step = &walk->step;

    if (step->matched > step->path_length) {
        gate_close(step->next);
        return ERROR_BAD_FORMAT; /* a server that counts wrong is not followed */
    }
    if (step->next == HANDLE_NONE) {
        return walk_link(walk);
    }
    walk_set_gate(walk, step->next, true);
    step->path += step->matched;
    step->path += *step->path == '/' ? 1 : 0;
    return OK;
}
/* [/book] */

/* One request with what is left of the path, which has `length` bytes. */
static status_t walk_ask(struct walk *walk, size_t length, namespace_request *request,
                         void *context) {
    struct namespace_step *step = &walk->step;

    step->path_length = (uint32_t)length;
    step->matched = 0;
    step->next = HANDLE_NONE;
    step->target = walk->target;
    step->target_bytes = sizeof walk->target;
    step->target_length = 0;
    return request(context, step);
}

/* The first request was answered REDIRECT: on to where it leads, and so on. */
static status_t walk_follow(struct walk *walk, namespace_request *request, void *context) {
    status_t status = ERROR_REDIRECT;

    for (int n = 0; n < NAMESPACE_REDIRECTS_MAX && status == ERROR_REDIRECT; n++) {
        status = walk_redirect(walk);
        if (status != OK) {
            return status;
        }
        status = walk_ask(walk, strlen(walk->step.path), request, context);
    }
    if (status != ERROR_REDIRECT) {
        return status;
    }
    if (walk->step.next != HANDLE_NONE) {
        gate_close(walk->step.next);
    }
    return ERROR_LOOP;
}

static status_t walk_at(struct namespace_path *path, handle_t gate, const char *rest,
                        struct walk_limits *limits, namespace_request *request, void *context) {
    size_t offset = (size_t)(rest - path->text);
    struct walk walk;

    /* Most paths need one request: only a redirect needs a copy of the path. */
    walk.owns_gate = false;
    walk.limits = limits;
    walk.step.gate = gate;
    walk.step.path = rest;
    status_t status = walk_ask(&walk, path->length - offset, request, context);
    if (status != ERROR_REDIRECT) {
        return status;
    }
    if (!string_copy(walk.path, sizeof walk.path, path->text)) {
        gate_close(walk.step.next);
        return ERROR_NAME_TOO_LONG;
    }
    walk.step.path = walk.path + offset;
    status = walk_follow(&walk, request, context);
    walk_set_gate(&walk, HANDLE_NONE, false);
    path->text = path->made;
    path->length = strlen(walk.path);
    memcpy(path->made, walk.path, path->length + 1);
    return status;
}

status_t namespace_walk_at(struct namespace_path *path, handle_t gate, const char *rest,
                           namespace_request *request, void *context) {
    struct walk_limits limits = {0};

    return walk_at(path, gate, rest, &limits, request, context);
}

status_t namespace_walk(const char *text, namespace_request *request, void *context) {
    handle_t gate;
    const char *rest;
    struct namespace_path path;

    path.text = text;
    path.length = strlen(text);
    if (path.length >= PATH_LENGTH_MAX) {
        return ERROR_NAME_TOO_LONG;
    }
    status_t status = namespace_resolve(text, &gate, &rest);

    return status == OK ? namespace_walk_at(&path, gate, rest, request, context) : status;
}

/* ---- ".." behind symbolic links ---- */

static status_t directory_request(void *context, struct namespace_step *step) {
    uint32_t kind;
    status_t status = file_open(step->gate, FILE_OPEN_DIRECTORY, 0, step->path, step->path_length,
                                step->target, step->target_bytes, &kind, &step->matched,
                                &step->target_length, &step->next, DEADLINE_NEVER);

    (void)context;
    if (status == OK) {
        gate_close(step->next);
        step->next = HANDLE_NONE;
    }
    return status;
}

/* Replaces the normal path of a directory by the one that has no symbolic links. */
static status_t make_real(char *text, struct walk_limits *limits) {
    struct namespace_path path;
    handle_t gate;
    const char *rest;
    status_t status;

    if (limits->depth == WALK_DEPTH_MAX) {
        return ERROR_LOOP;
    }
    limits->depth++;
    path.text = text;
    path.length = strlen(text);
    do {
        status = namespace_resolve(path.text, &gate, &rest);
        if (status == OK) {
            status = walk_at(&path, gate, rest, limits, directory_request, NULL);
        }
    } while (status == ERROR_INTERRUPTED); /* in a program with signals: nothing has happened */
    limits->depth--;
    memmove(text, path.text, path.length + 1);
    return status;
}

/* As path_normalize, where what stands before each ".." is looked up first. `out` may be where
 * `directory` is. */
static status_t normalize_at(char *out, const char *directory, const char *path,
                             struct walk_limits *limits) {
    char base[PATH_LENGTH_MAX], first[PATH_LENGTH_MAX];
    const char *parent;

    base[0] = '\0';
    if (directory != NULL && !string_copy(base, sizeof base, directory)) {
        return ERROR_NAME_TOO_LONG;
    }
    while ((parent = path_inner_parent(path)) != NULL) {
        size_t n = (size_t)(parent - path);

        if (n >= sizeof first) {
            return ERROR_NAME_TOO_LONG;
        }
        memcpy(first, path, n);
        first[n] = '\0';
        status_t status = path_status(path_normalize(out, base, first));

        if (status == OK) {
            status = make_real(out, limits);
        }
        if (status != OK) {
            return status;
        }
        memcpy(base, out, strlen(out) + 1);
        path = parent;
    }
    return path_status(path_normalize(out, base, path));
}

status_t namespace_normalize(char *out, const char *directory, const char *path) {
    struct walk_limits limits = {0};

    return normalize_at(out, directory, path, &limits);
}

struct open_context {
    uint32_t flags;
    uint32_t mode;
    uint32_t kind;
    handle_t file;
};

static status_t open_request(void *context, struct namespace_step *step) {
    struct open_context *open = context;
    handle_t file;
    status_t status = file_open(step->gate, open->flags, open->mode, step->path, step->path_length,
                                step->target, step->target_bytes, &open->kind, &step->matched,
                                &step->target_length, &file, DEADLINE_NEVER);

    if (status == OK && file == HANDLE_NONE) {
        return ERROR_BAD_FORMAT;
    }
    *(status == ERROR_REDIRECT ? &step->next : &open->file) = file;
    if (status != OK && status != ERROR_REDIRECT) {
        gate_close(file); /* should not be there, but must not stay */
    }
    return status;
}

status_t namespace_open(const char *path, uint32_t flags, uint32_t mode, handle_t *file,
                        uint32_t *kind) {
    struct open_context open = {.flags = flags, .mode = mode};
    status_t status = namespace_walk(path, open_request, &open);

    if (status == OK) {
        *file = open.file;
        if (kind != NULL) {
            *kind = open.kind & FILE_MODE_KIND;
        }
    }
    return status;
}

/* Where a path leads: when nothing of it is left, at the gate that the walk has come to. */
static status_t root_request(void *context, struct namespace_step *step) {
    struct open_context *open = context;

    if (step->path_length == 0) {
        return sys_handle_copy(step->gate, RIGHTS_ALL, 0, &open->file);
    }
    return open_request(context, step);
}

status_t namespace_root(const char *path, handle_t *gate) {
    struct open_context open = {.flags = FILE_OPEN_READ};
    status_t status = namespace_walk(path, root_request, &open);

    if (status == OK) {
        *gate = open.file;
    }
    return status;
}
