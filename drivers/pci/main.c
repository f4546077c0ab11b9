/* SPDX-License-Identifier: MIT */
/*
 * pci: finds all PCI functions once, at its start; shows them as the directory /pci, and hands them
 * to drivers. Its roots: 0 lists, the others may also claim what the arguments ROOT=RULE say.
 */
#include <stdlib.h>

#include "abi/generated/directory.h"
#include "drivers/pci/claims.h"
#include "drivers/pci/describe.h"
#include "lib/base/path.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/log.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/text_file.h"

enum { DIRECTORY_ID = FUNCTIONS_MAX + 1 };

/* An exported root, or the open directory /pci. */
struct root {
    struct claim_rule rule;
    bool may_claim;
    uint64_t next; /* of an open directory: the entry to list next */
};

static struct pci_function functions[FUNCTIONS_MAX];
static size_t n_functions;

static const struct server_class root_class;

/* ---- protocol pci ---- */

static status_t on_get(void *context, struct request *request, uint32_t index,
                       uint32_t function_length) {
    (void)context;
    if (index >= n_functions) {
        return ERROR_NOT_FOUND;
    }
    return request_write(request, 0, &functions[index],
                         MIN(function_length, (uint32_t)sizeof functions[index]));
}

static status_t on_claim(void *context, struct request *request, uint32_t vendor, uint32_t device,
                         uint32_t class, uint32_t from, uint32_t function_length, uint32_t *index,
                         handle_t *gate) {
    const struct root *root = context;
    const struct claim_rule wanted = {(uint16_t)vendor, (uint16_t)device, (uint16_t) class};

    if (!root->may_claim) {
        return ERROR_DENIED;
    }
    if ((vendor | device | class) > UINT16_MAX) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status = claims_claim(&root->rule, request, &wanted, from, index, gate);
    if (status != OK) {
        return status;
    }
    status = request_write(request, 0, &functions[*index],
                           MIN(function_length, (uint32_t)sizeof functions[*index]));
    if (status != OK) {
        status_t closed = sys_handle_close(*gate); /* gives the claim up, by CLOSED */
        (void)closed;
        *gate = HANDLE_NONE;
    }
    return status;
}

static const struct pci_handlers pci_handlers = {.get = on_get, .claim = on_claim};

/* ---- /pci ---- */

/* The function with this name; false: there is none. */
static bool find(const char *name, size_t *index) {
    char own[FUNCTION_NAME_BYTES];

    for (*index = 0; *index < n_functions; ++*index) {
        describe_name(&functions[*index], own);
        if (string_equal(own, name)) {
            return true;
        }
    }
    return false;
}

static size_t text_of(size_t index, char text[DESCRIBE_BYTES], struct text_file_stat *stat) {
    size_t length = describe(&functions[index], claims_has(index), text);

    *stat = (struct text_file_stat){.device = DEVICE_NUMBER_PCI, .id = index + 1, .size = length};
    return length;
}

static status_t directory_open(struct request *request, uint32_t flags, uint32_t *kind,
                               handle_t *gate) {
    if ((flags & (FILE_OPEN_WRITE | FILE_OPEN_TRUNCATE)) != 0) {
        return ERROR_IS_DIRECTORY;
    }
    struct root *directory = calloc(1, sizeof *directory); /* may not claim */
    if (directory == NULL) {
        return ERROR_NO_MEMORY;
    }
    *kind = FILE_MODE_DIRECTORY;
    status_t status =
        server_object_create(request->server, request->tag, &root_class, directory, gate);
    if (status != OK) {
        free(directory);
    }
    return status;
}

static void on_closed(struct server *server, void *object) {
    (void)server;
    free(object); /* roots are never closed */
}

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    char path[PATH_LENGTH_MAX], text[DESCRIBE_BYTES];
    struct text_file_stat stat;
    size_t index;
    status_t status = request_read_path(request, 0, path_length, path, sizeof path);

    (void)context, (void)mode, (void)target_length, (void)matched, (void)length;
    if (status != OK) {
        return status;
    }
    if (*path == '\0') {
        return directory_open(request, flags, kind, file);
    }
    if (!find(path, &index)) {
        return (flags & FILE_OPEN_CREATE) != 0 ? ERROR_READ_ONLY : ERROR_NOT_FOUND;
    }
    size_t n = text_of(index, text, &stat);
    return text_file_open(request, flags, text, n, &stat, kind, file);
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    char path[PATH_LENGTH_MAX], text[DESCRIBE_BYTES];
    const struct file_stat directory = {.device = DEVICE_NUMBER_PCI,
                                        .id = DIRECTORY_ID,
                                        .mode = FILE_MODE_DIRECTORY | 0555,
                                        .n_links = 2,
                                        .block_bytes = PAGE_SIZE};
    struct text_file_stat stat;
    size_t index;
    status_t status = request_read_path(request, 0, path_length, path, sizeof path);

    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    if (status != OK) {
        return status;
    }
    if (*path == '\0') {
        return request_write(request, 0, &directory, MIN(stat_length, (uint32_t)sizeof directory));
    }
    if (!find(path, &index)) {
        return ERROR_NOT_FOUND;
    }
    size_t n = text_of(index, text, &stat);
    (void)n;
    return text_file_stat(request, &stat, stat_length);
}

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    (void)context, (void)request, (void)offset, (void)data_length, (void)n;
    return ERROR_IS_DIRECTORY;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    struct root *directory = context;

    (void)request;
    if (offset < 0 || whence != FILE_SEEK_SET) {
        return ERROR_BAD_ARGUMENT;
    }
    directory->next = (uint64_t)offset;
    *position = directory->next;
    return OK;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    (void)context, (void)request, (void)mask, (void)value;
    *flags = FILE_OPEN_READ;
    return OK;
}

static const struct file_handlers file_handlers = {
    .open = on_open,
    .read = on_read,
    .seek = on_seek,
    .stat = on_stat,
    .set_flags = on_set_flags,
};

static status_t on_read_entries(void *context, struct request *request, uint64_t cookie,
                                uint32_t entries_length, uint64_t *bytes, uint64_t *next) {
    struct root *directory = context;
    bool is_current = cookie == FILE_OFFSET_CURRENT;
    status_t status = OK;

    *next = is_current ? directory->next : cookie;
    for (; *next < n_functions && status == OK; ++*next) {
        struct {
            struct directory_entry entry;
            char name_rest[FUNCTION_NAME_BYTES];
        } out = {.entry = {.id = *next + 1, .next = *next + 1, .kind = FILE_MODE_REGULAR >> 12}};
        char *name = (char *)&out + offsetof(struct directory_entry, name);

        describe_name(&functions[*next], name);
        size_t size =
            ALIGN_UP(offsetof(struct directory_entry, name) + strlen(name) + 1, (size_t)8);
        if (*bytes + size > entries_length) {
            status = *bytes == 0 ? ERROR_BAD_ARGUMENT : OK;
            break;
        }
        out.entry.length = (uint16_t)size;
        status = request_write(request, *bytes, &out, size);
        *bytes += size;
    }
    if (status == OK && is_current) {
        directory->next = *next;
    }
    return status;
}

static const struct directory_handlers directory_handlers = {.read = on_read_entries};

static const struct server_protocol root_protocols[] = {PCI_SERVE(pci_handlers),
                                                        FILE_SERVE(file_handlers),
                                                        DIRECTORY_SERVE(directory_handlers),
                                                        {0, NULL, NULL}};
static const struct server_class root_class = {.protocols = root_protocols, .closed = on_closed};

/* ---- start ---- */

static bool take_hex(const char *text, size_t length, uint16_t *value) {
    uint64_t wide;

    if (string_to_u64_n(text, length, 16, 0, UINT16_MAX, &wide) != STRING_NUMBER_OK) {
        return false;
    }
    *value = (uint16_t)wide;
    return true;
}

/* "2=10ec:8139" or "3=class:0200". False: it is neither. */
static bool rule_parse(const char *text, uint64_t *root, struct claim_rule *rule) {
    const char *equals = strchr(text, '=');
    const char *colon = strchr(text, ':');

    *rule = (struct claim_rule){PCI_ANY_ID, PCI_ANY_ID, PCI_ANY_ID};
    if (equals == NULL || colon == NULL || colon < equals ||
        string_to_u64_n(text, (size_t)(equals - text), 10, 1, SERVER_ROOTS_MAX - 1, root) !=
            STRING_NUMBER_OK) {
        return false;
    }
    if (string_equal_n(equals + 1, (size_t)(colon - equals - 1), "class")) {
        return take_hex(colon + 1, strlen(colon + 1), &rule->class);
    }
    return take_hex(equals + 1, (size_t)(colon - equals - 1), &rule->vendor) &&
           take_hex(colon + 1, strlen(colon + 1), &rule->device);
}

int main(int argc, char **argv) {
    static struct root roots[SERVER_ROOTS_MAX];
    struct server *server = server_start(&(struct server_options){.name = "pci"});
    uint64_t root;

    config_start(startup_handle(STARTUP_IOPORTS, NULL));
    n_functions = scan_all(functions);
    claims_start(server, functions, n_functions, startup_handle(STARTUP_SYSTEM, NULL));
    server_export(server, 0, &root_class, &roots[0]);
    for (int i = 1; i < argc; i++) {
        struct claim_rule rule;

        if (!rule_parse(argv[i], &root, &rule)) {
            log_write(LOG_ERROR, "not a rule: %s", argv[i]);
            continue;
        }
        roots[root].rule = rule;
        roots[root].may_claim = true;
        server_export(server, (unsigned)root, &root_class, &roots[root]);
    }
    log_write(LOG_INFO, "%zu functions", n_functions);
    server_run(server);
}
