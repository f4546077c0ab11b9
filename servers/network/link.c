/* SPDX-License-Identifier: MIT */
#include "servers/network/link.h"

#include <stdlib.h>

#include "lib/base/ring.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "lwip/dhcp.h"
#include "lwip/ethip6.h"
#include "lwip/etharp.h"
#include "lwip/pbuf.h"
#include "netif/ethernet.h"

enum {
    ATTACH_PATIENCE_MS = 50, /* a driver that lives answers in microseconds */
    RETRY_SOON_MS = 20,      /* between attempts, */
    RETRY_LATE_MS = 1000,    /* and when there have been many */
    RETRIES_SOON = 250,
    WAITING_MAX = 256,   /* frames for which the ring has no room: a full TCP window */
    RECEIVE_BATCH = 256, /* frames, before others get their turn */
};

/* One attachment to a driver; freed when its notification gate is closed for good. */
struct attachment {
    handle_t driver; /* the driver's gate for us */
    struct nic_shared *shared;
    struct ring_end receive;  /* we consume */
    struct ring_end transmit; /* we produce */
};

static struct {
    struct server *server;
    struct netif netif;
    handle_t drivers[4]; /* service gates; they outlive the drivers */
    unsigned n_drivers;
    struct attachment *attachment; /* NULL: none */
    struct server_timer retry;
    struct server_timer again; /* goes on with receiving */
    uint32_t n_retries;
    uint32_t n_attached;
    uint64_t pending;                  /* NIC_NOTIFY_ bits for the driver, sent by link_flush */
    struct pbuf *waiting[WAITING_MAX]; /* frames to send, a queue */
    uint32_t waiting_first, n_waiting;
} the_link;

static void attach_try(struct server *server, struct server_timer *timer);

static struct nic_slot *slot_of(const struct attachment *attachment, uint32_t index) {
    return (struct nic_slot *)((uint8_t *)attachment->shared + NIC_SLOTS_OFFSET) + index;
}

/* Copies one frame out of the shared memory, before anything looks at it. NULL: no memory. */
static struct pbuf *frame_copy(const struct nic_slot *slot, uint32_t length) {
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);

    if (frame != NULL) {
        memcpy(frame->payload, slot->frame, length);
    }
    return frame;
}

/* ---- attaching ---- */

/* A driver that was there is missed for so long: frames wait for its return. */
static bool driver_is_missed(void) {
    return the_link.n_attached > 0 && the_link.n_retries < RETRIES_SOON;
}

static void waiting_drop(void) {
    for (; the_link.n_waiting > 0; the_link.n_waiting--) {
        pbuf_free(the_link.waiting[the_link.waiting_first]);
        the_link.waiting_first = (the_link.waiting_first + 1) % WAITING_MAX;
    }
}

/* What the driver had not taken from the ring yet waits for the next one, before all that waits
 * already. */
static void unsent_keep(const struct attachment *attachment) {
    uint32_t n_free = 0;

    if (!ring_producer_space(&attachment->transmit, &n_free)) {
        return;
    }
    for (uint32_t i = n_free; i < NIC_N_SLOTS && the_link.n_waiting < WAITING_MAX; i++) {
        /* The last one first, since each goes to the front. */
        uint32_t back = i - n_free + 1;
        const struct nic_slot *slot =
            slot_of(attachment, NIC_N_SLOTS + ring_slot(&attachment->transmit, 0u - back));
        uint32_t length = __atomic_load_n(&slot->length, __ATOMIC_RELAXED);
        bool is_sane = length >= NIC_FRAME_BYTES_MIN && length <= NIC_FRAME_BYTES_MAX;
        struct pbuf *frame = is_sane ? frame_copy(slot, length) : NULL;

        if (frame == NULL) {
            return;
        }
        the_link.waiting_first = (the_link.waiting_first + WAITING_MAX - 1) % WAITING_MAX;
        the_link.waiting[the_link.waiting_first] = frame;
        the_link.n_waiting++;
    }
}

/* Gives the attachment up; its structure goes when its gate is closed. */
static void detach(struct attachment *attachment) {
    status_t status;

    if (the_link.attachment == attachment) {
        the_link.attachment = NULL;
        the_link.pending = 0;
        the_link.n_retries = 0;
        unsent_keep(attachment);
        server_timer_arm(the_link.server, &the_link.retry, time_deadline(1), attach_try);
    }
    if (attachment->shared != NULL) {
        status = sys_unmap(HANDLE_NONE, (uint64_t)(uintptr_t)attachment->shared,
                           NIC_MEMORY_PAGES * PAGE_SIZE);
        attachment->shared = NULL;
    }
    if (attachment->driver != HANDLE_NONE) {
        status = sys_handle_close(attachment->driver);
        attachment->driver = HANDLE_NONE;
    }
    (void)status; /* both were there */
}

static void detach_broken(struct attachment *attachment, const char *what) {
    log_write(LOG_WARNING, "the driver's %s is broken: attaching anew", what);
    detach(attachment);
}

/* The link's state, from the driver's figures; netif_set_link_ tells DHCP. */
static void link_update(void) {
    const struct attachment *attachment = the_link.attachment;
    struct nic_figures figures;

    if (attachment == NULL) {
        return;
    }
    memcpy(&figures, attachment->shared->figures, sizeof figures);
    if (figures.link != 0 && !netif_is_link_up(&the_link.netif)) {
        netif_set_link_up(&the_link.netif);
    } else if (figures.link == 0 && netif_is_link_up(&the_link.netif)) {
        netif_set_link_down(&the_link.netif);
    }
}

/* ---- receiving ---- */

static void receive_again(struct server *server, struct server_timer *timer);

/* Takes what is there. The ring goes away under our hands if what we take in makes us detach. */
static void receive(struct attachment *attachment) {
    uint32_t n = 0;

    for (unsigned done = 0; the_link.attachment == attachment; done++) {
        if (done == RECEIVE_BATCH) {
            server_timer_arm(the_link.server, &the_link.again, time_deadline(1), receive_again);
            return;
        }
        if (!ring_consumer_entries(&attachment->receive, &n)) {
            detach_broken(attachment, "ring");
            return;
        }
        if (n == 0) {
            if (ring_consumer_may_wait(&attachment->receive)) {
                return;
            }
            continue;
        }
        const struct nic_slot *slot = slot_of(attachment, ring_slot(&attachment->receive, 0));
        uint32_t length = __atomic_load_n(&slot->length, __ATOMIC_RELAXED);

        if (length < NIC_FRAME_BYTES_MIN || length > NIC_FRAME_BYTES_MAX) {
            detach_broken(attachment, "frame");
            return;
        }
        struct pbuf *frame = frame_copy(slot, length);

        ring_consumer_release(&attachment->receive, 1);
        if (ring_consumer_must_wake(&attachment->receive)) {
            the_link.pending |= NIC_NOTIFY_TO_RECEIVE;
        }
        if (frame != NULL && the_link.netif.input(frame, &the_link.netif) != ERR_OK) {
            pbuf_free(frame);
        }
    }
}

static void receive_again(struct server *server, struct server_timer *timer) {
    (void)server, (void)timer;
    if (the_link.attachment != NULL) {
        receive(the_link.attachment);
    }
}

/* ---- sending ---- */

/* Puts a frame into the ring; false: it has no room. */
static bool frame_put(struct attachment *attachment, struct pbuf *frame) {
    uint32_t n_free = 0;

    if (!ring_producer_space(&attachment->transmit, &n_free)) {
        detach_broken(attachment, "ring");
        return true; /* it is lost with the rest */
    }
    if (n_free == 0) {
        return false;
    }
    struct nic_slot *slot = slot_of(attachment, NIC_N_SLOTS + ring_slot(&attachment->transmit, 0));

    slot->length = pbuf_copy_partial(frame, slot->frame, frame->tot_len, 0);
    ring_producer_publish(&attachment->transmit, 1);
    if (ring_producer_must_wake(&attachment->transmit)) {
        the_link.pending |= NIC_NOTIFY_TO_SEND;
    }
    return true;
}

/* Sends what waited for room. */
static void send_waiting(void) {
    struct attachment *attachment = the_link.attachment;

    while (attachment != NULL && the_link.n_waiting > 0) {
        struct pbuf *frame = the_link.waiting[the_link.waiting_first];

        if (!frame_put(attachment, frame)) {
            if (ring_producer_may_wait(&attachment->transmit)) {
                return;
            }
            continue;
        }
        if (the_link.attachment != attachment) {
            return; /* broken: all that waited is dropped */
        }
        pbuf_free(frame);
        the_link.waiting_first = (the_link.waiting_first + 1) % WAITING_MAX;
        the_link.n_waiting--;
    }
}

/* lwIP's netif->linkoutput. The frame stays lwIP's, so one that has to wait is copied. */
static err_t link_output(struct netif *netif, struct pbuf *frame) {
    struct attachment *attachment = the_link.attachment;

    (void)netif;
    if (attachment == NULL && !driver_is_missed()) {
        return ERR_IF;
    }
    if (frame->tot_len < NIC_FRAME_BYTES_MIN || frame->tot_len > NIC_FRAME_BYTES_MAX) {
        return ERR_BUF;
    }
    if (attachment != NULL && the_link.n_waiting == 0 && frame_put(attachment, frame)) {
        return ERR_OK;
    }
    if (the_link.n_waiting == WAITING_MAX) {
        return ERR_MEM;
    }
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, frame);
    if (copy == NULL) {
        return ERR_MEM;
    }
    the_link.waiting[(the_link.waiting_first + the_link.n_waiting++) % WAITING_MAX] = copy;
    send_waiting();
    return ERR_OK;
}

void link_flush(void) {
    if (the_link.attachment != NULL && the_link.pending != 0) {
        status_t status = sys_notify(the_link.attachment->driver, the_link.pending);
        (void)status; /* CLOSED: its own death is told on our gate */
    }
    the_link.pending = 0;
}

/* ---- the driver's gate to us ---- */

static void on_notified(struct server *server, void *object, uint64_t bits) {
    struct attachment *attachment = object;

    (void)server;
    if (the_link.attachment != attachment) {
        return;
    }
    if ((bits & NIC_NOTIFY_LINK) != 0) {
        link_update();
    }
    if ((bits & NIC_NOTIFY_ROOM) != 0) {
        send_waiting();
    }
    receive(attachment);
}

/* Nobody can notify us any more: the driver has died, or another client took it, or it never got
 * the gate. */
static void on_closed(struct server *server, void *object) {
    struct attachment *attachment = object;

    (void)server;
    detach(attachment);
    free(attachment);
}

static const struct server_class attachment_class = {.closed = on_closed, .notified = on_notified};

static status_t rings_map(struct attachment *attachment, handle_t memory) {
    uint64_t address;
    status_t status = sys_map(HANDLE_NONE, memory, 0, NIC_MEMORY_PAGES * PAGE_SIZE, 0,
                              MAP_READ | MAP_WRITE, &address);

    if (status == OK) {
        attachment->shared = (struct nic_shared *)(uintptr_t)address;
        ring_end_init(&attachment->receive, (struct ring_shared *)attachment->shared->receive,
                      NIC_N_SLOTS);
        ring_end_init(&attachment->transmit, (struct ring_shared *)attachment->shared->transmit,
                      NIC_N_SLOTS);
    }
    return status;
}

/* Asks one driver. On success it is the_link.attachment. */
static status_t attach_to(handle_t service) {
    struct attachment *attachment = calloc(1, sizeof *attachment);
    handle_t gate, memory = HANDLE_NONE;
    uint64_t address;

    if (attachment == NULL) {
        return ERROR_NO_MEMORY;
    }
    status_t status =
        server_notification_gate(the_link.server, &attachment_class, attachment, &gate);
    if (status != OK) {
        free(attachment);
        return status;
    }
    status = nic_attach(service, gate, &address, &memory, &attachment->driver,
                        time_deadline(ATTACH_PATIENCE_MS * NS_PER_MS));
    if (status != OK) {
        /* Ours still if it was not delivered; CLOSED comes either way, and frees the rest. */
        status_t closed = sys_handle_close(gate);
        (void)closed;
        return status;
    }
    status = rings_map(attachment, memory);
    status_t closed = sys_handle_close(memory);
    (void)closed;
    if (status != OK) {
        detach(attachment);
        return status;
    }
    memcpy(the_link.netif.hwaddr, &address, sizeof the_link.netif.hwaddr);
    the_link.attachment = attachment;
    the_link.n_attached++;
    status = nic_set_filter(service, NIC_FILTER_MULTICAST,
                            time_deadline(ATTACH_PATIENCE_MS * NS_PER_MS));
    (void)status; /* without it IPv6 neighbours do not find us, and all else works */
    return OK;
}

static void attach_try(struct server *server, struct server_timer *timer) {
    bool is_attached = false;

    for (unsigned i = 0; i < the_link.n_drivers && !is_attached; i++) {
        is_attached = attach_to(the_link.drivers[i]) == OK;
    }
    if (!is_attached) {
        uint64_t pause = the_link.n_retries++ < RETRIES_SOON ? RETRY_SOON_MS : RETRY_LATE_MS;

        if (!driver_is_missed()) {
            waiting_drop();
        }
        server_timer_arm(server, timer, time_deadline(pause * NS_PER_MS), attach_try);
        return;
    }
    if (the_link.n_attached == 1) {
        netif_create_ip6_linklocal_address(&the_link.netif, 1);
    } else {
        log_write(LOG_INFO, "the driver is back");
    }
    link_update();
    send_waiting();
    receive(the_link.attachment); /* and so says that we wait for frames */
}

/* ---- lwIP's side ---- */

static err_t netif_init_callback(struct netif *netif) {
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->hostname = "euralios";
    netif->mtu = 1500;
    netif->hwaddr_len = sizeof netif->hwaddr;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = link_output;
    netif_set_ip6_autoconfig_enabled(netif, 1);
    return ERR_OK;
}

_Static_assert(sizeof((struct netif){0}.hwaddr) == 6, "an Ethernet address");

void link_start(struct server *server, char *const *drivers, int n_drivers) {
    the_link.server = server;
    for (int i = 0; i < n_drivers && the_link.n_drivers < ARRAY_SIZE(the_link.drivers); i++) {
        handle_t gate = startup_handle(STARTUP_GATE, drivers[i]);

        if (gate == HANDLE_NONE) {
            log_write(LOG_WARNING, "this system has no driver %s", drivers[i]);
        } else {
            the_link.drivers[the_link.n_drivers++] = gate;
        }
    }
    if (netif_add_noaddr(&the_link.netif, NULL, netif_init_callback, netif_input) == NULL) {
        log_write(LOG_ERROR, "no memory for the interface");
        sys_process_exit(1);
    }
    netif_set_default(&the_link.netif);
    netif_set_up(&the_link.netif); /* without a link yet, so nothing is sent */
    server_timer_arm(server, &the_link.retry, 1, attach_try);
}

struct netif *link_netif(void) {
    return &the_link.netif;
}

void link_figures(struct nic_figures *figures) {
    memset(figures, 0, sizeof *figures);
    if (the_link.attachment != NULL) {
        memcpy(figures, the_link.attachment->shared->figures, sizeof *figures);
        figures->driver[sizeof figures->driver - 1] = '\0';
    }
}

uint32_t link_reattached(void) {
    return the_link.n_attached == 0 ? 0 : the_link.n_attached - 1;
}
