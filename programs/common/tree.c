/* SPDX-License-Identifier: MIT */
#include "programs/common/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/directory.h"
#include "programs/common/path.h"
#include "programs/common/report.h"
#include "programs/common/stream.h"
#include "programs/common/text.h"

/* More directories than this are not above a target: PATH_MAX has no room for them. */
#define DEPTH_LIMIT 4096

int tree_is_same(const struct stat *one, const struct stat *other) {
    return one->st_ino != 0 && one->st_ino == other->st_ino && one->st_dev == other->st_dev;
}

int tree_is_directory(const char *path) {
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int fail(const char *path) {
    report_errno(path);
    return 1;
}

int tree_remove(const char *path) {
    struct stat status;
    struct directory_names names;
    int failed = 0;

    /* Paths grow by at least two bytes per level, so PATH_MAX bounds the depth. */
    if (lstat(path, &status) != 0) {
        return fail(path);
    }
    if (!S_ISDIR(status.st_mode)) {
        return unlink(path) == 0 ? 0 : fail(path);
    }
    if (directory_read(path, &names) != 0) {
        return fail(path);
    }
    for (size_t i = 0; i < names.n; i++) {
        char *entry = path_join(path, names.names[i]);

        failed |= tree_remove(entry);
        free(entry);
    }
    directory_free(&names);
    /* Not empty because something in it could not be removed: that has been said. */
    if (rmdir(path) != 0 && !failed) {
        return fail(path);
    }
    return failed;
}

/* Copies the content between two open files. */
static int copy_content(int from, int to, const char *source, const char *target) {
    switch (stream_copy(from, to)) {
    case STREAM_READ_FAILED:
        return fail(source);
    case STREAM_WRITE_FAILED:
        return fail(target);
    default:
        return 0;
    }
}

int tree_copy_file(const char *source, const char *target) {
    struct stat from_status, to_status;
    int from = open(source, O_RDONLY);
    int to = -1;
    int failed = 1;

    if (from < 0) {
        return fail(source);
    }
    if (fstat(from, &from_status) != 0) {
        failed = fail(source);
    } else if (S_ISDIR(from_status.st_mode)) {
        report("%s: is a directory (cp -r copies it)", source);
    } else if (stat(target, &to_status) == 0 && tree_is_same(&from_status, &to_status)) {
        report("%s and %s are the same file", source, target);
    } else {
        to = open(target, O_WRONLY | O_CREAT | O_TRUNC, from_status.st_mode & 0777);
        failed = to < 0 ? fail(target) : copy_content(from, to, source, target);
    }
    /* A file system may say only now that the last bytes did not fit. */
    if (to >= 0 && close(to) != 0 && !failed) {
        failed = fail(target);
    }
    close(from);
    return failed;
}

static int copy_link(const char *source, const char *target) {
    char content[PATH_MAX];
    ssize_t length = readlink(source, content, sizeof content - 1);

    if (length < 0) {
        return fail(source);
    }
    content[length] = '\0';
    if (symlink(content, target) == 0) {
        return 0;
    }
    if (errno == EEXIST && unlink(target) == 0 && symlink(content, target) == 0) {
        return 0;
    }
    return fail(target);
}

/* Is the target to be below the source directory, which would never end? Looks at the directories
 * from the target's up to the root. */
static int is_below(const char *target, const struct stat *source) {
    struct text path = {0};
    struct stat here, above;
    const char *slash = strrchr(target, '/');
    int below = 0;

    text_append_string(&path, "./"); /* for a target without directory */
    if (slash != NULL) {
        text_clear(&path);
        text_append(&path, target, (size_t)(slash - target) + 1);
    }
    for (int i = 0; !below && i < DEPTH_LIMIT && stat(text_string(&path), &here) == 0; i++) {
        below = tree_is_same(&here, source);
        text_append_string(&path, "../");
        if (stat(text_string(&path), &above) != 0 || tree_is_same(&here, &above) ||
            above.st_ino == 0) {
            break;
        }
    }
    text_free(&path);
    return below;
}

static int copy_any(const char *source, const char *target);

static int copy_directory(const char *source, const char *target, const struct stat *status) {
    struct directory_names names;
    int failed = 0;

    if (directory_read(source, &names) != 0) {
        return fail(source);
    }
    /* Writable for us until it is filled. */
    if (mkdir(target, (status->st_mode & 0777) | 0700) != 0 &&
        (errno != EEXIST || !tree_is_directory(target))) {
        failed = fail(target);
        directory_free(&names);
        return failed;
    }
    for (size_t i = 0; i < names.n; i++) {
        char *from = path_join(source, names.names[i]);
        char *to = path_join(target, names.names[i]);

        failed |= copy_any(from, to);
        free(from);
        free(to);
    }
    directory_free(&names);
    if ((status->st_mode & 0700) != 0700) {
        chmod(target, status->st_mode & 0777);
    }
    return failed;
}

static int copy_any(const char *source, const char *target) {
    struct stat status;

    if (lstat(source, &status) != 0) {
        return fail(source);
    }
    if (S_ISDIR(status.st_mode)) {
        return copy_directory(source, target, &status);
    }
    if (S_ISLNK(status.st_mode)) {
        return copy_link(source, target);
    }
    if (!S_ISREG(status.st_mode)) {
        report("%s: neither a file nor a directory", source);
        return 1;
    }
    return tree_copy_file(source, target);
}

int tree_copy(const char *source, const char *target) {
    struct stat status;

    if (lstat(source, &status) == 0 && S_ISDIR(status.st_mode) && is_below(target, &status)) {
        report("%s cannot be copied into itself, to %s", source, target);
        return 1;
    }
    return copy_any(source, target);
}
