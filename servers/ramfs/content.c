/* SPDX-License-Identifier: MIT */
#include "servers/ramfs/content.h"

#include "abi/kernel.h"
#include "lib/base/string.h"
#include "lib/native/log.h"
#include "lib/native/populate.h"
#include "lib/native/server_state.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"

/* Of the server's budget, in 16ths, for content. */
enum { SHARE = 11, SHARES = 16 };

#define SIZE_MAX_BYTES (64 * GiB)

static handle_t content_budget;

static void unmap(const struct content *content) {
    if (content->bytes != NULL) {
        status_t status = sys_unmap(HANDLE_NONE, (uint64_t)(uintptr_t)content->bytes,
                                    content->n_pages * PAGE_SIZE);
        (void)status; /* our own mapping: it is there */
    }
}

void content_start(void) {
    handle_t own = startup_handle(STARTUP_BUDGET, NULL);
    struct handle_info info;

    if (own == HANDLE_NONE || sys_handle_info(own, &info) != OK ||
        sys_budget_create(own, info.budget.limit * SHARE / SHARES, &content_budget) != OK) {
        log_write(LOG_WARNING, "ramfs: no budget of its own for content: files share the server's");
    }
}

/* Makes the object, or has more of it mapped here. */
static status_t grow(struct content *content, uint64_t n_pages) {
    struct content grown = *content;
    status_t status = OK;
    uint64_t address;

    /* Pages that nobody touches are free: growing in large steps only saves mapping anew. */
    grown.n_pages = MAX(n_pages, content->n_pages + content->n_pages / 2);
    if (content->memory == HANDLE_NONE) {
        status = sys_memory_create(grown.n_pages, 0, 0, content_budget, &grown.memory);
    } else if (!content->is_shared) {
        status = sys_memory_control(content->memory, MEMORY_RESIZE, grown.n_pages, NULL);
    }
    if (status != OK) {
        return ERROR_NO_SPACE;
    }
    /* More may be mapped than there is: it just has no pages. */
    status = sys_map(HANDLE_NONE, grown.memory, 0, grown.n_pages * PAGE_SIZE, 0,
                     MAP_READ | MAP_WRITE, &address);
    if (status != OK) {
        if (content->memory == HANDLE_NONE) {
            server_handle_close(grown.memory);
        }
        return ERROR_NO_SPACE; /* the object is larger than what is mapped: no harm */
    }
    unmap(content);
    grown.bytes = (uint8_t *)address;
    *content = grown;
    return OK;
}

/* The object of a shared file gets the length that the file has. */
static status_t set_length(const struct content *content, uint64_t size) {
    return sys_memory_control(content->memory, MEMORY_RESIZE,
                              DIV_ROUND_UP(size, (uint64_t)PAGE_SIZE), NULL);
}

status_t content_reserve(struct content *content, uint64_t size) {
    uint64_t n_pages = DIV_ROUND_UP(size, (uint64_t)PAGE_SIZE);
    status_t status = n_pages <= content->n_pages ? OK
                      : size > SIZE_MAX_BYTES     ? ERROR_TOO_LARGE
                                                  : grow(content, n_pages);

    if (status == OK && content->is_shared && n_pages > content->n_shared) {
        status = set_length(content, size);
        content->n_shared = status == OK ? n_pages : content->n_shared;
    }
    return status;
}

status_t content_share(struct content *content, uint64_t size, uint32_t rights, handle_t *memory) {
    status_t status = content->memory == HANDLE_NONE ? grow(content, 1) : OK;

    if (status == OK && !content->is_shared) {
        status = set_length(content, size);
        content->is_shared = status == OK;
        content->n_shared = DIV_ROUND_UP(size, (uint64_t)PAGE_SIZE);
    }
    return status == OK ? sys_handle_copy(content->memory, rights, 0, memory) : status;
}

/* Zeroes [from, end of its page), whose page may have to be had first. */
static status_t zero_rest_of_page(const struct content *content, uint64_t from) {
    uint64_t rest = ALIGN_UP(from, (uint64_t)PAGE_SIZE) - from;

    if (rest == 0) {
        return OK;
    }
    if (populate_page(content->memory, ALIGN_DOWN(from, (uint64_t)PAGE_SIZE)) != OK) {
        return ERROR_NO_SPACE;
    }
    memset(content->bytes + from, 0, rest);
    return OK;
}

status_t content_cut(struct content *content, uint64_t old_size, uint64_t size) {
    uint64_t first = DIV_ROUND_UP(size, (uint64_t)PAGE_SIZE);

    if (content->memory == HANDLE_NONE || size >= old_size) {
        return OK;
    }
    if (size == 0 && !content->is_shared) {
        content_free(content);
        return OK;
    }
    status_t status = zero_rest_of_page(content, size);

    if (status == OK && content->is_shared) {
        status = set_length(content, size);
        content->n_shared = first;
    } else if (status == OK && first < content->n_pages) {
        status = sys_memory_control(content->memory, MEMORY_DISCARD,
                                    first | (content->n_pages - first) << 32, NULL);
    }
    return status;
}

void content_free(struct content *content) {
    unmap(content);
    if (content->memory != HANDLE_NONE) {
        server_handle_close(content->memory);
    }
    *content = (struct content){.memory = HANDLE_NONE};
}

uint64_t content_used_pages(const struct content *content) {
    return content->n_pages;
}

void content_figures(uint64_t *limit_pages, uint64_t *used_pages) {
    struct handle_info info = {0};
    status_t status =
        content_budget != HANDLE_NONE ? sys_handle_info(content_budget, &info) : ERROR_NOT_FOUND;

    *limit_pages = status == OK ? info.budget.limit : 0;
    *used_pages = status == OK ? info.budget.used : 0;
}
