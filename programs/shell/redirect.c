/* SPDX-License-Identifier: MIT */
#include "programs/shell/redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/allocate.h"
#include "programs/common/report.h"

static void add(struct redirect_plan *plan, int source, int target, int owned) {
    if (plan->n == plan->capacity) {
        plan->capacity = plan->capacity == 0 ? 4 : plan->capacity * 2;
        plan->steps = checked_realloc(plan->steps, plan->capacity, sizeof *plan->steps);
    }
    plan->steps[plan->n++] =
        (struct redirect_step){.source = source, .target = target, .owned = owned, .saved = -1};
}

void redirect_add(struct redirect_plan *plan, int source, int target) {
    add(plan, source, target, 0);
}

int redirect_move_up(int fd) {
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, SHELL_FIRST_FD);
    int saved_errno = errno;

    close(fd);
    errno = saved_errno;
    return moved;
}

static int open_target(const struct redirect *redirect, const char *path) {
    static const int flags[] = {
        [REDIRECT_INPUT] = O_RDONLY,
        [REDIRECT_OUTPUT] = O_WRONLY | O_CREAT | O_TRUNC,
        [REDIRECT_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
    };
    int fd = -1;

    do {
        fd = open(path, flags[redirect->kind] | O_NOCTTY, 0666);
    } while (fd < 0 && errno == EINTR && !shell_interrupted);
    return fd < 0 ? fd : redirect_move_up(fd);
}

/* Will descriptor fd be open once the steps planned so far are done? */
static int is_open(const struct redirect_plan *plan, int fd) {
    for (size_t i = plan->n; i-- > 0;) {
        if (plan->steps[i].target == fd) {
            return plan->steps[i].source >= 0;
        }
    }
    return fcntl(fd, F_GETFD) >= 0;
}

static int prepare_duplicate(struct redirect_plan *plan, const struct redirect *redirect,
                             const char *target) {
    int source = *target - '0';

    if (strcmp(target, "-") == 0) {
        add(plan, -1, redirect->fd, 0);
        return 0;
    }
    if (source < 0 || source > 9 || target[1] != '\0') {
        report("%s: not a descriptor from 0 to 9", target);
        return -1;
    }
    if (!is_open(plan, source)) {
        errno = EBADF;
        report_errno(target);
        return -1;
    }
    add(plan, source, redirect->fd, 0);
    return 0;
}

static int prepare_one(struct redirect_plan *plan, struct shell *shell, struct arena *arena,
                       const struct redirect *redirect) {
    struct expander expander = shell_expander(shell);
    struct word word = {.text = redirect->target};
    struct fields fields = {0};
    const char *problem = expander_words(&expander, arena, &word, &fields);
    int fd = -1;

    if (problem != NULL) {
        report("%s", problem);
        return -1;
    }
    if (fields.n != 1) {
        report("%s: %s", redirect->target,
               fields.n == 0 ? "redirection to nothing" : "redirection to more than one file");
        return -1;
    }
    if (redirect->kind == REDIRECT_DUPLICATE) {
        return prepare_duplicate(plan, redirect, fields.items[0]);
    }
    fd = open_target(redirect, fields.items[0]);
    if (fd < 0) {
        report_errno(fields.items[0]);
        return -1;
    }
    add(plan, fd, redirect->fd, 1);
    return 0;
}

int redirect_prepare(struct redirect_plan *plan, struct shell *shell, struct arena *arena,
                     const struct redirect *redirects) {
    for (; redirects != NULL; redirects = redirects->next) {
        if (prepare_one(plan, shell, arena, redirects) != 0) {
            return -1;
        }
    }
    return 0;
}

int redirect_apply(struct redirect_plan *plan) {
    for (; plan->n_applied < plan->n; plan->n_applied++) {
        struct redirect_step *step = &plan->steps[plan->n_applied];

        if (step->source == step->target) {
            continue; /* both are below SHELL_FIRST_FD, so it is open and stays open on exec */
        }
        step->saved = fcntl(step->target, F_DUPFD_CLOEXEC, SHELL_FIRST_FD);
        if (step->saved < 0 && errno != EBADF) {
            report("redirection: %s", strerror(errno));
            return -1;
        }
        if (step->source < 0) {
            close(step->target);
        } else if (dup2(step->source, step->target) < 0) {
            report("redirection: %s", strerror(errno));
            close(step->saved);
            return -1;
        }
    }
    return 0;
}

void redirect_undo(struct redirect_plan *plan) {
    while (plan->n_applied > 0) {
        struct redirect_step *step = &plan->steps[--plan->n_applied];

        if (step->source == step->target) {
            continue;
        }
        if (step->saved >= 0) {
            dup2(step->saved, step->target);
            close(step->saved);
        } else {
            close(step->target);
        }
    }
}

void redirect_keep(struct redirect_plan *plan) {
    while (plan->n_applied > 0) {
        struct redirect_step *step = &plan->steps[--plan->n_applied];

        if (step->saved >= 0) {
            close(step->saved);
        }
    }
}

int redirect_add_actions(const struct redirect_plan *plan, posix_spawn_file_actions_t *actions) {
    for (size_t i = 0; i < plan->n; i++) {
        const struct redirect_step *step = &plan->steps[i];
        int error = 0;

        if (step->source < 0) {
            /* Closing what is closed already would be an error to some systems' posix_spawn. */
            if (fcntl(step->target, F_GETFD) >= 0) {
                error = posix_spawn_file_actions_addclose(actions, step->target);
            }
        } else if (step->source != step->target) {
            error = posix_spawn_file_actions_adddup2(actions, step->source, step->target);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

void redirect_release(struct redirect_plan *plan) {
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->steps[i].owned) {
            close(plan->steps[i].source);
        }
    }
    free(plan->steps);
    *plan = (struct redirect_plan){0};
}
