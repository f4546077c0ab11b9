/* SPDX-License-Identifier: MIT */
/*
 * The PCI function of a driver: claimed from the pci server through the root that the driver's
 * manifest names (start block: gate "pci"), and its registers, interrupt and DMA memory.
 */
#pragma once

#include "abi/generated/pci.h"

struct pci_device {
    handle_t gate; /* closing it gives the function up */
    uint32_t index;
    struct pci_function function;
};

/*
 * Claims the first free function with this vendor, device and class (PCI_ANY_ID: whichever).
 * NO_DEVICE if this machine has none, BUSY if others have them all. Blocks until the pci server is
 * up.
 */
WARN_UNUSED status_t pci_device_claim(struct pci_device *device, uint32_t vendor,
                                      uint32_t device_id, uint32_t class);

/* Maps register range `bar`, uncached: *registers is its first byte. */
WARN_UNUSED status_t pci_device_map(const struct pci_device *device, uint32_t bar,
                                    volatile void **registers);

/* Switches the function on: registers of both kinds, and bus mastering for this process. */
WARN_UNUSED status_t pci_device_enable(const struct pci_device *device);

/*
 * Interrupts of one of these kinds (PCI_INTERRUPT_LINE | PCI_INTERRUPT_MESSAGE; by message if
 * possible) notify `gate` with `bits`; *irq is to be acknowledged after each. A device that
 * interrupts by messages sends one for each event: all that it announced has to be seen to before
 * the next. Messages need pci_device_enable. Asked again, the earlier one comes no more.
 */
WARN_UNUSED status_t pci_device_irq(const struct pci_device *device, uint32_t kinds, handle_t gate,
                                    uint64_t bits, handle_t *irq);

/* Memory that the device may use. */
struct dma_memory {
    uint8_t *bytes;    /* where the program sees it */
    uint64_t physical; /* where the device does: contiguous */
    size_t size;
};

/* Zeroed memory of whole pages below the physical address `below` (0: anywhere). Lives as long as
 * the process, and after that until the device is off. */
WARN_UNUSED status_t dma_memory_create(struct dma_memory *memory, size_t size, uint64_t below);
