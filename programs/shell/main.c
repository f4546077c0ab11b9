/* SPDX-License-Identifier: MIT */
/*
 * shell: reads commands and runs them. See README.md for what it understands and how its parts
 * fit together.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/report.h"
#include "programs/common/screen.h"
#include "programs/common/text.h"
#include "programs/common/width.h"
#include "programs/shell/control.h"
#include "programs/shell/executor.h"
#include "programs/shell/parser.h"
#include "programs/shell/shell.h"
#include "programs/shell/terminal.h"

static const char help[] =
    "shell [-i] [SCRIPT [ARGUMENT...]]\n"
    "       shell -c COMMAND [NAME [ARGUMENT...]]\n"
    "Runs commands: those given, those in a script, or those read from standard input. With a\n"
    "terminal there (or -i) it prompts for them; type help then.";

extern char **environ;

/* "/ramdisk$ ", without anything that could steer the terminal. */
static void make_prompt(struct text *prompt) {
    char directory[PATH_MAX];

    text_clear(prompt);
    if (getcwd(directory, sizeof directory) == NULL) {
        snprintf(directory, sizeof directory, "?");
    }
    width_visible(prompt, directory, strlen(directory));
    text_append_string(prompt, "$ ");
}

/* Reads lines until they are a whole command or wrong; *parsed says which. */
static enum terminal_result read_command(struct terminal *terminal, struct shell *shell,
                                         const char *prompt, struct text *command,
                                         enum parse_result *parsed) {
    text_clear(command);
    *parsed = PARSE_OK;
    for (;;) {
        struct arena arena = {0};
        enum terminal_result result = shell->interactive
                                          ? terminal_read(terminal, shell, prompt, command)
                                          : terminal_read_plain(command);

        if (result != TERMINAL_LINE) {
            /* The end of the input in the middle of a command: parsing will say so. */
            return result == TERMINAL_END && command->length > 0 ? TERMINAL_LINE : result;
        }
        *parsed = parser_parse(&arena, text_string(command)).result;
        arena_free(&arena);
        if (*parsed != PARSE_INCOMPLETE) {
            return TERMINAL_LINE;
        }
        text_append_byte(command, '\n');
        prompt = "> ";
    }
}

/* Runs what is read from standard input until its end. */
static void run_input(struct shell *shell) {
    struct terminal terminal = {0};
    struct text prompt = {0}, command = {0};

    while (!shell->exiting) {
        enum terminal_result result = TERMINAL_END;
        enum parse_result parsed = PARSE_OK;

        shell_interrupted = 0;
        if (shell->interactive) {
            control_notify(shell);
            make_prompt(&prompt);
        }
        result = read_command(&terminal, shell, text_string(&prompt), &command, &parsed);
        shell_interrupted = 0;
        if (result == TERMINAL_END) {
            break;
        }
        if (result == TERMINAL_CANCELLED) {
            shell->status = STATUS_SIGNAL + SIGINT;
            continue;
        }
        if (shell->interactive) {
            while (command.length > 0 && command.bytes[command.length - 1] == '\n') {
                text_remove(&command, command.length - 1, 1);
            }
            history_add(&shell->history, text_string(&command));
        }
        if (shell->warned > 0) {
            shell->warned--;
        }
        shell_run_text(shell, text_string(&command), NULL);
        if (parsed != PARSE_OK && !shell->interactive) {
            break; /* what follows was not written for this state of affairs */
        }
    }
    terminal_free(&terminal);
    text_free(&prompt);
    text_free(&command);
}

static void set_parameters(struct shell *shell, char **arguments) {
    if (arguments[0] == NULL) {
        return;
    }
    shell->name = arguments[0];
    shell->parameters = arguments + 1;
    while (shell->parameters[shell->n_parameters] != NULL) {
        shell->n_parameters++;
    }
}

static void begin(struct shell *shell) {
    char directory[PATH_MAX];

    variables_import(&shell->variables, environ);
    if (getcwd(directory, sizeof directory) != NULL) {
        variables_set(&shell->variables, "PWD", directory);
        variables_export(&shell->variables, "PWD");
    }
    shell->pid = getpid();
}

static _Noreturn void fail_usage(const char *problem) {
    report("%s", problem);
    fprintf(stderr, "usage: %s\n", help);
    exit(STATUS_USAGE);
}

int main(int argc, char **argv) {
    struct shell shell = {.name = "shell"};
    const char *command = NULL;
    char **rest = argv + (argc > 0);
    int prompting = 0;

    report_begin("shell");
    begin(&shell);
    for (; *rest != NULL && (*rest)[0] == '-' && (*rest)[1] != '\0'; rest++) {
        if (strcmp(*rest, "--help") == 0) {
            printf("usage: %s\n", help);
            report_exit(0);
        } else if (strcmp(*rest, "--") == 0) {
            rest++;
            break;
        } else if (strcmp(*rest, "-i") == 0) {
            prompting = 1;
        } else if (strcmp(*rest, "-c") == 0) {
            command = *++rest;
            if (command == NULL) {
                fail_usage("-c needs a command");
            }
            rest++;
            break;
        } else {
            fail_usage("unknown option");
        }
    }
    set_parameters(&shell, rest);
    if (command != NULL) {
        shell_run_text(&shell, command, NULL);
    } else if (shell.parameters != NULL) {
        shell_run_file(&shell, shell.name);
    } else {
        shell.interactive =
            prompting || (screen_is_terminal(STDIN_FILENO) && screen_is_terminal(STDERR_FILENO));
        if (shell.interactive) {
            control_begin(&shell);
        }
        run_input(&shell);
        if (shell.interactive) {
            control_end(&shell);
        }
    }
    jobs_free(&shell.jobs);
    history_free(&shell.history);
    variables_free(&shell.variables);
    return shell.status;
}
