/* SPDX-License-Identifier: MIT */
/*
 * Directories and names: getdents, mkdir, unlink, rename, links, the working directory.
 */
#include "lib/posix/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/posix/call.h"
#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/syscall.h"
#include "lib/posix/descriptor_path.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/metadata.h"
#include "lib/posix/path.h"

/* Linux's struct linux_dirent64 begins like struct directory_entry: id, next, length, kind, name.
 */
_Static_assert(offsetof(struct directory_entry, name) == 19, "the layout of linux_dirent64");

long call_getdents64(const long *a) {
    struct fd fd = fd_get((int)a[0]);
    uint64_t bytes = 0, next;

    if (fd.gate == HANDLE_NONE) {
        return -EBADF;
    }
    if ((fd.mode & FILE_MODE_KIND) != FILE_MODE_DIRECTORY) {
        return -ENOTDIR;
    }
    uint32_t room = (uint32_t)MIN((uint64_t)a[2], (uint64_t)FILE_TRANSFER_MAX_BYTES);
    status_t status = directory_read(fd.gate, FILE_OFFSET_CURRENT, (void *)a[1], room, &bytes,
                                     &next, DEADLINE_NEVER);

    return errno_or(status, (long)bytes);
}

/* ---- requests with one path ---- */

enum name_operation {
    NAME_MAKE_DIRECTORY,
    NAME_UNLINK,
    NAME_SYMLINK,
    NAME_READ_LINK,
    NAME_MAKE_NODE
};

struct name_request {
    enum name_operation operation;
    uint32_t value;      /* mode, or flags of unlink */
    const char *content; /* of a symbolic link to make */
    char *buffer;        /* for the content of one, `size` bytes */
    size_t size, length;
};

static status_t read_link_request(struct name_request *name, struct namespace_step *step) {
    status_t status = directory_read_link(step->gate, step->path, step->path_length, step->target,
                                          step->target_bytes, &step->matched, &step->target_length,
                                          &step->next, DEADLINE_NEVER);

    if (status == OK) {
        name->length = MIN(name->size, (size_t)MIN(step->target_length, step->target_bytes));
        memcpy(name->buffer, step->target, name->length);
    }
    return status;
}

static status_t name_request(void *context, struct namespace_step *step) {
    struct name_request *name = context;

    switch (name->operation) {
    case NAME_MAKE_DIRECTORY:
        return directory_make(step->gate, name->value, step->path, step->path_length, step->target,
                              step->target_bytes, &step->matched, &step->target_length, &step->next,
                              DEADLINE_NEVER);
    case NAME_UNLINK:
        return directory_unlink(step->gate, name->value, step->path, step->path_length,
                                step->target, step->target_bytes, &step->matched,
                                &step->target_length, &step->next, DEADLINE_NEVER);
    case NAME_SYMLINK:
        return directory_symlink(step->gate, step->path, step->path_length, name->content,
                                 (uint32_t)strlen(name->content), step->target, step->target_bytes,
                                 &step->matched, &step->target_length, &step->next, DEADLINE_NEVER);
    case NAME_READ_LINK:
        return read_link_request(name, step);
    case NAME_MAKE_NODE:
        return directory_make_node(step->gate, name->value, step->path, step->path_length,
                                   step->target, step->target_bytes, &step->matched,
                                   &step->target_length, &step->next, DEADLINE_NEVER);
    }
    return ERROR_BAD_ARGUMENT;
}

/* The path leads to a directory, through symbolic links: 0, else minus the errno. */
static int check_directory(struct posix_path path) {
    struct file_stat stat;
    int error = path_stat(&path, 0, &stat);

    return error == 0 && (stat.mode & FILE_MODE_KIND) != FILE_MODE_DIRECTORY ? -ENOTDIR : error;
}

/* The path ends in a slash, "." or "..": 0 if the request may be made all the same. */
static int check_last(const struct posix_path *path, enum name_operation operation,
                      bool wants_directory) {
    bool is_slash = path->last == PATH_LAST_SLASH;
    int error = check_directory(*path);

    switch (operation) {
    case NAME_MAKE_DIRECTORY:
        return is_slash ? 0 : error == 0 ? -EEXIST : error;
    case NAME_UNLINK:
        if (wants_directory && path->last != PATH_LAST_DOT_DOT) {
            return is_slash ? 0 : -EINVAL;
        }
        return error != 0 ? error : wants_directory ? -ENOTEMPTY : -EISDIR;
    case NAME_SYMLINK:
    case NAME_MAKE_NODE:
        return error == 0 ? -EEXIST : error;
    case NAME_READ_LINK:
        return error == 0 ? -EINVAL : error;
    }
    return error;
}

static long name_do_at(struct posix_path *path, int directory, const char *text,
                       struct name_request *name) {
    int error = path_from_user(path, directory, text);

    if (error == 0 && path->wants_directory) {
        error = check_last(path, name->operation, (name->value & DIRECTORY_REMOVE_DIRECTORY) != 0);
    }
    if (error == 0) {
        error = path_walk(path, name_request, name);
    }
    return error == -EOPNOTSUPP ? -EROFS : error;
}

static long name_do(int directory, const char *text, struct name_request *name) {
    struct posix_path path;

    return name_do_at(&path, directory, text, name);
}

static long make_directory(int directory, const char *text, long mode) {
    struct name_request name = {.operation = NAME_MAKE_DIRECTORY,
                                .value = (uint32_t)mode & FILE_MODE_PERMISSIONS & ~creation_mask()};

    return name_do(directory, text, &name);
}

long call_mkdir(const long *a) {
    return make_directory(LINUX_AT_FDCWD, (const char *)a[0], a[1]);
}

long call_mkdirat(const long *a) {
    return make_directory((int)a[0], (const char *)a[1], a[2]);
}

static long unlink_at(int directory, const char *text, uint32_t flags) {
    struct name_request name = {.operation = NAME_UNLINK, .value = flags};

    return name_do(directory, text, &name);
}

long call_unlink(const long *a) {
    return unlink_at(LINUX_AT_FDCWD, (const char *)a[0], 0);
}

long call_rmdir(const long *a) {
    return unlink_at(LINUX_AT_FDCWD, (const char *)a[0], DIRECTORY_REMOVE_DIRECTORY);
}

long call_unlinkat(const long *a) {
    if ((a[2] & ~(long)LINUX_AT_REMOVEDIR) != 0) {
        return -EINVAL;
    }
    return unlink_at((int)a[0], (const char *)a[1],
                     (a[2] & LINUX_AT_REMOVEDIR) != 0 ? DIRECTORY_REMOVE_DIRECTORY : 0);
}

static long symlink_at(const char *content, int directory, const char *text) {
    struct name_request name = {.operation = NAME_SYMLINK, .content = content};

    if (content[0] == '\0') {
        return -ENOENT;
    }
    if (strlen(content) > FILE_PATH_MAX_BYTES) {
        return -ENAMETOOLONG;
    }
    return name_do(directory, text, &name);
}

long call_symlink(const long *a) {
    return symlink_at((const char *)a[0], LINUX_AT_FDCWD, (const char *)a[1]);
}

long call_symlinkat(const long *a) {
    return symlink_at((const char *)a[0], (int)a[1], (const char *)a[2]);
}

static long read_link_at(int directory, const char *text, char *buffer, long size) {
    struct name_request name = {.operation = NAME_READ_LINK, .buffer = buffer};
    struct posix_path path;

    if (size <= 0) {
        return -EINVAL;
    }
    name.size = (size_t)size;
    long error = name_do_at(&path, directory, text, &name);
    bool may_be_own = (error == -ENOENT || error == -EROFS) && path.at.length != 0;
    int fd = may_be_own ? descriptor_of_path(path.at.text, 0) : -1;

    if (fd >= 0) {
        return descriptor_read_link(fd, buffer, (size_t)size);
    }
    if (error == -EROFS) {
        error = -EINVAL; /* a server without symbolic links */
    }
    return error != 0 ? error : (long)name.length;
}

long call_readlink(const long *a) {
    return read_link_at(LINUX_AT_FDCWD, (const char *)a[0], (char *)a[1], a[2]);
}

long call_readlinkat(const long *a) {
    return read_link_at((int)a[0], (const char *)a[1], (char *)a[2], a[3]);
}

static long make_node(int directory, const char *text, long mode) {
    struct name_request name = {.operation = NAME_MAKE_NODE,
                                .value = (uint32_t)mode & ~creation_mask()};

    if ((mode & S_IFMT) == 0) {
        name.value |= S_IFREG;
    } else if (!S_ISFIFO(mode) && !S_ISREG(mode)) {
        return -EPERM; /* devices are their drivers' to name */
    }
    return name_do(directory, text, &name);
}

long call_mknod(const long *a) {
    return make_node(LINUX_AT_FDCWD, (const char *)a[0], a[1]);
}

long call_mknodat(const long *a) {
    return make_node((int)a[0], (const char *)a[1], a[2]);
}

/* ---- requests with two paths ---- */

enum pair_operation { PAIR_RENAME, PAIR_LINK };

/* What paths that end in a slash, "." or ".." may name. */
static int check_pair(enum pair_operation operation, struct posix_path *old,
                      struct posix_path *new) {
    bool old_dot = old->last >= PATH_LAST_DOT, new_dot = new->last >= PATH_LAST_DOT;
    struct file_stat stat;
    int error;

    if (operation == PAIR_RENAME && (old_dot || new_dot)) {
        return -EBUSY;
    }
    if (!old->wants_directory && !new->wants_directory) {
        return 0;
    }
    error = path_stat(old, FILE_OPEN_NO_FOLLOW, &stat);
    if (error != 0) {
        return error;
    }
    bool is_directory = (stat.mode & FILE_MODE_KIND) == FILE_MODE_DIRECTORY;

    if (operation == PAIR_RENAME || is_directory) {
        return is_directory ? 0 : -ENOTDIR; /* link says itself that it is none for directories */
    }
    if (old->wants_directory) {
        return -ENOTDIR;
    }
    error = check_directory(*new);
    return error == 0 ? -EEXIST : error;
}

/*
 * Both names relative to their parents' gates, which must be one server's: no redirect is possible
 * then, and a symbolic link is itself.
 */
static status_t pair_request(enum pair_operation operation, const handle_t *gates,
                             const char *const *names) {
    uint32_t lengths[2] = {(uint32_t)strlen(names[0]), (uint32_t)strlen(names[1])};
    uint32_t matched, length, which;
    char target[PATH_LENGTH_MAX];
    handle_t next = HANDLE_NONE;

    return operation == PAIR_RENAME
               ? directory_rename(gates[0], gates[1], names[0], lengths[0], names[1], lengths[1],
                                  target, sizeof target, &matched, &length, &which, &next,
                                  DEADLINE_NEVER)
               : directory_link(gates[0], gates[1], names[0], lengths[0], names[1], lengths[1],
                                target, sizeof target, &matched, &length, &which, &next,
                                DEADLINE_NEVER);
}

static long pair_do(enum pair_operation operation, struct posix_path *paths) {
    handle_t gates[2];
    const char *names[2];
    int error = check_pair(operation, &paths[0], &paths[1]);

    if (error == 0) {
        error = path_open_parent(&paths[0], &gates[0], &names[0]);
    }
    if (error != 0) {
        return error;
    }
    error = path_open_parent(&paths[1], &gates[1], &names[1]);
    if (error == 0) {
        status_t status = pair_request(operation, gates, names);

        error = operation == PAIR_LINK && status == ERROR_DENIED ? -EPERM
                : status == ERROR_TOO_MANY                       ? -EMLINK
                                                                 : errno_from_status(status);
        handle_drop(gates[1]);
    }
    handle_drop(gates[0]);
    return error == -EOPNOTSUPP ? -EROFS : error;
}

static long rename_at(int old_directory, const char *old, int new_directory, const char *new) {
    struct posix_path paths[2];
    int error = path_from_user(&paths[0], old_directory, old);

    if (error == 0) {
        error = path_from_user(&paths[1], new_directory, new);
    }
    return error != 0 ? error : pair_do(PAIR_RENAME, paths);
}

long call_rename(const long *a) {
    return rename_at(LINUX_AT_FDCWD, (const char *)a[0], LINUX_AT_FDCWD, (const char *)a[1]);
}

long call_renameat(const long *a) {
    return rename_at((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3]);
}

static long link_at(int old_directory, const char *old, int new_directory, const char *new,
                    long flags) {
    struct posix_path paths[2];
    struct file_stat stat;

    if ((flags & ~(long)LINUX_AT_SYMLINK_FOLLOW) != 0) {
        return -EINVAL;
    }
    int error = path_from_user(&paths[0], old_directory, old);

    if (error == 0) {
        error = path_from_user(&paths[1], new_directory, new);
    }
    if (error == 0 && (flags & LINUX_AT_SYMLINK_FOLLOW) != 0) {
        error = path_stat(&paths[0], 0, &stat); /* where it leads is the path then */
    }
    return error != 0 ? error : pair_do(PAIR_LINK, paths);
}

long call_link(const long *a) {
    return link_at(LINUX_AT_FDCWD, (const char *)a[0], LINUX_AT_FDCWD, (const char *)a[1], 0);
}

long call_linkat(const long *a) {
    return link_at((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3], a[4]);
}

/* ---- the working directory ---- */

long call_chdir(const long *a) {
    const long open_args[6] = {a[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC};
    long fd = call_open(open_args);

    if (fd < 0) {
        return fd;
    }
    const long fchdir_args[6] = {fd};
    long result = call_fchdir(fchdir_args);

    (void)fd_close((int)fd);
    return result;
}

long call_fchdir(const long *a) {
    char path[PATH_LENGTH_MAX];

    if (!fd_path((int)a[0], path, sizeof path)) {
        return fd_gate((int)a[0]) == HANDLE_NONE ? -EBADF : -ENOTDIR;
    }
    return working_directory_set(path);
}

long call_getcwd(const long *a) {
    char path[PATH_LENGTH_MAX];

    working_directory_get(path, sizeof path);
    size_t bytes = strlen(path) + 1;

    if ((size_t)a[1] < bytes) {
        return -ERANGE;
    }
    memcpy((char *)a[0], path, bytes);
    return (long)bytes;
}

long call_umask(const long *a) {
    return (long)creation_mask_set((uint32_t)a[0]);
}
