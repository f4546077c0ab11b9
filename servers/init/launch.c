/* SPDX-License-Identifier: MIT */
/* Making a service's process: everything that its manifest lists becomes an entry of its start
 * block, and nothing else. */
#include "abi/kernel.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server_state.h"
#include "lib/native/spawn.h"
#include "lib/native/syscall.h"
#include "servers/init/command_line.h"
#include "servers/init/service.h"

enum {
    ENTRIES_MAX = 160,
    ARGUMENTS_MAX = 24,
    OPTIONS_MAX = 4, /* $NAME among the arguments */
    OPTION_BYTES = 64,
};

/* The entries of one start; those marked SPAWN_MOVE are closed when it failed. */
struct launch {
    struct init *init;
    struct service *service;
    uint32_t n;
    struct spawn_entry entries[ENTRIES_MAX];
    char *arguments[ARGUMENTS_MAX + 1];
    char words[MANIFEST_PATH_BYTES + MANIFEST_ARGUMENTS_BYTES];
    char options[OPTIONS_MAX][OPTION_BYTES];
};

static status_t add(struct launch *launch, struct spawn_entry entry) {
    if (launch->n == ENTRIES_MAX) {
        return ERROR_TOO_MANY;
    }
    launch->entries[launch->n++] = entry;
    return OK;
}

status_t service_root(struct service *service, uint32_t root, handle_t *gate) {
    status_t status = OK;

    if (service->roots[root] == HANDLE_NONE) {
        status = sys_gate_create(service->endpoint, SERVER_ROOT_BADGE(root), &service->roots[root]);
    }
    *gate = service->roots[root];
    return status;
}

/* A gate to another service, under a name or a path. */
static status_t add_gate(struct launch *launch, enum startup_kind kind, const char *text,
                         struct service *target, uint32_t root) {
    struct spawn_entry entry = {
        .kind = kind, .rights = RIGHT_SEND | RIGHT_NOTIFY | RIGHT_COPY, .text = text};
    status_t status = service_root(target, root, &entry.handle);

    return status != OK ? status : add(launch, entry);
}

static status_t add_references(struct launch *launch, const struct manifest_references *references,
                               enum startup_kind kind) {
    status_t status = OK;

    for (uint32_t i = 0; i < references->n && status == OK; i++) {
        const struct manifest_reference *reference = &references->list[i];
        struct service *target = service_find(launch->init, reference->service);

        /* One that this system does not have (services_load said so) is left out: its client sees
         * that the name is missing. */
        if (target != NULL) {
            status = add_gate(launch, kind,
                              kind == STARTUP_NAMESPACE ? reference->path : reference->service,
                              target, reference->root);
        }
    }
    return status;
}

/* For names: everything that anybody serves. */
static status_t add_mounts(struct launch *launch) {
    status_t status = OK;

    for (uint32_t i = 0; i < launch->init->n_services && status == OK; i++) {
        struct service *target = &launch->init->services[i];

        for (uint32_t j = 0; j < target->manifest.serves.n && status == OK; j++) {
            const struct manifest_reference *serves = &target->manifest.serves.list[j];

            status = add_gate(launch, STARTUP_NAMESPACE, serves->path, target, serves->root);
        }
    }
    if (status == OK) {
        status = add(launch, (struct spawn_entry){.kind = STARTUP_NAMESPACE,
                                                  .handle = launch->init->control_gate,
                                                  .rights = RIGHT_SEND | RIGHT_COPY,
                                                  .text = "/dev/services"});
    }
    return status;
}

static status_t add_devices(struct launch *launch) {
    const struct manifest *manifest = &launch->service->manifest;
    status_t status = OK;

    for (uint32_t i = 0; i < manifest->n_ports && status == OK; i++) {
        struct spawn_entry entry = {.kind = STARTUP_IOPORTS,
                                    .rights = RIGHTS_ALL & ~(uint32_t)RIGHT_COPY,
                                    .number = manifest->ports[i].first,
                                    .flags = manifest->ports[i].n,
                                    .move = SPAWN_MOVE};
        status = sys_ioports_create(launch->init->system, (uint16_t)manifest->ports[i].first,
                                    manifest->ports[i].n, &entry.handle);
        status = status != OK ? status : add(launch, entry);
    }
    for (uint32_t i = 0; i < manifest->n_irqs && status == OK; i++) {
        struct spawn_entry entry = {.kind = STARTUP_IRQ,
                                    .rights = RIGHTS_ALL & ~(uint32_t)RIGHT_COPY,
                                    .number = manifest->irqs[i].line,
                                    .move = SPAWN_MOVE};
        status = sys_irq_create(launch->init->system, manifest->irqs[i].line,
                                manifest->irqs[i].flags, &entry.handle);
        status = status != OK ? status : add(launch, entry);
    }
    for (uint32_t i = 0; i < manifest->n_memories && status == OK; i++) {
        struct spawn_entry entry = {.kind = STARTUP_MEMORY,
                                    .rights = RIGHTS_ALL & ~(uint32_t)RIGHT_COPY,
                                    .number = (uint32_t)manifest->memories[i].n_pages,
                                    .text = manifest->memories[i].name,
                                    .move = SPAWN_MOVE};
        status = sys_memory_create_device(launch->init->system, manifest->memories[i].physical,
                                          manifest->memories[i].n_pages, 0, &entry.handle);
        status = status != OK ? status : add(launch, entry);
    }
    if (manifest->dma_pages != 0 && status == OK) {
        struct spawn_entry entry = {.kind = STARTUP_DMA,
                                    .rights = RIGHT_MANAGE | RIGHT_WRITE,
                                    .number = (uint32_t)manifest->dma_pages,
                                    .move = SPAWN_MOVE};
        /* One page more for the objects themselves. */
        status = sys_budget_create(launch->service->budget, manifest->dma_pages + 1, &entry.handle);
        status = status != OK ? status : add(launch, entry);
    }
    return status;
}

static status_t add_powers(struct launch *launch) {
    const struct init *init = launch->init;
    const struct {
        uint32_t bit;
        struct spawn_entry entry;
    } powers[] = {
        {MANIFEST_SYSTEM, {.kind = STARTUP_SYSTEM, .handle = init->system, .rights = RIGHTS_ALL}},
        {MANIFEST_SYSTEM_LOG,
         {.kind = STARTUP_SYSTEM, .handle = init->system, .rights = RIGHT_READ | RIGHT_WRITE}},
        {MANIFEST_SYSTEM_INFO,
         {.kind = STARTUP_SYSTEM, .handle = init->system, .rights = RIGHT_READ}},
        {MANIFEST_SYSTEM_CLOCK,
         {.kind = STARTUP_SYSTEM, .handle = init->system, .rights = RIGHT_EXECUTE}},
        {MANIFEST_IDENTITY,
         {.kind = STARTUP_IDENTITY, .handle = init->identity, .rights = RIGHTS_ALL}},
        {MANIFEST_ARCHIVE,
         {.kind = STARTUP_MEMORY,
          .handle = init->archive,
          .rights = RIGHTS_ALL,
          .text = "archive"}},
        {MANIFEST_CONTROL,
         {.kind = STARTUP_GATE,
          .handle = init->control_gate,
          .rights = RIGHT_SEND | RIGHT_COPY,
          .text = "services"}},
    };
    status_t status = OK;

    for (size_t i = 0; i < ARRAY_SIZE(powers) && status == OK; i++) {
        if ((launch->service->manifest.handles & powers[i].bit) != 0) {
            status = add(launch, powers[i].entry);
        }
    }
    return status;
}

static status_t add_own(struct launch *launch) {
    struct service *service = launch->service;
    status_t status = add(launch, (struct spawn_entry){.kind = STARTUP_ENDPOINT,
                                                       .handle = service->endpoint,
                                                       .rights = RIGHTS_ALL & ~(uint32_t)RIGHT_COPY,
                                                       .number = service->incarnation,
                                                       .text = service->manifest.name});
    if (status == OK) {
        status = add(launch, (struct spawn_entry){.kind = STARTUP_GATE,
                                                  .handle = service->notes,
                                                  .rights = RIGHT_NOTIFY,
                                                  .text = "init"});
    }
    if (status == OK && service->state_memory != HANDLE_NONE) {
        status = add(launch, (struct spawn_entry){.kind = STARTUP_MEMORY,
                                                  .handle = service->state_memory,
                                                  .rights = RIGHTS_ALL,
                                                  .number = service->manifest.state_pages,
                                                  .text = "state"});
    }
    return status;
}

static status_t add_all(struct launch *launch) {
    const struct manifest *manifest = &launch->service->manifest;
    struct service *log = service_find(launch->init, "log");
    status_t status = add_own(launch);

    if (status == OK && log != NULL && log != launch->service) {
        status = add_gate(launch, STARTUP_GATE, "log", log, 0);
    }
    status = status != OK ? status : add_references(launch, &manifest->uses, STARTUP_GATE);
    status =
        status != OK ? status : add_references(launch, &manifest->namespace, STARTUP_NAMESPACE);
    if (status == OK && (manifest->handles & MANIFEST_MOUNTS) != 0) {
        status = add_mounts(launch);
    }
    status = status != OK ? status : add_powers(launch);
    return status != OK ? status : add_devices(launch);
}

/* Puts the value of an option of the kernel's command line in the place of $NAME; false: it has
 * none. */
static bool take_option(struct launch *launch, char **word, uint32_t *n_options) {
    if (*n_options == OPTIONS_MAX ||
        !command_line_option(launch->init->command_line, *word + 1, launch->options[*n_options],
                             OPTION_BYTES)) {
        return false;
    }
    *word = launch->options[(*n_options)++];
    return true;
}

/*
 * argv: the service's name, the words of `arguments`, and for phase run the command. A word $NAME
 * stands for what the kernel's command line has as NAME=, and is left out without that.
 */
static void split_arguments(struct launch *launch) {
    const struct manifest *manifest = &launch->service->manifest;
    uint32_t n = 0, n_options = 0;
    bool fits = string_copy(launch->words, sizeof launch->words, manifest->arguments);
    char *at = launch->words;

    (void)fits; /* both are limited by the manifest's own arrays */
    launch->arguments[n++] = launch->service->manifest.name;
    while (n < ARGUMENTS_MAX - 1) {
        while (*at == ' ' || *at == '\t' || *at == '\r') {
            at++;
        }
        if (*at == '\0') {
            break;
        }
        char *word = at;

        while (*at != '\0' && *at != ' ' && *at != '\t' && *at != '\r') {
            at++;
        }
        if (*at != '\0') {
            *at++ = '\0';
        }
        if (*word != '$' || take_option(launch, &word, &n_options)) {
            launch->arguments[n++] = word;
        }
    }
    if (manifest->phase == PHASE_RUN && launch->init->command != NULL) {
        launch->arguments[n++] =
            (char *)(uintptr_t)launch->init->command; /* argv is not const in C, and not changed */
    }
    launch->arguments[n] = NULL;
}

/* Takes back what was made for this start only. */
static void launch_undo(struct launch *launch) {
    for (uint32_t i = 0; i < launch->n; i++) {
        if (launch->entries[i].move == SPAWN_MOVE) {
            server_handle_close(launch->entries[i].handle);
        }
    }
    if (launch->service->budget != HANDLE_NONE && launch->service->manifest.phase == PHASE_BOOT) {
        server_handle_close(launch->service->budget);
        launch->service->budget = HANDLE_NONE;
    }
}

static status_t launch_process(struct launch *launch) {
    struct service *service = launch->service;
    struct spawn_prepared prepared;
    struct spawn_args args = {
        .source = {.image = service->program.data,
                   .image_bytes = service->program.size,
                   .memory = launch->init->archive,
                   .memory_offset = service->program.offset},
        .name = service->manifest.name,
        .argv = launch->arguments,
        .entries = launch->entries,
        .n_entries = launch->n,
        .budget = service->budget,
        .flags = SPAWN_SELF,
    };
    status_t status = spawn_prepare(&args, &prepared);

    if (status != OK) {
        return status;
    }
    launch->n = 0; /* what was to move has moved */
    status = sys_process_control(prepared.process, PROCESS_SET_PRIORITY, service->manifest.priority,
                                 0, NULL);
    if (status == OK) {
        status = sys_process_watch(prepared.process, service->notes, NOTE_EXIT);
    }
    if (status == OK) {
        status = sys_process_start(prepared.process, prepared.entry, prepared.stack, 0);
    }
    if (status != OK) {
        status_t killed = sys_process_kill(prepared.process, 0); /* it holds itself */
        (void)killed;
        server_handle_close(prepared.process);
        return status;
    }
    service->process = prepared.process;
    return OK;
}

/*
 * What the manifest asks for; but a session, which only says how much it may use at the most, gets
 * no more than three quarters of what is left, so that small machines have sessions too, and
 * services room to be started anew. It keeps what it got over restarts (see process_gone).
 */
static status_t make_budget(struct init *init, struct service *service) {
    const struct manifest *manifest = &service->manifest;
    uint64_t n_pages = manifest->budget_pages;
    struct handle_info info;

    if (service->budget != HANDLE_NONE) {
        return OK; /* that of its last run */
    }
    if (manifest->phase != PHASE_BOOT && sys_handle_info(init->budget, &info) == OK) {
        n_pages = MIN(n_pages, (info.budget.limit - info.budget.used) / 4 * 3);
    }
    return sys_budget_create(init->budget, n_pages, &service->budget);
}

status_t service_launch(struct init *init, struct service *service) {
    static struct launch launch; /* large; init has one thread */

    launch.init = init;
    launch.service = service;
    launch.n = 0;
    service->incarnation++;
    split_arguments(&launch);
    status_t status = make_budget(init, service);
    if (status == OK) {
        status = add_all(&launch);
    }
    if (status == OK) {
        status = launch_process(&launch);
    }
    if (status != OK) {
        launch_undo(&launch);
    }
    return status;
}
