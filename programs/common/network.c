/* SPDX-License-Identifier: MIT */
#include "programs/common/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "abi/generated/file.h"
#include "lib/native/error.h"
#include "lib/native/namespace.h"
#include "programs/common/report.h"

handle_t network_open(void) {
    handle_t control;
    status_t status = namespace_open(NETWORK_CONTROL, FILE_OPEN_READ, 0, &control, NULL);

    if (status != OK) {
        report("%s: %s", NETWORK_CONTROL,
               status == ERROR_NOT_FOUND ? "this system has no network" : status_text(status));
        report_exit(1);
    }
    return control;
}

char *network_address_text(uint32_t address, char text[NETWORK_ADDRESS_SIZE]) {
    if (address == 0) {
        snprintf(text, NETWORK_ADDRESS_SIZE, "none");
    } else {
        snprintf(text, NETWORK_ADDRESS_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                 address >> 8 & 255, address & 255);
    }
    return text;
}

const char *network_resolve_error(int error) {
    switch (error) {
    case EAI_NONAME:
    case EAI_NODATA:
        return "no such host";
    case EAI_AGAIN:
        return "no name server answers";
    case EAI_SYSTEM:
        return strerror(errno);
    default:
        return gai_strerror(error);
    }
}

int network_resolve(const char *host, uint32_t *address) {
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    int error = getaddrinfo(host, NULL, &hints, &found);

    if (error != 0) {
        report("%s: %s", host, network_resolve_error(error));
        return -1;
    }
    *address = ntohl(((const struct sockaddr_in *)(const void *)found->ai_addr)->sin_addr.s_addr);
    freeaddrinfo(found);
    return 0;
}
