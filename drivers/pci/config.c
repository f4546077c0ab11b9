/* SPDX-License-Identifier: MIT */
#include "drivers/pci/config.h"

#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/syscall.h"

enum { PORT_ADDRESS = 0xcf8, PORT_DATA = 0xcfc };
#define ADDRESS_ENABLE (1u << 31)

static handle_t ports;

void config_start(handle_t ioports) {
    ports = ioports;
}

/* A port that the manifest gives us cannot fail; if the manifest is wrong nothing works. */
static uint64_t port_access(uint16_t port, uint32_t operation, uint32_t value) {
    uint64_t in = 0;
    status_t status = sys_ioports_access(ports, port, operation, value, &in);

    if (status != OK) {
        log_write(LOG_ERROR, "port %x: %s", port, status_text(status));
        sys_process_exit(1);
    }
    return in;
}

static void select_register(pci_address_t address, unsigned offset) {
    uint64_t none = port_access(PORT_ADDRESS, 4 | IOPORTS_OUT,
                                ADDRESS_ENABLE | (uint32_t)address << 8 | (offset & 0xfc));

    (void)none;
}

uint32_t config_read(pci_address_t address, unsigned offset, unsigned size) {
    select_register(address, offset);
    return (uint32_t)port_access((uint16_t)(PORT_DATA + (offset & 3)), size, 0);
}

void config_write(pci_address_t address, unsigned offset, unsigned size, uint32_t value) {
    select_register(address, offset);
    uint64_t none = port_access((uint16_t)(PORT_DATA + (offset & 3)), size | IOPORTS_OUT, value);

    (void)none;
}
