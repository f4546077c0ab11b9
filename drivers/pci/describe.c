/* SPDX-License-Identifier: MIT */
#include "drivers/pci/describe.h"

#include <stdarg.h>

#include "lib/base/format.h"

/* Classes and subclasses (PCI Code and ID Assignment 1.11); subclass ANY: of the class as a whole,
 * after those that have a name of their own. */
enum { ANY = 0xff };

static const struct {
    uint8_t class, subclass;
    const char *name;
} classes[] = {
    {0x00, 0x01, "VGA-compatible device"},
    {0x00, ANY, "Unclassified device"},
    {0x01, 0x00, "SCSI controller"},
    {0x01, 0x01, "IDE controller"},
    {0x01, 0x06, "SATA controller"},
    {0x01, 0x08, "NVMe controller"},
    {0x01, ANY, "Mass storage controller"},
    {0x02, 0x00, "Ethernet controller"},
    {0x02, ANY, "Network controller"},
    {0x03, 0x00, "VGA controller"},
    {0x03, ANY, "Display controller"},
    {0x04, 0x03, "Audio device"},
    {0x04, ANY, "Multimedia controller"},
    {0x05, ANY, "Memory controller"},
    {0x06, 0x00, "Host bridge"},
    {0x06, 0x01, "ISA bridge"},
    {0x06, 0x04, "PCI bridge"},
    {0x06, ANY, "Bridge"},
    {0x07, 0x00, "Serial controller"},
    {0x07, ANY, "Communication controller"},
    {0x08, ANY, "System peripheral"},
    {0x09, ANY, "Input device"},
    {0x0c, 0x03, "USB controller"},
    {0x0c, 0x05, "SMBus"},
    {0x0c, ANY, "Serial bus controller"},
    {0x0d, ANY, "Wireless controller"},
    {0x10, ANY, "Encryption controller"},
    {0x11, ANY, "Signal processing controller"},
};

static const struct {
    uint16_t vendor;
    const char *name;
} vendors[] = {
    {0x1002, "AMD"},    {0x1022, "AMD"},  {0x10de, "NVIDIA"},   {0x10ec, "Realtek"},
    {0x1106, "VIA"},    {0x1234, "QEMU"}, {0x14e4, "Broadcom"}, {0x15ad, "VMware"},
    {0x1af4, "Virtio"}, {0x1b36, "QEMU"}, {0x1b21, "ASMedia"},  {0x8086, "Intel"},
};

static const char *class_name(const struct pci_function *function) {
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        if (classes[i].class == function->class &&
            (classes[i].subclass == ANY || classes[i].subclass == function->subclass)) {
            return classes[i].name;
        }
    }
    return "Unknown device";
}

static const char *vendor_name(uint16_t vendor) {
    for (size_t i = 0; i < ARRAY_SIZE(vendors); i++) {
        if (vendors[i].vendor == vendor) {
            return vendors[i].name;
        }
    }
    return "Device";
}

void describe_name(const struct pci_function *function, char name[FUNCTION_NAME_BYTES]) {
    size_t n = format_buffer(name, FUNCTION_NAME_BYTES, "%02x:%02x.%x", function->bus,
                             function->device, function->function);
    (void)n; /* fits: all three are bounded by their width */
}

/* Text that grows in a buffer; what does not fit is left out. */
struct text {
    char *bytes;
    size_t n, size;
};

static void add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct text *text, const char *format, ...) {
    va_list args;

    va_start(args, format);
    size_t n = format_buffer_v(text->bytes + text->n, text->size - text->n, format, args);
    va_end(args);
    text->n = MIN(text->n + n, text->size - 1);
}

static void add_range(struct text *text, const struct pci_function *function, unsigned i) {
    bool is_large = function->bar_bytes[i] >= MiB;
    uint32_t flags = function->bar_flags[i];

    add(text, "    range %u: %s at %#llx, %llu %s%s%s\n", i,
        (flags & PCI_BAR_IO) != 0 ? "ports" : "memory",
        (unsigned long long)function->bar_address[i],
        (unsigned long long)(is_large ? function->bar_bytes[i] / MiB : function->bar_bytes[i]),
        is_large ? "MiB" : "bytes", (flags & PCI_BAR_64) != 0 ? ", 64-bit" : "",
        (flags & PCI_BAR_PREFETCH) != 0 ? ", prefetchable" : "");
}

size_t describe(const struct pci_function *function, bool is_claimed, char text[DESCRIBE_BYTES]) {
    struct text out = {text, 0, DESCRIBE_BYTES};
    char name[FUNCTION_NAME_BYTES];

    describe_name(function, name);
    add(&out, "%s %s [%02x%02x]: %s [%04x:%04x]", name, class_name(function), function->class,
        function->subclass, vendor_name(function->vendor), function->vendor, function->device_id);
    if (function->revision != 0) {
        add(&out, " (rev %02x)", function->revision);
    }
    add(&out, "\n");
    if (function->subsystem_vendor != 0) {
        add(&out, "    subsystem: %s [%04x:%04x]\n", vendor_name(function->subsystem_vendor),
            function->subsystem_vendor, function->subsystem);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(function->bar_bytes); i++) {
        if (function->bar_bytes[i] != 0) {
            add_range(&out, function, i);
        }
    }
    if (function->irq_pin != 0 && function->irq_line != 0xff) {
        add(&out, "    interrupt: pin %c, line %u\n", 'A' + (function->irq_pin - 1) % 4,
            function->irq_line);
    }
    if (function->msi_offset != 0) {
        add(&out, "    message-signalled interrupts: at %#x\n", function->msi_offset);
    }
    add(&out, "    driver: %s\n", is_claimed ? "yes" : "none");
    return out.n;
}
