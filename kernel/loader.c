/* SPDX-License-Identifier: MIT */
#include "kernel/loader.h"

#include "abi/startup.h"
#include "boot/boot_info.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/budget.h"
#include "kernel/memory.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/user_copy.h"
#include "lib/base/elf.h"
#include "lib/base/string.h"
#include "lib/base/tar.h"

#define INIT_NAME     "bin/init"
#define STACK_TOP     0x00007fff00000000ULL
#define STACK_BYTES   (256 * KiB)
#define BLOCK_ADDRESS (STACK_TOP + PAGE_SIZE)
#define BLOCK_BYTES   PAGE_SIZE

/* Entries of the auxiliary vector (System V ABI, AMD64 supplement, 3.4.3). */
enum {
    AT_NULL = 0,
    AT_PHDR = 3,
    AT_PHENT = 4,
    AT_PHNUM = 5,
    AT_PAGESZ = 6,
    AT_ENTRY = 9,
    AT_RANDOM = 25
};

static void map(struct process *init, uint64_t address, uint64_t length, uint32_t flags) {
    struct map_request request = {.address = address,
                                  .length = length,
                                  .flags = flags | MAP_FIXED,
                                  .protection_max = MAP_PROTECTION};
    status_t status = space_map(init->space, &request, &address);

    if (status != OK) {
        panic("init: cannot map %#llx: %d", (unsigned long long)address, status);
    }
}

static void write(struct process *init, uint64_t address, const void *from, uint64_t n,
                  enum access access) {
    status_t status = copy_out_as(init->space, address, access, from, n);

    if (status != OK) {
        panic("init: no page at %#llx: %d", (unsigned long long)address, status);
    }
}

static void load(struct process *init, const struct elf_image *image, const uint8_t *file) {
    for (unsigned i = 0; i < image->n_segments; i++) {
        const struct elf_segment *segment = &image->segments[i];
        uint32_t flags = elf_segment_protection(segment);
        /* Any access that the segment allows will make the page. */
        enum access access = (enum access)(flags & -flags);

        map(init, elf_segment_first_page(segment), elf_segment_n_pages(segment) * PAGE_SIZE, flags);
        write(init, segment->address, file + segment->file_offset, segment->file_size, access);
    }
}

/* The block under construction, in kernel memory; strings go behind the entries. */
struct block {
    struct startup_block *header;
    uint32_t text_end;
};

static uint32_t block_text(struct block *block, const char *text) {
    uint32_t offset = block->text_end;
    size_t size = strlen(text) + 1;

    if (offset + size > BLOCK_BYTES) {
        panic("init: the command line is too long");
    }
    memcpy((char *)block->header + offset, text, size);
    block->text_end += (uint32_t)size;
    return offset;
}

static struct startup_entry *block_object(struct block *block, struct process *init,
                                          enum startup_kind kind, struct object *object,
                                          uint32_t rights) {
    struct startup_entry *entry = &block->header->entries[block->header->n_entries++];

    object_get(object);
    *entry = (struct startup_entry){.kind = kind};
    if (handle_add(&init->handles, object, rights, &entry->handle) != OK) {
        panic("init: no memory for its handles");
    }
    return entry;
}

#define BLOCK_TEXT_START 512

static struct object *plain_object(enum object_type type) {
    struct object *object;

    if (object_create(type, NULL, &object) != OK) {
        panic("init: no memory for its objects");
    }
    return object;
}

static void archive_give(struct block *block, struct process *init, const struct boot_info *boot) {
    uint64_t n_pages = DIV_ROUND_UP(boot->archive_size, PAGE_SIZE);
    struct startup_entry *entry;
    struct memory *memory;

    if (!IS_ALIGNED(boot->archive_paddr, PAGE_SIZE) ||
        memory_adopt(boot->archive_paddr, n_pages, &memory) != OK) {
        panic("init: the boot archive at %#llx cannot be used",
              (unsigned long long)boot->archive_paddr);
    }
    /* What the loader left behind its end is nobody's business. */
    memset((char *)paddr_to_pointer(boot->archive_paddr) + boot->archive_size, 0,
           n_pages * PAGE_SIZE - boot->archive_size);
    entry = block_object(block, init, STARTUP_MEMORY, &memory->object,
                         RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY);
    entry->number = (uint32_t)n_pages;
    entry->text = block_text(block, "archive");
}

static void block_make(struct process *init, const struct boot_info *boot) {
    static uint8_t buffer[BLOCK_BYTES] ALIGNED(8);
    struct block block = {(struct startup_block *)buffer, BLOCK_TEXT_START};

    block_object(&block, init, STARTUP_SELF, &init->object, RIGHTS_ALL | HANDLE_NO_FORK_MARK);
    block_object(&block, init, STARTUP_BUDGET, &budget_root->object, RIGHTS_ALL);
    block_object(&block, init, STARTUP_SYSTEM, plain_object(OBJECT_SYSTEM), RIGHTS_ALL);
    block_object(&block, init, STARTUP_IDENTITY, plain_object(OBJECT_IDENTITY), RIGHTS_ALL);
    archive_give(&block, init, boot);
    block.header->command_line = BLOCK_ADDRESS + block_text(&block, boot->command_line);
    block.header->magic = STARTUP_MAGIC;
    block.header->size = block.text_end;
    map(init, BLOCK_ADDRESS, BLOCK_BYTES, MAP_READ | MAP_WRITE);
    write(init, BLOCK_ADDRESS, buffer, block.text_end, ACCESS_WRITE);
}

/* Sixteen bytes that are at least different at each start: the C library's guards want no more. */
static void random_make(uint64_t random[2]) {
    for (unsigned i = 0; i < 2; i++) {
        random[i] = (tsc_read() + i) * 0x9e3779b97f4a7c15ULL;
        random[i] ^= random[i] >> 29;
    }
}

/* What _start finds: argc, argv, 0, envp, 0, auxiliary vector. Returns the stack pointer. */
static uint64_t stack_make(struct process *init, const struct elf_image *image) {
    static const char name[16] = "init";
    uint64_t strings = STACK_TOP - 64;
    uint64_t vector[] = {1,           strings,
                         0,           0,
                         AT_PHDR,     image->program_headers,
                         AT_PHENT,    ELF_PROGRAM_HEADER_SIZE,
                         AT_PHNUM,    image->n_program_headers,
                         AT_PAGESZ,   PAGE_SIZE,
                         AT_ENTRY,    image->entry,
                         AT_RANDOM,   strings + 16,
                         AT_EURALIOS, BLOCK_ADDRESS,
                         AT_NULL,     0};
    uint64_t random[2];
    uint64_t start = ALIGN_DOWN(strings - sizeof(vector), 16ULL);

    map(init, STACK_TOP - STACK_BYTES, STACK_BYTES, MAP_READ | MAP_WRITE);
    random_make(random);
    write(init, strings, name, sizeof(name), ACCESS_WRITE);
    write(init, strings + 16, random, sizeof(random), ACCESS_WRITE);
    write(init, start, vector, sizeof(vector), ACCESS_WRITE);
    return start;
}

static void archive_find(const struct boot_info *boot, struct tar_entry *entry) {
    struct tar_reader reader;
    enum tar_result result;

    if (boot->archive_size == 0) {
        panic("no boot archive: start the kernel with boot.tar as its module (QEMU: -initrd)");
    }
    tar_open(&reader, paddr_to_pointer(boot->archive_paddr), boot->archive_size);
    while ((result = tar_next(&reader, entry)) == TAR_OK) {
        if (strcmp(entry->name, INIT_NAME) == 0 && entry->type == TAR_TYPE_FILE) {
            return;
        }
    }
    panic("boot archive: no %s (%s)", INIT_NAME, tar_result_text(result));
}

void loader_start_init(const struct boot_info *boot) {
    static struct tar_entry entry;
    static struct elf_image image;
    struct elf_source source;
    enum elf_result result;
    struct process *init;
    struct thread *thread;
    uint64_t stack;

    archive_find(boot, &entry);
    source = (struct elf_source){elf_read_memory, (void *)(uintptr_t)entry.data, entry.size};
    result = elf_open(&image, &source, USER_TOP);
    if (result != ELF_OK) {
        panic("boot archive: %s: %s", INIT_NAME, elf_result_text(result));
    }
    if (process_create(budget_root, NULL, &init) != OK) {
        panic("no memory for init");
    }
    memcpy(init->name, "init", 5);
    load(init, &image, entry.data);
    block_make(init, boot);
    stack = stack_make(init, &image);
    if (thread_create(init, image.entry, stack, 0, &thread) != OK) {
        panic("no memory for init");
    }
    init->state = PROCESS_RUNNING;
    process_init = init;
    scheduler_ready(thread);
}
