/* SPDX-License-Identifier: MIT */
#include "lib/native/startup.h"

#include <sys/auxv.h>

#include "lib/base/string.h"

const struct startup_block *startup_block(void) {
    static const struct startup_block *block;

    if (block == NULL) {
        const struct startup_block *found = (const struct startup_block *)getauxval(AT_EURALIOS);

        if (found != NULL && found->magic == STARTUP_MAGIC &&
            u64_range_is_within(sizeof *found,
                                (uint64_t)found->n_entries * sizeof found->entries[0],
                                found->size)) {
            block = found;
        }
    }
    return block;
}

const struct startup_entry *startup_next(const struct startup_entry *after,
                                         enum startup_kind kind) {
    const struct startup_block *block = startup_block();

    if (block == NULL) {
        return NULL;
    }
    const struct startup_entry *end = &block->entries[block->n_entries];

    for (const struct startup_entry *entry = after == NULL ? block->entries : after + 1;
         entry < end; entry++) {
        if (entry->kind == kind) {
            return entry;
        }
    }
    return NULL;
}

const struct startup_entry *startup_find(enum startup_kind kind, const char *text) {
    const struct startup_entry *entry = startup_next(NULL, kind);

    while (entry != NULL && text != NULL && !string_equal(startup_text(entry), text)) {
        entry = startup_next(entry, kind);
    }
    return entry;
}

handle_t startup_handle(enum startup_kind kind, const char *text) {
    const struct startup_entry *entry = startup_find(kind, text);

    return entry == NULL ? HANDLE_NONE : entry->handle;
}

const char *startup_text(const struct startup_entry *entry) {
    const struct startup_block *block = startup_block();

    return entry->text == 0 || entry->text >= block->size ? "" : (const char *)block + entry->text;
}
