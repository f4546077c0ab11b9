/* SPDX-License-Identifier: MIT */
#include "lib/posix/descriptor_path.h"

#include <errno.h>
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

int descriptor_number(const char *path) {
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
    int fd = descriptor_number(path);

    if (fd < 0 || fd_gate(fd) == HANDLE_NONE) {
        return -ENOENT;
    }
    return access == 0 || allows(fd, access) ? fd : -EACCES;
}

long descriptor_open(const char *path, uint32_t flags, unsigned fd_flags) {
    int fd = descriptor_of_path(path, 0);
    bool is_directory = fd >= 0 && (fd_get(fd).mode & FILE_MODE_KIND) == FILE_MODE_DIRECTORY;

    if (fd < 0) {
        return fd;
    }
    if ((flags & FILE_OPEN_EXCLUSIVE) != 0) {
        return -EEXIST;
    }
    if ((flags & FILE_OPEN_DIRECTORY) != 0 && !is_directory) {
        return -ENOTDIR;
    }
    fd = descriptor_of_path(path, flags & (FILE_OPEN_READ | FILE_OPEN_WRITE));
    return fd < 0 ? fd : fd_duplicate(fd, 0, fd_flags);
}

/* ---- names ---- */

/* Is the entry of /dev that file? Its path then is in `text`, PATH_LENGTH_MAX bytes. */
static bool is_device(char *text, const char *name, const struct file_stat *file) {
    struct posix_path path;
    struct file_stat stat;

    memcpy(text, DEVICES, sizeof DEVICES);
    return string_append(text, PATH_LENGTH_MAX, name) &&
           path_from_user(&path, LINUX_AT_FDCWD, text) == 0 && path_stat(&path, 0, &stat) == 0 &&
           stat.device == file->device && stat.id == file->id;
}

/* Looks for the file among so many bytes of entries, behind which there is a 0. */
static bool find_among(char *text, const char *entries, uint64_t bytes,
                       const struct file_stat *file) {
    const struct directory_entry *entry;

    for (uint64_t at = 0; bytes - at >= sizeof *entry; at += entry->length) {
        entry = (const struct directory_entry *)&entries[at];
        if (is_device(text, entry->name, file)) {
            return true;
        }
        if (entry->length < sizeof *entry || entry->length > bytes - at) {
            break; /* no entry of a server that is in order */
        }
    }
    return false;
}

static bool find_device(char *text, const struct file_stat *file) {
    char entries[1024 + 1] ALIGNED(8);
    struct posix_path path;
    const char *name;
    handle_t devices;
    uint64_t bytes = 0, next;
    bool found = false;

    if (path_from_user(&path, LINUX_AT_FDCWD, DEVICES "tty") != 0 ||
        path_open_parent(&path, &devices, &name) != 0) {
        return false;
    }
    do {
        status_t status = directory_read(devices, FILE_OFFSET_CURRENT, entries, sizeof entries - 1,
                                         &bytes, &next, DEADLINE_NEVER);

        bytes = status == OK ? MIN(bytes, sizeof entries - 1) : 0;
        entries[bytes] = '\0';
        found = find_among(text, entries, bytes, file);
    } while (bytes != 0 && !found);
    handle_drop(devices);
    return found;
}

long descriptor_read_link(int fd, char *buffer, size_t size) {
    struct file_stat stat;
    char name[PATH_LENGTH_MAX];

    if (!fd_path(fd, name, sizeof name)) {
        int error = fd_stat(fd, &stat);

        if (error != 0) {
            return error;
        }
        if ((stat.mode & FILE_MODE_KIND) != FILE_MODE_CHARACTER || !find_device(name, &stat)) {
            return -ENOENT;
        }
    }
    size_t length = MIN(strlen(name), size);

    memcpy(buffer, name, length);
    return (long)length;
}
