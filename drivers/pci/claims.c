/* SPDX-License-Identifier: MIT */
#include "drivers/pci/claims.h"

#include <stdlib.h>

#include "drivers/pci/message.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"

/* A process that has, or had, a function as bus master. Lives until the process has ended. */
struct owner {
    uint32_t process; /* the kernel's number */
};

struct claim {
    size_t index;
    bool is_held;
    handle_t message; /* what the function's messages raise: ours too, so that nobody else gets it
                         while the function may still send some. HANDLE_NONE: it sends none */
};

/*
 * What outlives this server: for each function the process (the kernel's number, 0: none) whose
 * memory it may have been told of. Checked when it is taken over; a wrong number can do no more
 * than release memory of a dead process whose devices are off.
 */
struct saved_owners {
    uint32_t magic;
    uint32_t owners[FUNCTIONS_MAX];
};
enum { SAVED_MAGIC = 0x50434931 };
_Static_assert(sizeof(struct saved_owners) <= PAGE_SIZE, "the manifest asks for one page of state");

static struct server *the_server;
static struct pci_function *all;
static size_t n_all;
static handle_t system_handle;
static struct claim claims[FUNCTIONS_MAX];
static struct saved_owners *saved;

static const struct server_class function_class;

/* ---- bus mastering ---- */

static void function_stop(size_t index) {
    pci_address_t address = function_address(&all[index]);
    uint32_t command = config_read(address, PCI_COMMAND, 2);

    config_write(address, PCI_COMMAND, 2, command & ~(uint32_t)PCI_COMMAND_MASTER);
    message_stop(&all[index]);
}

/* All that this process had is off; then nothing can write to its memory any more. */
static void owner_release(uint32_t process) {
    for (size_t i = 0; i < n_all; i++) {
        if (saved->owners[i] == process) {
            function_stop(i);
            saved->owners[i] = 0;
        }
    }
    status_t status = sys_system_control(system_handle, SYSTEM_RELEASE_DMA, process, 0, 0, NULL);
    if (status != OK) {
        log_write(LOG_ERROR, "memory of process %u stays locked: %s", process, status_text(status));
    }
}

static void on_owner_exit(struct server *server, void *object, uint64_t bits) {
    struct owner *owner = object;

    (void)server, (void)bits;
    owner_release(owner->process);
}

static void on_owner_closed(struct server *server, void *object) {
    (void)server;
    free(object);
}

static const struct server_class owner_class = {.closed = on_owner_closed,
                                                .notified = on_owner_exit};

/* Watches the process, so that on_owner_exit runs when it has ended. */
static status_t owner_watch(handle_t process, uint32_t number) {
    struct owner *owner = calloc(1, sizeof *owner);
    handle_t gate;

    if (owner == NULL) {
        return ERROR_NO_MEMORY;
    }
    owner->process = number;
    status_t status = server_notification_gate(the_server, &owner_class, owner, &gate);
    if (status != OK) {
        free(owner);
        return status;
    }
    status = sys_process_watch(process, gate, 1);
    /* From here on the gate lives by the watch alone: CLOSED, and the end of `owner`, come after
     * the exit; at once if the watch failed. */
    status_t closed = sys_handle_close(gate);
    (void)closed;
    return status;
}

/* The process becomes the one whose memory the function may use. */
static status_t owner_set(size_t index, handle_t process) {
    struct process_status info;
    status_t status =
        sys_process_info(process, PROCESS_INFO_STATUS, &info, sizeof info, 0, NULL, NULL);

    if (status != OK || saved->owners[index] == info.id) {
        return status;
    }
    if (info.state == PROCESS_DEAD) {
        return ERROR_BAD_STATE;
    }
    status = owner_watch(process, info.id);
    if (status == OK) {
        saved->owners[index] = info.id;
    }
    return status;
}

/* ---- claiming ---- */

bool claims_has(size_t index) {
    return claims[index].is_held;
}

static bool rule_matches(const struct claim_rule *rule, const struct pci_function *function) {
    return (rule->vendor == PCI_ANY_ID || rule->vendor == function->vendor) &&
           (rule->device == PCI_ANY_ID || rule->device == function->device_id) &&
           (rule->class == PCI_ANY_ID ||
            rule->class == (uint16_t)(function->class << 8 | function->subclass));
}

status_t claims_claim(const struct claim_rule *rule, struct request *request,
                      const struct claim_rule *wanted, uint32_t from, uint32_t *index,
                      handle_t *gate) {
    status_t status = ERROR_NO_DEVICE;

    for (size_t i = from; i < n_all; i++) {
        if (!rule_matches(rule, &all[i]) || !rule_matches(wanted, &all[i])) {
            continue;
        }
        if (claims[i].is_held) {
            status = ERROR_BUSY;
            continue;
        }
        /* An owner that an earlier run of ours left behind: its driver has ended, or it would not
         * be claimed anew. */
        if (saved->owners[i] != 0) {
            owner_release(saved->owners[i]);
        }
        function_stop(i);
        *index = (uint32_t)i;
        status =
            server_object_create(request->server, request->tag, &function_class, &claims[i], gate);
        claims[i].is_held = status == OK;
        return status;
    }
    return status;
}

/* Closes an irq, if there is one. */
static void irq_drop(handle_t *irq) {
    if (*irq != HANDLE_NONE) {
        status_t closed = sys_handle_close(*irq);
        (void)closed;
        *irq = HANDLE_NONE;
    }
}

/* The driver gave it up, or died: off. Its memory is released when the process has ended. */
static void on_closed(struct server *server, void *object) {
    struct claim *claim = object;

    (void)server;
    function_stop(claim->index);
    irq_drop(&claim->message);
    claim->is_held = false;
}

/* ---- what a driver gets ---- */

/* Range `bar`, if it is there and of this kind. */
static status_t bar_check(const struct claim *claim, uint32_t bar, uint32_t kind) {
    const struct pci_function *function = &all[claim->index];

    if (bar >= ARRAY_SIZE(function->bar_bytes)) {
        return ERROR_BAD_ARGUMENT;
    }
    if (function->bar_bytes[bar] == 0 || function->bar_address[bar] == 0) {
        return ERROR_NOT_FOUND;
    }
    return (function->bar_flags[bar] & PCI_BAR_IO) != kind ? ERROR_WRONG_TYPE : OK;
}

/* Whole pages: what else lies in the first and last page goes along, which no page table can
 * prevent. */
static status_t on_map_bar(void *context, struct request *request, uint32_t bar, uint64_t *offset,
                           handle_t *registers) {
    const struct claim *claim = context;
    const struct pci_function *function = &all[claim->index];
    status_t status = bar_check(claim, bar, 0);

    (void)request;
    if (status != OK) {
        return status;
    }
    uint64_t first = ALIGN_DOWN(function->bar_address[bar], (uint64_t)PAGE_SIZE);
    uint64_t end =
        ALIGN_UP(function->bar_address[bar] + function->bar_bytes[bar], (uint64_t)PAGE_SIZE);

    *offset = function->bar_address[bar] - first;
    return sys_memory_create_device(system_handle, first, (end - first) / PAGE_SIZE, 0, registers);
}

static status_t on_ports_bar(void *context, struct request *request, uint32_t bar, uint32_t *first,
                             uint32_t *n, handle_t *ports) {
    const struct claim *claim = context;
    const struct pci_function *function = &all[claim->index];
    status_t status = bar_check(claim, bar, PCI_BAR_IO);

    (void)request;
    if (status != OK) {
        return status;
    }
    if (!u64_range_is_within(function->bar_address[bar], function->bar_bytes[bar], 0x10000)) {
        return ERROR_NOT_FOUND;
    }
    *first = (uint32_t)function->bar_address[bar];
    *n = (uint32_t)function->bar_bytes[bar];
    return sys_ioports_create(system_handle, (uint16_t)*first, *n, ports);
}

/* PCI lines are level-triggered, low-active, and may be shared (section 2.2.6). The number is the
 * firmware's, which has made the chip set's routing fit it: a line of the 8259. */
static status_t line_start(const struct pci_function *function, handle_t *interrupt) {
    if (function->irq_pin == 0 || function->irq_line == 0 || function->irq_line == 0xff) {
        return ERROR_NOT_FOUND;
    }
    return sys_irq_create(system_handle, function->irq_line, IRQ_LEVEL | IRQ_ACTIVE_LOW, interrupt);
}

/* The driver gets one handle, and one stays here. */
static status_t message_start(struct claim *claim, handle_t *interrupt) {
    const struct pci_function *function = &all[claim->index];
    uint32_t address, value;

    if (function->msi_offset == 0) {
        return ERROR_NOT_FOUND;
    }
    status_t status = sys_irq_create_message(system_handle, &claim->message, &address, &value);
    if (status != OK) {
        return status;
    }
    status = sys_handle_copy(claim->message, RIGHTS_ALL, 0, interrupt);
    if (status != OK) {
        irq_drop(&claim->message);
        return status;
    }
    message_program(function, address, value);
    return OK;
}

static status_t on_irq(void *context, struct request *request, uint32_t kinds, uint32_t *kind,
                       uint32_t *number, handle_t *interrupt) {
    struct claim *claim = context;
    const struct pci_function *function = &all[claim->index];
    status_t status = ERROR_NOT_FOUND;

    (void)request;
    if ((kinds & ~(uint32_t)(PCI_INTERRUPT_LINE | PCI_INTERRUPT_MESSAGE)) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    message_stop(function);
    irq_drop(&claim->message);
    *number = function->irq_line;
    if ((kinds & PCI_INTERRUPT_MESSAGE) != 0) {
        *kind = PCI_INTERRUPT_MESSAGE;
        status = message_start(claim, interrupt);
    }
    if ((kinds & PCI_INTERRUPT_LINE) != 0 && status != OK) {
        *kind = PCI_INTERRUPT_LINE;
        status = line_start(function, interrupt);
    }
    return status;
}

static status_t on_enable(void *context, struct request *request, uint32_t bits, handle_t owner) {
    const struct claim *claim = context;
    pci_address_t address = function_address(&all[claim->index]);
    const uint32_t mask = PCI_ENABLE_IO | PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER;
    status_t status = OK;

    (void)request;
    if ((bits & ~mask) != 0 || ((bits & PCI_ENABLE_MASTER) != 0 && owner == HANDLE_NONE)) {
        return ERROR_BAD_ARGUMENT;
    }
    if ((bits & PCI_ENABLE_MASTER) != 0) {
        status = owner_set(claim->index, owner);
    }
    if (status == OK) {
        config_write(address, PCI_COMMAND, 2,
                     (config_read(address, PCI_COMMAND, 2) & ~mask) | bits);
    }
    return status;
}

_Static_assert((int)PCI_ENABLE_IO == (int)PCI_COMMAND_IO &&
                   (int)PCI_ENABLE_MEMORY == (int)PCI_COMMAND_MEMORY &&
                   (int)PCI_ENABLE_MASTER == (int)PCI_COMMAND_MASTER,
               "the protocol has the bits of the register");

static bool config_range_is_good(uint32_t offset, uint32_t size) {
    return (size == 1 || size == 2 || size == 4) && offset < PCI_CONFIG_BYTES &&
           IS_ALIGNED(offset, size);
}

static status_t on_read_config(void *context, struct request *request, uint32_t offset,
                               uint32_t size, uint32_t *value) {
    const struct claim *claim = context;

    (void)request;
    if (!config_range_is_good(offset, size)) {
        return ERROR_BAD_ARGUMENT;
    }
    *value = config_read(function_address(&all[claim->index]), offset, size);
    return OK;
}

/* Is any of the four bytes in it? */
static bool is_in(uint32_t offset, uint32_t capability, uint32_t n_bytes) {
    return capability != 0 && offset + 4 > capability && offset < capability + n_bytes;
}

/* A message-signalled interrupt is a write to memory of the driver's choice: not for drivers. */
static bool is_ruled(const struct pci_function *function, uint32_t offset) {
    return offset < PCI_HEADER_BYTES || is_in(offset, function->msi_offset, MSI_BYTES_MAX) ||
           is_in(offset, function->msix_offset, MSIX_BYTES);
}

static status_t on_write_config(void *context, struct request *request, uint32_t offset,
                                uint32_t size, uint32_t value) {
    const struct claim *claim = context;

    (void)request;
    if (!config_range_is_good(offset, size)) {
        return ERROR_BAD_ARGUMENT;
    }
    if (is_ruled(&all[claim->index], offset)) {
        return ERROR_DENIED;
    }
    config_write(function_address(&all[claim->index]), offset, size, value);
    return OK;
}

static const struct pci_handlers handlers = {
    .map_bar = on_map_bar,
    .ports_bar = on_ports_bar,
    .irq = on_irq,
    .enable = on_enable,
    .read_config = on_read_config,
    .write_config = on_write_config,
};

static const struct server_protocol protocols[] = {PCI_SERVE(handlers), {0, NULL, NULL}};
static const struct server_class function_class = {.protocols = protocols, .closed = on_closed};

void claims_start(struct server *server, struct pci_function *functions, size_t n_functions,
                  handle_t system) {
    static struct saved_owners no_state;
    handle_t memory = startup_handle(STARTUP_MEMORY, "state");
    uint64_t address;

    the_server = server;
    all = functions;
    n_all = n_functions;
    system_handle = system;
    for (size_t i = 0; i < FUNCTIONS_MAX; i++) {
        claims[i].index = i;
    }
    saved = &no_state;
    if (memory != HANDLE_NONE &&
        sys_map(HANDLE_NONE, memory, 0, PAGE_SIZE, 0, MAP_READ | MAP_WRITE, &address) == OK) {
        saved = (struct saved_owners *)address;
    }
    if (saved->magic != SAVED_MAGIC) {
        memset(saved, 0, sizeof *saved);
        saved->magic = SAVED_MAGIC;
        /* The firmware may have left devices on; from now on only claimed ones write to memory.
         * Bridges pass on what is behind them. */
        for (size_t i = 0; i < n_all; i++) {
            if (all[i].header == 0 && all[i].class != 0x06) {
                function_stop(i);
            }
        }
    }
}
