/* SPDX-License-Identifier: MIT */
/*
 * servers/init/manifest.c: the input is the text of a manifest.
 *
 * Sources: servers/init/manifest.c
 */
#include "tests/fuzz/fuzz.h"

#include "servers/init/manifest.h"

static void fuzz_one(const uint8_t *data, size_t size) {
    static struct manifest manifest;
    struct manifest_error error;

    if (manifest_parse(&manifest, "fuzz", (const char *)data, size, &error)) {
        FUZZ_ASSERT(manifest.program[0] == '/' && manifest.level > 0 && manifest.budget_pages > 0);
        FUZZ_ASSERT(manifest.n_ports <= MANIFEST_NAMES_MAX &&
                    manifest.needs.n <= MANIFEST_NAMES_MAX);
    } else {
        FUZZ_ASSERT(error.text != NULL);
    }
}
