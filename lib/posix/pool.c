/* SPDX-License-Identifier: MIT */
#include "lib/posix/pool.h"

#include "abi/kernel.h"
#include "lib/base/string.h"
#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/fork_locks.h"

/* Size classes: 32 bytes << class. Freed blocks go back to their class, never to the system: the
 * library holds little. */
enum { CLASS_SHIFT = 5, CLASSES = 8, CHUNK_BYTES = 64 * 1024 };

struct block {
    struct block *next;
};

static struct block *free_blocks[CLASSES];
static uintptr_t chunk, chunk_left;
struct lock pool_lock;

static unsigned class_of(size_t bytes) {
    unsigned class = 0;

    while (((size_t)1 << (CLASS_SHIFT + class)) < bytes) {
        class ++;
    }
    return class;
}

void *pool_map_pages(size_t bytes) {
    uint64_t address;
    status_t status = sys_map(HANDLE_NONE, HANDLE_NONE, 0, ALIGN_UP(bytes, PAGE_SIZE), 0,
                              MAP_READ | MAP_WRITE, &address);

    return status == OK ? (void *)address : NULL;
}

void pool_unmap_pages(void *pages, size_t bytes) {
    status_ignore(sys_unmap(HANDLE_NONE, (uint64_t)(uintptr_t)pages, ALIGN_UP(bytes, PAGE_SIZE)));
}

static void *carve(size_t bytes) {
    if (chunk_left < bytes) {
        chunk = (uintptr_t)pool_map_pages(CHUNK_BYTES);
        chunk_left = chunk != 0 ? CHUNK_BYTES : 0;
        if (chunk == 0) {
            return NULL;
        }
    }
    void *memory = (void *)chunk;

    chunk += bytes;
    chunk_left -= bytes;
    return memory;
}

void *pool_allocate(size_t bytes) {
    if (bytes > POOL_BYTES_MAX) {
        return NULL;
    }
    unsigned class = class_of(bytes);

    critical_lock(&pool_lock);
    struct block *block = free_blocks[class];

    if (block != NULL) {
        free_blocks[class] = block->next;
    } else {
        block = carve((size_t)1 << (CLASS_SHIFT + class));
    }
    critical_unlock(&pool_lock);
    if (block != NULL) {
        memset(block, 0, (size_t)1 << (CLASS_SHIFT + class));
    }
    return block;
}

void pool_free(void *memory, size_t bytes) {
    struct block *block = memory;
    unsigned class = class_of(bytes);

    if (block == NULL) {
        return;
    }
    critical_lock(&pool_lock);
    block->next = free_blocks[class];
    free_blocks[class] = block;
    critical_unlock(&pool_lock);
}

char *pool_copy_string(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = pool_allocate(bytes);

    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void pool_free_string(char *text) {
    if (text != NULL) {
        pool_free(text, strlen(text) + 1);
    }
}
