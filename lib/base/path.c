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

/* Components are short: a loop is quicker than a call. */
static void copy_name(char *to, const char *from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}

/*
 * Appends the components of `path` to the `*length` bytes at `out`: "" (the root) or "/a/b", not
 * terminated, always short enough for a terminator after it.
 */
static enum path_result append_components(char *out, size_t *length, const char *path) {
    while (*path != '\0') {
        const char *name = path;

        while (*path != '\0' && *path != '/') {
            path++;
        }
        size_t n = (size_t)(path - name);

        path += *path == '/';
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
        copy_name(out + *length + 1, name, n);
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
    if (strlen(path) >= PATH_LENGTH_MAX) {
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

size_t path_normal_length(const char *path) {
    const char *at = path;

    while (*at == '/') {
        const char *name = at + 1;

        at = path_component_end(name);
        if (at == name || *name == '.' || at > name + PATH_NAME_MAX) {
            return 0;
        }
    }
    size_t length = (size_t)(at - path);

    return *at == '\0' && length < PATH_LENGTH_MAX ? length : 0;
}

bool path_wants_directory(const char *path) {
    size_t length = strlen(path), n = length;

    while (n > 0 && path[n - 1] == '.') {
        n--;
    }
    size_t dots = length - n;

    return dots <= 2 && (n == 0 ? dots > 0 : path[n - 1] == '/');
}

const char *path_inner_parent(const char *path) {
    bool after_name = false;

    while (*path != '\0') {
        size_t n = 0;

        while (path[n] != '\0' && path[n] != '/') {
            n++;
        }
        bool is_parent = n == 2 && path[0] == '.' && path[1] == '.';

        if (is_parent && after_name) {
            return path;
        }
        after_name = after_name || (n != 0 && !is_parent && !(n == 1 && path[0] == '.'));
        path += n + (path[n] == '/' ? 1 : 0);
    }
    return NULL;
}

const char *path_split_last(const char *path, size_t *parent_length) {
    const char *slash = strrchr(path, '/');

    if (slash == NULL || slash[1] == '\0') {
        return NULL;
    }
    *parent_length = slash == path ? 1 : (size_t)(slash - path);
    return slash + 1;
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

/* In one pass: servers look at each path that they are sent. */
bool path_is_relative_normal(const char *path, size_t length) {
    const char *at = path, *end;

    if (length == 0) {
        return true;
    }
    for (;; at = end + 1) {
        end = path_component_end(at);
        size_t n = (size_t)(end - at);
        bool is_dots = at[0] == '.' && (n == 1 || (n == 2 && at[1] == '.'));

        if (n == 0 || n > PATH_NAME_MAX || is_dots) {
            return false;
        }
        if (*end == '\0') {
            return end == path + length; /* else there was one inside */
        }
    }
}
