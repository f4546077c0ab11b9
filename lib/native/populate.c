/* SPDX-License-Identifier: MIT */
#include "lib/native/populate.h"

#include "abi/kernel.h"
#include "lib/native/syscall.h"

/*
 * The place where pages are mapped to be touched: a guard page between two uses. What fails to be
 * populated stays mapped, so the place must be known before.
 */
static uint64_t place;

static status_t place_reserve(void) {
    return place != 0 ? OK : sys_map(HANDLE_NONE, HANDLE_NONE, 0, PAGE_SIZE, 0, MAP_GUARD, &place);
}

status_t populate_page(handle_t memory, uint64_t offset) {
    uint64_t mapped;
    status_t status = place_reserve();

    if (status != OK) {
        return status;
    }
    status = sys_map(HANDLE_NONE, memory, place, PAGE_SIZE, offset,
                     MAP_READ | MAP_WRITE | MAP_FIXED | MAP_REPLACE | MAP_POPULATE, &mapped);
    status_t guarded = sys_map(HANDLE_NONE, HANDLE_NONE, place, PAGE_SIZE, 0,
                               MAP_GUARD | MAP_FIXED | MAP_REPLACE, &mapped);

    (void)guarded; /* the region that is replaced pays for it */
    return status;
}
