/* SPDX-License-Identifier: MIT */
/*
 * arp: the hardware addresses of neighbours, as the net server knows them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "lib/native/error.h"
#include "programs/common/network.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char help[] = "arp\n"
                           "Lists the hardware addresses of the machines on the same link.";

enum { NEIGHBOURS_AT_ONCE = 32 };

static void show(const struct network_neighbour *neighbour) {
    const uint8_t *a = neighbour->hardware;
    char address[NETWORK_ADDRESS_SIZE];

    printf("%-15s %02x:%02x:%02x:%02x:%02x:%02x\n",
           network_address_text(neighbour->address, address), a[0], a[1], a[2], a[3], a[4], a[5]);
}

int main(int argc, char **argv) {
    struct network_neighbour neighbours[NEIGHBOURS_AT_ONCE];
    struct options options;
    uint32_t first = 0, n = 0;

    report_begin("arp");
    options = options_none(argc, argv, help);
    if (options.n_operands > 0) {
        options_fail(&options, "no operands are known");
    }
    handle_t control = network_open();
    do {
        status_t status = network_list_neighbours(control, first, neighbours, sizeof neighbours, &n,
                                                  DEADLINE_NEVER);
        if (status != OK) {
            report("%s: %s", NETWORK_CONTROL, status_text(status));
            report_exit(1);
        }
        for (uint32_t i = 0; i < n && i < NEIGHBOURS_AT_ONCE; i++) {
            show(&neighbours[i]);
        }
        first += n;
    } while (n > 0 && n <= NEIGHBOURS_AT_ONCE);
    report_exit(0);
}
