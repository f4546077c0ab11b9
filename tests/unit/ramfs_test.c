/* SPDX-License-Identifier: MIT */
/*
 * The inside of ramfs: record locks against an array of bytes, the tree of names against rules and
 * by random changes.
 *
 * Sources: servers/ramfs/node.c servers/ramfs/lock.c lib/native/recycle.c
 */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/generated/file.h"
#include "abi/tag.h"
#include "servers/ramfs/lock.h"
#include "servers/ramfs/node.h"

/* ---- locks ---- */

enum { BYTES = 64, OWNERS = 3, LOCK_STEPS = 20000 };

/* What each owner holds of each byte: FILE_LOCK_NONE, SHARED, EXCLUSIVE. */
static uint8_t held[OWNERS][BYTES];
static struct lock_owner owners[OWNERS];

static bool model_conflict(const struct record_lock *wanted) {
    for (uint32_t owner = 0; owner < OWNERS; owner++) {
        for (uint64_t i = wanted->begin; i < wanted->end && &owners[owner] != wanted->owner; i++) {
            uint8_t other = held[owner][i];

            if (other != FILE_LOCK_NONE &&
                (other == FILE_LOCK_EXCLUSIVE || wanted->kind == FILE_LOCK_EXCLUSIVE)) {
                return true;
            }
        }
    }
    return false;
}

/* The list must say of every byte what the model says, and no owner may hold one twice. */
static void check_locks(const struct lock_list *list) {
    uint8_t found[OWNERS][BYTES] = {{0}};
    uint32_t n_locks[OWNERS] = {0};
    const struct record_lock *lock;

    LIST_FOR_EACH(lock, &list->locks, node) {
        size_t owner = (size_t)(lock->owner - owners);

        assert_true(lock->begin < lock->end && lock->end <= BYTES);
        n_locks[owner]++;
        for (uint64_t i = lock->begin; i < lock->end; i++) {
            assert_int_equal(found[owner][i], FILE_LOCK_NONE);
            found[owner][i] = (uint8_t)lock->kind;
        }
    }
    assert_memory_equal(found, held, sizeof held);
    for (size_t owner = 0; owner < OWNERS; owner++) {
        assert_int_equal(owners[owner].n_locks, n_locks[owner]);
    }
}

static void test_locks(void **state) {
    struct lock_list list = {0};
    static const int holders[OWNERS];

    (void)state;
    srand(1);
    locks_start(LOCKS_MAX);
    memset(held, 0, sizeof held);
    for (uint32_t owner = 0; owner < OWNERS; owner++) {
        lock_owner_init(&owners[owner], owner);
    }
    for (int step = 0; step < LOCK_STEPS; step++) {
        uint64_t a = (uint64_t)rand() % BYTES, b = (uint64_t)rand() % BYTES;
        uint32_t owner = (uint32_t)rand() % OWNERS;
        struct record_lock wanted = {.owner = &owners[owner],
                                     .kind = (uint32_t)rand() % 3,
                                     .begin = a < b ? a : b,
                                     .end = (a < b ? b : a) + 1,
                                     .holder = &holders[owner]};
        bool conflict = wanted.kind != FILE_LOCK_NONE && model_conflict(&wanted);

        assert_int_equal(lock_conflict(&list, &wanted, NULL) != NULL, conflict);
        if (!conflict) {
            assert_int_equal(lock_set(&list, &wanted), OK);
            memset(&held[owner][wanted.begin], (int)wanted.kind, wanted.end - wanted.begin);
        }
        if (rand() % 50 == 0) {
            if (rand() % 2 == 0) {
                lock_drop_holder(&list, &holders[owner]);
            } else {
                lock_drop_owner(&owners[owner]);
            }
            memset(held[owner], 0, BYTES);
        }
        check_locks(&list);
    }
    for (int owner = 0; owner < OWNERS; owner++) {
        lock_drop_holder(&list, &holders[owner]);
    }
    assert_true(list_is_empty(&list.locks));
}

/* Every other byte, until there are as many as one may have; all go with the owner. */
static void test_lock_limit(void **state) {
    struct lock_list lists[2] = {{{{0}}}};
    struct record_lock wanted = {.owner = &owners[0], .kind = FILE_LOCK_SHARED};
    uint32_t n = 0;

    (void)state;
    lock_owner_init(&owners[0], 1);
    for (status_t status = OK; status == OK && n < 2 * LOCKS_PER_OWNER_MAX; n++) {
        wanted.begin = n * 2;
        wanted.end = n * 2 + 1;
        status = lock_set(&lists[n % 2], &wanted);
    }
    assert_in_range(owners[0].n_locks, LOCKS_PER_OWNER_MAX / 2, LOCKS_PER_OWNER_MAX);
    /* Giving up all is always possible. */
    wanted = (struct record_lock){
        .owner = &owners[0], .kind = FILE_LOCK_NONE, .begin = 0, .end = UINT64_MAX};
    assert_int_equal(lock_set(&lists[0], &wanted), OK);
    assert_true(list_is_empty(&lists[0].locks));
    assert_true(lock_drop_owner(&owners[0]));
    assert_true(list_is_empty(&lists[1].locks) && owners[0].n_locks == 0);
    assert_false(lock_drop_owner(&owners[0]));
}

/* Every other byte, from `first` on, until no more are given. How many: a wait is one too. */
static size_t lock_all(struct lock_list *list, struct lock_owner *owner, size_t first) {
    struct record_lock wanted = {.owner = owner, .kind = FILE_LOCK_EXCLUSIVE};
    size_t n = 0;
    status_t status = OK;

    for (; status == OK && n < LOCKS_MAX; n++) {
        wanted.begin = (first + n) * 2;
        wanted.end = wanted.begin + 1;
        status = lock_set(list, &wanted);
    }
    assert_int_equal(status, ERROR_TOO_MANY);
    return n - 1;
}

/* What one login has set or waits for leaves others some, and all comes back. */
static void test_lock_shares(void **state) {
    enum { TOTAL = 400, WAITS = 10 };
    struct lock_list list = {{{0}}};
    struct lock_owner of_one[2], other, file;

    (void)state;
    locks_start(TOTAL);
    lock_owner_init(&of_one[0], tag_make(1, 10));
    lock_owner_init(&of_one[1], tag_make(1, 11));
    lock_owner_init(&other, tag_make(2, 12));
    lock_owner_init(&file, 0);
    for (int round = 0; round < 3; round++) {
        assert_true(locks_count(of_one[1].tag, WAITS));
        assert_int_equal(lock_all(&list, &of_one[0], 0), TOTAL / 2 - WAITS);
        assert_int_equal(lock_all(&list, &of_one[1], TOTAL), 0);
        assert_false(locks_count(of_one[1].tag, 1));
        assert_int_equal(lock_all(&list, &other, 2 * TOTAL), TOTAL / 4);
        struct record_lock whole = {.owner = &file, .begin = UINT64_MAX - 1, .end = UINT64_MAX};
        whole.kind = FILE_LOCK_SHARED;
        assert_int_equal(lock_set(&list, &whole), OK);
        /* Giving up is always possible. */
        struct record_lock none = {.owner = &other, .begin = 4 * TOTAL, .end = UINT64_MAX};
        none.kind = FILE_LOCK_NONE;
        assert_int_equal(lock_set(&list, &none), OK);
        assert_true(lock_drop_owner(&of_one[0]) && !lock_drop_owner(&other));
        assert_true(lock_drop_owner(&file));
        locks_uncount(of_one[1].tag, WAITS);
    }
    locks_start(LOCKS_MAX);
}

/* ---- names ---- */

static struct file_system fs;
static int64_t clock_ns;

static int64_t tick(void) {
    return ++clock_ns;
}

static void no_content(struct content *content) {
    (void)content;
}

static struct node *root_new(uint64_t n_nodes_max) {
    fs = (struct file_system){.now_ns = tick, .content_free = no_content};
    assert_int_equal(file_system_start(&fs, n_nodes_max), OK);
    return fs.root;
}

/* The root counts as named and is never freed in the server. */
static void root_free(void) {
    struct node *root = fs.root;

    assert_int_equal(fs.n_nodes, 1);
    fs.root = NULL;
    root->n_names = 0;
    node_release(&fs, root);
}

static status_t make(const char *path, uint32_t kind) {
    struct lookup at;
    struct node *node;
    status_t status = lookup_path(fs.root, path, strlen(path), LOOKUP_KEEP_LINK, &at);

    if (status != OK || at.node != NULL) {
        return status != OK ? status : ERROR_EXISTS;
    }
    status = node_create(&fs, kind | 0644, kind == FILE_MODE_LINK ? "target" : NULL, &node);
    if (status == OK) {
        status = entry_add(&fs, at.directory, at.name, at.name_length, node);
        if (status != OK) {
            node_release(&fs, node);
        }
    }
    return status;
}

static status_t remove_path(const char *path) {
    struct lookup at;
    status_t status = lookup_path(fs.root, path, strlen(path), LOOKUP_KEEP_LINK, &at);

    if (status == OK && at.entry == NULL) {
        status = ERROR_NOT_FOUND;
    }
    if (status == OK && node_is_directory(at.node) && at.node->n_entries != 0) {
        status = ERROR_NOT_EMPTY;
    }
    if (status == OK) {
        entry_remove(&fs, at.entry);
    }
    return status;
}

static status_t move(const char *old, const char *new) {
    struct lookup from, to;
    status_t status = lookup_path(fs.root, old, strlen(old), LOOKUP_KEEP_LINK, &from);

    if (status == OK && from.entry == NULL) {
        status = ERROR_NOT_FOUND;
    }
    if (status == OK) {
        status = lookup_path(fs.root, new, strlen(new), LOOKUP_KEEP_LINK, &to);
    }
    return status != OK ? status
                        : entry_rename(&fs, from.entry, to.directory, to.name, to.name_length);
}

static void test_names(void **state) {
    struct lookup at;
    char long_name[FILE_NAME_MAX_BYTES + 2];

    (void)state;
    root_new(100);
    assert_int_equal(make("a", FILE_MODE_DIRECTORY), OK);
    assert_int_equal(make("a", FILE_MODE_REGULAR), ERROR_EXISTS);
    assert_int_equal(make("a/file", FILE_MODE_REGULAR), OK);
    assert_int_equal(make("a/file/x", FILE_MODE_REGULAR), ERROR_NOT_DIRECTORY);
    assert_int_equal(make("b/x", FILE_MODE_REGULAR), ERROR_NOT_FOUND);
    assert_int_equal(make("a/link", FILE_MODE_LINK), OK);
    assert_int_equal(
        lookup_path(fs.root, "a/link/rest", strlen("a/link/rest"), LOOKUP_KEEP_LINK, &at),
        ERROR_REDIRECT);
    assert_int_equal(at.matched, 6);
    assert_int_equal(lookup_path(fs.root, "a/link", strlen("a/link"), LOOKUP_FOLLOW, &at),
                     ERROR_REDIRECT);
    assert_int_equal(lookup_path(fs.root, "a/link", strlen("a/link"), LOOKUP_KEEP_LINK, &at), OK);
    assert_true(node_is_link(at.node));
    assert_int_equal(lookup_path(fs.root, "", 0, LOOKUP_FOLLOW, &at), OK);
    assert_ptr_equal(at.node, fs.root);
    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(make(long_name, FILE_MODE_REGULAR), ERROR_NAME_TOO_LONG);
    assert_int_equal(make(long_name + 1, FILE_MODE_REGULAR), OK);
    assert_int_equal(remove_path(long_name + 1), OK);
    assert_int_equal(remove_path("a"), ERROR_NOT_EMPTY);
    assert_int_equal(move("a", "a/file"), ERROR_BAD_ARGUMENT);
    assert_int_equal(make("d", FILE_MODE_DIRECTORY), OK);
    assert_int_equal(move("a/file", "d"), ERROR_IS_DIRECTORY);
    assert_int_equal(move("d", "a/file"), ERROR_NOT_DIRECTORY);
    assert_int_equal(move("d", "a"), ERROR_NOT_EMPTY);
    assert_int_equal(move("a", "d"), OK);
    assert_int_equal(make("d/sub", FILE_MODE_DIRECTORY), OK);
    assert_int_equal(move("d", "d/sub/x"), ERROR_BAD_ARGUMENT);
    assert_int_equal(remove_path("d/sub"), OK);
    assert_int_equal(remove_path("d/file"), OK);
    assert_int_equal(remove_path("d/link"), OK);
    assert_int_equal(remove_path("d"), OK);
    root_free();
}

static void test_open_nodes(void **state) {
    struct lookup at;

    (void)state;
    root_new(4);
    assert_int_equal(make("d", FILE_MODE_DIRECTORY), OK);
    assert_int_equal(lookup_path(fs.root, "d", strlen("d"), LOOKUP_FOLLOW, &at), OK);
    struct node *directory = at.node, *node;

    directory->n_open++;
    assert_int_equal(remove_path("d"), OK);
    assert_int_equal(fs.n_nodes, 2); /* it is open */
    assert_int_equal(node_create(&fs, FILE_MODE_REGULAR, NULL, &node), OK);
    assert_int_equal(entry_add(&fs, directory, "x", 1, node), ERROR_NOT_FOUND);
    node_release(&fs, node);
    directory->n_open--;
    node_release(&fs, directory);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(make((const char *[]){"1", "2", "3"}[i], FILE_MODE_REGULAR), OK);
    }
    assert_int_equal(make("4", FILE_MODE_REGULAR), ERROR_NO_SPACE);
    assert_int_equal(remove_path("2"), OK);
    assert_int_equal(make("4", FILE_MODE_REGULAR), OK);
    assert_int_equal(remove_path("1"), OK);
    assert_int_equal(remove_path("3"), OK);
    assert_int_equal(remove_path("4"), OK);
    root_free();
}

/* A listing that is interrupted by changes shows what was there all the time, once. */
static void test_listing(void **state) {
    char name[16];
    unsigned seen[200] = {0};
    uint64_t cookie = 0;
    const struct entry *entry;

    (void)state;
    root_new(1000);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(make(name, FILE_MODE_REGULAR), OK);
    }
    srand(2);
    for (int step = 0; (entry = entry_after(fs.root, cookie)) != NULL; step++) {
        int number = atoi(entry->name), victim = rand() % 100 * 2 + 1;

        cookie = entry->by_cookie.key;
        if (number < 200) {
            seen[number]++;
        }
        snprintf(name, sizeof name, "%d", victim); /* odd ones come and go */
        if (remove_path(name) != OK) {
            assert_int_equal(make(name, FILE_MODE_REGULAR), OK);
        }
        assert_true(step < 10000);
    }
    for (int i = 0; i < 200; i += 2) {
        assert_int_equal(seen[i], 1);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "%d", i);
        (void)remove_path(name);
    }
    root_free();
}

/* How many nodes are below; every directory knows where it is. */
static uint64_t count_below(const struct node *directory, const struct node *parent) {
    const struct entry *entry;
    uint64_t n = 0, cookie = 0;

    assert_ptr_equal(directory->parent, parent);
    while ((entry = entry_after(directory, cookie)) != NULL) {
        cookie = entry->by_cookie.key;
        assert_ptr_equal(entry_find(directory, entry->name, entry->length), entry);
        n += 1 + (node_is_directory(entry->node) ? count_below(entry->node, directory) : 0);
    }
    return n;
}

static void remove_below(struct node *directory) {
    struct entry *entry;

    while ((entry = entry_after(directory, 0)) != NULL) {
        if (node_is_directory(entry->node)) {
            remove_below(entry->node);
        }
        entry_remove(&fs, entry);
    }
}

/* Thousands of random changes below a few names; all counts are right when everything is gone. */
static void test_changes(void **state) {
    static const char *const names[] = {"a",   "b",     "a/a",   "a/b",  "b/a",
                                        "b/b", "a/a/a", "a/b/b", "b/a/b"};
    enum { N = sizeof names / sizeof *names };

    (void)state;
    root_new(1000);
    srand(3);
    for (int step = 0; step < 50000; step++) {
        const char *one = names[rand() % N], *other = names[rand() % N];

        switch (rand() % 4) {
        case 0:
            (void)make(one, FILE_MODE_DIRECTORY);
            break;
        case 1:
            (void)make(one, FILE_MODE_REGULAR);
            break;
        case 2:
            (void)move(one, other);
            break;
        default:
            (void)remove_path(one);
        }
        if (step % 100 == 0) {
            assert_int_equal(count_below(fs.root, NULL) + 1, fs.n_nodes);
        }
    }
    remove_below(fs.root);
    root_free();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locks),       cmocka_unit_test(test_lock_limit),
        cmocka_unit_test(test_lock_shares), cmocka_unit_test(test_names),
        cmocka_unit_test(test_open_nodes),  cmocka_unit_test(test_listing),
        cmocka_unit_test(test_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
