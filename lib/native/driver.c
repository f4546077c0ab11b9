/* SPDX-License-Identifier: MIT */
#include "lib/native/driver.h"

#include "lib/native/error.h"
#include "lib/native/log.h"

static const struct startup_entry *entry_at(enum startup_kind kind, unsigned i) {
    const struct startup_entry *entry = startup_next(NULL, kind);

    while (entry != NULL && i-- > 0) {
        entry = startup_next(entry, kind);
    }
    return entry;
}

status_t driver_ports_open(struct driver_ports *ports, unsigned i) {
    const struct startup_entry *entry = entry_at(STARTUP_IOPORTS, i);

    if (entry == NULL) {
        return ERROR_NO_DEVICE;
    }
    *ports = (struct driver_ports){entry->handle, (uint16_t)entry->number, entry->flags};
    return OK;
}

static void on_irq(struct server *server, void *object, uint64_t bits) {
    struct driver_irq *irq = object;

    (void)server, (void)bits;
    irq->n++;
    irq->handle_irq(irq->context);
    status_t status = sys_irq_control(irq->irq, IRQ_ACKNOWLEDGE, HANDLE_NONE, 0);
    (void)status; /* our own object: cannot fail */
}

static const struct server_class irq_class = {.notified = on_irq};

status_t driver_irq_start(struct server *server, struct driver_irq *irq, handle_t object,
                          void (*handle_irq)(void *context), void *context) {
    handle_t gate;

    *irq = (struct driver_irq){object, handle_irq, context, 0};
    status_t status = server_notification_gate(server, &irq_class, irq, &gate);
    if (status == OK) {
        status = sys_irq_control(object, IRQ_BIND, gate, 1);
    }
    if (status == OK) {
        handle_irq(context); /* what came before may have interrupted nobody */
    }
    return status;
}

status_t driver_irq_open(struct server *server, struct driver_irq *irq, unsigned i,
                         void (*handle_irq)(void *context), void *context) {
    const struct startup_entry *entry = entry_at(STARTUP_IRQ, i);

    return entry == NULL ? ERROR_NO_DEVICE
                         : driver_irq_start(server, irq, entry->handle, handle_irq, context);
}

void driver_fail(const char *what, status_t status) {
    if (status == ERROR_NO_DEVICE) {
        log_write(LOG_INFO, "%s: no such device", what);
        sys_process_exit(0);
    }
    log_write(LOG_ERROR, "%s: %s", what, status_text(status));
    sys_process_exit(1);
}
