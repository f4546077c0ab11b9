/* SPDX-License-Identifier: MIT */
/*
 * New processes (not forks) that run a function of this program: each segment of this program's
 * memory, as it is now, is copied to a memory object and mapped at the same address.
 */
#include <elf.h>
#include <string.h>

#include "tests/guest/kernel/kernel_test.h"

extern const Elf64_Ehdr __ehdr_start;

#define STACK_PAGES 8

/* What the new process finds at the top of its stack. */
struct image_beginning {
    void (*function)(uint64_t);
    uint64_t argument;
    uint64_t fs_base;
    uint64_t zero; /* ends a backtrace */
};

NORETURN static void image_main(const struct image_beginning *beginning) {
    status_t status = sys_thread_control(HANDLE_NONE, THREAD_SET_FS_BASE, beginning->fs_base, NULL);

    test_is_child = true;
    if (status == OK) {
        beginning->function(beginning->argument);
    }
    sys_process_exit(status);
}

/* Anonymous memory in the new process with this content. */
static void part_map(handle_t process, handle_t budget, uint64_t at, uint64_t n_bytes,
                     const void *content, uint64_t n_content, uint32_t protection) {
    handle_t memory = HANDLE_NONE;
    uint64_t n_pages = (n_bytes + PAGE_BYTES - 1) / PAGE_BYTES, mapped = 0;

    CHECK_OK(sys_memory_create(n_pages, 0, 0, budget, &memory));
    char *here = pages_map(memory, n_pages, MAP_READ | MAP_WRITE);

    memcpy(here, content, n_content);
    pages_unmap(here, n_pages);
    CHECK_OK(
        sys_map(process, memory, at, n_pages * PAGE_BYTES, 0, MAP_FIXED | protection, &mapped));
    closed(memory);
}

struct image image_make(handle_t budget, void (*function)(uint64_t), uint64_t argument) {
    const Elf64_Phdr *header =
        (const Elf64_Phdr *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
    struct image_beginning beginning = {.function = function, .argument = argument};
    struct image image = {.entry = (uint64_t)(uintptr_t)image_main};
    static char stack[STACK_PAGES * PAGE_BYTES];
    uint64_t mapped = 0, at = 0x7e0000000000;

    CHECK_OK(sys_process_create(budget, "image", &image.process));
    for (unsigned i = 0; i < __ehdr_start.e_phnum; i++, header++) {
        uint64_t start = header->p_vaddr & ~(uint64_t)(PAGE_BYTES - 1);
        uint32_t protection = ((header->p_flags & PF_R) != 0 ? MAP_READ : 0) |
                              ((header->p_flags & PF_W) != 0 ? MAP_WRITE : 0) |
                              ((header->p_flags & PF_X) != 0 ? MAP_EXECUTE : 0);

        if (header->p_type == PT_LOAD) {
            part_map(image.process, budget, start, header->p_vaddr + header->p_memsz - start,
                     (const void *)(uintptr_t)start, header->p_vaddr + header->p_memsz - start,
                     protection);
        }
    }
    __asm__("movq %%fs:0, %0" : "=r"(beginning.fs_base));
    memcpy(stack + sizeof(stack) - sizeof(beginning), &beginning, sizeof(beginning));
    part_map(image.process, budget, at, sizeof(stack), stack, sizeof(stack), MAP_READ | MAP_WRITE);
    image.argument = at + sizeof(stack) - sizeof(beginning);
    image.stack = image.argument - 8;
    /* What all share. */
    CHECK_OK(sys_map(image.process, test_shared_memory, (uint64_t)(uintptr_t)test_shared,
                     SHARED_PAGES * PAGE_BYTES, 0, MAP_FIXED | MAP_READ | MAP_WRITE, &mapped));
    return image;
}

handle_t image_start(const struct image *image) {
    CHECK_OK(sys_process_start(image->process, image->entry, image->stack, image->argument));
    return image->process;
}
