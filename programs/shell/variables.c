/* SPDX-License-Identifier: MIT */
#include "programs/shell/variables.h"

#include <stdlib.h>
#include <string.h>

#include "programs/common/allocate.h"
#include "programs/common/text.h"

struct variable *variables_find(const struct variables *variables, const char *name) {
    for (size_t i = 0; i < variables->n; i++) {
        if (strcmp(variables->items[i].name, name) == 0) {
            return &variables->items[i];
        }
    }
    return NULL;
}

static struct variable *find_or_add(struct variables *variables, const char *name) {
    struct variable *found = variables_find(variables, name);

    if (found != NULL) {
        return found;
    }
    if (variables->n == variables->capacity) {
        variables->capacity = variables->capacity == 0 ? 32 : variables->capacity * 2;
        variables->items =
            checked_realloc(variables->items, variables->capacity, sizeof *variables->items);
    }
    found = &variables->items[variables->n++];
    *found = (struct variable){.name = checked_strdup(name)};
    return found;
}

void variables_import(struct variables *variables, char *const *environment) {
    for (; environment != NULL && *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');

        if (equals != NULL && equals != *environment) {
            char *name = checked_strndup(*environment, (size_t)(equals - *environment));

            variables_set(variables, name, equals + 1);
            variables_export(variables, name);
            free(name);
        }
    }
}

const char *variables_get(const struct variables *variables, const char *name) {
    const struct variable *found = variables_find(variables, name);

    return found == NULL ? NULL : found->value;
}

void variables_set(struct variables *variables, const char *name, const char *value) {
    struct variable *variable = find_or_add(variables, name);
    char *copy = checked_strdup(value); /* first: the value may be the variable's own */

    free(variable->value);
    variable->value = copy;
}

void variables_export(struct variables *variables, const char *name) {
    find_or_add(variables, name)->exported = 1;
}

void variables_unset(struct variables *variables, const char *name) {
    struct variable *found = variables_find(variables, name);

    if (found != NULL) {
        free(found->name);
        free(found->value);
        *found = variables->items[--variables->n];
    }
}

char **variables_environment(const struct variables *variables) {
    char **environment = checked_realloc(NULL, variables->n + 1, sizeof *environment);
    size_t n = 0;

    for (size_t i = 0; i < variables->n; i++) {
        const struct variable *variable = &variables->items[i];

        if (variable->exported && variable->value != NULL) {
            struct text entry = {0};

            text_append_string(&entry, variable->name);
            text_append_byte(&entry, '=');
            text_append_string(&entry, variable->value);
            environment[n++] = entry.bytes;
        }
    }
    environment[n] = NULL;
    return environment;
}

void variables_free_environment(char **environment) {
    for (size_t i = 0; environment[i] != NULL; i++) {
        free(environment[i]);
    }
    free(environment);
}

void variables_free(struct variables *variables) {
    for (size_t i = 0; i < variables->n; i++) {
        free(variables->items[i].name);
        free(variables->items[i].value);
    }
    free(variables->items);
    *variables = (struct variables){0};
}
