/* SPDX-License-Identifier: MIT */
/*
 * network: TCP/IP. lwIP runs inside the one loop of this server: an event (a request, frames from
 * the driver, a timer) is handled to its end, then what it put into the driver's ring is told, and
 * the loop waits until lwIP's next timer.
 *
 *   link.c         the card: rings shared with the driver, which may come and go
 *   files.c        what clients open: sockets, /tcp/HOST/PORT (connector.c), /etc/resolv.conf
 *   sock.c         sockets: what TCP (stream.c) and UDP (datagram.c) share; requests in handlers.c
 *   control.c      /dev/net: figures, and echo.c for ping
 *   unreachable.c  ICMP errors
 */
#include <stdlib.h>

#include "abi/generated/pci.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server.h"
#include "lib/native/startup.h"
#include "lib/native/time.h"
#include "lwip/dhcp.h"
#include "lwip/init.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "servers/network/control.h"
#include "servers/network/echo.h"
#include "servers/network/files.h"
#include "servers/network/link.h"
#include "servers/network/sock.h"

enum { CLASS_NETWORK = 0x02, SOCKETS_PER_CLIENT = 64, SAVED_PER_TAG = 512, PATIENCE_PCI_S = 1 };

static struct server_timer lwip_timer;
static struct server_timer loop_timer;

/* lwIP's clock: milliseconds, may wrap. */
u32_t sys_now(void) {
    return (u32_t)(time_now_ns() / NS_PER_MS);
}

static void on_lwip_timer(struct server *server, struct server_timer *timer) {
    (void)server, (void)timer;
    sys_check_timeouts();
}

static void on_loop_timer(struct server *server, struct server_timer *timer) {
    (void)server, (void)timer; /* before_wait does the work */
}

/* What interfaces hold that was sent to ourselves. An answer to it may be the next: once around
 * each time, so that others get their turn. */
static void loopback_run(struct server *server) {
    struct netif *netif;

    netif_poll_all();
    NETIF_FOREACH(netif) {
        if (netif->loop_first != NULL) {
            server_timer_arm(server, &loop_timer, time_deadline(1), on_loop_timer);
        }
    }
}

static void before_wait(struct server *server) {
    uint32_t sleep_ms;

    loopback_run(server);
    link_flush();
    sleep_ms = sys_timeouts_sleeptime();
    if (sleep_ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE) {
        server_timer_stop(&lwip_timer);
    } else {
        server_timer_arm(server, &lwip_timer, time_deadline(sleep_ms * NS_PER_MS + 1),
                         on_lwip_timer);
    }
}

/* ---- configuration ---- */

static void on_address(struct netif *netif) {
    static uint32_t last;
    uint32_t now = ip4_addr_get_u32(netif_ip4_addr(netif));

    if (now != 0 && now != last) {
        log_write(LOG_INFO, "address %s", ip4addr_ntoa(netif_ip4_addr(netif)));
        server_settled(socks_server());
    } else if (now == 0 && last != 0) {
        log_write(LOG_WARNING, "the address is lost");
    }
    last = now;
}

/* A machine without any network card needs nobody to wait for one. */
static bool has_card(void) {
    handle_t pci = startup_handle(STARTUP_GATE, "pci");
    struct pci_function function;

    for (uint32_t i = 0;; i++) {
        status_t status =
            pci_get(pci, i, &function, sizeof function, time_deadline(PATIENCE_PCI_S * NS_PER_S));

        if (status != OK) {
            return status != ERROR_NOT_FOUND;
        }
        if (function.class == CLASS_NETWORK) {
            return true;
        }
    }
}

int main(int argc, char **argv) {
    struct server *server =
        server_start(&(struct server_options){.name = "network",
                                              .objects_per_tag = SOCKETS_PER_CLIENT,
                                              .saved_per_tag = SAVED_PER_TAG,
                                              .before_wait = before_wait});

    socks_start(server);
    lwip_init();
    files_start(server);
    control_start(server);
    status_t status = echo_start();
    if (status != OK) {
        log_write(LOG_ERROR, "cannot start: %s", status_text(status));
        return 1;
    }
    link_start(server, argv + 1, argc - 1);
    netif_set_status_callback(link_netif(), on_address);
    /* Until there is a link nothing is sent; lwIP begins when it comes up, and again each time. */
    if (dhcp_start(link_netif()) != ERR_OK) {
        log_write(LOG_ERROR, "no memory for DHCP");
        return 1;
    }
    if (!has_card()) {
        log_write(LOG_INFO, "no network card");
        server_settled(server);
    }
    server_run(server);
}
