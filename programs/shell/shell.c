/* SPDX-License-Identifier: MIT */
#include "programs/shell/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/report.h"
#include "programs/common/stream.h"
#include "programs/common/text.h"
#include "programs/shell/executor.h"
#include "programs/shell/glob.h"
#include "programs/shell/parser.h"

/* Scripts are read whole; something larger is no script. */
#define SCRIPT_LIMIT (16u << 20)

/* The value callback of the expander. */
static const char *value_of(void *context, const char *name) {
    struct shell *shell = context;
    long number = 0;

    switch (name[0]) {
    case '?':
        number = shell->status;
        break;
    case '$':
        number = shell->pid;
        break;
    case '#':
        number = (long)shell->n_parameters;
        break;
    case '!':
        if (shell->last_background == 0) {
            return NULL;
        }
        number = shell->last_background;
        break;
    case '0':
        return shell->name;
    default:
        return variables_get(&shell->variables, name);
    }
    snprintf(shell->value, sizeof shell->value, "%ld", number);
    return shell->value;
}

struct expander shell_expander(struct shell *shell) {
    return (struct expander){
        .value = value_of,
        .match = glob_expand,
        .parameters = shell->parameters,
        .n_parameters = shell->n_parameters,
        .context = shell,
    };
}

int shell_run_text(struct shell *shell, const char *text, const char *origin) {
    struct arena arena = {0};
    struct parse parse = parser_parse(&arena, text);

    if (parse.result == PARSE_OK) {
        executor_run_list(shell, parse.list);
    } else if (origin != NULL) {
        report("%s: line %u: syntax error: %s", origin, parse.line, parse.message);
    } else {
        report("syntax error: %s", parse.message);
    }
    if (parse.result != PARSE_OK) {
        shell->status = STATUS_SYNTAX;
    }
    arena_free(&arena);
    return shell->status;
}

/* Appends the whole file. Returns 0 or an errno value. */
static int read_file(int fd, struct text *text) {
    static char buffer[4096];

    for (;;) {
        ssize_t n = stream_read(fd, buffer, sizeof buffer);

        if (n < 0) {
            return errno;
        }
        if (n == 0) {
            return 0;
        }
        if (text->length + (size_t)n > SCRIPT_LIMIT) {
            return EFBIG;
        }
        text_append(text, buffer, (size_t)n);
    }
}

int shell_run_file(struct shell *shell, const char *path) {
    struct text text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? errno : read_file(fd, &text);

    if (fd >= 0) {
        close(fd);
    }
    if (error != 0) {
        report("%s: %s", path, strerror(error));
        shell->status = error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
    } else if (strlen(text_string(&text)) != text.length) {
        report("%s: not a script", path);
        shell->status = STATUS_NOT_EXECUTABLE;
    } else {
        shell_run_text(shell, text_string(&text), path);
    }
    text_free(&text);
    return shell->status;
}
