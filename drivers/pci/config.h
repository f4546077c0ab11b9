/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space through configuration mechanism #1 (PCI Local Bus Specification 3.0,
 * section 3.2.2.3.2): the address goes to port 0xcf8, the data through port 0xcfc. The first 256
 * bytes of every function of segment 0 can be reached this way.
 */
#pragma once

#include "abi/types.h"
#include "lib/base/types.h"

/* Bus, device and function in one number: bus << 8 | device << 3 | function. */
typedef uint16_t pci_address_t;

#define PCI_ADDRESS(bus, device, function)                                                         \
    ((pci_address_t)((uint32_t)(bus) << 8 | (uint32_t)(device) << 3 | (function)))

/* Registers of the header (section 6.1 and, for bridges, PCI-to-PCI Bridge Architecture 1.2, 3.2).
 */
enum {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_INTERFACE = 0x09,
    PCI_SUBCLASS = 0x0a,
    PCI_CLASS = 0x0b,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SECONDARY_BUS = 0x19, /* bridges */
    PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_IRQ_LINE = 0x3c,
    PCI_IRQ_PIN = 0x3d,
    PCI_HEADER_BYTES = 0x40,
    PCI_CONFIG_BYTES = 0x100,
};

enum {
    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_STATUS_CAPABILITIES = 1 << 4,
    PCI_HEADER_MULTI_FUNCTION = 0x80,
    PCI_HEADER_KIND = 0x7f, /* 0: a device, 1: a PCI bridge, 2: a CardBus bridge */
    PCI_CAPABILITY_MSI = 0x05,
    PCI_CAPABILITY_MSIX = 0x11,
    PCI_VENDOR_NONE = 0xffff,
};

/* The two ports; from the start block. */
void config_start(handle_t ioports);

/* size is 1, 2 or 4, offset a multiple of it below PCI_CONFIG_BYTES. All ones where nothing
 * answers. */
uint32_t config_read(pci_address_t address, unsigned offset, unsigned size);
void config_write(pci_address_t address, unsigned offset, unsigned size, uint32_t value);
