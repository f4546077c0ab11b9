/* SPDX-License-Identifier: MIT */
#include "lib/native/error.h"

struct error_entry {
    const char *name;
    const char *text;
};

static const struct error_entry errors[] = {
#define ERROR(number, symbol, words) [number] = {#symbol, words},
#include "abi/errors.def"
#undef ERROR
};

static const struct error_entry *error_find(status_t status) {
    size_t i = (size_t)(-(int64_t)status);

    return status < 0 && i < ARRAY_SIZE(errors) && errors[i].name != NULL ? &errors[i] : NULL;
}

const char *status_text(status_t status) {
    const struct error_entry *entry = error_find(status);

    return status == OK ? "no error" : entry == NULL ? "unknown error" : entry->text;
}

const char *status_name(status_t status) {
    const struct error_entry *entry = error_find(status);

    return status == OK ? "OK" : entry == NULL ? "?" : entry->name;
}
