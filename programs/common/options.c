/* SPDX-License-Identifier: MIT */
#include "programs/common/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/report.h"

struct options options_begin(int argc, char **argv, const char *accepted, const char *help) {
    struct options options = {.accepted = accepted, .help = help};

    /* A program may be started with an empty argument list; then argv[0] is the final null. */
    options.operands = argv + (argc > 0 ? 1 : 0);
    options.next = options.operands;
    return options;
}

_Noreturn void options_fail(const struct options *options, const char *message) {
    size_t synopsis = strcspn(options->help, "\n");

    report("%s", message);
    fprintf(stderr, "usage: %.*s\n", (int)synopsis, options->help);
    exit(STATUS_USAGE);
}

/* One letter of a group such as "-la". */
static int next_letter(struct options *options) {
    char letter = *options->letters++;
    const char *known = letter == ':' ? NULL : strchr(options->accepted, letter);

    options->argument = NULL;
    if (known == NULL) {
        char message[32];

        snprintf(message, sizeof message, "unknown option -%c", letter);
        options_fail(options, message);
    }
    if (known[1] == ':') {
        if (*options->letters != '\0') {
            options->argument = options->letters;
        } else if (*options->next != NULL) {
            options->argument = *options->next++;
        } else {
            char message[40];

            snprintf(message, sizeof message, "option -%c needs an argument", letter);
            options_fail(options, message);
        }
        options->letters = NULL;
    } else if (*options->letters == '\0') {
        options->letters = NULL;
    }
    return (unsigned char)letter;
}

static void take_operand(struct options *options, char *operand) {
    /* Never overtakes *next*, so nothing unread is overwritten. */
    options->operands[options->n_operands++] = operand;
}

int options_next(struct options *options) {
    while (options->letters == NULL) {
        char *word = *options->next;

        if (word == NULL) {
            options->operands[options->n_operands] = NULL;
            return OPTIONS_END;
        }
        options->next++;
        if (strcmp(word, "--help") == 0) {
            printf("usage: %s\n", options->help);
            report_exit(0);
        } else if (strcmp(word, "--") == 0) {
            while (*options->next != NULL) {
                take_operand(options, *options->next++);
            }
        } else if (strncmp(word, "--", 2) == 0) {
            char message[128];

            snprintf(message, sizeof message, "unknown option %s", word);
            options_fail(options, message);
        } else if (word[0] == '-' && word[1] != '\0') {
            options->letters = word + 1;
        } else {
            take_operand(options, word);
        }
    }
    return next_letter(options);
}

struct options options_none(int argc, char **argv, const char *help) {
    struct options options = options_begin(argc, argv, "", help);

    while (options_next(&options) != OPTIONS_END) {
    }
    return options;
}
