/* SPDX-License-Identifier: MIT */
/*
 * host: the addresses of hosts. Plain POSIX.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "programs/common/network.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "host NAME...\n"
                           "Shows the addresses of hosts.";

static int look_up(const char *name) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int error = getaddrinfo(name, NULL, &hints, &found);

    if (error != 0) {
        report("%s: %s", name, network_resolve_error(error));
        return 1;
    }
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next) {
        char address[INET6_ADDRSTRLEN];

        error = getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof address, NULL, 0,
                            NI_NUMERICHOST);
        if (error == 0) {
            printf("%s has address %s\n", name, address);
        }
    }
    freeaddrinfo(found);
    return 0;
}

int main(int argc, char **argv) {
    struct options options;
    int result = 0;

    report_begin("host");
    options = options_none(argc, argv, help);
    if (options.n_operands == 0) {
        options_fail(&options, "which host?");
    }
    for (int i = 0; i < options.n_operands; i++) {
        result |= look_up(options.operands[i]);
    }
    report_exit(result);
}
