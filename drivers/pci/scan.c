/* SPDX-License-Identifier: MIT */
#include "drivers/pci/scan.h"

#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/log.h"

enum { BUSES = 256, DEVICES = 32, FUNCTIONS = 8, CLASS_BRIDGE = 0x06 };

/* Bits of a base address register (section 6.2.5.1). */
enum {
    BAR_IS_IO = 1,
    BAR_TYPE = 6,
    BAR_TYPE_64 = 4,
    BAR_PREFETCH = 8,
    BAR_IO_FLAGS = 3,
    BAR_MEMORY_FLAGS = 15,
};

struct scan {
    struct pci_function *functions;
    size_t n;
    bool is_known[BUSES]; /* looked at, or queued: so a loop of bridges ends */
    bool overflows;
};

/* ---- register ranges ---- */

/* What the register's writable bits say of the range's size; the register is put back. */
static uint32_t bar_probe(pci_address_t address, unsigned offset, uint32_t *value) {
    *value = config_read(address, offset, 4);
    config_write(address, offset, 4, UINT32_MAX);
    uint32_t mask = config_read(address, offset, 4);
    config_write(address, offset, 4, *value);
    return mask;
}

/* Measures range i; the number of registers that it takes. */
static unsigned bar_read(struct pci_function *function, unsigned i, unsigned n_bars) {
    pci_address_t address = function_address(function);
    unsigned offset = PCI_BAR0 + 4 * i;
    uint32_t low, high = 0, high_mask = UINT32_MAX;
    uint32_t mask = bar_probe(address, offset, &low);

    if ((mask & ~(uint32_t)BAR_MEMORY_FLAGS) == 0 && (mask & BAR_IS_IO) == 0) {
        return 1; /* the function has no such range */
    }
    if ((low & BAR_IS_IO) != 0) {
        /* Bits 16 to 31 may be wired to 0. */
        uint32_t size = (~(mask & ~(uint32_t)BAR_IO_FLAGS) + 1) & 0xffff;

        function->bar_address[i] = low & ~(uint32_t)BAR_IO_FLAGS;
        function->bar_bytes[i] = u64_is_power_of_two(size) ? size : 0;
        function->bar_flags[i] = PCI_BAR_IO;
        return 1;
    }
    bool is_wide = (low & BAR_TYPE) == BAR_TYPE_64 && i + 1 < n_bars;

    if (is_wide) {
        high_mask = bar_probe(address, offset + 4, &high);
    }
    uint64_t size = ~((uint64_t)high_mask << 32 | (mask & ~(uint32_t)BAR_MEMORY_FLAGS)) + 1;

    function->bar_address[i] = (uint64_t)high << 32 | (low & ~(uint32_t)BAR_MEMORY_FLAGS);
    function->bar_bytes[i] = u64_is_power_of_two(size) ? size : 0;
    function->bar_flags[i] =
        (is_wide ? PCI_BAR_64 : 0) | ((low & BAR_PREFETCH) != 0 ? PCI_BAR_PREFETCH : 0);
    return is_wide ? 2 : 1;
}

/*
 * While a register holds all ones its range lies wherever it lies, so the function must not decode
 * then. Bridges to the rest of the chip set are left alone: they may carry the very access that
 * would switch them on again, and no driver asks for their ranges.
 */
static void bars_read(struct pci_function *function) {
    unsigned n_bars = function->header == 0 ? 6 : function->header == 1 ? 2 : 0;
    pci_address_t address = function_address(function);
    uint32_t command = config_read(address, PCI_COMMAND, 2);

    if (function->class == CLASS_BRIDGE) {
        return;
    }
    config_write(address, PCI_COMMAND, 2,
                 command & ~(uint32_t)(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    for (unsigned i = 0; i < n_bars;) {
        i += bar_read(function, i, n_bars);
    }
    config_write(address, PCI_COMMAND, 2, command);
}

/* ---- functions ---- */

/* The place of a capability (section 6.7), 0 if there is none. */
static uint16_t capability_find(pci_address_t address, uint32_t id) {
    unsigned at;

    if ((config_read(address, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES) == 0) {
        return 0;
    }
    at = config_read(address, PCI_CAPABILITIES, 1) & 0xfc;
    /* A capability takes 4 bytes at least: more than this many, and the list is a loop. */
    for (unsigned n = 0; at >= PCI_HEADER_BYTES && n < PCI_CONFIG_BYTES / 4; n++) {
        uint32_t head = config_read(address, at, 2);

        if ((head & 0xff) == id) {
            return (uint16_t)at;
        }
        at = head >> 8 & 0xfc;
    }
    return 0;
}

static void function_read(struct pci_function *function, pci_address_t address) {
    memset(function, 0, sizeof *function);
    function->bus = (uint8_t)(address >> 8);
    function->device = address >> 3 & 31;
    function->function = address & 7;
    function->vendor = (uint16_t)config_read(address, PCI_VENDOR, 2);
    function->device_id = (uint16_t)config_read(address, PCI_DEVICE, 2);
    function->header = (uint8_t)config_read(address, PCI_HEADER_TYPE, 1) & PCI_HEADER_KIND;
    function->class = (uint8_t)config_read(address, PCI_CLASS, 1);
    function->subclass = (uint8_t)config_read(address, PCI_SUBCLASS, 1);
    function->interface = (uint8_t)config_read(address, PCI_INTERFACE, 1);
    function->revision = (uint8_t)config_read(address, PCI_REVISION, 1);
    function->irq_line = (uint8_t)config_read(address, PCI_IRQ_LINE, 1);
    function->irq_pin = (uint8_t)config_read(address, PCI_IRQ_PIN, 1);
    if (function->header == 0) {
        function->subsystem_vendor = (uint16_t)config_read(address, PCI_SUBSYSTEM_VENDOR, 2);
        function->subsystem = (uint16_t)config_read(address, PCI_SUBSYSTEM, 2);
    }
    function->msi_offset = capability_find(address, PCI_CAPABILITY_MSI);
    function->msix_offset = capability_find(address, PCI_CAPABILITY_MSIX);
    bars_read(function);
}

/* Remembers a function; a bridge also leads to another bus. */
static void function_found(struct scan *scan, pci_address_t address) {
    if (scan->n == FUNCTIONS_MAX) {
        scan->overflows = true;
        return;
    }
    struct pci_function *function = &scan->functions[scan->n++];

    function_read(function, address);
    if (function->header == 1) {
        /* 0: the firmware gave it no bus. */
        scan->is_known[config_read(address, PCI_SECONDARY_BUS, 1)] = true;
    }
}

static void device_scan(struct scan *scan, unsigned bus, unsigned device) {
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        pci_address_t address = PCI_ADDRESS(bus, device, i);

        if (config_read(address, PCI_VENDOR, 2) != PCI_VENDOR_NONE) {
            function_found(scan, address);
        }
        /* Single-function devices may answer for every function number. */
        if (i == 0 &&
            (config_read(address, PCI_VENDOR, 2) == PCI_VENDOR_NONE ||
             (config_read(address, PCI_HEADER_TYPE, 1) & PCI_HEADER_MULTI_FUNCTION) == 0)) {
            return;
        }
    }
}

static int compare_functions(const void *a, const void *b) {
    return (int)function_address(a) - (int)function_address(b);
}

size_t scan_all(struct pci_function *functions) {
    struct scan scan = {.functions = functions, .is_known = {true}};
    bool is_done[BUSES] = {false};
    bool again;

    /* A bridge's bus may have a lower number than the bridge's own, so until nothing is new. */
    do {
        again = false;
        for (unsigned bus = 0; bus < BUSES; bus++) {
            if (!scan.is_known[bus] || is_done[bus]) {
                continue;
            }
            is_done[bus] = again = true;
            for (unsigned device = 0; device < DEVICES; device++) {
                device_scan(&scan, bus, device);
            }
        }
    } while (again);
    if (scan.overflows) {
        log_write(LOG_WARNING, "more than %d functions: the others are not used", FUNCTIONS_MAX);
    }
    qsort(functions, scan.n, sizeof *functions, compare_functions);
    return scan.n;
}
