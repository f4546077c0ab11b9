/* SPDX-License-Identifier: MIT */
/*
 * lib/native and the first servers from a program's side: threads and locks, the namespace and
 * mounts, spawn with files that are no programs, init's control of services, servers that end while
 * somebody uses them, and hostile requests. Everything runs three times; what the system counts
 * (/proc/memory) must be the same after the second and the third.
 */
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "abi/generated/log.h"
#include "abi/generated/names.h"
#include "abi/generated/service.h"
#include "lib/native/lock.h"
#include "lib/native/log.h"
#include "lib/native/message.h"
#include "lib/native/namespace.h"
#include "lib/native/spawn.h"
#include "lib/native/syscall.h"
#include "lib/native/thread.h"
#include "lib/native/time.h"
#include "tests/guest/posix/balance.h"
#include "tests/guest/posix/tap.h"

static void drop(handle_t handle) {
    status_t status = sys_handle_close(handle);
    (void)status;
}

/* ---- threads ---- */

enum { N_THREADS = 500, N_COUNTERS = 4, N_COUNTS = 5000 };

static struct lock counter_lock;
static volatile uint32_t counter;

static void count_one(void *argument) {
    (void)argument;
    lock_take(&counter_lock);
    counter++;
    lock_give(&counter_lock);
}

static void count_many(void *argument) {
    for (int i = 0; i < N_COUNTS; i++) {
        count_one(argument);
    }
}

static void test_threads(void) {
    static struct thread threads[N_THREADS];
    int started = 0;

    counter = 0;
    while (started < N_THREADS && thread_start(&threads[started], count_one, NULL, 0) == OK) {
        started++;
    }
    CHECK(started == N_THREADS);
    for (int i = 0; i < started; i++) {
        thread_join(&threads[i]);
    }
    CHECK(counter == (uint32_t)started);

    counter = 0;
    for (int i = 0; i < N_COUNTERS; i++) {
        CHECK(thread_start(&threads[i], count_many, NULL, 128 * 1024) == OK);
    }
    for (int i = 0; i < N_COUNTERS; i++) {
        thread_join(&threads[i]);
    }
    CHECK(counter == N_COUNTERS * N_COUNTS);
}

/* ---- names ---- */

static void test_names(void) {
    handle_t names, archive, file;
    const char *rest;
    uint32_t kind;

    CHECK(namespace_resolve("/", &names, &rest) == OK);
    CHECK(namespace_root("/bin", &archive) == OK);
    CHECK(names_mount(names, "mnt/a", 5, archive, DEADLINE_NEVER) == OK);
    CHECK(names_mount(names, "mnt/a", 5, archive, DEADLINE_NEVER) == ERROR_EXISTS);
    CHECK(names_mount(names, "mnt/../a", 8, archive, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    CHECK(names_mount(names, "", 0, archive, DEADLINE_NEVER) == ERROR_EXISTS);
    CHECK(namespace_open("/mnt/a/shell", FILE_OPEN_READ, 0, &file, &kind) == OK);
    CHECK(kind == FILE_MODE_REGULAR);
    drop(file);
    CHECK(namespace_open("/mnt", FILE_OPEN_READ, 0, &file, &kind) == OK);
    CHECK(kind == FILE_MODE_DIRECTORY);
    drop(file);
    CHECK(namespace_open("/mnt/b", FILE_OPEN_READ, 0, &file, &kind) == ERROR_NOT_FOUND);
    CHECK(names_unmount(names, "bin", 3, DEADLINE_NEVER) == ERROR_DENIED);
    CHECK(names_unmount(names, "mnt/a", 5, DEADLINE_NEVER) == OK);
    CHECK(names_unmount(names, "mnt/a", 5, DEADLINE_NEVER) == ERROR_NOT_FOUND);
    CHECK(namespace_open("/mnt/a/shell", FILE_OPEN_READ, 0, &file, &kind) == ERROR_NOT_FOUND);

    CHECK(namespace_bind("/private", archive) == OK);
    CHECK(namespace_open("/private/shell", FILE_OPEN_READ, 0, &file, &kind) == OK);
    drop(file);
    CHECK(namespace_unbind("/private") == OK);
    CHECK(namespace_unbind("/private") == ERROR_NOT_FOUND);
}

static status_t mount_at(handle_t names, const char *path, handle_t root) {
    return names_mount(names, path, (uint32_t)strlen(path), root, DEADLINE_NEVER);
}

static status_t unmount(handle_t names, const char *path) {
    return names_unmount(names, path, (uint32_t)strlen(path), DEADLINE_NEVER);
}

/* What others serve is theirs: nothing goes into it, nor around it. */
static void test_mounts_of_others(void) {
    static const char *const paths[] = {"dev", "dev/socket/tcp", "tcp/example.org", "bin/ls",
                                        "tcp"};
    handle_t names, archive, file;
    const char *rest;
    uint32_t kind;

    CHECK(namespace_resolve("/", &names, &rest) == OK && namespace_root("/bin", &archive) == OK);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        CHECK_THAT(mount_at(names, paths[i], archive) == ERROR_EXISTS, paths[i]);
    }
    /* Beside them there is room, and who has a mount may have one in it. */
    CHECK(mount_at(names, "dev/mine", archive) == OK);
    CHECK(mount_at(names, "dev/mine/own", archive) == OK);
    CHECK(namespace_open("/dev/mine/own/shell", FILE_OPEN_READ, 0, &file, &kind) == OK);
    drop(file);
    fflush(stdout);
    pid_t pid = fork();
    int ended;
    if (pid == 0) {
        bool ok = mount_at(names, "dev/mine/its", archive) == ERROR_EXISTS &&
                  mount_at(names, "dev/mine/own/its", archive) == ERROR_EXISTS &&
                  mount_at(names, "dev/mine", archive) == ERROR_EXISTS &&
                  mount_at(names, "dev/mine2", archive) == OK && unmount(names, "dev/mine2") == OK;

        _exit(ok ? 7 : 1);
    }
    CHECK(waitpid(pid, &ended, 0) == pid && ended == 7 << 8);
    CHECK(unmount(names, "dev/mine") == OK && unmount(names, "dev/mine/own") == OK);
    drop(archive);
}

/* The mounts of a program that has ended are nobody's: its next run can have them. */
static void test_mounts_of_the_dead(void) {
    handle_t names, archive;
    const char *rest;
    int ended;

    CHECK(namespace_resolve("/", &names, &rest) == OK && namespace_root("/bin", &archive) == OK);
    for (int i = 0; i < 2; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            handle_t endpoint, gate;
            bool ok = sys_endpoint_create(&endpoint) == OK &&
                      sys_gate_create(endpoint, 1, &gate) == OK &&
                      mount_at(names, "service/of", gate) == OK &&
                      mount_at(names, "service/too", gate) == OK;

            _exit(ok ? 7 : 1);
        }
        CHECK(waitpid(pid, &ended, 0) == pid && ended == 7 << 8);
    }
    CHECK(mount_at(names, "service", archive) == OK && unmount(names, "service") == OK);
    drop(archive);
}

/* A program can have so many mounts, and no more. */
static void test_mount_limit(void) {
    handle_t names, archive;
    const char *rest;
    char path[32];
    status_t status = OK;
    int n = 0;

    CHECK(namespace_resolve("/", &names, &rest) == OK && namespace_root("/bin", &archive) == OK);
    while (n < 1000 && status == OK) {
        snprintf(path, sizeof path, "many/%d", n);
        status = names_mount(names, path, (uint32_t)strlen(path), archive, DEADLINE_NEVER);
        n += status == OK;
    }
    CHECK(status == ERROR_TOO_MANY && n < 1000);
    while (n-- > 0) {
        snprintf(path, sizeof path, "many/%d", n);
        if (names_unmount(names, path, (uint32_t)strlen(path), DEADLINE_NEVER) != OK) {
            break;
        }
    }
    CHECK(n == -1);
    drop(archive);
}

/* ---- the boot archive ---- */

static void test_archive(void) {
    static char read_bytes[PAGE_SIZE];
    handle_t file, memory;
    uint64_t n, skip, bytes, address = 0;
    uint32_t kind;

    CHECK(namespace_open("/bin/shell", FILE_OPEN_WRITE, 0, &file, &kind) == ERROR_READ_ONLY);
    CHECK(namespace_open("/bin/new", FILE_OPEN_WRITE | FILE_OPEN_CREATE, 0644, &file, &kind) ==
          ERROR_READ_ONLY);
    CHECK(namespace_open("/bin/shell/x", FILE_OPEN_READ, 0, &file, &kind) == ERROR_NOT_DIRECTORY);
    CHECK(namespace_open("/bin/shell", FILE_OPEN_READ, 0, &file, &kind) == OK);
    CHECK(file_read(file, 0, read_bytes, sizeof read_bytes, &n, DEADLINE_NEVER) == OK &&
          n == sizeof read_bytes);
    CHECK(file_read(file, UINT64_MAX - 1, read_bytes, 16, &n, DEADLINE_NEVER) == OK && n == 0);
    CHECK(file_map(file, 1, 0, 0, &skip, &bytes, &memory, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    CHECK(file_map(file, 0, 0, FILE_MAP_WRITE, &skip, &bytes, &memory, DEADLINE_NEVER) ==
          ERROR_READ_ONLY);
    CHECK(file_map(file, 0, 0, 0, &skip, &bytes, &memory, DEADLINE_NEVER) == OK);
    CHECK(skip % PAGE_SIZE == 0);
    CHECK(sys_map(HANDLE_NONE, memory, 0, PAGE_SIZE, skip, MAP_READ | MAP_WRITE, &address) ==
          ERROR_NO_RIGHT);
    CHECK(sys_map(HANDLE_NONE, memory, 0, PAGE_SIZE, skip, MAP_READ, &address) == OK);
    CHECK(memcmp((const void *)address, read_bytes, sizeof read_bytes) == 0);
    CHECK(sys_unmap(HANDLE_NONE, address, PAGE_SIZE) == OK);
    drop(memory);
    drop(file);
}

/* ---- requests that make no sense ---- */

static void test_hostile_requests(void) {
    static const char *const bad_paths[] = {"/shell", "shell/", "a//b", ".",
                                            "..",     "../bin", "a/./b"};
    handle_t archive, file, next;
    uint32_t kind, matched, length;
    char target[8];
    struct message m;

    CHECK(namespace_root("/bin", &archive) == OK);
    for (size_t i = 0; i < ARRAY_SIZE(bad_paths); i++) {
        CHECK_THAT(file_open(archive, FILE_OPEN_READ, 0, bad_paths[i],
                             (uint32_t)strlen(bad_paths[i]), target, sizeof target, &kind, &matched,
                             &length, &file, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT,
                   bad_paths[i]);
    }
    CHECK(file_open(archive, FILE_OPEN_READ, 0, "a\0b", 3, target, sizeof target, &kind, &matched,
                    &length, &file, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    /* Lent memory that is not there is the client's fault, and the server's life goes on. */
    CHECK(file_open(archive, FILE_OPEN_READ, 0, (const void *)0x1000, MESSAGE_BRIEF_BYTES + 1,
                    target, sizeof target, &kind, &matched, &length, &file,
                    DEADLINE_NEVER) == ERROR_PEER_FAULT);
    CHECK(file_stat(archive, 0, "shell", 5, (void *)0x1000, sizeof(struct file_stat), &matched,
                    &length, &next, DEADLINE_NEVER) == ERROR_PEER_FAULT);
    /* Labels of nobody, of another protocol, beyond the last, with more bytes than fit. */
    static const uint32_t labels[] = {0,
                                      UINT32_MAX,
                                      SERVICE_LIST,
                                      FILE_PROTOCOL << 16,
                                      FILE_PROTOCOL << 16 | 0xffff,
                                      FILE_OPEN | (MESSAGE_BRIEF_BYTES + 2) << MESSAGE_BRIEF_SHIFT};
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
        m = (struct message){.gate = archive, .label = labels[i], .deadline = DEADLINE_NEVER};
        CHECK(message_call(&m) == OK && (status_t)m.label == ERROR_BAD_MESSAGE);
    }
    /* Handles that nobody asked for do not stay in the server. */
    m = (struct message){
        .gate = archive, .label = FILE_SYNC, .deadline = DEADLINE_NEVER, .handles = {archive}};
    m.control = MESSAGE_SEND_HANDLES(1) | MESSAGE_COPY(0, RIGHTS_ALL);
    CHECK(message_call(&m) == OK && (status_t)m.label == OK);
    drop(archive);
}

/* What is opened for somebody who has no room for the gate is closed again: else the files, which
 * are unlinked, would stay. */
static void test_unanswered_open(void) {
    static char content[64 * 1024];
    struct statvfs before, after;
    handle_t root;

    CHECK(namespace_root("/ramdisk", &root) == OK && statvfs("/ramdisk", &before) == 0);
    for (unsigned i = 0; i < 40; i++) {
        int fd = open("/ramdisk/unanswered", O_CREAT | O_WRONLY, 0600);
        struct message m = {.gate = root, .label = FILE_OPEN, .deadline = DEADLINE_NEVER};

        CHECK(fd >= 0 && write(fd, content, sizeof content) == sizeof content && close(fd) == 0);
        m.words[0] = FILE_OPEN_READ;
        message_set_brief(&m, "unanswered", 10);
        CHECK(message_call(&m) == OK && (status_t)m.label == ERROR_TOO_MANY);
        CHECK(unlink("/ramdisk/unanswered") == 0);
    }
    CHECK(statvfs("/ramdisk", &after) == 0);
    CHECK((before.f_bfree - after.f_bfree) * before.f_bsize < 4 * sizeof content);
    drop(root);
}

/* ---- programs that are none ---- */

/* Starts what is in memory; whatever comes of it, its process is gone afterwards. */
static status_t try_image(const void *image, size_t size) {
    static char name[] = "broken";
    char *argv[] = {name, NULL};
    struct spawn_args args = {.source = {.image = image, .image_bytes = size}, .argv = argv};
    struct spawn_prepared prepared;
    status_t status = spawn_prepare(&args, &prepared);

    if (status == OK) {
        drop(prepared.process); /* never started: this ends it */
    }
    return status;
}

static void test_broken_programs(void) {
    static uint8_t image[256 * 1024];
    uint8_t whole[64];
    handle_t file;
    uint64_t n = 0;
    int accepted = 0;

    CHECK(namespace_open("/bin/true", FILE_OPEN_READ, 0, &file, NULL) == OK);
    for (uint64_t got = 1; got > 0 && n < sizeof image; n += got) {
        if (file_read(file, n, image + n, (uint32_t)(sizeof image - n), &got, DEADLINE_NEVER) !=
            OK) {
            break;
        }
    }
    CHECK(n > 4096 && n < sizeof image);
    drop(file);
    memcpy(whole, image, sizeof whole);
    for (size_t size = 0; size < n; size += n / 64) {
        accepted += try_image(image, size) == OK && size < 64;
    }
    CHECK(accepted == 0);
    /* Every byte of the file header changed: refused, or prepared and thrown away; never worse. */
    for (size_t i = 0; i < sizeof whole; i++) {
        image[i] ^= 0xff;
        status_t status = try_image(image, n);
        (void)status;
        image[i] = whole[i];
    }
    CHECK(try_image(image, n) == OK);
    CHECK(try_image("#!/bin/shell\n", 13) == ERROR_NOT_EXECUTABLE);
}

/* ---- services ---- */

static status_t find_state(handle_t control, const char *name, struct service_state *found) {
    struct service_state states[8];
    uint32_t first = 0, n;
    status_t status;

    while ((status = service_list(control, first, states, sizeof states, &n, DEADLINE_NEVER)) ==
               OK &&
           n > 0) {
        for (uint32_t i = 0; i < n; i++) {
            if (strcmp(states[i].name, name) == 0) {
                *found = states[i];
                return OK;
            }
        }
        first += n;
    }
    return status == OK ? ERROR_NOT_FOUND : status;
}

static void await_up(handle_t control, const char *name, uint32_t incarnation) {
    struct service_state state = {.state = SERVICE_WAITS};

    for (int i = 0; i < 100; i++) {
        if (find_state(control, name, &state) == OK && state.state == SERVICE_UP &&
            state.incarnation > incarnation) {
            break;
        }
        usleep(30000);
    }
    CHECK_THAT(state.state == SERVICE_UP && state.incarnation > incarnation,
               "it is up again within 3 s");
}

/* A server ends while a file of it is open: that file is stale, and everything else works again. */
static void test_restart(void) {
    struct service_state before;
    handle_t control, file;
    uint64_t n;
    char byte;

    CHECK(namespace_root("/dev/services", &control) == OK);
    CHECK(service_kill(control, "nobody", 6, DEADLINE_NEVER) == ERROR_NOT_FOUND);
    CHECK(service_start(control, "archive", 7, DEADLINE_NEVER) == ERROR_BAD_STATE);
    CHECK(find_state(control, "archive", &before) == OK);
    CHECK(namespace_open("/bin/shell", FILE_OPEN_READ, 0, &file, NULL) == OK);
    CHECK(service_kill(control, "archive", 7, DEADLINE_NEVER) == OK);
    /* Queued until the next incarnation answers; or, where another processor has still to end the
     * one that was killed, received by that, which then does not answer any more. */
    status_t status = file_read(file, 0, &byte, 1, &n, DEADLINE_NEVER);

    CHECK(status == ERROR_STALE || status == ERROR_CLOSED);
    drop(file);
    CHECK(namespace_open("/bin/shell", FILE_OPEN_READ, 0, &file, NULL) == OK);
    CHECK(file_read(file, 0, &byte, 1, &n, DEADLINE_NEVER) == OK && n == 1);
    drop(file);
    await_up(control, "archive", before.incarnation);
    drop(control);
}

/* ---- the log ---- */

/* A line of one piece, as lib/native/log.c sends it. Lost if the log does not come to it in time.
 */
static status_t log_one(handle_t log, const char *text) {
    uint64_t words[MESSAGE_WORDS] = {LOG_PIECE_FIRST | LOG_PIECE_LAST | LOG_DEBUG};

    memcpy((char *)words + 3, text, MIN(strlen(text), (size_t)LOG_PIECE_BYTES));
    return log_piece(log, words[0], words[1], words[2], words[3], time_deadline(20 * NS_PER_MS));
}

static void test_log(void) {
    char text[512];
    handle_t log, file;
    uint64_t n, total = 0;
    int taken = 0;
    bool is_clean = true;

    CHECK(namespace_root("/log", &log) == OK);
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "flood %d\x1b[2J\n", i);
        taken += log_one(log, text) == OK;
    }
    CHECK(taken > 1000);
    /* Pieces without end: the line is cut, nobody is harmed. */
    for (int i = 0; i < 100; i++) {
        status_t status = log_piece(log, UINT64_MAX & ~(uint64_t)LOG_PIECE_LAST, UINT64_MAX,
                                    UINT64_MAX, UINT64_MAX, 0);
        (void)status;
    }
    CHECK(namespace_open("/log", FILE_OPEN_READ, 0, &file, NULL) == OK);
    while (file_read(file, FILE_OFFSET_CURRENT, text, sizeof text, &n, DEADLINE_NEVER) == OK &&
           n > 0) {
        total += n;
        is_clean &= memchr(text, 0x1b, n) == NULL;
    }
    CHECK(total > 10000);
    CHECK_THAT(is_clean, "no escape character in the log");
    drop(file);
    drop(log);
}

/* ---- all of it ---- */

static void run_all(void) {
    test_threads();
    test_names();
    test_mounts_of_others();
    test_mounts_of_the_dead();
    test_mount_limit();
    test_archive();
    test_hostile_requests();
    test_unanswered_open();
    test_broken_programs();
    test_restart();
    test_log();
}

int main(void) {
    run_all();
    run_all();
    struct balance before = balance_settled();

    run_all();
    CHECK_THAT(balance_returns(&before, 64 * 1024), "nothing is left behind");
    return tap_end();
}
