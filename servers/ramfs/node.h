/* SPDX-License-Identifier: MIT */
/*
 * The tree of names and nodes, apart from messages: tested on the host.
 *
 * A node is a file, a directory, a symbolic link or a FIFO; it lives as long as it has a name or is
 * open. A name is an entry of a directory. Each directory has its entries in two trees: by hash of
 * the name, to find one, and by cookie, to list them: a cookie is never used twice in a directory,
 * so a listing that goes on after changes neither repeats nor skips what stayed.
 *
 * Invariant: a directory has exactly one name (the root none), and `parent` is where that is; NULL
 * once it is removed.
 */
#pragma once

#include "lib/base/tree.h"
#include "lib/base/types.h"
#include "abi/types.h"
#include "servers/ramfs/lock.h"

struct channel;

enum { NODE_LINKS_MAX = 65535, NODE_PATH_DEPTH_MAX = 512 };

/* The content of a file: servers/ramfs/content.c. */
struct content {
    handle_t memory; /* HANDLE_NONE as long as it is empty */
    uint8_t *bytes;  /* all of it, mapped here */
    uint64_t n_pages;
    uint64_t n_shared; /* if is_shared: pages of the object, which are those of the file */
    bool is_shared;    /* a client has mapped it */
};

struct node {
    uint64_t id;
    uint32_t mode; /* FILE_MODE_ kind | permissions */
    uint32_t owner, group;
    uint32_t n_names;
    uint32_t n_open;
    int64_t accessed_ns, modified_ns, changed_ns;
    uint64_t size; /* file: bytes; link: length of the target */
    struct content content;
    struct channel *channel;      /* FIFO that is open: servers/ramfs/fifo.c */
    struct lock_list locks;       /* of processes */
    struct lock_list whole_locks; /* of open files */
    char *target;                 /* link */
    struct node *parent;          /* directory */
    struct tree by_name, by_cookie;
    uint64_t last_cookie;
    uint64_t n_entries;
    uint64_t n_directories; /* of these; each has a `..` here */
};

struct entry {
    struct tree_node by_name, by_cookie; /* keys: hash of the name, cookie */
    struct node *directory;
    struct node *node;
    uint16_t length;
    char name[]; /* 0-terminated */
};

struct file_system {
    struct node *root;
    uint64_t last_id;
    uint64_t n_nodes;
    uint64_t n_nodes_max;
    int64_t (*now_ns)(void);
    void (*content_free)(struct content *content);
};

/* NO_MEMORY if not even the root can be made. */
WARN_UNUSED status_t file_system_start(struct file_system *fs, uint64_t n_nodes_max);

/* A node with no name yet: NO_SPACE when there are too many, NO_MEMORY. `target` only for links. */
WARN_UNUSED status_t node_create(struct file_system *fs, uint32_t mode, const char *target,
                                 struct node **node);

/* Frees the node if it has no name and is not open. */
void node_release(struct file_system *fs, struct node *node);

bool node_is_directory(const struct node *node);
/* How many names it has, as stat counts: directories have `.`, and `..` in those below. */
uint32_t node_n_links(const struct node *node);
bool node_is_link(const struct node *node);

/* The entry of that name, NULL if there is none. */
struct entry *entry_find(const struct node *directory, const char *name, size_t length);

/* The first entry after `cookie` (0: the first of all). */
struct entry *entry_after(const struct node *directory, uint64_t cookie);

/* Gives the node a name. EXISTS, NO_MEMORY, TOO_MANY links; NOT_FOUND if the directory has been
 * removed. */
WARN_UNUSED status_t entry_add(struct file_system *fs, struct node *directory, const char *name,
                               size_t length, struct node *node);

/* Takes the name away, and the node with the last. */
void entry_remove(struct file_system *fs, struct entry *entry);

/*
 * Moves `entry` to the name in `directory`, in place of what has it, if that is allowed (NOT_EMPTY,
 * IS_DIRECTORY, NOT_DIRECTORY; BAD_ARGUMENT: into itself). All or nothing.
 */
WARN_UNUSED status_t entry_rename(struct file_system *fs, struct entry *entry,
                                  struct node *directory, const char *name, size_t length);

/* What a path leads to, as far as it goes. */
struct lookup {
    struct node *directory; /* that holds the last component; NULL if the path is empty */
    const char *name;       /* the last component, inside the path */
    size_t name_length;
    struct entry *entry; /* its entry, NULL if there is none */
    struct node *node;   /* what it names, NULL likewise; the start for the empty path */
    struct node *link;   /* REDIRECT: the symbolic link */
    size_t matched;      /* REDIRECT: bytes of the path up to and including it */
};

enum lookup_last { LOOKUP_FOLLOW, LOOKUP_KEEP_LINK };

/*
 * Walks `path` (a string of so many bytes, from anybody) from `start`. OK with entry NULL if only
 * the last component is missing; NOT_FOUND, NOT_DIRECTORY, NAME_TOO_LONG; BAD_ARGUMENT for what
 * path_is_relative_normal would not have; REDIRECT at a symbolic link, which the last component may
 * be if `last` says so.
 */
WARN_UNUSED status_t lookup_path(struct node *start, const char *path, size_t path_length,
                                 enum lookup_last last, struct lookup *lookup);
