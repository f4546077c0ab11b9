/* SPDX-License-Identifier: MIT */
#include "programs/common/path.h"

#include <string.h>

#include "programs/common/allocate.h"
#include "programs/common/text.h"

char *path_join(const char *directory, const char *name) {
    struct text path = {0};

    text_append_string(&path, directory);
    if (path.length > 0 && path.bytes[path.length - 1] != '/') {
        text_append_byte(&path, '/');
    }
    text_append_string(&path, name);
    return path.bytes;
}

char *path_last(const char *path) {
    size_t end = strlen(path);
    size_t start = 0;

    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    return start == end ? checked_strdup("/") : checked_strndup(path + start, end - start);
}
