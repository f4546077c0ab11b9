/* SPDX-License-Identifier: MIT */
/*
 * Reads what the loader left, where it left it.
 */
#include "boot/boot_info.h"

#include "boot/boot_read.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

#define MULTIBOOT2_LOADER_MAGIC 0x36d76289
#define PVH_MAGIC               0x336ec578

#define BOOT_MAP_END    (4 * GiB) /* what the boot page tables reach */
#define MEMORY_USABLE   1         /* in E820, PVH and multiboot2 alike */
#define BDA_VIDEO_MODE  0x449     /* BIOS data area: 2, 3 or 7 in text modes of 80 columns */
#define VIDEO_TEXT_MODE 3

/* `size` bytes at a physical address that the loader gave; panics if they cannot be there. */
static const void *loader_memory(paddr_t paddr, uint64_t size, const char *what) {
    if (!u64_range_is_within(paddr, size, BOOT_MAP_END)) {
        panic("boot: %s at %#lx, %lu bytes, cannot be reached", what, paddr, size);
    }
    return paddr_to_pointer(paddr);
}

static enum boot_range_type range_type(uint32_t type) {
    return type == MEMORY_USABLE ? BOOT_RANGE_USABLE : BOOT_RANGE_OTHER;
}

static void command_line_copy(struct boot_info *boot, const char *text, size_t limit) {
    size_t n = MIN(strnlen(text, limit), sizeof(boot->command_line) - 1);

    memcpy(boot->command_line, text, n);
    boot->command_line[n] = 0;
}

static void archive_set(struct boot_info *boot, uint64_t start, uint64_t size) {
    if (boot->archive_paddr == 0 && size != 0) {
        (void)loader_memory(start, size, "the boot archive");
        boot->archive_paddr = start;
        boot->archive_size = size;
    }
}

/* PVH: Xen public header arch-x86/hvm/start_info.h. */
struct pvh_info {
    uint32_t magic, version, flags, n_modules;
    uint64_t modules, command_line, rsdp, memory_map;
    uint32_t n_memory_map, reserved;
};
struct pvh_module {
    uint64_t start, size, command_line, reserved;
};
struct pvh_range {
    uint64_t start, size;
    uint32_t type, reserved;
};

static void pvh_read(struct boot_info *boot, paddr_t paddr) {
    const struct pvh_info *info = loader_memory(paddr, sizeof(*info), "the PVH start info");
    const struct pvh_range *ranges;
    const struct pvh_module *module;
    const uint8_t *video_mode = loader_memory(BDA_VIDEO_MODE, 1, "BIOS data");

    if (info->magic != PVH_MAGIC || info->version < 1) {
        panic("boot: no PVH start info with a memory map (magic %#x, version %u)", info->magic,
              info->version);
    }
    ranges = loader_memory(info->memory_map, info->n_memory_map * sizeof(*ranges), "memory map");
    for (unsigned i = 0; i < info->n_memory_map; i++) {
        boot_ranges_add(ranges[i].start, ranges[i].size, range_type(ranges[i].type));
    }
    if (info->command_line != 0) {
        const char *text = loader_memory(info->command_line, 1, "the command line");

        command_line_copy(boot, text, BOOT_MAP_END - info->command_line);
    }
    if (info->n_modules != 0) {
        module = loader_memory(info->modules, sizeof(*module), "the module list");
        archive_set(boot, module->start, module->size);
    }
    if (info->rsdp != 0) {
        boot->rsdp_paddr = info->rsdp;
        memcpy(boot->rsdp, loader_memory(info->rsdp, sizeof(boot->rsdp), "RSDP"),
               sizeof(boot->rsdp));
    }
    if (*video_mode == VIDEO_TEXT_MODE) {
        boot->screen = BOOT_SCREEN_TEXT;
        boot->screen_width = 80;
        boot->screen_height = 25;
    }
}

/* Multiboot2 specification 2.0, 3.6: a size, a reserved word, then tags at multiples of 8 bytes. */
enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
};
struct tag {
    uint32_t type, size;
};
struct tag_module {
    struct tag tag;
    uint32_t start, end;
};
struct tag_memory_map {
    struct tag tag;
    uint32_t entry_size, version;
};
struct memory_map_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};
struct tag_framebuffer {
    struct tag tag;
    uint64_t paddr;
    uint32_t pitch, width, height;
    uint8_t bits, type;
    uint16_t reserved;
    uint8_t red_position, red_bits, green_position, green_bits, blue_position, blue_bits;
};
enum { FRAMEBUFFER_RGB = 1, FRAMEBUFFER_TEXT = 2 };

static void tag_memory_map_read(const struct tag *tag) {
    const struct tag_memory_map *map = (const struct tag_memory_map *)tag;

    if (tag->size < sizeof(*map) || map->entry_size < sizeof(struct memory_map_entry)) {
        panic("boot: the multiboot2 memory map is malformed");
    }
    for (uint32_t at = sizeof(*map); tag->size - at >= map->entry_size; at += map->entry_size) {
        const struct memory_map_entry *entry = (const void *)((const char *)tag + at);

        boot_ranges_add(entry->start, entry->size, range_type(entry->type));
    }
}

static void tag_framebuffer_read(struct boot_info *boot, const struct tag *tag) {
    const struct tag_framebuffer *screen = (const struct tag_framebuffer *)tag;

    if (tag->size < offsetof(struct tag_framebuffer, red_position)) {
        return;
    }
    if (screen->type == FRAMEBUFFER_TEXT) {
        boot->screen = BOOT_SCREEN_TEXT;
    } else if (screen->type == FRAMEBUFFER_RGB && tag->size >= sizeof(*screen)) {
        boot->screen = BOOT_SCREEN_PIXELS;
        boot->red_position = screen->red_position;
        boot->red_bits = screen->red_bits;
        boot->green_position = screen->green_position;
        boot->green_bits = screen->green_bits;
        boot->blue_position = screen->blue_position;
        boot->blue_bits = screen->blue_bits;
    } else {
        return; /* a palette: no use for it */
    }
    boot->screen_paddr = screen->paddr;
    boot->screen_pitch = screen->pitch;
    boot->screen_width = screen->width;
    boot->screen_height = screen->height;
    boot->screen_bits = screen->bits;
}

static void tag_read(struct boot_info *boot, const struct tag *tag) {
    const struct tag_module *module = (const struct tag_module *)tag;
    const char *content = (const char *)(tag + 1);
    uint32_t size = tag->size - (uint32_t)sizeof(*tag);

    switch (tag->type) {
    case TAG_COMMAND_LINE:
        command_line_copy(boot, content, size);
        break;
    case TAG_MODULE:
        if (tag->size >= sizeof(*module) && module->end > module->start) {
            archive_set(boot, module->start, module->end - module->start);
        }
        break;
    case TAG_MEMORY_MAP:
        tag_memory_map_read(tag);
        break;
    case TAG_FRAMEBUFFER:
        tag_framebuffer_read(boot, tag);
        break;
    case TAG_RSDP_NEW: /* comes with or without an old one: the new one counts */
    case TAG_RSDP_OLD:
        if (tag->type == TAG_RSDP_NEW || boot->rsdp[0] == 0) {
            memcpy(boot->rsdp, content, MIN(size, (uint32_t)sizeof(boot->rsdp)));
        }
        break;
    default:
        break;
    }
}

static void multiboot2_read(struct boot_info *boot, paddr_t paddr) {
    const uint32_t *header = loader_memory(paddr, 8, "the multiboot2 information");
    uint32_t total = *header;
    uint32_t at = 8;

    (void)loader_memory(paddr, total, "the multiboot2 information");
    while (u64_range_is_within(at, sizeof(struct tag), total)) {
        const struct tag *tag = (const void *)((const char *)header + at);

        if (tag->type == TAG_END) {
            break;
        }
        if (tag->size < sizeof(*tag) || !u64_range_is_within(at, tag->size, total)) {
            panic("boot: multiboot2 tag %u at %u is malformed", tag->type, at);
        }
        tag_read(boot, tag);
        at += ALIGN_UP(tag->size, 8u);
    }
}

void boot_info_read(struct boot_info *boot, uint32_t magic, paddr_t paddr, uint64_t entry_tsc) {
    memset(boot, 0, sizeof(*boot));
    boot->entry_tsc = entry_tsc;
    if (magic == 0) {
        pvh_read(boot, paddr);
    } else if (magic == MULTIBOOT2_LOADER_MAGIC) {
        multiboot2_read(boot, paddr);
    } else {
        panic("boot: the loader's magic number is %#x, not multiboot2's", magic);
    }
    boot_ranges_finish(boot);
}
