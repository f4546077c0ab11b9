/* SPDX-License-Identifier: MIT */
/*
 * Made by tools/idl/generate.py from abi/protocols/pci.idl: change that, not this.
 *
 * The PCI server: finds functions, hands out their registers, interrupt lines and bus mastering. `get` and `claim` go to a root
 * gate of the service: root 0 only lists; each further root may claim what the server's manifest says for it (which driver has
 * which root stands in the driver's manifest: `uses pci:N`). The other messages go to the gate of a claimed function. /pci is
 * also a directory of text files, one per function.
 */
/* clang-format off */
#pragma once

#define MESSAGE_STUBS /* with MESSAGE_CALL as it is here: who puts another in its place comes first */

#include "lib/native/message.h"
#include "lib/native/request.h"

enum { PCI_PROTOCOL = 10 };

enum pci_label {
    PCI_GET = PCI_PROTOCOL << 16 | 1,
    PCI_CLAIM = PCI_PROTOCOL << 16 | 2,
    PCI_MAP_BAR = PCI_PROTOCOL << 16 | 3,
    PCI_PORTS_BAR = PCI_PROTOCOL << 16 | 4,
    PCI_IRQ = PCI_PROTOCOL << 16 | 5,
    PCI_ENABLE = PCI_PROTOCOL << 16 | 6,
    PCI_READ_CONFIG = PCI_PROTOCOL << 16 | 7,
    PCI_WRITE_CONFIG = PCI_PROTOCOL << 16 | 8,
};

#define PCI_ANY_ID 0xffff
#define PCI_BAR_IO 1
#define PCI_BAR_64 2
#define PCI_BAR_PREFETCH 4
#define PCI_INTERRUPT_LINE 1
#define PCI_INTERRUPT_MESSAGE 2
#define PCI_ENABLE_IO 1
#define PCI_ENABLE_MEMORY 2
#define PCI_ENABLE_MASTER 4

struct pci_function {
    uint16_t segment;
    uint8_t bus;
    uint8_t device;
    uint8_t function;
    uint8_t header;
    uint16_t vendor;
    uint16_t device_id;
    uint16_t subsystem_vendor;
    uint16_t subsystem;
    uint8_t class;
    uint8_t subclass;
    uint8_t interface;
    uint8_t revision;
    uint8_t irq_line; /* 255: none */
    uint8_t irq_pin; /* 0: none */
    uint16_t msi_offset; /* of the MSI capability in configuration space, 0: none */
    uint16_t msix_offset; /* of the MSI-X capability, 0: none; not used by this server */
    uint64_t bar_address[6];
    uint64_t bar_bytes[6]; /* 0: no such register range */
    uint32_t bar_flags[6]; /* bar_io, bar_64, bar_prefetch */
};

/*
 * The function number `index` in the order of bus, device, function. NOT_FOUND after the last.
 * request: w0.low index, lend_write function
 */
WARN_UNUSED static inline status_t pci_get(handle_t server, uint32_t index, void *function,
                                           uint32_t function_length, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PCI_GET;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)index;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(function, function_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * The first function from number `from` on with this vendor and device (any_id: whichever) and class << 8 | subclass (any_id:
 * whichever), and one that this root may claim, that nobody has claimed: it is the caller's until the gate is closed; then, or
 * when the caller dies, bus mastering is switched off and its DMA memory may be freed. NO_DEVICE if there is none, BUSY if all
 * such are claimed, DENIED through root 0.
 * request: w0.low vendor, w0.high device, w1.low class, w1.high from, lend_write function
 * answer: w0.low index, handle function_gate
 */
WARN_UNUSED static inline status_t pci_claim(handle_t server, uint32_t vendor, uint32_t device,
                                             uint32_t class, uint32_t from, void *function,
                                             uint32_t function_length, uint32_t *index,
                                             handle_t *function_gate, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PCI_CLAIM;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)vendor | (uint64_t)(uint32_t)device << 32;
    message_.words[1] = (uint64_t)(uint32_t)class | (uint64_t)(uint32_t)from << 32;
    message_.words[2] = 0;
    message_.words[3] = 0;
    message_.lent = MESSAGE_LEND(function, function_length, LENT_WRITABLE);
    message_.control |= MESSAGE_LENDS;
    status_t status_ = MESSAGE_CALL(&message_);
    *index = (uint32_t)message_.words[0];
    *function_gate = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * The memory of a register range, which starts at `offset` in it. NOT_FOUND if it is none or has no address, WRONG_TYPE if it
 * is of ports.
 * request: w0.low bar
 * answer: w0 offset, handle registers
 */
WARN_UNUSED static inline status_t pci_map_bar(handle_t server, uint32_t bar, uint64_t *offset,
                                               handle_t *registers, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PCI_MAP_BAR;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)bar;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *offset = message_.words[0];
    *registers = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * request: w0.low bar
 * answer: w0.low first, w0.high n, handle ports
 */
WARN_UNUSED static inline status_t pci_ports_bar(handle_t server, uint32_t bar, uint32_t *first,
                                                 uint32_t *n, handle_t *ports, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PCI_PORTS_BAR;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)bar;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *first = (uint32_t)message_.words[0];
    *n = (uint32_t)(message_.words[0] >> 32);
    *ports = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * The function's interrupt, of one of these kinds (bits: what the driver can do with): by message if the function can and the
 * system has one left, else its line. `number` is the line's. Lines are level-triggered: masked from the interrupt until it is
 * acknowledged. Messages come with events, are not masked, and only while bus mastering is on; this server tells the function
 * where to write them, and that until the driver gives the function up or asks again: then the earlier one comes no more.
 * NOT_FOUND: it has none of these.
 * request: w0.low kinds
 * answer: w0.low kind, w0.high number, handle interrupt
 */
WARN_UNUSED static inline status_t pci_irq(handle_t server, uint32_t kinds, uint32_t *kind,
                                           uint32_t *number, handle_t *interrupt,
                                           uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PCI_IRQ;
    message_.deadline = deadline;
    message_.control = MESSAGE_ACCEPT(1);
    message_.words[0] = (uint64_t)(uint32_t)kinds;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    *kind = (uint32_t)message_.words[0];
    *number = (uint32_t)(message_.words[0] >> 32);
    *interrupt = message_handle(&message_, status_, 0);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Sets the enable_ bits of the command register; off for those not given. `owner` (the caller's own process, READ is enough) is
 * needed with enable_master: so that its DMA memory is freed after its death, and not before the device is off.
 * request: w0.low bits, handle owner
 */
WARN_UNUSED static inline status_t pci_enable(handle_t server, uint32_t bits, handle_t owner,
                                              uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PCI_ENABLE;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)bits;
    message_.handles[0] = owner;
    if (owner != HANDLE_NONE) {
        message_.control += MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
    }
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * Configuration space: size 1, 2 or 4 at an aligned offset. Registers that this protocol rules (the header's first 64 bytes, and
 * the capabilities MSI and MSI-X) cannot be written: DENIED.
 * request: w0.low offset, w0.high size
 * answer: w0.low value
 */
WARN_UNUSED static inline status_t pci_read_config(handle_t server, uint32_t offset, uint32_t size,
                                                   uint32_t *value, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PCI_READ_CONFIG;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)offset | (uint64_t)(uint32_t)size << 32;
    message_.words[1] = 0;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    *value = (uint32_t)message_.words[0];
    return status_ != OK ? status_ : (status_t)message_.label;
}

/* request: w0.low offset, w0.high size, w1.low value */
WARN_UNUSED static inline status_t pci_write_config(handle_t server, uint32_t offset, uint32_t size,
                                                    uint32_t value, uint64_t deadline) {
    struct message message_;

    message_.gate = server;
    message_.label = PCI_WRITE_CONFIG;
    message_.deadline = deadline;
    message_.control = 0;
    message_.words[0] = (uint64_t)(uint32_t)offset | (uint64_t)(uint32_t)size << 32;
    message_.words[1] = (uint64_t)(uint32_t)value;
    message_.words[2] = 0;
    message_.words[3] = 0;
    status_t status_ = MESSAGE_CALL_SHORT(&message_);
    return status_ != OK ? status_ : (status_t)message_.label;
}

/*
 * What a server of this protocol answers with; a message without a handler gives NOT_SUPPORTED.
 * Handles of a request are closed when the handler returns, unless it takes them with request_keep.
 * A handler that saved the reply (request_save) returns REQUEST_DEFERRED.
 */
struct pci_handlers {
    status_t (*get)(void *context, struct request *request, uint32_t index,
                    uint32_t function_length);
    status_t (*claim)(void *context, struct request *request, uint32_t vendor, uint32_t device,
                      uint32_t class, uint32_t from, uint32_t function_length, uint32_t *index,
                      handle_t *function_gate);
    status_t (*map_bar)(void *context, struct request *request, uint32_t bar, uint64_t *offset,
                        handle_t *registers);
    status_t (*ports_bar)(void *context, struct request *request, uint32_t bar, uint32_t *first,
                          uint32_t *n, handle_t *ports);
    status_t (*irq)(void *context, struct request *request, uint32_t kinds, uint32_t *kind,
                    uint32_t *number, handle_t *interrupt);
    status_t (*enable)(void *context, struct request *request, uint32_t bits, handle_t owner);
    status_t (*read_config)(void *context, struct request *request, uint32_t offset, uint32_t size,
                            uint32_t *value);
    status_t (*write_config)(void *context, struct request *request, uint32_t offset, uint32_t size,
                             uint32_t value);
};

static inline status_t pci_dispatch_get(const struct pci_handlers *handlers, void *context,
                                        struct request *request) {
    if (handlers->get == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->get(context, request, (uint32_t)request->words[0],
                                     request->writable);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pci_answer_get(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t pci_dispatch_claim(const struct pci_handlers *handlers, void *context,
                                          struct request *request) {
    uint32_t index = 0;
    handle_t function_gate = HANDLE_NONE;

    if (handlers->claim == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->claim(context, request, (uint32_t)request->words[0],
                                       (uint32_t)(request->words[0] >> 32),
                                       (uint32_t)request->words[1],
                                       (uint32_t)(request->words[1] >> 32), request->writable,
                                       &index, &function_gate);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)index;
    answer_add_handle(&request->answer, function_gate, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pci_answer_claim(handle_t saved, status_t outcome, uint32_t index,
                                        handle_t function_gate) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)index;
    answer_add_handle(&answer_, function_gate, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t pci_dispatch_map_bar(const struct pci_handlers *handlers, void *context,
                                            struct request *request) {
    uint64_t offset = 0;
    handle_t registers = HANDLE_NONE;

    if (handlers->map_bar == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->map_bar(context, request, (uint32_t)request->words[0], &offset,
                                         &registers);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = offset;
    answer_add_handle(&request->answer, registers, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pci_answer_map_bar(handle_t saved, status_t outcome, uint64_t offset,
                                          handle_t registers) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = offset;
    answer_add_handle(&answer_, registers, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t pci_dispatch_ports_bar(const struct pci_handlers *handlers, void *context,
                                              struct request *request) {
    uint32_t first = 0;
    uint32_t n = 0;
    handle_t ports = HANDLE_NONE;

    if (handlers->ports_bar == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->ports_bar(context, request, (uint32_t)request->words[0], &first,
                                           &n, &ports);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)first | (uint64_t)(uint32_t)n << 32;
    answer_add_handle(&request->answer, ports, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pci_answer_ports_bar(handle_t saved, status_t outcome, uint32_t first,
                                            uint32_t n, handle_t ports) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)first | (uint64_t)(uint32_t)n << 32;
    answer_add_handle(&answer_, ports, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t pci_dispatch_irq(const struct pci_handlers *handlers, void *context,
                                        struct request *request) {
    uint32_t kind = 0;
    uint32_t number = 0;
    handle_t interrupt = HANDLE_NONE;

    if (handlers->irq == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->irq(context, request, (uint32_t)request->words[0], &kind, &number,
                                     &interrupt);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)kind | (uint64_t)(uint32_t)number << 32;
    answer_add_handle(&request->answer, interrupt, request->answer_flag);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pci_answer_irq(handle_t saved, status_t outcome, uint32_t kind,
                                      uint32_t number, handle_t interrupt) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)kind | (uint64_t)(uint32_t)number << 32;
    answer_add_handle(&answer_, interrupt, ANSWER_MOVE);
    return answer_send(saved, outcome, &answer_);
}

static inline status_t pci_dispatch_enable(const struct pci_handlers *handlers, void *context,
                                           struct request *request) {
    if (handlers->enable == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    if (!request_handle_is_or_none(request, 0, OBJECT_PROCESS)) {
        return ERROR_BAD_ARGUMENT;
    }
    status_t status_ = handlers->enable(context, request, (uint32_t)request->words[0],
                                        request->handles[0]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pci_answer_enable(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

static inline status_t pci_dispatch_read_config(const struct pci_handlers *handlers, void *context,
                                                struct request *request) {
    uint32_t value = 0;

    if (handlers->read_config == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->read_config(context, request, (uint32_t)request->words[0],
                                             (uint32_t)(request->words[0] >> 32), &value);
    if (status_ == REQUEST_DEFERRED) {
        return status_;
    }
    request->answer.words[0] = (uint64_t)(uint32_t)value;
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pci_answer_read_config(handle_t saved, status_t outcome, uint32_t value) {
    struct answer answer_ = {.control = 0};

    answer_.words[0] = (uint64_t)(uint32_t)value;
    return answer_send(saved, outcome, &answer_);
}

static inline status_t pci_dispatch_write_config(const struct pci_handlers *handlers, void *context,
                                                 struct request *request) {
    if (handlers->write_config == NULL) {
        return ERROR_NOT_SUPPORTED;
    }
    status_t status_ = handlers->write_config(context, request, (uint32_t)request->words[0],
                                              (uint32_t)(request->words[0] >> 32),
                                              (uint32_t)request->words[1]);
    return status_;
}

/* Answers a saved request; the handle is used up. Not OK: the client has not got the answer. */
static inline status_t pci_answer_write_config(handle_t saved, status_t outcome) {
    struct answer answer_ = {.control = 0};

    return answer_send(saved, outcome, &answer_);
}

/* Unpacks a request, calls its handler, packs the answer; for the tables of lib/native/server.h. */
static inline status_t pci_dispatch(const void *handlers, void *context, struct request *request) {
    switch (request->label) {
    case PCI_GET:
        return pci_dispatch_get(handlers, context, request);
    case PCI_CLAIM:
        return pci_dispatch_claim(handlers, context, request);
    case PCI_MAP_BAR:
        return pci_dispatch_map_bar(handlers, context, request);
    case PCI_PORTS_BAR:
        return pci_dispatch_ports_bar(handlers, context, request);
    case PCI_IRQ:
        return pci_dispatch_irq(handlers, context, request);
    case PCI_ENABLE:
        return pci_dispatch_enable(handlers, context, request);
    case PCI_READ_CONFIG:
        return pci_dispatch_read_config(handlers, context, request);
    case PCI_WRITE_CONFIG:
        return pci_dispatch_write_config(handlers, context, request);
    default:
        return ERROR_BAD_MESSAGE;
    }
}

/* A row of a server's protocol table. */
#define PCI_SERVE(handlers) {PCI_PROTOCOL, pci_dispatch, &(handlers)}

/* The message's name, for traces; NULL if the label is none of this protocol. */
static inline const char *pci_label_name(uint32_t label) {
    switch (label) {
    case PCI_GET:
        return "pci.get";
    case PCI_CLAIM:
        return "pci.claim";
    case PCI_MAP_BAR:
        return "pci.map_bar";
    case PCI_PORTS_BAR:
        return "pci.ports_bar";
    case PCI_IRQ:
        return "pci.irq";
    case PCI_ENABLE:
        return "pci.enable";
    case PCI_READ_CONFIG:
        return "pci.read_config";
    case PCI_WRITE_CONFIG:
        return "pci.write_config";
    default:
        return NULL;
    }
}
