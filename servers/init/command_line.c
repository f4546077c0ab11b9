/* SPDX-License-Identifier: MIT */
#include "servers/init/command_line.h"

#include "lib/base/string.h"

/* The first word that begins with prefix, which is name and '='; NULL if there is none. */
static const char *find_word(const char *line, const char *name) {
    size_t length = strlen(name);

    while (line != NULL && *line != '\0') {
        if (strncmp(line, name, length) == 0 && line[length] == '=') {
            return line;
        }
        if (string_starts_with(line, "run=")) {
            return NULL; /* what follows is the command */
        }
        while (*line != '\0' && *line != ' ') {
            line++;
        }
        while (*line == ' ') {
            line++;
        }
    }
    return NULL;
}

const char *command_line_command(const char *line) {
    const char *word = find_word(line, "run");

    return word == NULL ? NULL : word + strlen("run=");
}

bool command_line_option(const char *line, const char *name, char *to, size_t size) {
    const char *word = find_word(line, name);

    if (word == NULL) {
        return false;
    }
    const char *value = word + strlen(name) + 1;
    size_t length = 0;

    while (value[length] != '\0' && value[length] != ' ') {
        length++;
    }
    return string_copy_n(to, size, value, length);
}
