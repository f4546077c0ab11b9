/* SPDX-License-Identifier: MIT */
#include "programs/shell/complete.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/allocate.h"
#include "programs/common/path.h"
#include "programs/shell/builtins.h"
#include "programs/shell/lookup.h"

struct search {
    struct fields *names;
    struct arena *arena;
    const char *prefix; /* of the names wanted */
    int commands;       /* only programs, no directories */
};

static void add_entry(struct search *search, const char *directory, const char *name) {
    struct text shown = {0};
    struct stat status;
    char *path = path_join(directory, name);
    int is_directory = stat(path, &status) == 0 && S_ISDIR(status.st_mode);

    if (!search->commands || (!is_directory && access(path, X_OK) == 0)) {
        text_append_string(&shown, name);
        if (is_directory) {
            text_append_byte(&shown, '/');
        }
        fields_add(search->names, search->arena,
                   arena_copy(search->arena, shown.bytes, shown.length));
    }
    text_free(&shown);
    free(path);
}

static void search_directory(void *context, const char *path) {
    struct search *search = context;
    size_t length = strlen(search->prefix);
    DIR *directory = opendir(path);

    if (directory == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const char *name = entry->d_name;

        if (strncmp(name, search->prefix, length) == 0 && strcmp(name, ".") != 0 &&
            strcmp(name, "..") != 0 && (name[0] != '.' || search->prefix[0] == '.')) {
            add_entry(search, path, name);
        }
    }
    closedir(directory);
}

static void search_commands(struct search *search, const struct shell *shell) {
    size_t length = strlen(search->prefix);

    for (const struct builtin *builtin = builtins_all; builtin->name != NULL; builtin++) {
        if (strncmp(builtin->name, search->prefix, length) == 0) {
            fields_add(search->names, search->arena,
                       arena_copy(search->arena, builtin->name, strlen(builtin->name)));
        }
    }
    lookup_each_directory(variables_get(&shell->variables, "PATH"), search_directory, search);
}

static void remove_doubles(struct fields *names) {
    size_t kept = 0;

    for (size_t i = 0; i < names->n; i++) {
        if (kept == 0 || strcmp(names->items[i], names->items[kept - 1]) != 0) {
            names->items[kept++] = names->items[i];
        }
    }
    names->n = kept;
}

/* The directory to search for a path up to its last slash; the caller frees it. */
static char *directory_of(const struct shell *shell, const char *plain, size_t length) {
    const char *home = variables_get(&shell->variables, "HOME");
    char *directory = length == 0 ? checked_strdup(".") : checked_strndup(plain, length);
    char *joined = NULL;

    if (strncmp(directory, "~/", 2) != 0 || home == NULL) {
        return directory;
    }
    joined = path_join(home, directory + 2);
    free(directory);
    return joined;
}

void complete(struct completion *completion, struct shell *shell, struct arena *arena,
              const char *line, size_t cursor) {
    struct complete_word word = complete_find_word(line, cursor);
    const char *plain = text_string(&word.plain);
    const char *slash = strrchr(plain, '/');
    size_t directory_length = slash == NULL ? 0 : (size_t)(slash - plain) + 1;
    struct search search = {
        .names = &completion->names,
        .arena = arena,
        .prefix = plain + directory_length,
        .commands = word.is_command,
    };

    if (word.is_command && slash == NULL) {
        search_commands(&search, shell);
    } else {
        char *directory = directory_of(shell, plain, directory_length);

        search.commands = 0; /* on the way to a program there are directories */
        search_directory(&search, directory);
        free(directory);
    }
    fields_sort(&completion->names, 0);
    remove_doubles(&completion->names);
    if (completion->names.n > 0) {
        struct text full = {0};

        text_append(&full, plain, directory_length);
        text_append(&full, completion->names.items[0],
                    complete_common(completion->names.items, completion->names.n));
        complete_quote(&completion->text, text_string(&full), word.quote, completion->names.n == 1);
        completion->replaced = cursor - word.start;
        text_free(&full);
    }
    text_free(&word.plain);
}
