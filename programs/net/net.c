/* SPDX-License-Identifier: MIT */
/*
 * net: the state of the network: card, addresses, lease, routes; counters and connections on
 * demand. Asks the net server through /dev/net (protocol network).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/native/error.h"
#include "programs/common/network.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "net [-ac]\n"
                           "Shows the network card, addresses, lease and routes.\n"
                           "  -a  connections and open sockets too\n"
                           "  -c  counters of the protocols too";

enum { CONNECTIONS_AT_ONCE = 16, KIND_STREAM = 1 };

static _Noreturn void fail(status_t status) {
    report("%s: %s", NETWORK_CONTROL, status_text(status));
    report_exit(1);
}

static void show_address(const char *what, uint32_t address) {
    char text[NETWORK_ADDRESS_SIZE];

    printf("%-12s %s\n", what, network_address_text(address, text));
}

static void show_card(const struct network_state *state) {
    const uint8_t *a = state->hardware;

    if (state->driver[0] == '\0') {
        printf("%-12s none, or its driver does not answer\n", "card");
        return;
    }
    printf("%-12s %.*s, %02x:%02x:%02x:%02x:%02x:%02x, ", "card", (int)sizeof state->driver,
           state->driver, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (state->link == 0) {
        printf("link down\n");
    } else {
        printf("link up, %" PRIu32 " Mbit/s\n", state->megabits);
    }
    printf("%-12s %" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64 " errors, %" PRIu64 " dropped\n",
           "received", state->received, state->received_bytes, state->receive_errors,
           state->receive_dropped);
    printf("%-12s %" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64 " errors\n", "sent", state->sent,
           state->sent_bytes, state->send_errors);
    if (state->reattached != 0 || state->resets != 0) {
        printf("%-12s %" PRIu32 " times, card reset %" PRIu64 " times\n", "restarted",
               state->reattached, state->resets);
    }
}

static void show_lease(const struct network_state *state) {
    static const char *const states[] = {"off", "asking, no answer yet", "bound", "renewing"};
    char server[NETWORK_ADDRESS_SIZE];

    printf("%-12s %s", "lease", state->dhcp < 4 ? states[state->dhcp] : "?");
    if (state->dhcp >= NETWORK_DHCP_BOUND) {
        printf(", from %s, %" PRIu32 " s, renewed in %" PRIu32 " s, ends in %" PRIu32 " s",
               network_address_text(state->dhcp_server, server), state->lease_seconds,
               state->renew_in_seconds, state->expires_in_seconds);
    }
    printf("\n");
}

static unsigned mask_bits(uint32_t mask) {
    return mask == 0 ? 0 : 32 - (unsigned)__builtin_ctz(mask);
}

static void show_addresses(const struct network_state *state) {
    char address[NETWORK_ADDRESS_SIZE];
    uint64_t h = state->link_local_high, l = state->link_local_low;

    if (state->address == 0) {
        printf("%-12s none\n", "address");
    } else {
        printf("%-12s %s/%u\n", "address", network_address_text(state->address, address),
               mask_bits(state->mask));
    }
    if (h != 0) {
        printf("%-12s %x:%x:%x:%x:%x:%x:%x:%x/64\n", "address", (unsigned)(h >> 48),
               (unsigned)(h >> 32 & 0xffff), (unsigned)(h >> 16 & 0xffff), (unsigned)(h & 0xffff),
               (unsigned)(l >> 48), (unsigned)(l >> 32 & 0xffff), (unsigned)(l >> 16 & 0xffff),
               (unsigned)(l & 0xffff));
    }
    show_lease(state);
    for (size_t i = 0; i < sizeof state->name_servers / sizeof state->name_servers[0]; i++) {
        if (state->name_servers[i] != 0) {
            show_address("name server", state->name_servers[i]);
        }
    }
}

static void show_routes(const struct network_state *state) {
    char address[NETWORK_ADDRESS_SIZE];

    printf("%-12s 127.0.0.0/8 here\n", "route");
    if (state->address != 0) {
        printf("%-12s %s/%u direct\n", "route",
               network_address_text(state->address & state->mask, address), mask_bits(state->mask));
    }
    if (state->gateway != 0) {
        printf("%-12s default via %s\n", "route", network_address_text(state->gateway, address));
    }
}

static void show_counters(handle_t control) {
    static const char *const names[NETWORK_N_LAYERS] = {"arp", "ip", "icmp", "udp", "tcp"};
    struct network_counters layers[NETWORK_N_LAYERS];
    uint32_t n = 0;
    status_t status = network_get_counters(control, 0, layers, sizeof layers, &n, DEADLINE_NEVER);

    if (status != OK) {
        fail(status);
    }
    printf("\nLAYER        SENT   RECEIVED DROPPED CHECKSUM LENGTH MEMORY ROUTE OTHER\n");
    for (uint32_t i = 0; i < n && i < NETWORK_N_LAYERS; i++) {
        const struct network_counters *c = &layers[i];

        printf("%-5s %11" PRIu64 " %10" PRIu64 " %7" PRIu64 " %8" PRIu64 " %6" PRIu64 " %6" PRIu64
               " %5" PRIu64 " %5" PRIu64 "\n",
               names[i], c->sent, c->received, c->dropped, c->bad_checksum, c->bad_length,
               c->no_memory, c->no_route, c->bad_protocol + c->other_errors);
    }
}

static void show_connection(const struct network_connection *connection) {
    static const char *const states[] = {"closed",      "listen",     "syn-sent",   "syn-received",
                                         "established", "fin-wait-1", "fin-wait-2", "close-wait",
                                         "closing",     "last-ack",   "time-wait"};
    bool is_stream = connection->kind == KIND_STREAM;
    char own[NETWORK_ADDRESS_SIZE], peer[NETWORK_ADDRESS_SIZE];
    char own_text[NETWORK_ADDRESS_SIZE + 8], peer_text[NETWORK_ADDRESS_SIZE + 8];

    snprintf(own_text, sizeof own_text, "%s:%u",
             connection->own_address == 0 ? "*"
                                          : network_address_text(connection->own_address, own),
             connection->own_port);
    snprintf(peer_text, sizeof peer_text, "%s:%u",
             connection->peer_address == 0 ? "*"
                                           : network_address_text(connection->peer_address, peer),
             connection->peer_port);
    printf("%-5s %-21s %-21s %6" PRIu32 " %6" PRIu32 " %s\n", is_stream ? "tcp" : "udp", own_text,
           peer_text, connection->unread, connection->unsent,
           is_stream && connection->state < 11 ? states[connection->state] : "");
}

static void show_connections(handle_t control) {
    struct network_connection connections[CONNECTIONS_AT_ONCE];
    uint32_t first = 0, n;

    printf("\nKIND  OWN                   PEER                  UNREAD UNSENT STATE\n");
    for (;;) {
        status_t status = network_list_connections(control, first, connections, sizeof connections,
                                                   &n, DEADLINE_NEVER);
        if (status != OK) {
            fail(status);
        }
        if (n == 0 || n > CONNECTIONS_AT_ONCE) {
            return;
        }
        for (uint32_t i = 0; i < n; i++) {
            show_connection(&connections[i]);
        }
        first += n;
    }
}

int main(int argc, char **argv) {
    struct options options;
    struct network_state state = {.link = 0};
    bool with_connections = false, with_counters = false;

    report_begin("net");
    options = options_begin(argc, argv, "ac", help);
    for (int c; (c = options_next(&options)) != OPTIONS_END;) {
        with_connections |= c == 'a';
        with_counters |= c == 'c';
    }
    if (options.n_operands > 0) {
        options_fail(&options, "no operands are known");
    }
    handle_t control = network_open();
    status_t status = network_get_state(control, &state, sizeof state, DEADLINE_NEVER);
    if (status != OK) {
        fail(status);
    }
    show_card(&state);
    show_addresses(&state);
    show_routes(&state);
    if (with_counters) {
        show_counters(control);
    }
    if (with_connections) {
        show_connections(control);
    }
    report_exit(0);
}
