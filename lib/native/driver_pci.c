/* SPDX-License-Identifier: MIT */
#include "lib/native/driver_pci.h"

#include "lib/native/startup.h"
#include "lib/native/syscall.h"

status_t pci_device_claim(struct pci_device *device, uint32_t vendor, uint32_t device_id,
                          uint32_t class) {
    handle_t pci = startup_handle(STARTUP_GATE, "pci");

    if (pci == HANDLE_NONE) {
        return ERROR_DENIED;
    }
    return pci_claim(pci, vendor, device_id, class, 0, &device->function, sizeof device->function,
                     &device->index, &device->gate, DEADLINE_NEVER);
}

status_t pci_device_map(const struct pci_device *device, uint32_t bar, volatile void **registers) {
    handle_t memory;
    uint64_t offset, n_pages = 0, address = 0;
    status_t status = pci_map_bar(device->gate, bar, &offset, &memory, DEADLINE_NEVER);

    if (status != OK) {
        return status;
    }
    status = sys_memory_control(memory, MEMORY_SIZE, 0, &n_pages);
    if (status == OK) {
        status =
            sys_map(HANDLE_NONE, memory, 0, n_pages * PAGE_SIZE, 0, MAP_READ | MAP_WRITE, &address);
    }
    status_t closed = sys_handle_close(memory); /* the mapping holds it */
    (void)closed;
    *registers = (volatile void *)(uintptr_t)(address + offset);
    return status;
}

status_t pci_device_enable(const struct pci_device *device) {
    return pci_enable(device->gate, PCI_ENABLE_IO | PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER,
                      startup_handle(STARTUP_SELF, NULL), DEADLINE_NEVER);
}

status_t pci_device_irq(const struct pci_device *device, uint32_t kinds, handle_t gate,
                        uint64_t bits, handle_t *irq) {
    uint32_t kind, number;
    status_t status = pci_irq(device->gate, kinds, &kind, &number, irq, DEADLINE_NEVER);

    return status != OK ? status : sys_irq_control(*irq, IRQ_BIND, gate, bits);
}

status_t dma_memory_create(struct dma_memory *memory, size_t size, uint64_t below) {
    handle_t budget = startup_handle(STARTUP_DMA, NULL), handle;
    uint64_t address;

    if (budget == HANDLE_NONE) {
        return ERROR_NO_RIGHT; /* the manifest has no dma_limit */
    }
    size = ALIGN_UP(size, PAGE_SIZE);
    status_t status =
        sys_memory_create(size / PAGE_SIZE, MEMORY_CONTIGUOUS | MEMORY_DMA, below, budget, &handle);
    if (status == OK) {
        status = sys_memory_control(handle, MEMORY_PHYSICAL, 0, &memory->physical);
    }
    if (status == OK) {
        status =
            sys_map(HANDLE_NONE, handle, 0, size, 0, MAP_READ | MAP_WRITE | MAP_POPULATE, &address);
    }
    if (status == OK) {
        memory->bytes = (uint8_t *)(uintptr_t)address;
        memory->size = size;
    }
    return status;
}
