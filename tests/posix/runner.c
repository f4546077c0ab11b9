/* SPDX-License-Identifier: MIT */
/*
 * Runs programs of posixtestsuite one after the other and prints their verdicts. Plain POSIX: the
 * same file runs inside EuraliOS and, for the reference list, on Linux.
 *
 *   runner FOLDER LIST LIMIT_S [FIRST]
 *
 * FOLDER/NAME is the program of each line NAME of the file LIST, from line FIRST on (default 0).
 * For each:
 *
 *   posix run INDEX NAME
 *   | what the program printed                        (only if it did not pass)
 *   posix result NAME VERDICT [MILLISECONDS]
 *
 * The first line comes before the program starts, so that who reads the output knows what brought a
 * machine down. The last line of all is `posix end`. VERDICT is PASS, FAIL, UNRESOLVED, UNSUPPORTED
 * or UNTESTED (posixtest.h), SIGNAL-N (ended by a signal), STATUS-N (another exit status), TIMEOUT,
 * or NOSTART.
 *
 * Each program has a process group of its own, which is killed when the program has ended or its
 * time is up. Waiting is done by looking every few milliseconds, not with SIGCHLD or an alarm: the
 * less the runner asks of the system that it tests, the more it survives.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NAME_BYTES = 128, OUTPUT_LINES = 12, LOOK_EVERY_MS = 4, NOT_STARTED = 127 };

static const char output_path[] = "/tmp/posix-output";

static long now_ms(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In the child: does not return. */
static void run_program(const char *path, char *name) {
    char *arguments[] = {name, NULL};
    int output = open(output_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
    int input = open("/dev/null", O_RDONLY);

    (void)setpgid(0, 0);
    if (input >= 0 && output >= 0) {
        (void)dup2(input, 0);
        (void)dup2(output, 1);
        (void)dup2(output, 2);
        (void)close(input);
        (void)close(output);
        (void)execv(path, arguments);
    }
    _exit(NOT_STARTED);
}

/* Waits for the child until the time is up, then kills it. Whether it ended by itself. */
static int wait_for(pid_t child, long limit_ms, int *status) {
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    long deadline = now_ms() + limit_ms;
    int in_time = 1;

    while (waitpid(child, status, WNOHANG) != child) {
        if (now_ms() >= deadline) {
            in_time = 0;
            (void)kill(-child, SIGKILL);
            (void)kill(child, SIGKILL);
            while (waitpid(child, status, 0) < 0 && errno == EINTR) {
            }
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(-child, SIGKILL); /* what it left behind */
    return in_time;
}

static void verdict_of(int in_time, int status, char *text, size_t size) {
    static const char *const names[] = {"PASS", "FAIL",        "UNRESOLVED",
                                        NULL,   "UNSUPPORTED", "UNTESTED"};
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

    if (!in_time) {
        (void)snprintf(text, size, "TIMEOUT");
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(text, size, "SIGNAL-%d", WTERMSIG(status));
    } else if (code == NOT_STARTED) {
        (void)snprintf(text, size, "NOSTART");
    } else if (code >= 0 && code < (int)(sizeof names / sizeof names[0]) && names[code] != NULL) {
        (void)snprintf(text, size, "%s", names[code]);
    } else {
        (void)snprintf(text, size, "STATUS-%d", code);
    }
}

/* The first lines of what the program printed. */
static void show_output(void) {
    char line[160];
    FILE *file = fopen(output_path, "r");

    for (int i = 0; file != NULL && i < OUTPUT_LINES && fgets(line, sizeof line, file) != NULL;
         i++) {
        line[strcspn(line, "\r\n")] = '\0';
        (void)printf("| %s\n", line);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void run_test(const char *folder, char *name, int index, long limit_ms) {
    char path[2 * NAME_BYTES], verdict[32];
    int status = 0;
    long begin = now_ms();

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)printf("posix run %d %s\n", index, name);
    (void)fflush(stdout);
    pid_t child = fork();

    if (child == 0) {
        run_program(path, name);
    }
    if (child < 0) {
        (void)snprintf(verdict, sizeof verdict, "NOSTART");
    } else {
        (void)setpgid(child, child); /* whoever of the two is first */
        int in_time = wait_for(child, limit_ms, &status);

        verdict_of(in_time, status, verdict, sizeof verdict);
    }
    if (strcmp(verdict, "PASS") != 0) {
        show_output();
    }
    (void)printf("posix result %s %s %ld\n", name, verdict, now_ms() - begin);
    (void)fflush(stdout);
}

int main(int argc, char **argv) {
    char line[NAME_BYTES];
    FILE *list = argc >= 4 ? fopen(argv[2], "r") : NULL;
    int first = argc >= 5 ? atoi(argv[4]) : 0;

    if (list == NULL || chdir("/tmp") != 0) {
        (void)fprintf(stderr, "usage: runner FOLDER LIST LIMIT_S [FIRST]\n");
        return 2;
    }
    for (int index = 0; fgets(line, sizeof line, list) != NULL; index++) {
        line[strcspn(line, "\n")] = '\0';
        if (index >= first && line[0] != '\0') {
            run_test(argv[1], line, index, atol(argv[3]) * 1000);
        }
    }
    (void)fclose(list);
    (void)printf("posix end\n");
    return 0;
}
