/* SPDX-License-Identifier: MIT */
#include "lib/posix/descriptor_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/posix/call.h"
#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/metadata.h"
#include "lib/posix/path.h"

#define DEVICES "/dev/"

/* What behind one of `prefixes` is a number of up to four digits: that, else -1. */
static int number_behind(const char *path) {
    static const char *const prefixes[] = {"/dev/fd/", "/proc/self/fd/"};

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t n = strlen(prefixes[i]), digits = 0;
        int number = 0;

        if (strncmp(path, prefixes[i], n) != 0) {
            continue;
        }
        for (; digits < 4 && path[n] >= '0' && path[n] <= '9'; digits++) {
            number = number * 10 + (path[n++] - '0');
        }
        return digits != 0 && path[n] == '\0' ? number : -1;
    }
    return -1;
}

static int standard_number(const char *path) {
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (string_equal(path, names[i])) {
            return (int)i;
        }
    }
    return number_behind(path);
}

static bool allows(int fd, uint32_t access) {
    uint32_t flags;
    status_t status = file_set_flags(fd_gate(fd), 0, 0, &flags, DEADLINE_NEVER);

    /* A server without flags has nothing against either. */
    return status != OK || (access & ~flags) == 0;
}

int descriptor_of_path(const char *path, uint32_t access) {
    int fd = standard_number(path);

    if (fd < 0 || fd_gate(fd) == HANDLE_NONE) {
        return -ENOENT;
    }
    return allows(fd, access) ? fd : -EACCES;
}

long descriptor_open(const char *path, int flags) {
    uint32_t access = (flags & O_ACCMODE) == O_RDONLY   ? FILE_OPEN_READ
                      : (flags & O_ACCMODE) == O_WRONLY ? FILE_OPEN_WRITE
                                                        : FILE_OPEN_READ | FILE_OPEN_WRITE;
    int fd = descriptor_of_path(path, access);

    if (fd < 0) {
        return fd;
    }
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        return -EEXIST;
    }
    if ((flags & O_DIRECTORY) != 0 && (fd_get(fd).mode & FILE_MODE_KIND) != FILE_MODE_DIRECTORY) {
        return -ENOTDIR;
    }
    return fd_duplicate(fd, 0, (flags & O_CLOEXEC) != 0 ? FD_CLOEXEC_FLAG : 0);
}

/* ---- names ---- */

/* Is the entry of /dev that file? Its path then is in *path. */
static bool is_device(struct posix_path *path, const char *name, const struct file_stat *file) {
    struct file_stat stat;
    char text[PATH_LENGTH_MAX] = DEVICES;

    return string_append(text, sizeof text, name) &&
           path_from_user(path, LINUX_AT_FDCWD, text) == 0 && path_stat(path, 0, &stat) == 0 &&
           stat.device == file->device && stat.id == file->id;
}

/* Looks for the file among so many bytes of entries. */
static bool find_among(struct posix_path *path, const char *entries, uint64_t bytes,
                       const struct file_stat *file) {
    const struct directory_entry *entry;

    for (uint64_t at = 0; at < bytes; at += entry->length) {
        entry = (const struct directory_entry *)&entries[at];
        if (is_device(path, entry->name, file)) {
            return true;
        }
    }
    return false;
}

static bool find_device(struct posix_path *path, const struct file_stat *file) {
    char entries[1024] ALIGNED(8);
    const char *name;
    handle_t devices;
    uint64_t bytes = 0, next;
    bool found = false;

    if (path_from_user(path, LINUX_AT_FDCWD, DEVICES "tty") != 0 ||
        path_open_parent(path, &devices, &name) != 0) {
        return false;
    }
    do {
        status_t status = directory_read(devices, FILE_OFFSET_CURRENT, entries, sizeof entries,
                                         &bytes, &next, DEADLINE_NEVER);

        bytes = status == OK ? MIN(bytes, sizeof entries) : 0;
        found = find_among(path, entries, bytes, file);
    } while (bytes != 0 && !found);
    handle_drop(devices);
    return found;
}

long descriptor_read_link(int fd, char *buffer, size_t size) {
    struct posix_path path;
    struct file_stat stat;
    char directory[PATH_LENGTH_MAX];
    const char *name = directory;

    if (!fd_path(fd, directory, sizeof directory)) {
        int error = fd_stat(fd, &stat);

        if (error != 0) {
            return error;
        }
        if ((stat.mode & FILE_MODE_KIND) != FILE_MODE_CHARACTER || !find_device(&path, &stat)) {
            return -ENOENT;
        }
        name = path.at.text;
    }
    size_t length = MIN(strlen(name), size);

    memcpy(buffer, name, length);
    return (long)length;
}
