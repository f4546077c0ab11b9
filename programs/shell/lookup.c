/* SPDX-License-Identifier: MIT */
#include "programs/shell/lookup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/allocate.h"
#include "programs/common/path.h"
#include "programs/common/report.h"
#include "programs/shell/shell.h"

#define DEFAULT_SEARCH_PATH "/bin"

/* 0 if the file can be executed, else why not. */
static int check_executable(const char *path) {
    struct stat status;

    if (stat(path, &status) != 0) {
        return errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return EISDIR;
    }
    return access(path, X_OK) == 0 ? 0 : errno;
}

void lookup_each_directory(const char *search_path,
                           void (*visit)(void *context, const char *directory), void *context) {
    const char *rest = search_path == NULL ? DEFAULT_SEARCH_PATH : search_path;

    for (;;) {
        size_t length = strcspn(rest, ":");
        char *directory = length == 0 ? checked_strdup(".") : checked_strndup(rest, length);

        visit(context, directory);
        free(directory);
        if (rest[length] == '\0') {
            return;
        }
        rest += length + 1;
    }
}

struct search {
    const char *name;
    char *found;
    int error; /* why one that exists cannot be executed */
};

static void try_directory(void *context, const char *directory) {
    struct search *search = context;
    char *path = NULL;
    int error = 0;

    if (search->found != NULL) {
        return;
    }
    path = path_join(directory, search->name);
    error = check_executable(path);
    if (error == 0) {
        search->found = path;
        return;
    }
    if (error != ENOENT && error != ENOTDIR && error != EISDIR) {
        search->error = error;
    }
    free(path);
}

char *lookup_program(const char *name, const char *search_path, int *error) {
    struct search search = {.name = name};

    if (strchr(name, '/') != NULL) {
        search.error = check_executable(name);
        search.found = search.error == 0 ? checked_strdup(name) : NULL;
    } else if (*name != '\0') {
        lookup_each_directory(search_path, try_directory, &search);
    }
    *error = search.error;
    return search.found;
}

/* Whether it begins a command that sh has and this shell leaves to it. */
static bool begins_in_sh(const char *name) {
    static const char *const words[] = {"[",    ".",   "alias", "case", "eval", "for",   "if",
                                        "read", "set", "test",  "trap", "type", "until", "while"};

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(name, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

int lookup_report(const char *name, int error) {
    if (error == 0) {
        report("%s: command not found%s", name, begins_in_sh(name) ? " (dash has it)" : "");
        return STATUS_NOT_FOUND;
    }
    report("%s: %s", name, strerror(error));
    return error == ENOENT || error == ENOTDIR ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}
