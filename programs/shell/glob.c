/* SPDX-License-Identifier: MIT */
#include "programs/shell/glob.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "programs/common/text.h"
#include "programs/shell/pattern.h"

struct walk {
    struct fields *fields;
    struct arena *arena;
    struct text path; /* what has been matched so far */
};

/* The names in the directory *path* that match, without "." and "..". The directory is closed
 * again before the walk goes deeper, so that no depth runs out of descriptors. */
static struct fields list_matches(struct walk *walk, const char *pattern) {
    struct fields names = {0};
    int dot_wanted = pattern[0] == '.' || (pattern[0] == '\\' && pattern[1] == '.');
    DIR *directory = opendir(walk->path.length == 0 ? "." : text_string(&walk->path));

    if (directory == NULL) {
        return names;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (name[0] == '.' && !dot_wanted)) {
            continue;
        }
        if (pattern_match(pattern, name)) {
            fields_add(&names, walk->arena, arena_copy(walk->arena, name, strlen(name)));
        }
    }
    closedir(directory);
    return names;
}

static void append_unescaped(struct text *path, const char *pattern, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '\\' && i + 1 < length) {
            i++;
        }
        text_append_byte(path, pattern[i]);
    }
}

/* Matches the rest of the pattern below walk->path. Recurses only into names that exist, so the
 * depth is bounded by the longest path of the file system. */
static void match_rest(struct walk *walk, const char *rest) {
    size_t length = 0;
    struct stat status;

    for (;;) {
        size_t slashes = strspn(rest, "/");

        text_append(&walk->path, rest, slashes);
        rest += slashes;
        length = strcspn(rest, "/");
        if (length == 0 || pattern_is_special(rest, length)) {
            break;
        }
        append_unescaped(&walk->path, rest, length);
        rest += length;
    }
    if (length == 0) {
        if (lstat(text_string(&walk->path), &status) == 0) {
            fields_add(walk->fields, walk->arena,
                       arena_copy(walk->arena, text_string(&walk->path), walk->path.length));
        }
        return;
    }
    struct fields names = list_matches(walk, arena_copy(walk->arena, rest, length));
    size_t before = walk->path.length;

    for (size_t i = 0; i < names.n; i++) {
        text_append_string(&walk->path, names.items[i]);
        match_rest(walk, rest + length);
        text_remove(&walk->path, before, walk->path.length - before);
    }
}

void glob_expand(struct fields *fields, struct arena *arena, const char *pattern) {
    struct walk walk = {.fields = fields, .arena = arena};
    size_t first = fields->n;

    match_rest(&walk, pattern);
    fields_sort(fields, first);
    text_free(&walk.path);
}
