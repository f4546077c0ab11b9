/* SPDX-License-Identifier: MIT */
/* ls: what is in directories. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/allocate.h"
#include "programs/common/columns.h"
#include "programs/common/directory.h"
#include "programs/common/number.h"
#include "programs/common/options.h"
#include "programs/common/path.h"
#include "programs/common/report.h"
#include "programs/common/screen.h"
#include "programs/common/text.h"
#include "programs/common/width.h"

static const char help[] = "ls [-aA1dhlrt] [FILE...]\n"
                           "Lists directories (the current one unless told otherwise) and files.\n"
                           "  -a  names that begin with a dot, too; -A  but for . and ..\n"
                           "  -l  mode, links, size, time of change (UTC)\n"
                           "  -h  with -l: sizes in K, M, G\n"
                           "  -1  one name per line, as always when the output is no terminal\n"
                           "  -d  directories like files\n"
                           "  -t  newest first; -r  the other way round";

enum list_flags {
    LIST_DOTS = 1,     /* names that begin with a dot */
    LIST_SELF = 2,     /* "." and ".." */
    LIST_LONG = 4,     /* */
    LIST_HUMAN = 8,    /* */
    LIST_SINGLE = 16,  /* one per line */
    LIST_AS_FILE = 32, /* directories are not entered */
    LIST_TIME = 64,    /* */
    LIST_REVERSE = 128,
    LIST_COLOUR = 256,
    LIST_TERMINAL = 512, /* names must not steer it */
};

struct entry {
    char *name; /* as shown */
    char *path; /* for the system */
    struct stat status;
    int error;   /* errno of its stat, else 0 */
    char *link;  /* what it leads to if it is a symbolic link, or null */
    int dangles; /* to nothing */
};

struct entries {
    struct entry *items;
    size_t n;
    size_t capacity;
};

static void free_entries(struct entries *entries) {
    for (size_t i = 0; i < entries->n; i++) {
        free(entries->items[i].name);
        free(entries->items[i].path);
        free(entries->items[i].link);
    }
    free(entries->items);
    *entries = (struct entries){0};
}

/* Adds an entry and looks at it; both strings are taken over. A link is not followed. */
static void add_entry(struct entries *entries, char *name, char *path) {
    char link[PATH_MAX];
    struct stat unused;
    struct entry *entry = NULL;

    if (entries->n == entries->capacity) {
        entries->capacity = entries->capacity == 0 ? 16 : entries->capacity * 2;
        entries->items = checked_realloc(entries->items, entries->capacity, sizeof *entries->items);
    }
    entry = &entries->items[entries->n++];
    *entry = (struct entry){.name = name, .path = path};
    if (lstat(path, &entry->status) != 0) {
        entry->error = errno;
    } else if (S_ISLNK(entry->status.st_mode)) {
        ssize_t length = readlink(path, link, sizeof link);

        entry->link = length < 0 ? NULL : checked_strndup(link, (size_t)length);
        entry->dangles = stat(path, &unused) != 0;
    }
}

/* --- order --- */

/* qsort takes no context; set before sorting. */
static enum list_flags sort_flags;

static int compare(const void *left, const void *right) {
    const struct entry *one = left;
    const struct entry *other = right;
    int order = 0;

    if (sort_flags & LIST_TIME) {
        const struct timespec *a = &one->status.st_mtim;
        const struct timespec *b = &other->status.st_mtim;

        order = a->tv_sec != b->tv_sec     ? (a->tv_sec < b->tv_sec ? 1 : -1)
                : a->tv_nsec != b->tv_nsec ? (a->tv_nsec < b->tv_nsec ? 1 : -1)
                                           : 0;
    }
    if (order == 0) {
        order = strcmp(one->name, other->name);
    }
    return sort_flags & LIST_REVERSE ? -order : order;
}

static void sort(struct entries *entries, enum list_flags flags) {
    sort_flags = flags;
    if (entries->n > 0) {
        qsort(entries->items, entries->n, sizeof *entries->items, compare);
    }
}

/* --- showing --- */

/* The colour of a name as SGR parameters, or null for none. */
static const char *colour_of(const struct entry *entry) {
    mode_t mode = entry->status.st_mode;

    if (entry->error != 0 || entry->dangles) {
        return "31";
    }
    return S_ISDIR(mode)                      ? "1;34"
           : S_ISLNK(mode)                    ? "36"
           : S_ISCHR(mode) || S_ISBLK(mode)   ? "33"
           : S_ISFIFO(mode) || S_ISSOCK(mode) ? "35"
           : mode & 0111                      ? "32"
                                              : NULL;
}

/* Appends a name in its colour; returns the columns it takes. */
static size_t append_name(struct text *output, const struct entry *entry, enum list_flags flags) {
    const char *colour = flags & LIST_COLOUR ? colour_of(entry) : NULL;
    size_t width = 0;

    if (colour != NULL) {
        text_append_format(output, "\033[%sm", colour);
    }
    if (flags & LIST_TERMINAL) {
        width = width_visible(output, entry->name, strlen(entry->name));
    } else {
        text_append_string(output, entry->name);
    }
    if (colour != NULL) {
        text_append_string(output, "\033[m");
    }
    return width;
}

static void append_mode(struct text *output, mode_t mode) {
    static const char bits[] = "rwxrwxrwx";
    char type = S_ISDIR(mode)    ? 'd'
                : S_ISLNK(mode)  ? 'l'
                : S_ISCHR(mode)  ? 'c'
                : S_ISBLK(mode)  ? 'b'
                : S_ISFIFO(mode) ? 'p'
                : S_ISSOCK(mode) ? 's'
                                 : '-';

    text_append_byte(output, type);
    for (int i = 0; i < 9; i++) {
        text_append_byte(output, mode >> (8 - i) & 1 ? bits[i] : '-');
    }
}

static void append_size(struct text *output, off_t size, int width, enum list_flags flags) {
    char human[NUMBER_HUMAN_SIZE];

    if (flags & LIST_HUMAN) {
        number_human((uint64_t)size, human);
        text_append_format(output, " %5s ", human);
    } else {
        text_append_format(output, " %*lld ", width, (long long)size);
    }
}

static void append_long(struct text *output, const struct entry *entry, int size_width,
                        enum list_flags flags) {
    char time[32] = "";
    struct tm broken_down;

    if (entry->error != 0) { /* of what could not be looked at the name is all that is known */
        text_append_format(output, "??????????   ? %*s %16s ", flags & LIST_HUMAN ? 5 : size_width,
                           "?", "?");
    } else {
        append_mode(output, entry->status.st_mode);
        text_append_format(output, " %3lu", (unsigned long)entry->status.st_nlink);
        append_size(output, entry->status.st_size, size_width, flags);
        if (gmtime_r(&entry->status.st_mtim.tv_sec, &broken_down) != NULL) {
            strftime(time, sizeof time, "%Y-%m-%d %H:%M", &broken_down);
        }
        text_append_format(output, "%16s ", time);
    }
    append_name(output, entry, flags);
    if (entry->link != NULL) {
        text_append_string(output, " -> ");
        if (flags & LIST_TERMINAL) {
            width_visible(output, entry->link, strlen(entry->link));
        } else {
            text_append_string(output, entry->link);
        }
    }
    text_append_byte(output, '\n');
}

static void show_long(struct text *output, const struct entries *entries, enum list_flags flags) {
    off_t largest = 0;
    int width = 0;

    for (size_t i = 0; i < entries->n; i++) {
        if (entries->items[i].status.st_size > largest) {
            largest = entries->items[i].status.st_size;
        }
    }
    width = snprintf(NULL, 0, "%lld", (long long)largest);
    for (size_t i = 0; i < entries->n; i++) {
        append_long(output, &entries->items[i], width, flags);
    }
}

static void show_columns(struct text *output, const struct entries *entries,
                         enum list_flags flags) {
    struct columns_entry *columns = checked_realloc(NULL, entries->n, sizeof *columns);
    struct text *names = checked_realloc(NULL, entries->n, sizeof *names);

    for (size_t i = 0; i < entries->n; i++) {
        names[i] = (struct text){0};
        columns[i].width = append_name(&names[i], &entries->items[i], flags);
        columns[i].shown = text_string(&names[i]);
    }
    columns_format(output, columns, entries->n, screen_size(STDOUT_FILENO).columns);
    for (size_t i = 0; i < entries->n; i++) {
        text_free(&names[i]);
    }
    free(names);
    free(columns);
}

static void show(struct entries *entries, enum list_flags flags) {
    struct text output = {0};

    sort(entries, flags);
    if (flags & LIST_LONG) {
        show_long(&output, entries, flags);
    } else if (flags & LIST_SINGLE) {
        for (size_t i = 0; i < entries->n; i++) {
            append_name(&output, &entries->items[i], flags);
            text_append_byte(&output, '\n');
        }
    } else {
        show_columns(&output, entries, flags);
    }
    fwrite(text_string(&output), 1, output.length, stdout);
    text_free(&output);
}

/* --- what is listed --- */

static int list_directory(const char *path, enum list_flags flags) {
    struct directory_names names;
    struct entries entries = {0};
    int status = 0;

    if (directory_read(path, &names) != 0) {
        report_errno(path);
        return 1;
    }
    if (flags & LIST_SELF) {
        add_entry(&entries, checked_strdup("."), path_join(path, "."));
        add_entry(&entries, checked_strdup(".."), path_join(path, ".."));
    }
    for (size_t i = 0; i < names.n; i++) {
        if (names.names[i][0] != '.' || flags & LIST_DOTS) {
            add_entry(&entries, checked_strdup(names.names[i]), path_join(path, names.names[i]));
        }
    }
    for (size_t i = 0; i < entries.n; i++) {
        /* Listed all the same: the name is known. What went away meanwhile is no error. */
        if (entries.items[i].error != 0 && entries.items[i].error != ENOENT) {
            errno = entries.items[i].error;
            report_errno(entries.items[i].path);
            status = 1;
        }
    }
    show(&entries, flags);
    free_entries(&entries);
    directory_free(&names);
    return status;
}

/* Operands: files first, together, then each directory under its name. */
static int list_operands(const struct options *options, enum list_flags flags) {
    struct entries files = {0}, directories = {0};
    int status = 0;

    for (int i = 0; i < options->n_operands; i++) {
        const char *path = options->operands[i];
        struct stat target;
        int is_directory = stat(path, &target) == 0 && S_ISDIR(target.st_mode);
        struct entries *entries = is_directory && !(flags & LIST_AS_FILE) ? &directories : &files;

        add_entry(entries, checked_strdup(path), checked_strdup(path));
        if (entries->items[entries->n - 1].error != 0) {
            errno = entries->items[--entries->n].error;
            report_errno(path);
            free(entries->items[entries->n].name);
            free(entries->items[entries->n].path);
            status = 1;
        }
    }
    if (files.n > 0) {
        show(&files, flags);
    }
    sort(&directories, flags);
    for (size_t i = 0; i < directories.n; i++) {
        if (options->n_operands > 1) {
            printf("%s%s:\n", i > 0 || files.n > 0 ? "\n" : "", directories.items[i].name);
        }
        status |= list_directory(directories.items[i].path, flags);
    }
    free_entries(&files);
    free_entries(&directories);
    return status;
}

static enum list_flags flag_of(int letter) {
    switch (letter) {
    case 'a':
        return LIST_DOTS | LIST_SELF;
    case 'A':
        return LIST_DOTS;
    case 'l':
        return LIST_LONG;
    case 'h':
        return LIST_HUMAN;
    case 'd':
        return LIST_AS_FILE;
    case 't':
        return LIST_TIME;
    case 'r':
        return LIST_REVERSE;
    default:
        return LIST_SINGLE;
    }
}

int main(int argc, char **argv) {
    static char *here[] = {".", NULL};
    struct options options;
    enum list_flags flags = 0;

    report_begin("ls");
    options = options_begin(argc, argv, "aA1dhlrt", help);
    for (int c; (c = options_next(&options)) != OPTIONS_END;) {
        flags |= flag_of(c);
    }
    if (screen_is_terminal(STDOUT_FILENO)) {
        flags |= LIST_TERMINAL | (getenv("NO_COLOR") == NULL ? LIST_COLOUR : 0);
    } else {
        flags |= LIST_SINGLE;
    }
    if (options.n_operands == 0) {
        options.operands = here;
        options.n_operands = 1;
    }
    report_exit(list_operands(&options, flags));
}
