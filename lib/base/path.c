/* SPDX-License-Identifier: MIT */
/* See path.h. */
#include "lib/base/path.h"

#include "lib/base/string.h"

/* Removes the last component of the normal path of `length` bytes, "/" counted as none here. */
static size_t remove_last(const char *out, size_t length) {
    while (length > 0 && out[length - 1] != '/') {
        length--;
    }
    return length > 0 ? length - 1 : 0;
}

/*
 * Appends the components of `path` to the `*length` bytes at `out`: "" (the root) or "/a/b", not
 * terminated, always short enough for a terminator after it.
 */
static enum path_result append_components(char *out, size_t *length, const char *path) {
    const char *end = path + strlen(path);

    while (path < end) {
        const char *name = path;
        size_t n = 0;

        while (path < end && *path != '/') {
            path++;
        }
        n = (size_t)(path - name);
        path += path < end; /* the slash */
        if (n == 0 || (n == 1 && name[0] == '.')) {
            continue;
        }
        if (n == 2 && name[0] == '.' && name[1] == '.') {
            *length = remove_last(out, *length);
            continue;
        }
        if (n > PATH_NAME_MAX) {
            return PATH_NAME_TOO_LONG;
        }
        if (*length + 1 + n + 1 > PATH_LENGTH_MAX) {
            return PATH_TOO_LONG;
        }
        out[*length] = '/';
        memcpy(out + *length + 1, name, n);
        *length += 1 + n;
    }
    return PATH_OK;
}

enum path_result path_normalize(char *out, const char *directory, const char *path) {
    size_t length = 0;
    enum path_result result = PATH_OK;

    if (path[0] == '\0') {
        return PATH_EMPTY;
    }
    if (strnlen(path, PATH_LENGTH_MAX) == PATH_LENGTH_MAX) {
        return PATH_TOO_LONG;
    }
    if (path[0] != '/') {
        if (directory == NULL || directory[0] != '/') {
            return PATH_NOT_ABSOLUTE;
        }
        result = append_components(out, &length, directory);
    }
    if (result == PATH_OK) {
        result = append_components(out, &length, path);
    }
    if (length == 0) {
        out[length++] = '/';
    }
    out[length] = '\0';
    return result;
}

bool path_wants_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *last = slash == NULL ? path : slash + 1;

    return (slash != NULL && last[0] == '\0') || string_equal(last, ".") ||
           string_equal(last, "..");
}

const char *path_split_last(const char *path, size_t *parent_length) {
    const char *slash = strrchr(path, '/');

    if (slash == NULL || slash[1] == '\0') {
        return NULL;
    }
    *parent_length = slash == path ? 1 : (size_t)(slash - path);
    return slash + 1;
}

const char *path_rest(const char *prefix, const char *path) {
    size_t length = strlen(prefix);

    if (length == 1) { /* the root: has a slash at its end already */
        return path + 1;
    }
    if (strncmp(prefix, path, length) != 0) {
        return NULL;
    }
    if (path[length] == '\0') {
        return path + length;
    }
    return path[length] == '/' ? path + length + 1 : NULL;
}

size_t path_match_longest(const char *const *prefixes, size_t n, const char *path,
                          const char **rest) {
    size_t best = n;

    /* The longer the prefix, the later the rest begins. */
    for (size_t i = 0; i < n; i++) {
        const char *candidate = path_rest(prefixes[i], path);

        if (candidate != NULL && (best == n || candidate > *rest)) {
            best = i;
            *rest = candidate;
        }
    }
    return best;
}

bool path_name_is_valid(const char *name) {
    size_t length = strnlen(name, PATH_NAME_MAX + 1);

    return length > 0 && length <= PATH_NAME_MAX && strchr(name, '/') == NULL &&
           !string_equal(name, ".") && !string_equal(name, "..");
}
