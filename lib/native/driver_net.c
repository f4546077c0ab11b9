/* SPDX-License-Identifier: MIT */
#include "lib/native/driver_net.h"

#include <stdlib.h>

#include "abi/generated/device.h"
#include "lib/base/format.h"
#include "lib/base/ring.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server.h"
#include "lib/native/syscall.h"
#include "lib/native/text_file.h"
#include "lib/native/time.h"

enum { TEXT_BYTES = 768 };

_Static_assert(sizeof(struct nic_ring) == sizeof(struct ring_shared) &&
                   offsetof(struct nic_ring, consumed) == offsetof(struct ring_shared, consumed),
               "the protocol's ring is lib/base's");
_Static_assert(sizeof(struct nic_figures) <= sizeof((struct nic_shared){0}.figures) &&
                   sizeof(struct nic_slot) == NIC_SLOT_BYTES &&
                   NIC_SLOTS_OFFSET + 2 * NIC_N_SLOTS * NIC_SLOT_BYTES ==
                       NIC_MEMORY_PAGES * PAGE_SIZE,
               "the memory is as large as what lies in it");

/* Whoever attached last. Freed when its gate is closed, which may be after it was cut off. */
struct client {
    struct net_device *device;
    handle_t notify;
    struct nic_shared *shared;
    struct ring_end receive;  /* we produce */
    struct ring_end transmit; /* we consume */
    uint64_t pending;         /* NIC_NOTIFY_ bits to be sent at the end of this event */
};

struct net_device {
    const struct net_driver *driver;
    struct server *server;
    handle_t irq;
    uint8_t address[6];
    struct client *client; /* NULL: nobody */
    struct nic_figures figures;
    struct server_timer timer;
    struct server_timer again;
};

static struct nic_slot *slot_of(const struct client *client, uint32_t index) {
    return (struct nic_slot *)((uint8_t *)client->shared + NIC_SLOTS_OFFSET) + index;
}

/* ---- the client ---- */

/* Unmaps and closes what it shares with us; it sees CLOSED. The structure stays until its own gate
 * is closed. */
static void client_cut(struct client *client) {
    if (client->device->client == client) {
        client->device->client = NULL;
    }
    if (client->shared != NULL) {
        status_t status = sys_unmap(HANDLE_NONE, (uint64_t)(uintptr_t)client->shared,
                                    NIC_MEMORY_PAGES * PAGE_SIZE);
        (void)status; /* it is mapped */
        client->shared = NULL;
    }
    if (client->notify != HANDLE_NONE) {
        status_t status = sys_handle_close(client->notify);
        (void)status;
        client->notify = HANDLE_NONE;
    }
}

static void client_broken(struct client *client, const char *what) {
    log_write(LOG_WARNING, "the client's %s is broken: cut off", what);
    client_cut(client);
}

/* Brings the figures up to date and sends what is to be told: once per event, however much came. */
static void client_flush(struct net_device *device) {
    struct client *client = device->client;

    if (client == NULL) {
        return;
    }
    memcpy(client->shared->figures, &device->figures, sizeof device->figures);
    if (client->pending != 0) {
        status_t status = sys_notify(client->notify, client->pending);

        client->pending = 0;
        if (status != OK) {
            client_cut(client);
        }
    }
}

/* Sends what the client has put into its ring, as long as the card takes it. */
static void transmit_pump(struct net_device *device) {
    struct client *client = device->client;
    bool is_card_full = false;
    uint32_t n;

    while (client != NULL && !is_card_full) {
        if (!ring_consumer_entries(&client->transmit, &n)) {
            client_broken(client, "ring");
            return;
        }
        if (n == 0) {
            if (ring_consumer_may_wait(&client->transmit)) {
                return;
            }
            continue;
        }
        const struct nic_slot *slot =
            slot_of(client, NIC_N_SLOTS + ring_slot(&client->transmit, 0));
        uint32_t length = __atomic_load_n(&slot->length, __ATOMIC_RELAXED);

        if (length < NIC_FRAME_BYTES_MIN || length > NIC_FRAME_BYTES_MAX) {
            client_broken(client, "frame");
            return;
        }
        is_card_full = !device->driver->transmit(device, slot->frame, length);
        if (!is_card_full) {
            ring_consumer_release(&client->transmit, 1);
            client->pending |= ring_consumer_must_wake(&client->transmit) ? NIC_NOTIFY_ROOM : 0;
        }
    }
}

static void on_client_notified(struct server *server, void *object, uint64_t bits) {
    struct client *client = object;
    struct net_device *device = client->device;

    (void)server;
    if (device->client != client) {
        return; /* cut off */
    }
    if ((bits & NIC_NOTIFY_TO_RECEIVE) != 0) {
        device->driver->receive(device);
    }
    transmit_pump(device);
    client_flush(device);
}

static void on_client_closed(struct server *server, void *object) {
    (void)server;
    client_cut(object);
    free(object);
}

static const struct server_class client_class = {.closed = on_client_closed,
                                                 .notified = on_client_notified};

/* ---- what the driver reports ---- */

bool net_device_has_room(struct net_device *device) {
    const struct client *client = device->client;
    uint32_t n;

    if (client == NULL) {
        return true; /* it is dropped */
    }
    /* A broken ring has room: the frame finds out. */
    return !ring_producer_space(&client->receive, &n) || n > 0 ||
           !ring_producer_may_wait(&client->receive);
}

void net_device_received(struct net_device *device, const void *frame, size_t length) {
    struct client *client = device->client;
    uint32_t n;

    if (length < NIC_FRAME_BYTES_MIN || length > NIC_FRAME_BYTES_MAX) {
        device->figures.receive_errors++;
        return;
    }
    device->figures.received++;
    device->figures.received_bytes += length;
    if (client == NULL) {
        device->figures.receive_dropped++;
        return;
    }
    if (!ring_producer_space(&client->receive, &n)) {
        client_broken(client, "ring");
        return;
    }
    if (n == 0) {
        device->figures.receive_dropped++;
        return;
    }
    struct nic_slot *slot = slot_of(client, ring_slot(&client->receive, 0));

    memcpy(slot->frame, frame, length);
    slot->length = (uint32_t)length;
    ring_producer_publish(&client->receive, 1);
    client->pending |= ring_producer_must_wake(&client->receive) ? NIC_NOTIFY_RECEIVED : 0;
}

void net_device_count(struct net_device *device, enum net_device_event event, uint64_t n) {
    struct nic_figures *figures = &device->figures;

    switch (event) {
    case NET_SENT:
        figures->sent++;
        figures->sent_bytes += n;
        break;
    case NET_SEND_ERROR:
        figures->send_errors += n;
        break;
    case NET_RECEIVE_ERROR:
        figures->receive_errors += n;
        break;
    case NET_MISSED:
        figures->receive_dropped += n;
        break;
    case NET_RESET:
        figures->resets += n;
        break;
    }
}

void net_device_link(struct net_device *device, bool is_up, uint32_t megabits) {
    struct nic_figures *figures = &device->figures;

    megabits = is_up ? megabits : 0;
    if (figures->link == is_up && figures->megabits == megabits) {
        return;
    }
    figures->link = is_up;
    figures->megabits = megabits;
    log_write(LOG_INFO, "link %s", is_up ? "up" : "down");
    if (device->client != NULL) {
        device->client->pending |= NIC_NOTIFY_LINK;
    }
}

static void on_irq(struct server *server, void *object, uint64_t bits) {
    struct net_device *device = object;

    (void)server, (void)bits;
    device->figures.interrupts++;
    device->driver->interrupt(device);
    transmit_pump(device);
    client_flush(device);
    status_t status = sys_irq_control(device->irq, IRQ_ACKNOWLEDGE, HANDLE_NONE, 0);
    (void)status; /* the handle is ours as long as we live */
}

static const struct server_class irq_class = {.notified = on_irq};

static void on_again(struct server *server, struct server_timer *timer) {
    struct net_device *device = CONTAINER_OF(timer, struct net_device, again);

    (void)server;
    device->driver->receive(device);
    transmit_pump(device); /* a card that was reset has forgotten what it sent */
    client_flush(device);
}

void net_device_receive_again(struct net_device *device) {
    server_timer_arm(device->server, &device->again, time_deadline(1), on_again);
}

static void on_tick(struct server *server, struct server_timer *timer) {
    struct net_device *device = CONTAINER_OF(timer, struct net_device, timer);

    device->driver->tick(device);
    transmit_pump(device);
    client_flush(device);
    server_timer_arm(server, timer, time_deadline(NS_PER_S), on_tick);
}

/* ---- protocols ---- */

static uint64_t address_word(const uint8_t address[6]) {
    uint64_t word = 0;

    memcpy(&word, address, 6);
    return word;
}

/* Memory for the rings; a mapping of ours, and a handle for the client. */
static status_t rings_create(struct client *client, handle_t *memory) {
    uint64_t address;
    status_t status = sys_memory_create(NIC_MEMORY_PAGES, 0, 0, HANDLE_NONE, memory);

    if (status != OK) {
        *memory = HANDLE_NONE;
        return status;
    }
    status = sys_map(HANDLE_NONE, *memory, 0, NIC_MEMORY_PAGES * PAGE_SIZE, 0,
                     MAP_READ | MAP_WRITE | MAP_POPULATE, &address);
    if (status != OK) {
        return status;
    }
    client->shared = (struct nic_shared *)(uintptr_t)address;
    ring_end_init(&client->receive, (struct ring_shared *)client->shared->receive, NIC_N_SLOTS);
    ring_end_init(&client->transmit, (struct ring_shared *)client->shared->transmit, NIC_N_SLOTS);
    /* Nothing is there, so the first frame has to be told: as if we had looked already. */
    bool may_wait = ring_consumer_may_wait(&client->transmit);
    (void)may_wait;
    return OK;
}

static status_t on_attach(void *context, struct request *request, handle_t notify,
                          uint64_t *address, handle_t *rings, handle_t *driver) {
    struct net_device *device = context;
    struct client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        return ERROR_NO_MEMORY;
    }
    client->device = device;
    status_t status = rings_create(client, rings);
    if (status == OK) {
        status = server_object_create(request->server, request->tag, &client_class, client, driver);
    }
    if (status != OK) {
        client_cut(client);
        free(client);
        if (*rings != HANDLE_NONE) {
            status_t closed = sys_handle_close(*rings);
            (void)closed;
            *rings = HANDLE_NONE;
        }
        return status;
    }
    if (device->client != NULL) {
        client_cut(device->client);
    }
    client->notify = request_keep(request, notify);
    device->client = client;
    *address = address_word(device->address);
    client_flush(device);
    return OK;
}

static status_t on_set_filter(void *context, struct request *request, uint32_t mode) {
    struct net_device *device = context;

    (void)request;
    if (mode > NIC_FILTER_ALL) {
        return ERROR_BAD_ARGUMENT;
    }
    device->driver->set_filter(device, mode);
    return OK;
}

static status_t on_describe(void *context, struct request *request, uint32_t description_length) {
    const struct net_device *device = context;
    struct device_description description = {
        .interrupts = device->figures.interrupts,
        .errors = device->figures.receive_errors + device->figures.send_errors,
    };
    bool fits = string_copy(description.driver, sizeof description.driver, device->driver->name) &&
                string_copy(description.model, sizeof description.model, device->driver->model);

    (void)fits; /* a cut name is still a name */
    return request_write(request, 0, &description,
                         MIN(description_length, (uint32_t)sizeof description));
}

static const struct nic_handlers nic_handlers = {.attach = on_attach, .set_filter = on_set_filter};
static const struct device_handlers device_handlers = {.describe = on_describe};
static const struct server_protocol protocols[] = {
    NIC_SERVE(nic_handlers), DEVICE_SERVE(device_handlers), {0, NULL, NULL}};
static const struct server_class device_class = {.protocols = protocols};

/* ---- /dev/nic: what anybody may read; the card itself is reached through root 0 only ---- */

static size_t text_of(const struct net_device *device, char *text, size_t size,
                      struct text_file_stat *stat) {
    const struct nic_figures *f = &device->figures;
    const uint8_t *a = device->address;
    size_t n = format_buffer(
        text, size,
        "driver %s\nmodel %s\naddress %02x:%02x:%02x:%02x:%02x:%02x\nlink %s\nmegabits %u\n"
        "received %llu\nreceived_bytes %llu\nreceive_errors %llu\nreceive_dropped %llu\n"
        "sent %llu\nsent_bytes %llu\nsend_errors %llu\nresets %llu\ninterrupts %llu\n",
        device->driver->name, device->driver->model, a[0], a[1], a[2], a[3], a[4], a[5],
        f->link != 0 ? "up" : "down", f->megabits, (unsigned long long)f->received,
        (unsigned long long)f->received_bytes, (unsigned long long)f->receive_errors,
        (unsigned long long)f->receive_dropped, (unsigned long long)f->sent,
        (unsigned long long)f->sent_bytes, (unsigned long long)f->send_errors,
        (unsigned long long)f->resets, (unsigned long long)f->interrupts);

    *stat = (struct text_file_stat){.device = 7, .id = 1, .size = MIN(n, size - 1)};
    return stat->size;
}

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    char text[TEXT_BYTES];
    struct text_file_stat stat;

    (void)mode, (void)target_length, (void)matched, (void)length;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    size_t n = text_of(context, text, sizeof text, &stat);
    return text_file_open(request, flags, text, n, &stat, kind, file);
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    char text[TEXT_BYTES];
    struct text_file_stat stat;

    (void)flags, (void)matched, (void)length, (void)next;
    if (path_length != 0) {
        return ERROR_NOT_DIRECTORY;
    }
    size_t n = text_of(context, text, sizeof text, &stat);
    (void)n;
    return text_file_stat(request, &stat, stat_length);
}

static const struct file_handlers text_handlers = {.open = on_open, .stat = on_stat};
static const struct server_protocol text_protocols[] = {FILE_SERVE(text_handlers), {0, NULL, NULL}};
static const struct server_class text_class = {.protocols = text_protocols};

int net_driver_run(const struct net_driver *driver) {
    static struct net_device device;
    handle_t gate;

    device.driver = driver;
    device.server = server_start(&(struct server_options){.name = driver->name});
    bool fits = string_copy(device.figures.driver, sizeof device.figures.driver, driver->name);
    (void)fits;
    status_t status = server_notification_gate(device.server, &irq_class, &device, &gate);
    if (status == OK) {
        status = driver->start(&device, gate, device.address, &device.irq);
    }
    if (status == ERROR_NO_DEVICE) {
        log_write(LOG_INFO, "no %s here", driver->model);
        return 0;
    }
    if (status != OK) {
        log_write(LOG_ERROR, "the card cannot be used: %s", status_text(status));
        return 1;
    }
    const uint8_t *a = device.address;
    log_write(LOG_INFO, "address %02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4],
              a[5]);
    driver->tick(&device);
    server_timer_arm(device.server, &device.timer, time_deadline(NS_PER_S), on_tick);
    server_export(device.server, NET_DRIVER_ROOT_CARD, &device_class, &device);
    server_export(device.server, NET_DRIVER_ROOT_TEXT, &text_class, &device);
    server_run(device.server);
}
