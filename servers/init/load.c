/* SPDX-License-Identifier: MIT */
/* From manifests to services: parsing, the rules between them, and what each service has for life.
 */
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server_state.h"
#include "lib/native/syscall.h"
#include "servers/init/service.h"

static const char manifest_folder[] = "/etc/services";
static const char manifest_suffix[] = ".manifest";

static void refuse(struct service *service, const char *why, const char *whom) {
    log_write(LOG_ERROR, "%s/%s%s: %s%s%s; not started", manifest_folder, service->manifest.name,
              manifest_suffix, why, *whom == '\0' ? "" : ": ", whom);
    service->state = STATE_REFUSED;
}

static void on_notified(struct server *server, void *object, uint64_t bits);
static const struct server_class notes_class = {.notified = on_notified};
static struct init *the_init; /* callbacks get the service only */

static void on_notified(struct server *server, void *object, uint64_t bits) {
    (void)server;
    service_notified(the_init, object, bits);
}

/* What lives as long as init: the endpoint, our gate to it, the gate for its notes, its state. */
static status_t make_objects(struct init *init, struct service *service) {
    status_t status = sys_endpoint_create(&service->endpoint);

    if (status == OK) {
        status = sys_gate_create(service->endpoint, SERVER_CONTROL_BADGE, &service->control);
    }
    if (status == OK) {
        status = server_notification_gate(init->server, &notes_class, service, &service->notes);
    }
    if (status == OK && service->manifest.state_pages > 0) {
        status = sys_memory_create(service->manifest.state_pages, 0, 0, HANDLE_NONE,
                                   &service->state_memory);
    }
    return status;
}

static void load_one(void *context, const char *file_name, const struct archive_file *file) {
    struct init *init = context;
    struct service *service = &init->services[init->n_services];
    struct manifest_error error = {.text = "the service's name is too long"};
    char name[MANIFEST_NAME_BYTES * 2];

    if (!string_ends_with(file_name, manifest_suffix)) {
        return;
    }
    if (init->n_services == SERVICES_MAX) {
        log_write(LOG_ERROR, "%s/%s: more than %d services", manifest_folder, file_name,
                  SERVICES_MAX);
        return;
    }
    if (!string_copy_n(name, sizeof name, file_name, strlen(file_name) - strlen(manifest_suffix)) ||
        !manifest_parse(&service->manifest, name, (const char *)file->data, file->size, &error)) {
        log_write(LOG_ERROR, "%s/%s:%u: %s%s%s; not started", manifest_folder, file_name,
                  error.line, error.text, error.word[0] == '\0' ? "" : ": ", error.word);
        return;
    }
    if (service->manifest.budget_percent != 0) {
        service->manifest.budget_pages =
            init->memory_pages * service->manifest.budget_percent / 100;
    }
    init->n_services++;
    /* Those that are refused have these too: others' manifests name them, and are told so. */
    status_t status = make_objects(init, service);
    if (status != OK) {
        refuse(service, status_text(status), "");
    } else if (!archive_find(&init->files, service->manifest.program, &service->program)) {
        refuse(service, "the boot archive has no such program", service->manifest.program);
    }
}

/* ---- the rules between services ---- */

/* Checks the gates that a manifest asks for against the rules of levels and priorities. */
static void check_gates(struct init *init, struct service *client,
                        const struct manifest_references *references) {
    for (uint32_t i = 0; i < references->n; i++) {
        const char *name = references->list[i].service;
        const struct service *server = service_find(init, name);
        const char *why;

        if (server == NULL) {
            log_write(LOG_WARNING, "%s: there is no service %s", client->manifest.name, name);
        } else if (!manifest_may_call(&client->manifest, &server->manifest, &why)) {
            refuse(client, why, name);
        }
    }
}

/* Who has the shared namespace can call whatever is mounted in it. */
static void check_mounts(struct init *init, struct service *client) {
    bool has_names = false;

    for (uint32_t i = 0; i < client->manifest.namespace.n; i++) {
        const struct service *server =
            service_find(init, client->manifest.namespace.list[i].service);

        has_names |= server != NULL && (server->manifest.handles & MANIFEST_MOUNTS) != 0;
    }
    for (uint32_t i = 0; has_names && i < init->n_services; i++) {
        const struct service *server = &init->services[i];
        const char *why;

        if (server->manifest.serves.n > 0 && server != client &&
            !manifest_may_call(&client->manifest, &server->manifest, &why)) {
            refuse(client, why, server->manifest.name);
        }
    }
}

static void check_needs(struct init *init, struct service *service) {
    for (uint32_t i = 0; i < service->manifest.needs.n; i++) {
        const char *name = service->manifest.needs.list[i].service;
        struct service *needed = service_find(init, name);

        if (needed == NULL) {
            refuse(service, "it needs a service that is not there", name);
        } else {
            service->is_needed[needed - init->services] = true;
        }
    }
}

/* Does starting `service` wait, through needs, for `goal`? Visits each service once. */
static bool waits_for(const struct init *init, const struct service *service,
                      const struct service *goal, bool *visited) {
    for (uint32_t i = 0; i < init->n_services; i++) {
        const struct service *needed = &init->services[i];

        if (!service->is_needed[i] || visited[i]) {
            continue;
        }
        visited[i] = true;
        if (needed == goal || waits_for(init, needed, goal, visited)) {
            return true;
        }
    }
    return false;
}

void services_load(struct init *init) {
    struct handle_info info;

    the_init = init;
    init->memory_pages = sys_handle_info(init->budget, &info) == OK ? info.budget.limit : 0;
    archive_list(&init->files, manifest_folder, load_one, init);
    for (uint32_t i = 0; i < init->n_services; i++) {
        struct service *service = &init->services[i];

        check_needs(init, service);
        check_gates(init, service, &service->manifest.namespace);
        check_gates(init, service, &service->manifest.uses);
        check_mounts(init, service);
    }
    for (uint32_t i = 0; i < init->n_services; i++) {
        bool visited[SERVICES_MAX] = {false};

        if (waits_for(init, &init->services[i], &init->services[i], visited)) {
            refuse(&init->services[i], "its needs lead back to itself", "");
        }
    }
}
