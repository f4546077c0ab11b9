/* SPDX-License-Identifier: MIT */
/*
 * Programs that are damaged: this program's own file, from the boot archive, cut short at every
 * 16th byte and with random bytes changed, started by lib/native. Whatever becomes of it, nothing
 * else is harmed and nothing stays.
 */
#include "tests/guest/kernel/kernel_test.h"

#include <string.h>

#include "lib/base/tar.h"
#include "lib/native/spawn.h"
#include "lib/native/startup.h"

#define CHILD_FRAMES 1000

/* The file bin/init, copied: how many bytes, how many pages are mapped at *image. */
static size_t image_copy(char **image, uint64_t *n_pages) {
    const struct startup_entry *archive = startup_find(STARTUP_MEMORY, "archive");
    struct handle_info info = {0};
    struct tar_reader reader;
    struct tar_entry entry;
    size_t n = 0;

    CHECK_OK(sys_handle_info(archive->handle, &info));
    const char *bytes = pages_map(archive->handle, info.size, MAP_READ);

    tar_open(&reader, bytes, info.size * PAGE_BYTES);
    while (n == 0 && tar_next(&reader, &entry) == TAR_OK) {
        if (strcmp(entry.name, "bin/init") == 0) {
            n = entry.size;
            *n_pages = (n + PAGE_BYTES - 1) / PAGE_BYTES;
            *image = pages_map(HANDLE_NONE, *n_pages, MAP_READ | MAP_WRITE);
            memcpy(*image, entry.data, n);
        }
    }
    pages_unmap((void *)(uintptr_t)bytes, info.size);
    CHECK(n != 0);
    return n;
}

/* The reaper, on another processor, may be behind with those that were closed. */
static void room_await(handle_t budget) {
    for (unsigned i = 0; i < 5000 && budget_used(budget) > CHILD_FRAMES / 2; i++) {
        sleep_us(1000);
    }
}

static status_t image_prepare(handle_t budget, const char *image, size_t n,
                              struct spawn_prepared *prepared) {
    static char *const argv[] = {"damaged", NULL};
    struct spawn_args args = {.source = {.image = image, .image_bytes = n},
                              .argv = argv,
                              .budget = budget,
                              .stack_bytes = 65536};

    room_await(budget);
    return spawn_prepare(&args, prepared);
}

/* Runs it for a while, and ends it if it does not end by itself. */
static struct process_status run_a_while(const struct spawn_prepared *prepared) {
    handle_t copy = HANDLE_NONE;

    CHECK_OK(sys_handle_copy(prepared->process, RIGHTS_ALL, 0, &copy));
    CHECK_OK(
        sys_process_control(prepared->process, PROCESS_SET_PRIORITY, PRIORITY_PROGRAM, 0, NULL));
    CHECK_OK(sys_process_start(prepared->process, prepared->entry, prepared->stack, 0));
    sleep_us(2000);
    status_t status = sys_process_kill(copy, 7);

    closed(copy);
    CHECK_OK(status);
    return child_wait(prepared->process);
}

static void whole(void) {
    char *image = NULL;
    uint64_t n_pages = 0;
    size_t n = image_copy(&image, &n_pages);
    handle_t budget = budget_new(test_budget, CHILD_FRAMES);
    struct spawn_prepared prepared;

    /* Without a system handle this program says 5, see main. */
    CHECK_OK(image_prepare(budget, image, n, &prepared));
    CHECK_OK(sys_process_start(prepared.process, prepared.entry, prepared.stack, 0));
    CHECK(child_wait(prepared.process).status == 5);
    closed(budget);
    pages_unmap(image, n_pages);
}

static void cut_short(void) {
    char *image = NULL;
    uint64_t n_pages = 0;
    size_t n = image_copy(&image, &n_pages);
    handle_t budget = budget_new(test_budget, CHILD_FRAMES);
    unsigned n_refused = 0, n_prepared = 0;

    priority_set(PRIORITY_PROGRAM); /* the reaper's work comes first, as for every program */

    for (size_t cut = 0; cut < n; cut += 16) {
        struct spawn_prepared prepared;
        status_t status = image_prepare(budget, image, cut, &prepared);

        if (status != OK) {
            if (status != ERROR_BAD_FORMAT) {
                CHECK_STATUS(status, ERROR_NOT_EXECUTABLE);
            }
            n_refused++;
        } else if (++n_prepared % 100 == 1) {
            (void)run_a_while(&prepared);
        } else {
            closed(prepared.process);
        }
    }
    priority_set(PRIORITY_MAX);
    CHECK(n_refused > n_prepared);
    closed(budget);
    pages_unmap(image, n_pages);
}

static void changed(void) {
    char *image = NULL;
    uint64_t n_pages = 0, random = 12345;
    size_t n = image_copy(&image, &n_pages);
    handle_t budget = budget_new(test_budget, CHILD_FRAMES);

    priority_set(PRIORITY_PROGRAM);
    for (unsigned i = 0; i < 400; i++) {
        size_t places[8];
        char old[8];
        struct spawn_prepared prepared;

        /* Half of them in the headers, where it hurts most. */
        for (unsigned j = 0; j < ARRAY_SIZE(places); j++) {
            places[j] = random_next(&random) % (i % 2 == 0 ? 64 + 56 * 6 : n);
            old[j] = image[places[j]];
            image[places[j]] = (char)random_next(&random);
        }
        if (image_prepare(budget, image, n, &prepared) == OK) {
            (void)run_a_while(&prepared);
        }
        for (unsigned j = ARRAY_SIZE(places); j-- > 0;) {
            image[places[j]] = old[j];
        }
    }
    priority_set(PRIORITY_MAX);
    closed(budget);
    pages_unmap(image, n_pages);
}

const struct test elf_tests[] = {
    {"elf whole", whole},
    {"elf cut short", cut_short},
    {"elf changed", changed},
    {NULL, NULL},
};
