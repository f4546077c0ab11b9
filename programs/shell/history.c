/* SPDX-License-Identifier: MIT */
#include "programs/shell/history.h"

#include <stdlib.h>
#include <string.h>

#include "programs/common/allocate.h"

void history_add(struct history *history, const char *line) {
    if (line[strspn(line, " \t\n")] == '\0' ||
        (history->n > 0 && strcmp(history->lines[history->n - 1], line) == 0)) {
        return;
    }
    if (history->lines == NULL) {
        history->lines = checked_realloc(NULL, HISTORY_LIMIT, sizeof *history->lines);
    }
    if (history->n == HISTORY_LIMIT) {
        free(history->lines[0]);
        history->n--;
        history->n_forgotten++;
        memmove(history->lines, history->lines + 1, history->n * sizeof *history->lines);
    }
    history->lines[history->n++] = checked_strdup(line);
}

void history_free(struct history *history) {
    for (size_t i = 0; i < history->n; i++) {
        free(history->lines[i]);
    }
    free(history->lines);
    *history = (struct history){0};
}
