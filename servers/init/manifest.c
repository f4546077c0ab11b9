/* SPDX-License-Identifier: MIT */
#include "servers/init/manifest.h"

#include "abi/kernel.h"
#include "lib/base/path.h"
#include "lib/base/string.h"

/* A line being parsed: the words that are left of it. */
struct line {
    const char *at;
    const char *end;
    struct manifest_error *error;
};

static bool fail(struct line *line, const char *text, const char *word, size_t length) {
    line->error->text = text;
    bool whole = string_copy_n(line->error->word, sizeof line->error->word, word, length);
    (void)whole; /* a cut word still shows what is meant */
    return false;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == ',';
}

/* Takes the next word; its length, 0 at the end of the line. Commas separate as blanks do. */
static size_t next_word(struct line *line, const char **word) {
    while (line->at < line->end && is_blank(*line->at)) {
        line->at++;
    }
    *word = line->at;
    while (line->at < line->end && !is_blank(*line->at)) {
        line->at++;
    }
    return (size_t)(line->at - *word);
}

static bool take_text(struct line *line, char *to, size_t size) {
    const char *word;
    size_t length = next_word(line, &word);

    if (length == 0) {
        return fail(line, "a word is missing", "", 0);
    }
    return string_copy_n(to, size, word, length) || fail(line, "too long", word, length);
}

static bool take_number(struct line *line, uint64_t min, uint64_t max, uint64_t *value) {
    const char *word;
    size_t length = next_word(line, &word);

    return string_to_u64_n(word, length, 0, min, max, value) == STRING_NUMBER_OK ||
           fail(line, "not a number in range", word, length);
}

static bool take_u32(struct line *line, uint64_t min, uint64_t max, uint32_t *value) {
    uint64_t wide;

    if (!take_number(line, min, max, &wide)) {
        return false;
    }
    *value = (uint32_t)wide;
    return true;
}

/* A number with one of the units; without one it counts `bare`. */
struct unit {
    const char *name;
    uint64_t factor;
};

static bool take_quantity(struct line *line, const struct unit *units, uint64_t max,
                          uint64_t *value) {
    const char *word;

    if (!take_number(line, 0, max, value)) {
        return false;
    }
    size_t length = next_word(line, &word);
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        if (string_equal_n(word, length, unit->name)) {
            return !u64_mul_overflows(*value, unit->factor, value) ||
                   fail(line, "too large", word, length);
        }
    }
    return fail(line, "not a unit known here", word, length);
}

static bool take_pages(struct line *line, uint64_t *pages) {
    static const struct unit units[] = {
        {"", PAGE_SIZE}, {"pages", PAGE_SIZE}, {"KiB", KiB}, {"MiB", MiB}, {NULL, 0}};

    if (!take_quantity(line, units, 1u << 30, pages)) {
        return false;
    }
    *pages = DIV_ROUND_UP(*pages, PAGE_SIZE);
    return true;
}

/* One of a list of words; *index is its place. */
static bool take_choice(struct line *line, const char *const *choices, uint32_t *index) {
    const char *word;
    size_t length = next_word(line, &word);

    for (uint32_t i = 0; choices[i] != NULL; i++) {
        if (string_equal_n(word, length, choices[i])) {
            *index = i;
            return true;
        }
    }
    return fail(line, "not a word known here", word, length);
}

static bool at_end(struct line *line) {
    const char *word;
    const char *before = line->at;
    size_t length = next_word(line, &word);

    line->at = before;
    return length == 0;
}

/* "service" or "service:root". */
static bool take_service(struct line *line, struct manifest_reference *reference) {
    char word[MANIFEST_NAME_BYTES + 4];
    uint64_t root = 0;

    if (!take_text(line, word, sizeof word)) {
        return false;
    }
    char *colon = strchr(word, ':');
    if (colon != NULL) {
        *colon = '\0';
        if (string_to_u64(colon + 1, 10, 0, 15, &root) != STRING_NUMBER_OK) {
            return fail(line, "not the number of a root", colon + 1, strlen(colon + 1));
        }
    }
    reference->root = (uint32_t)root;
    return string_copy(reference->service, sizeof reference->service, word) ||
           fail(line, "too long", word, strlen(word));
}

static bool take_path(struct line *line, char *path) {
    char normal[PATH_LENGTH_MAX];

    if (!take_text(line, path, MANIFEST_PATH_BYTES)) {
        return false;
    }
    return (path[0] == '/' && path_normalize(normal, "/", path) == PATH_OK &&
            string_equal(normal, path)) ||
           fail(line, "not an absolute path without ., .. and double slashes", path, strlen(path));
}

static struct manifest_reference *reference_add(struct line *line,
                                                struct manifest_references *references) {
    if (references->n == MANIFEST_NAMES_MAX) {
        bool failed = fail(line, "too many of this kind", "", 0);
        (void)failed;
        return NULL;
    }
    return &references->list[references->n++];
}

/* ---- one function per key ---- */

static bool key_program(struct line *line, struct manifest *manifest) {
    return take_path(line, manifest->program);
}

static bool key_arguments(struct line *line, struct manifest *manifest) {
    size_t length = (size_t)(line->end - line->at);
    const char *text = line->at;

    line->at = line->end;
    return string_copy_n(manifest->arguments, sizeof manifest->arguments, text, length) ||
           fail(line, "too long", text, length);
}

static bool key_level(struct line *line, struct manifest *manifest) {
    return take_u32(line, 0, MANIFEST_LEVEL_MAX, &manifest->level);
}

static bool key_priority(struct line *line, struct manifest *manifest) {
    return take_u32(line, 1, PRIORITY_MAX - 1, &manifest->priority); /* PRIORITY_MAX is init's */
}

static bool key_budget(struct line *line, struct manifest *manifest) {
    const char *before = line->at;
    const char *word;
    size_t length;

    /* "12 %": of the machine's memory. */
    (void)next_word(line, &word);
    length = next_word(line, &word);
    line->at = before;
    if (!string_equal_n(word, length, "%")) {
        return take_pages(line, &manifest->budget_pages);
    }
    bool taken = take_u32(line, 1, 90, &manifest->budget_percent);
    line->at = line->end;
    return taken;
}

static bool key_dma_limit(struct line *line, struct manifest *manifest) {
    return take_pages(line, &manifest->dma_pages);
}

static bool key_state(struct line *line, struct manifest *manifest) {
    return take_u32(line, 0, 1024, &manifest->state_pages);
}

static bool key_handles(struct line *line, struct manifest *manifest) {
    static const char *const names[] = {"system",  "system-log",   "identity",
                                        "archive", "control",      "system-info",
                                        "mounts",  "system-clock", NULL};
    uint32_t i;

    while (!at_end(line)) {
        if (!take_choice(line, names, &i)) {
            return false;
        }
        manifest->handles |= 1u << i;
    }
    return true;
}

static bool key_ports(struct line *line, struct manifest *manifest) {
    while (!at_end(line)) {
        struct manifest_ports *ports = &manifest->ports[manifest->n_ports];
        const char *word;
        size_t length = next_word(line, &word);
        const char *dash = memchr(word, '-', length);
        size_t first_length = dash == NULL ? length : (size_t)(dash - word);
        uint64_t first, last;

        if (manifest->n_ports == MANIFEST_NAMES_MAX) {
            return fail(line, "too many of this kind", word, length);
        }
        if (string_to_u64_n(word, first_length, 0, 0, 0xffff, &first) != STRING_NUMBER_OK) {
            return fail(line, "not a range of ports", word, length);
        }
        last = first;
        if (dash != NULL && string_to_u64_n(dash + 1, length - first_length - 1, 0, first, 0xffff,
                                            &last) != STRING_NUMBER_OK) {
            return fail(line, "not a range of ports", word, length);
        }
        *ports = (struct manifest_ports){(uint32_t)first, (uint32_t)(last - first + 1)};
        manifest->n_ports++;
    }
    return true;
}

/* "NAME ADDRESS SIZE" */
static bool key_memory(struct line *line, struct manifest *manifest) {
    struct manifest_memory *memory = &manifest->memories[manifest->n_memories];

    if (manifest->n_memories == MANIFEST_MEMORIES_MAX) {
        return fail(line, "too many of this kind", "", 0);
    }
    if (!take_text(line, memory->name, sizeof memory->name) ||
        !take_number(line, 0, UINT64_MAX, &memory->physical) ||
        !take_pages(line, &memory->n_pages)) {
        return false;
    }
    if (memory->physical % PAGE_SIZE != 0 || memory->n_pages == 0) {
        return fail(line, "not whole pages", memory->name, strlen(memory->name));
    }
    manifest->n_memories++;
    return true;
}

/* "4", "11 level low": numbers start a line's description, words refine it. */
static bool key_irqs(struct line *line, struct manifest *manifest) {
    static const char *const words[] = {"level", "low", "edge", "high", NULL};
    static const uint32_t flags[] = {IRQ_LEVEL, IRQ_ACTIVE_LOW, 0, 0};

    while (!at_end(line)) {
        if (manifest->n_irqs == MANIFEST_NAMES_MAX) {
            return fail(line, "too many of this kind", "", 0);
        }
        struct manifest_irq *irq = &manifest->irqs[manifest->n_irqs];

        irq->flags = 0;
        if (!take_u32(line, 0, 255, &irq->line)) {
            return false;
        }
        manifest->n_irqs++;
        while (!at_end(line) && line->at < line->end) {
            const char *before = line->at;
            const char *word;
            uint32_t i;

            if (next_word(line, &word) > 0 && *word >= '0' && *word <= '9') {
                line->at = before;
                break;
            }
            line->at = before;
            if (!take_choice(line, words, &i)) {
                return false;
            }
            irq->flags |= flags[i];
        }
    }
    return true;
}

static bool key_namespace(struct line *line, struct manifest *manifest) {
    struct manifest_reference *reference = reference_add(line, &manifest->namespace);

    return reference != NULL && take_path(line, reference->path) && take_service(line, reference);
}

/* A list of services, all on one line. */
static bool take_services(struct line *line, struct manifest_references *references) {
    while (!at_end(line)) {
        struct manifest_reference *reference = reference_add(line, references);

        if (reference == NULL || !take_service(line, reference)) {
            return false;
        }
    }
    return true;
}

static bool key_uses(struct line *line, struct manifest *manifest) {
    return take_services(line, &manifest->uses);
}

static bool key_needs(struct line *line, struct manifest *manifest) {
    return take_services(line, &manifest->needs);
}

/* "/path" or "/path:root". */
static bool key_serves(struct line *line, struct manifest *manifest) {
    struct manifest_reference *reference = reference_add(line, &manifest->serves);
    char word[MANIFEST_PATH_BYTES];
    uint64_t root = 0;

    if (reference == NULL || !take_text(line, word, sizeof word)) {
        return false;
    }
    char *colon = strchr(word, ':');
    if (colon != NULL) {
        *colon = '\0';
        if (string_to_u64(colon + 1, 10, 0, 15, &root) != STRING_NUMBER_OK) {
            return fail(line, "not the number of a root", colon + 1, strlen(colon + 1));
        }
    }
    struct line path = {word, word + strlen(word), line->error};

    reference->root = (uint32_t)root;
    return take_path(&path, reference->path) &&
           string_copy(reference->service, sizeof reference->service, manifest->name);
}

static bool key_phase(struct line *line, struct manifest *manifest) {
    static const char *const names[] = {"boot", "session", "run", "manual", NULL};
    uint32_t i;

    if (!take_choice(line, names, &i)) {
        return false;
    }
    manifest->phase = (enum manifest_phase)i;
    return true;
}

static bool key_restart(struct line *line, struct manifest *manifest) {
    static const char *const names[] = {"always", "failure", "never", NULL};
    uint32_t i;

    if (!take_choice(line, names, &i)) {
        return false;
    }
    manifest->restart = (enum manifest_restart)i;
    return true;
}

static bool key_heartbeat(struct line *line, struct manifest *manifest) {
    static const struct unit units[] = {{"ms", 1000000}, {"s", 1000000000}, {NULL, 0}};
    const char *before = line->at;
    const char *word;
    size_t length = next_word(line, &word);

    if (string_equal_n(word, length, "none")) {
        manifest->heartbeat_ns = 0;
        return true;
    }
    line->at = before;
    return take_quantity(line, units, 100000, &manifest->heartbeat_ns);
}

static const struct {
    const char *name;
    bool (*parse)(struct line *line, struct manifest *manifest);
} keys[] = {
    {"program", key_program},   {"arguments", key_arguments}, {"level", key_level},
    {"priority", key_priority}, {"budget", key_budget},       {"dma_limit", key_dma_limit},
    {"state", key_state},       {"handles", key_handles},     {"ports", key_ports},
    {"irqs", key_irqs},         {"namespace", key_namespace}, {"uses", key_uses},
    {"serves", key_serves},     {"needs", key_needs},         {"phase", key_phase},
    {"restart", key_restart},   {"heartbeat", key_heartbeat}, {"memory", key_memory},
};

static bool parse_line(struct line *line, struct manifest *manifest) {
    const char *word;
    size_t length = next_word(line, &word);

    if (length == 0) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (string_equal_n(word, length, keys[i].name)) {
            if (!keys[i].parse(line, manifest)) {
                return false;
            }
            length = next_word(line, &word);
            return length == 0 ||
                   fail(line, "something follows that has no place there", word, length);
        }
    }
    return fail(line, "no such key", word, length);
}

/* What is wrong with the manifest as a whole; NULL if nothing. */
static const char *check_whole(const struct manifest *manifest) {
    return manifest->program[0] == '\0' ? "no program"
           : manifest->priority == 0    ? "no priority"
           : manifest->level == 0       ? "no level (1 to 15; 0 is init's)"
           : manifest->budget_pages == 0 && manifest->budget_percent == 0 ? "no budget"
           : manifest->budget_pages == 0                                  ? NULL
           : manifest->dma_pages > manifest->budget_pages   ? "dma_limit exceeds the budget"
           : manifest->state_pages > manifest->budget_pages ? "state exceeds the budget"
                                                            : NULL;
}

bool manifest_parse(struct manifest *manifest, const char *name, const char *text, size_t size,
                    struct manifest_error *error) {
    const char *end = text + size;

    memset(manifest, 0, sizeof *manifest);
    memset(error, 0, sizeof *error);
    manifest->heartbeat_ns = 500000000;
    if (!string_copy(manifest->name, sizeof manifest->name, name)) {
        error->text = "the service's name is too long";
        return false;
    }
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline == NULL ? end : newline;
        const char *comment = memchr(text, '#', (size_t)(stop - text));
        struct line line = {text, comment == NULL ? stop : comment, error};

        error->line++;
        if (!parse_line(&line, manifest)) {
            return false;
        }
        text = newline == NULL ? end : newline + 1;
    }
    error->text = check_whole(manifest);
    error->line = 0;
    return error->text == NULL;
}

/* [book:may-call] */
bool manifest_may_call(const struct manifest *client, const struct manifest *server,
                       const char **text) {
    *text = server->level >= client->level        ? "its level is not below that of its client"
            : server->priority < client->priority ? "its priority is below that of its client"
                                                  : NULL;
    return *text == NULL;
}
/* [/book] */
