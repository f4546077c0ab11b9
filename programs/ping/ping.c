/* SPDX-License-Identifier: MIT */
/*
 * ping: asks a host for an echo, once a second. The net server sends and receives (protocol
 * network), so no program needs raw access to the network.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/native/error.h"
#include "lib/native/time.h"
#include "programs/common/network.h"
#include "programs/common/number.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "ping [-c COUNT] [-s BYTES] [-W SECONDS] HOST\n"
                           "Asks HOST for an echo, once a second, and tells how long it took.\n"
                           "  -c  how often (4)\n"
                           "  -s  bytes of content (56)\n"
                           "  -W  how long to wait for each answer (2)";

struct settings {
    uint64_t count, bytes, patience_s;
};

struct result {
    uint64_t sent, received, total_ns, least_ns, most_ns;
};

static void parse(struct options *options, struct settings *settings) {
    for (int c; (c = options_next(options)) != OPTIONS_END;) {
        uint64_t *value = c == 'c'   ? &settings->count
                          : c == 's' ? &settings->bytes
                                     : &settings->patience_s;
        uint64_t limit = c == 'c' ? UINT32_MAX : c == 's' ? NETWORK_ECHO_BYTES_MAX : 60;

        if (number_parse(options->argument, limit, value) != 0 || (c != 's' && *value == 0)) {
            options_fail(options, "not a number that is possible there");
        }
    }
    if (options->n_operands != 1) {
        options_fail(options, "which host?");
    }
}

/* "1.234": milliseconds. Returns text. */
static const char *ms_text(uint64_t ns, char text[24]) {
    snprintf(text, 24, "%llu.%03llu", (unsigned long long)(ns / NS_PER_MS),
             (unsigned long long)(ns / NS_PER_US % 1000));
    return text;
}

/* One request; false: no use to go on. */
static bool ask(handle_t control, uint32_t address, const struct settings *settings,
                struct result *result) {
    char text[NETWORK_ADDRESS_SIZE], time[24];
    uint64_t ns = 0;
    uint32_t time_to_live = 0;
    status_t status =
        network_echo(control, address, (uint32_t)settings->bytes, settings->patience_s * NS_PER_S,
                     &ns, &time_to_live, DEADLINE_NEVER);

    result->sent++;
    network_address_text(address, text);
    if (status == OK) {
        result->received++;
        result->total_ns += ns;
        result->least_ns = MIN(result->least_ns, ns);
        result->most_ns = MAX(result->most_ns, ns);
        printf("%" PRIu64 " bytes from %s: seq=%" PRIu64 " ttl=%" PRIu32 " time=%s ms\n",
               settings->bytes + 8, text, result->sent, time_to_live, ms_text(ns, time));
    } else if (status == ERROR_TIMEOUT) {
        printf("no answer from %s: seq=%" PRIu64 "\n", text, result->sent);
    } else {
        report("%s: %s", text, status_text(status));
        return status == ERROR_HOST_UNREACHABLE;
    }
    fflush(stdout);
    return true;
}

int main(int argc, char **argv) {
    struct settings settings = {.count = 4, .bytes = 56, .patience_s = 2};
    struct result result = {.least_ns = UINT64_MAX};
    uint32_t address;

    report_begin("ping");
    struct options options = options_begin(argc, argv, "c:s:W:", help);
    parse(&options, &settings);
    if (network_resolve(options.operands[0], &address) != 0) {
        report_exit(1);
    }
    handle_t control = network_open();
    while (ask(control, address, &settings, &result) && result.sent < settings.count) {
        sleep(1);
    }
    printf("%" PRIu64 " sent, %" PRIu64 " received", result.sent, result.received);
    if (result.received > 0) {
        char least[24], average[24], most[24];

        printf(", %s / %s / %s ms", ms_text(result.least_ns, least),
               ms_text(result.total_ns / result.received, average), ms_text(result.most_ns, most));
    }
    printf("\n");
    report_exit(result.received > 0 ? 0 : 1);
}
