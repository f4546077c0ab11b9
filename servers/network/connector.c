/* SPDX-License-Identifier: MIT */
#include "servers/network/connector.h"

#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/time.h"
#include "lwip/dns.h"
#include "servers/network/sock.h"

enum {
    LIMIT_SECONDS = 30, /* for look-up and connection together */
    /* A name server that answers does so within lwIP's first tries: a failure after this time means
     * that none did. */
    DNS_SILENT_MS = 2500,
};

/*
 * One open under way. It lives until the request is answered and lwIP's look-up has called back,
 * which cannot be cancelled.
 */
struct connector {
    struct list_node node; /* in `connectors`, iff the request is not answered */
    handle_t saved;
    uint32_t tag;
    uint32_t flags;
    uint16_t port;
    bool is_looking_up;
    uint64_t begun_ns;
    uint64_t limit_ns;
    struct sock *sock; /* connecting */
    struct server_timer timer;
};

static struct list connectors = LIST_INITIALIZER(connectors);

static void connector_free(struct connector *connector) {
    if (!connector->is_looking_up && !list_is_linked(&connector->node)) {
        free(connector);
    }
}

static void finish(struct connector *connector, status_t status) {
    handle_t gate = HANDLE_NONE;

    list_remove(&connector->node);
    server_timer_stop(&connector->timer);
    if (connector->sock != NULL) {
        connector->sock->observer = NULL;
    }
    if (status == OK) {
        connector->sock->flags = connector->flags & FILE_OPEN_NONBLOCK;
        status = sock_publish(connector->sock, connector->tag, &gate);
    }
    if (status != OK && connector->sock != NULL) {
        sock_free(connector->sock);
    }
    connector->sock = NULL;
    file_answer_open(connector->saved, status, FILE_MODE_SOCKET, 0, 0, gate);
    connector_free(connector);
}

/* The socket changed, or the time is up. */
static void on_timer(struct server *server, struct server_timer *timer) {
    struct connector *connector = CONTAINER_OF(timer, struct connector, timer);
    struct sock *sock = connector->sock;

    if (sock != NULL && sock->state != SOCK_CONNECTING) {
        finish(connector, sock->state == SOCK_CONNECTED ? OK : sock->error);
    } else if (time_now_ns() >= connector->limit_ns) {
        finish(connector, ERROR_TIMEOUT);
    } else {
        server_timer_arm(server, timer, connector->limit_ns, on_timer);
    }
}

static void connect_to(struct connector *connector, const ip_addr_t *address) {
    status_t status = ERROR_NO_MEMORY;

    connector->sock =
        sock_create(SOCK_STREAM_KIND, IP_IS_V6(address) ? SOCKET_FAMILY_IPV6 : SOCKET_FAMILY_IPV4,
                    tag_login(connector->tag));
    if (connector->sock != NULL) {
        status = stream_operations.open(connector->sock);
    }
    if (status == OK) {
        status = stream_operations.connect(connector->sock, address, connector->port);
    }
    if (status != ERROR_IN_PROGRESS) {
        finish(connector, status);
        return;
    }
    connector->sock->observer = &connector->timer;
}

static void on_found(const char *name, const ip_addr_t *address, void *arg) {
    struct connector *connector = arg;

    (void)name;
    connector->is_looking_up = false;
    if (!list_is_linked(&connector->node)) {
        connector_free(connector); /* given up in the meantime */
    } else if (address != NULL) {
        connect_to(connector, address);
    } else {
        bool is_silent = time_now_ns() - connector->begun_ns > DNS_SILENT_MS * NS_PER_MS;

        finish(connector, is_silent ? ERROR_TIMEOUT : ERROR_HOST_NOT_FOUND);
    }
}

static bool has_name_server(void) {
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
        if (!ip_addr_isany(dns_getserver(i))) {
            return true;
        }
    }
    return false;
}

static void look_up(struct connector *connector, const char *host) {
    ip_addr_t address;

    if (string_equal(host, "localhost")) {
        ip_addr_set_loopback_val(0, address);
        connect_to(connector, &address);
        return;
    }
    connector->is_looking_up = true;
    err_t error = dns_gethostbyname(host, &address, on_found, connector);
    if (error == ERR_INPROGRESS && has_name_server()) {
        return;
    }
    connector->is_looking_up = error == ERR_INPROGRESS;
    if (error == ERR_OK) { /* a number, or known */
        connect_to(connector, &address);
    } else {
        finish(connector, error == ERR_ARG     ? ERROR_HOST_NOT_FOUND
                          : !has_name_server() ? ERROR_NETWORK_UNREACHABLE
                                               : status_from_lwip(error));
    }
}

status_t connector_open(struct request *request, uint32_t flags, const char *host, uint16_t port,
                        uint32_t *kind, handle_t *gate) {
    struct connector *connector = calloc(1, sizeof *connector);

    (void)kind, (void)gate;
    if (connector == NULL) {
        return ERROR_NO_MEMORY;
    }
    connector->tag = request->tag;
    connector->flags = flags;
    connector->port = port;
    connector->begun_ns = time_now_ns();
    connector->limit_ns = time_deadline(LIMIT_SECONDS * NS_PER_S);
    status_t status = request_save(request, (uint64_t)(uintptr_t)connector, &connector->saved);
    if (status != OK) {
        free(connector);
        return status == ERROR_NO_REPLY ? REQUEST_DEFERRED : status;
    }
    list_push_back(&connectors, &connector->node);
    server_timer_arm(request->server, &connector->timer, connector->limit_ns, on_timer);
    look_up(connector, host);
    return REQUEST_DEFERRED;
}

void connector_cancelled(uint64_t cookie) {
    struct connector *connector;

    LIST_FOR_EACH(connector, &connectors, node) {
        if ((uint64_t)(uintptr_t)connector == cookie) {
            finish(connector, ERROR_INTERRUPTED);
            return;
        }
    }
}
