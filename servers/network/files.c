/* SPDX-License-Identifier: MIT */
#include "servers/network/files.h"

#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/text_file.h"
#include "lwip/dns.h"
#include "servers/network/connector.h"
#include "servers/network/folder.h"
#include "servers/network/sock.h"

/* ---- sockets ---- */

static const struct {
    const char *name;
    enum sock_kind kind;
    uint32_t family;
} socket_names[] = {
    {"tcp", SOCK_STREAM_KIND, SOCKET_FAMILY_IPV4},
    {"udp", SOCK_DATAGRAM_KIND, SOCKET_FAMILY_IPV4},
    {"tcp6", SOCK_STREAM_KIND, SOCKET_FAMILY_IPV6},
    {"udp6", SOCK_DATAGRAM_KIND, SOCKET_FAMILY_IPV6},
};

static status_t socket_open(struct request *request, uint32_t flags, const char *path,
                            uint32_t *kind, handle_t *gate) {
    for (size_t i = 0; i < ARRAY_SIZE(socket_names); i++) {
        if (!string_equal(path, socket_names[i].name)) {
            continue;
        }
        struct sock *sock =
            sock_create(socket_names[i].kind, socket_names[i].family, tag_login(request->tag));
        if (sock == NULL) {
            return ERROR_NO_MEMORY;
        }
        status_t status = sock->kind == SOCK_STREAM_KIND ? stream_operations.open(sock)
                                                         : datagram_operations.open(sock);
        sock->flags = flags & FILE_OPEN_NONBLOCK;
        *kind = FILE_MODE_SOCKET;
        status = status == OK ? sock_publish(sock, request->tag, gate) : status;
        if (status != OK) {
            sock_free(sock);
        }
        return status;
    }
    return ERROR_NOT_FOUND;
}

static uint32_t socket_mode(const char *path) {
    for (size_t i = 0; i < ARRAY_SIZE(socket_names); i++) {
        if (string_equal(path, socket_names[i].name)) {
            return FILE_MODE_SOCKET | 0666;
        }
    }
    return 0;
}

static const char *const socket_list[] = {"tcp", "udp", "tcp6", "udp6", NULL};
static const struct folder sockets = {
    .names = socket_list, .open = socket_open, .mode = socket_mode};

/* ---- /tcp/HOST/PORT ---- */

/* Hosts are directories, of which nobody has a list. */
static uint32_t tcp_mode(const char *path) {
    return strchr(path, '/') == NULL ? FILE_MODE_DIRECTORY | 0555 : FILE_MODE_SOCKET | 0666;
}

static status_t tcp_open(struct request *request, uint32_t flags, const char *path, uint32_t *kind,
                         handle_t *gate) {
    const char *slash = strchr(path, '/');
    char host[CONNECTOR_HOST_BYTES];
    uint64_t port;

    if (slash == NULL) {
        return ERROR_IS_DIRECTORY;
    }
    if ((flags & FILE_OPEN_DIRECTORY) != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    if (string_to_u64(slash + 1, 10, 1, UINT16_MAX, &port) != STRING_NUMBER_OK) {
        return ERROR_NOT_FOUND;
    }
    if (!string_copy_n(host, sizeof host, path, (size_t)(slash - path))) {
        return ERROR_NAME_TOO_LONG;
    }
    return connector_open(request, flags, host, (uint16_t)port, kind, gate);
}

static const char *const no_names[] = {NULL};
static const struct folder tcp = {
    .names = no_names, .open = tcp_open, .mode = tcp_mode, .cancelled = connector_cancelled};

/* ---- /etc/resolv.conf ---- */

static size_t resolver_text(char *text, size_t size, struct text_file_stat *stat) {
    size_t n = 0;
    bool has_server = false;

    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
        const ip_addr_t *server = dns_getserver(i);

        if (server != NULL && !ip_addr_isany(server)) {
            n += format_buffer(text + n, size - n, "nameserver %s\n", ipaddr_ntoa(server));
            has_server = true;
        }
    }
    /* Without a server musl asks this machine itself, where nobody answers: not for long then. */
    n += format_buffer(text + n, size - n, "%soptions timeout:%d attempts:2\n",
                       has_server ? "" : "# no name server is known\n", has_server ? 5 : 1);
    *stat = (struct text_file_stat){.device = DEVICE_NUMBER_NETWORK, .id = 1, .size = n};
    return n;
}

static status_t resolver_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                              uint32_t path_length, uint32_t target_length, uint32_t *kind,
                              uint32_t *matched, uint32_t *length, handle_t *file) {
    char text[256];
    struct text_file_stat stat;

    (void)context, (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    size_t n = resolver_text(text, sizeof text, &stat);
    return text_file_open(request, flags, text, n, &stat, kind, file);
}

static status_t resolver_stat(void *context, struct request *request, uint32_t flags,
                              uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                              uint32_t *length, handle_t *next) {
    char text[256];
    struct text_file_stat stat;

    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    size_t n = resolver_text(text, sizeof text, &stat);
    (void)n;
    return text_file_stat(request, &stat, stat_length);
}

static const struct file_handlers resolver_handlers = {.open = resolver_open,
                                                       .stat = resolver_stat};
static const struct server_protocol resolver_protocols[] = {FILE_SERVE(resolver_handlers),
                                                            {0, NULL, NULL}};
static const struct server_class resolver_class = {.protocols = resolver_protocols};

void files_start(struct server *server) {
    static int resolver; /* the object needs nothing but an address */

    folder_export(server, ROOT_SOCKETS, &sockets);
    folder_export(server, ROOT_TCP, &tcp);
    server_export(server, ROOT_RESOLVER, &resolver_class, &resolver);
}
