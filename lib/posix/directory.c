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
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
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

static long name_do(int directory, const char *text, struct name_request *name) {
    struct posix_path path;
    int error = path_from_user(&path, directory, text);

    if (error == 0) {
        error = path_walk(&path, name_request, name);
    }
    return error == -EOPNOTSUPP ? -EROFS : error;
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

    if (size <= 0) {
        return -EINVAL;
    }
    name.size = (size_t)size;
    long error = name_do(directory, text, &name);

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

/*
 * Both paths relative to their parents' gates, which must be one server's; no redirect is possible
 * then but for a symbolic link as the source of link, which is not followed.
 */
static long pair_do(bool is_rename, int old_directory, const char *old_text, int new_directory,
                    const char *new_text) {
    struct posix_path old, new;
    handle_t old_gate, new_gate, next;
    const char *old_name, *new_name;
    uint32_t matched, length, which;
    char target[PATH_LENGTH_MAX];
    int error = path_from_user(&old, old_directory, old_text);

    if (error == 0) {
        error = path_from_user(&new, new_directory, new_text);
    }
    if (error == 0) {
        error = path_open_parent(&old, &old_gate, &old_name);
    }
    if (error != 0) {
        return error;
    }
    error = path_open_parent(&new, &new_gate, &new_name);
    if (error == 0) {
        uint32_t old_length = (uint32_t)strlen(old_name), new_length = (uint32_t)strlen(new_name);
        status_t status = is_rename
                              ? directory_rename(old_gate, new_gate, old_name, old_length, new_name,
                                                 new_length, target, sizeof target, &matched,
                                                 &length, &which, &next, DEADLINE_NEVER)
                              : directory_link(old_gate, new_gate, old_name, old_length, new_name,
                                               new_length, target, sizeof target, &matched, &length,
                                               &which, &next, DEADLINE_NEVER);
        error = errno_from_status(status);
        handle_drop(new_gate);
    }
    handle_drop(old_gate);
    return error == -EOPNOTSUPP ? -EROFS : error;
}

long call_rename(const long *a) {
    return pair_do(true, LINUX_AT_FDCWD, (const char *)a[0], LINUX_AT_FDCWD, (const char *)a[1]);
}

long call_renameat(const long *a) {
    return pair_do(true, (int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3]);
}

long call_link(const long *a) {
    return pair_do(false, LINUX_AT_FDCWD, (const char *)a[0], LINUX_AT_FDCWD, (const char *)a[1]);
}

long call_linkat(const long *a) {
    return pair_do(false, (int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3]);
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
