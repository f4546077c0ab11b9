/* SPDX-License-Identifier: MIT */
/* System calls on memory objects, address spaces and budgets. */
#include "kernel/sys_memory.h"

#include "kernel/budget.h"
#include "kernel/frame.h"
#include "kernel/memory.h"
#include "kernel/process.h"
#include "kernel/syscall.h"

status_t budget_find(struct thread *thread, uint64_t handle, uint32_t rights,
                     struct budget **budget) {
    struct object *object;
    status_t status;

    *budget = thread->process->space->budget;
    if (handle == HANDLE_NONE) {
        return rights == RIGHT_MANAGE ? OK : ERROR_NO_RIGHT;
    }
    status = handle_find(&thread->process->handles, handle, OBJECT_BUDGET, rights, &object);
    if (status == OK) {
        *budget = CONTAINER_OF(object, struct budget, object);
    }
    return status;
}

/* Contiguous memory is looked for in steps, and zeroed a page a step before anybody sees it. */
static status_t contiguous_step(struct thread *thread) {
    struct memory *memory = CONTAINER_OF(thread->operation, struct memory, object);
    status_t status = memory_contiguous_step(memory);

    if (status == RESULT_RESTART) {
        return status;
    }
    thread->operation = NULL;
    if (status != OK) {
        object_put(&memory->object);
        return status == ERROR_NO_MEMORY && thread->registers.rdx != 0 ? ERROR_LIMIT_LOW : status;
    }
    status = handle_give(thread, &memory->object, RIGHTS_ALL);
    if (status == OK && memory->dma_owner != 0) {
        memory_use_dma(memory);
    }
    return status;
}

/* (n_pages, flags, below, budget or 0) -> memory */
status_t sys_memory_create(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    bool dma = (registers->rsi & MEMORY_DMA) != 0;
    struct budget *budget;
    struct memory *memory;
    status_t status;

    if (thread->operation != NULL) {
        return contiguous_step(thread);
    }
    if ((registers->rsi & ~(uint64_t)(MEMORY_CONTIGUOUS | MEMORY_DMA)) != 0) {
        return ERROR_BAD_ARGUMENT;
    }
    if (dma && (registers->rsi & MEMORY_CONTIGUOUS) == 0) {
        return ERROR_BAD_ARGUMENT; /* a device needs an address that stays */
    }
    status = budget_find(thread, registers->r10, RIGHT_MANAGE | (dma ? RIGHT_WRITE : 0), &budget);
    if (status != OK) {
        return status;
    }
    if ((registers->rsi & MEMORY_CONTIGUOUS) == 0) {
        status = memory_create_demand(budget, registers->rdi, &memory);
        return status == OK ? handle_give(thread, &memory->object, RIGHTS_ALL) : status;
    }
    status = memory_create_contiguous(budget, registers->rdi, registers->rdx, &memory);
    if (status != OK) {
        return status;
    }
    memory->dma_owner = dma ? thread->process->id : 0; /* now: the program may change its word */
    thread->operation = &memory->object;
    return contiguous_step(thread);
}

/* (system, physical address, n_pages, flags) -> memory */
status_t sys_memory_create_device(struct thread *thread, struct object *system) {
    const struct registers *registers = &thread->registers;
    uint64_t start = registers->rsi;
    uint64_t size;
    struct memory *memory;
    status_t status;

    (void)system;
    if (registers->rdx == 0 || u64_mul_overflows(registers->rdx, PAGE_SIZE, &size) ||
        !IS_ALIGNED(start, PAGE_SIZE) || !u64_range_is_within(start, size, 1ULL << 52) ||
        registers->r10 > MEMORY_WRITE_COMBINING) {
        return ERROR_BAD_ARGUMENT;
    }
    if (frame_is_ram(start, start + size)) {
        return ERROR_DENIED; /* that would be every process's memory */
    }
    status = memory_create_device(thread->process->space->budget, start, registers->rdx,
                                  (unsigned)registers->r10, &memory);
    return status == OK ? handle_give(thread, &memory->object, RIGHTS_ALL) : status;
}

/* In operation_progress: so many mappings are still to be cut; else the page to go on with. */
#define RESIZE_CUTS (1ULL << 63)

/* The size changes first, so that nobody brings back what is being cut off. Then each mapping loses
 * it, and then the pages go, which seldom is one mapped still: looking for those who map it page by
 * page would take the product of pages and mappings. A step's worth each time. */
static status_t memory_resize(struct thread *thread, struct memory *memory) {
    uint64_t n_pages = thread->registers.rdx;
    uint64_t *progress = &thread->operation_progress;
    uint64_t first;

    if (memory->kind != MEMORY_KIND_DEMAND) {
        return ERROR_NOT_SUPPORTED;
    }
    if (n_pages > MEMORY_PAGES_MAX) {
        return ERROR_TOO_MANY;
    }
    if (*progress == 0) {
        *progress = n_pages < memory->n_pages ? RESIZE_CUTS + memory->n_mappings : 0;
        memory->n_pages = n_pages;
        memory->cut_at = 0;
    }
    if (*progress > RESIZE_CUTS) {
        *progress -= space_cut_step(memory);
        return RESULT_RESTART;
    }
    first = MAX(n_pages, *progress & ~RESIZE_CUTS);
    if (!memory_discard_step(memory, &first, MEMORY_PAGES_MAX - first)) {
        *progress = first;
        return RESULT_RESTART;
    }
    return OK;
}

/* (memory, operation, argument) -> value */
status_t sys_memory_control(struct thread *thread, struct memory *memory) {
    struct registers *registers = &thread->registers;
    uint32_t rights = handle_entry(&thread->process->handles, registers->rdi)->rights & RIGHTS_ALL;
    uint64_t first, n;

    if (registers->rsi != MEMORY_SIZE && (rights & RIGHT_MANAGE) == 0) {
        return ERROR_NO_RIGHT;
    }
    switch (registers->rsi) {
    case MEMORY_RESIZE:
        return memory_resize(thread, memory);
    case MEMORY_PHYSICAL:
        if (memory->kind == MEMORY_KIND_DEMAND) {
            return ERROR_NOT_SUPPORTED;
        }
        if (registers->rdx >= memory->n_pages) {
            return ERROR_BAD_ARGUMENT;
        }
        registers->rdx = memory->root + registers->rdx * PAGE_SIZE;
        return OK;
    case MEMORY_SIZE:
        registers->rdx = memory->n_pages;
        return OK;
    case MEMORY_DISCARD:
        first = (uint32_t)registers->rdx;
        n = registers->rdx >> 32;
        if (memory->kind != MEMORY_KIND_DEMAND) {
            return ERROR_NOT_SUPPORTED;
        }
        if (!u64_range_is_within(first, n, memory->n_pages)) {
            return ERROR_BAD_ARGUMENT;
        }
        n += first;
        if (!memory_discard_step(memory, &first, n - first)) {
            registers->rdx = first | (n - first) << 32;
            return RESULT_RESTART;
        }
        return OK;
    default:
        return ERROR_BAD_ARGUMENT;
    }
}

/* Another process's memory can be changed only while that one is whole: not dying, not being
 * copied.
 */
static bool is_changeable(const struct thread *thread, const struct process *process) {
    return process == thread->process || (!process_is_dying(process) && process->cloner == NULL);
}

static uint32_t rights_protection(uint32_t rights) {
    return ((rights & RIGHT_READ) != 0 ? MAP_READ : 0) |
           ((rights & RIGHT_WRITE) != 0 ? MAP_WRITE : 0) |
           ((rights & RIGHT_EXECUTE) != 0 ? MAP_EXECUTE : 0);
}

static status_t map_finish(struct thread *thread, uint64_t address, status_t status) {
    thread->registers.rdx = address;
    return status;
}

/* In operation_progress: the pages of the new region could not be populated, and it goes again. The
 * argument registers hold what is left of it: rdx, r10; and r8 the status to give in the end. */
#define MAP_UNDOING UINT64_MAX

static status_t populate_undo(struct thread *thread, struct space *space) {
    struct registers *registers = &thread->registers;
    uint64_t address = registers->rdx, end = address + registers->r10;

    thread->operation_progress = MAP_UNDOING;
    /* It may fail where another thread has mapped something else since: that is not ours to undo.
     */
    if (space_unmap_step(space, &address, end) == OK && address < end) {
        registers->rdx = address;
        registers->r10 = end - address;
        return RESULT_RESTART;
    }
    return map_finish(thread, 0, (status_t)registers->r8);
}

#define MAP_FLAGS_ALL                                                                              \
    (MAP_PROTECTION | MAP_FIXED | MAP_REPLACE | MAP_PRIVATE | MAP_POPULATE | MAP_GUARD)

static status_t map_request_read(struct thread *thread, struct map_request *request) {
    const struct registers *registers = &thread->registers;
    const struct handle_entry *entry;
    uint64_t handle = registers->rsi;

    *request = (struct map_request){.address = registers->rdx,
                                    .length = registers->r10,
                                    .offset = registers->r8,
                                    .flags = (uint32_t)registers->r9,
                                    .protection_max = MAP_PROTECTION};
    if ((registers->r9 & ~(uint64_t)MAP_FLAGS_ALL) != 0 ||
        ((request->flags & MAP_REPLACE) != 0 && (request->flags & MAP_FIXED) == 0)) {
        return ERROR_BAD_ARGUMENT;
    }
    if (handle == HANDLE_NONE) {
        request->offset = 0;
        return OK;
    }
    entry = handle_entry(&thread->process->handles, handle);
    if (entry == NULL) {
        return ERROR_BAD_HANDLE;
    }
    if (entry->object->type != OBJECT_MEMORY) {
        return ERROR_WRONG_TYPE;
    }
    request->memory = CONTAINER_OF(entry->object, struct memory, object);
    request->protection_max = rights_protection(entry->rights);
    if ((request->flags & MAP_PRIVATE) != 0) {
        if (request->memory->kind == MEMORY_KIND_DEVICE) {
            return ERROR_NOT_SUPPORTED; /* there is nothing that could be copied */
        }
        if ((entry->rights & RIGHT_READ) == 0) {
            return ERROR_NO_RIGHT;
        }
        request->protection_max |= MAP_WRITE; /* of the copy */
    }
    return OK;
}

/* (process or 0, memory or 0, address, length, offset, flags) -> address */
status_t sys_map(struct thread *thread, struct process *process) {
    struct registers *registers = &thread->registers;
    struct space *space = process->space;
    struct map_request request;
    uint64_t address = registers->rdx, page;
    status_t status;

    if (!is_changeable(thread, process)) {
        return map_finish(thread, 0, ERROR_BAD_STATE);
    }
    /* From a page of progress on the region is there, and its pages are being touched. The program
     * may have changed what it said it was. */
    if (thread->operation_progress >= PAGE_SIZE && !user_range_is_valid(address, registers->r10)) {
        return map_finish(thread, 0, ERROR_BAD_ARGUMENT);
    }
    if (thread->operation_progress == MAP_UNDOING) {
        return populate_undo(thread, space);
    }
    if (thread->operation_progress < PAGE_SIZE) {
        status = map_request_read(thread, &request);
        if (status != OK) {
            return map_finish(thread, 0, status);
        }
        request.wrapped = thread->operation_progress != 0;
        status = space_map(space, &request, &address);
        if (status == ERROR_WOULD_BLOCK) {
            thread->operation_progress = request.wrapped;
            return RESULT_RESTART;
        }
        if (status != OK || (request.flags & MAP_POPULATE) == 0) {
            return map_finish(thread, address, status);
        }
        registers->rdx = address;
        thread->operation_progress = 0;
    }
    page = address + thread->operation_progress;
    status = space_populate_step(space, &page, address + registers->r10);
    if (status != OK) {
        registers->r8 = (uint64_t)(int64_t)status;
        return populate_undo(thread, space);
    }
    if (page >= address + registers->r10) {
        return map_finish(thread, address, OK);
    }
    thread->operation_progress = page - address;
    return RESULT_RESTART;
}

/* Stores how far a step came. */
static status_t range_progress(struct thread *thread, uint64_t address) {
    struct registers *registers = &thread->registers;

    registers->rdx -= address - registers->rsi;
    registers->rsi = address;
    return registers->rdx == 0 ? OK : RESULT_RESTART;
}

/* (process or 0, address, length) */
status_t sys_unmap(struct thread *thread, struct process *process) {
    struct registers *registers = &thread->registers;
    uint64_t address = registers->rsi;
    status_t status = is_changeable(thread, process) ? OK : (status_t)ERROR_BAD_STATE;

    if (status == OK && !user_range_is_valid(address, registers->rdx)) {
        status = ERROR_BAD_ARGUMENT;
    }
    if (status == OK) {
        status = space_unmap_step(process->space, &address, address + registers->rdx);
    }
    return status == OK ? range_progress(thread, address) : status;
}

/* (process or 0, address, length, protection) */
status_t sys_protect(struct thread *thread, struct process *process) {
    struct registers *registers = &thread->registers;
    uint64_t address = registers->rsi;
    status_t status = is_changeable(thread, process) ? OK : (status_t)ERROR_BAD_STATE;

    if (status == OK && (!user_range_is_valid(address, registers->rdx) ||
                         (registers->r10 & ~(uint64_t)MAP_PROTECTION) != 0)) {
        status = ERROR_BAD_ARGUMENT;
    }
    if (status == OK) {
        status = space_protect_step(process->space, &address, address + registers->rdx,
                                    (uint32_t)registers->r10);
    }
    if (status == OK) {
        status = range_progress(thread, address);
    }
    /* Upcalls wait: a handler that does not come back would leave it half done. */
    thread->operation_progress = status == RESULT_RESTART;
    return status;
}

/* (budget, n_frames) -> budget. The new handle's rights are those of the parent's. */
status_t sys_budget_create(struct thread *thread) {
    const struct registers *registers = &thread->registers;
    const struct handle_entry *entry = handle_entry(&thread->process->handles, registers->rdi);
    uint32_t rights = entry != NULL ? entry->rights & RIGHTS_ALL : RIGHTS_ALL & ~RIGHT_WRITE;
    struct budget *parent, *budget;
    uint64_t bytes;
    status_t status = budget_find(thread, registers->rdi, RIGHT_MANAGE, &parent);

    if (status != OK) {
        return status;
    }
    if (u64_mul_overflows(registers->rsi, PAGE_SIZE, &bytes)) {
        return ERROR_OUT_OF_BUDGET;
    }
    status = budget_create(parent, bytes, &budget);
    return status == OK ? handle_give(thread, &budget->object, rights) : status;
}

/* Process operation: drops private pages of a range of the own space. */
status_t process_discard(struct thread *thread) {
    struct registers *registers = &thread->registers;
    uint64_t address = registers->rdx;
    uint64_t end = registers->r10;
    status_t status;

    if (end < address || !user_range_is_valid(address, end - address)) {
        return ERROR_BAD_ARGUMENT;
    }
    status = space_discard_step(thread->process->space, &address, end);
    if (status != OK) {
        return status;
    }
    registers->rdx = address;
    return address == end ? OK : RESULT_RESTART;
}
