/* SPDX-License-Identifier: MIT */
#include "programs/common/directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/allocate.h"

static int compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

int directory_read(const char *path, struct directory_names *names) {
    size_t capacity = 0;
    int error = 0;
    DIR *directory = opendir(path);

    *names = (struct directory_names){0};
    if (directory == NULL) {
        return -1;
    }
    for (;;) {
        struct dirent *entry = NULL;

        errno = 0;
        entry = readdir(directory);
        if (entry == NULL) {
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (names->n == capacity) {
            capacity = capacity == 0 ? 16 : capacity * 2;
            names->names = checked_realloc(names->names, capacity, sizeof *names->names);
        }
        names->names[names->n++] = checked_strdup(entry->d_name);
    }
    error = errno;
    closedir(directory);
    if (error != 0) {
        directory_free(names);
        errno = error;
        return -1;
    }
    if (names->n > 0) {
        qsort(names->names, names->n, sizeof *names->names, compare);
    }
    return 0;
}

void directory_free(struct directory_names *names) {
    for (size_t i = 0; i < names->n; i++) {
        free(names->names[i]);
    }
    free(names->names);
    *names = (struct directory_names){0};
}
