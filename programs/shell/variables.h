/* SPDX-License-Identifier: MIT */
/*
 * The shell's variables. Exported ones make up the environment of the programs it starts.
 */
#pragma once

#include <stddef.h>

struct variable {
    char *name;
    char *value; /* null: only marked for export, not set */
    int exported;
};

/* A zeroed struct is empty. */
struct variables {
    struct variable *items;
    size_t n;
    size_t capacity;
};

/* Takes over an environment: all its variables, exported. */
void variables_import(struct variables *variables, char *const *environment);

/* The value, or null if it is not set; valid until that variable is changed. */
const char *variables_get(const struct variables *variables, const char *name);

/* Sets it to a copy of value; whether it is exported stays as it is. */
void variables_set(struct variables *variables, const char *name, const char *value);

/* Marks it for export, whether it is set or not. */
void variables_export(struct variables *variables, const char *name);

/* Forgets value and mark. */
void variables_unset(struct variables *variables, const char *name);

/* The variable, or null; valid until the next change of any. */
struct variable *variables_find(const struct variables *variables, const char *name);

/* "NAME=value" for every exported variable that is set, then null. The caller frees it with
 * variables_free_environment. */
char **variables_environment(const struct variables *variables);
void variables_free_environment(char **environment);

void variables_free(struct variables *variables);
