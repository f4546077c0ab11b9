/* SPDX-License-Identifier: MIT */
#include "drivers/pci/message.h"

#include "drivers/pci/scan.h"

/* Registers, from the start of the capability. After the address, which may have an upper half,
 * comes the value, and then the mask, if there is one. */
enum { MSI_CONTROL = 2, MSI_ADDRESS = 4 };

enum {
    CONTROL_ENABLE = 1 << 0,
    CONTROL_MESSAGES = 7 << 4, /* how many it may send, as a power of two */
    CONTROL_WIDE = 1 << 7,
    CONTROL_MASKS = 1 << 8,
};

static uint32_t control_read(const struct pci_function *function) {
    return config_read(function_address(function), function->msi_offset + MSI_CONTROL, 2);
}

static void control_write(const struct pci_function *function, uint32_t control) {
    config_write(function_address(function), function->msi_offset + MSI_CONTROL, 2, control);
}

void message_program(const struct pci_function *function, uint32_t address, uint32_t value) {
    pci_address_t at = function_address(function);
    uint32_t control = control_read(function) & ~(uint32_t)(CONTROL_ENABLE | CONTROL_MESSAGES);
    unsigned offset = function->msi_offset + MSI_ADDRESS;

    config_write(at, offset, 4, address);
    if ((control & CONTROL_WIDE) != 0) {
        offset += 4;
        config_write(at, offset, 4, 0);
    }
    config_write(at, offset + 4, 2, value);
    if ((control & CONTROL_MASKS) != 0) {
        config_write(at, offset + 8, 4, 0);
    }
    control_write(function, control | CONTROL_ENABLE);
}

void message_stop(const struct pci_function *function) {
    if (function->msi_offset != 0) {
        control_write(function, control_read(function) & ~(uint32_t)CONTROL_ENABLE);
    }
}
