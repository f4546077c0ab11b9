/* SPDX-License-Identifier: MIT */
#include "programs/common/kill_command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "programs/common/number.h"
#include "programs/common/report.h"
#include "programs/common/signals.h"

static int list_all(void) {
    const char *separator = "";

    for (int i = 1; i < signal_limit(); i++) {
        if (signal_name(i) != NULL) {
            printf("%s%2d %s", separator, i, signal_name(i));
            separator = i % 8 == 0 ? "\n" : "\t";
        }
    }
    printf("\n");
    return 0;
}

/* Names for numbers and exit statuses, numbers for names. */
static int list(char **arguments) {
    int status = 0;

    if (*arguments == NULL) {
        return list_all();
    }
    for (; *arguments != NULL; arguments++) {
        uint64_t number = 0;
        int is_number = number_parse(*arguments, 255, &number) == 0;
        const char *name =
            is_number ? signal_name((int)(number > 128 ? number - 128 : number)) : NULL;

        if (name != NULL) {
            printf("%s\n", name);
        } else if (!is_number && signal_from_name(*arguments) >= 0) {
            printf("%d\n", signal_from_name(*arguments));
        } else {
            report("%s: no such signal", *arguments);
            status = 1;
        }
    }
    return status;
}

int kill_send_to_number(void *context, const char *target, int signal) {
    uint64_t number = 0;
    int negative = *target == '-';

    (void)context;
    /* -0 and the like would be the caller's own group by accident. */
    if (number_parse(target + negative, 0x7fffffff, &number) != 0 || (negative && number < 2)) {
        report("%s: not a process id", target);
        return -1;
    }
    if (kill(negative ? -(pid_t)number : (pid_t)number, signal) != 0) {
        report_errno(target);
        return -1;
    }
    return 0;
}

int kill_command(char **arguments, kill_send_function *send, void *context) {
    int signal = SIGTERM;
    int status = 0;

    if (*arguments != NULL && strcmp(*arguments, "--help") == 0) {
        printf("usage: %s\n", KILL_HELP);
        return 0;
    }
    if (*arguments != NULL && strcmp(*arguments, "-l") == 0) {
        return list(arguments + 1);
    }
    if (*arguments != NULL && **arguments == '-' && strcmp(*arguments, "--") != 0) {
        const char *name = *arguments++ + 1;

        if (strcmp(name, "s") == 0 && *arguments != NULL) {
            name = *arguments++;
        }
        signal = signal_from_name(name);
        if (signal < 0) {
            report("%s: no such signal", name);
            return STATUS_USAGE;
        }
    }
    if (*arguments != NULL && strcmp(*arguments, "--") == 0) {
        arguments++;
    }
    if (*arguments == NULL) {
        report("no process given");
        return STATUS_USAGE;
    }
    for (; *arguments != NULL; arguments++) {
        status |= send(context, *arguments, signal) != 0;
    }
    return status;
}
