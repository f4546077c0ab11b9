/* SPDX-License-Identifier: MIT */
/*
 * The generated stubs and dispatch functions against each other: what a client gives must be what
 * the handler gets, and back, for every kind of parameter. The kernel between them is a function
 * here.
 */
#include "tests/unit/test.h"

#include "lib/base/string.h"
#include "lib/native/message.h"

static status_t transfer(struct message *m);
#undef MESSAGE_CALL
#undef MESSAGE_CALL_SHORT
#define MESSAGE_CALL(m)       transfer(m)
#define MESSAGE_CALL_SHORT(m) transfer(m)

#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "abi/generated/proc.h"

enum { GATE = 7, OWN_BADGE = 0x4711 };

/* What the "server" has, and what it saw. */
static const struct file_handlers *file_server;
static const struct directory_handlers *directory_server;
static const struct proc_handlers *proc_server;
static struct message seen;
static unsigned n_seen;
static enum object_type sent_type; /* of handles, as the kernel would tell */
static bool is_own;                /* the first handle is a gate of the server's own */

status_t answer_send(handle_t saved, status_t status, const struct answer *answer) {
    (void)saved, (void)status, (void)answer;
    fail();
    return ERROR_NO_REPLY;
}

/* What the kernel does with a call: the request to the dispatch function, its answer back. */
static status_t transfer(struct message *m) {
    struct request request = {.label = m->label, .is_call = true};
    unsigned n_segments = (m->control >> 3) & 7;
    unsigned n_handles = m->control & 7;
    status_t status;
    int brief = message_brief_bytes(m->label);

    seen = *m;
    n_seen++;
    memcpy(request.words, m->words, sizeof request.words);
    for (unsigned i = 0; i < n_segments; i++) {
        *(m->segments[i].access == LENT_READABLE ? &request.readable : &request.writable) +=
            m->segments[i].length;
    }
    if ((m->control & MESSAGE_LENDS) != 0) {
        assert_true(n_segments == 0 && n_handles == 0);
        *(m->lent.access == LENT_READABLE ? &request.readable : &request.writable) +=
            m->lent.length;
    }
    for (unsigned i = 0; i < n_handles; i++) {
        if (i == 0 && is_own) {
            request.has_own_badge = true;
            request.own_badge = OWN_BADGE;
            continue;
        }
        request.handles[request.n_handles] = m->handles[i] + 1000;
        request.result |= (uint64_t)sent_type << (16 + 4 * request.n_handles++);
    }
    if (brief >= 0) { /* as the server loop does */
        request.is_brief = true;
        request.readable = (uint32_t)brief;
        request.label &= ~(uint32_t)(MESSAGE_BRIEF_MASK << MESSAGE_BRIEF_SHIFT);
    }
    status = m->label >> 16 == FILE_PROTOCOL ? file_dispatch(file_server, NULL, &request)
             : m->label >> 16 == PROC_PROTOCOL
                 ? proc_dispatch(proc_server, NULL, &request)
                 : directory_dispatch(directory_server, NULL, &request);
    m->label = (uint32_t)status;
    memcpy(m->words, request.answer.words, sizeof m->words);
    memcpy(m->handles, request.answer.handles, sizeof m->handles);
    m->control = request.answer.control & 7;
    return OK;
}

/* ---- halves of words, wide words, lent memory ---- */

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    (void)context, (void)request;
    assert_int_equal(flags, 0xfffffffe);
    assert_int_equal(mode, 0644);
    assert_int_equal(path_length, 25);
    assert_int_equal(target_length, 100);
    *kind = 1;
    *matched = 0xffffffff;
    *length = 3;
    *file = 55;
    return ERROR_REDIRECT;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    (void)context, (void)request;
    assert_true(offset == INT64_MIN + 1);
    assert_int_equal(whence, 2);
    *position = UINT64_MAX;
    return OK;
}

static void test_words(void **state) {
    static const struct file_handlers handlers = {.open = on_open, .seek = on_seek};
    uint32_t kind, matched, length;
    uint64_t position;
    handle_t file;
    char target[100];

    (void)state;
    file_server = &handlers;
    assert_int_equal(file_open(GATE, 0xfffffffe, 0644, "a/b/c/d/e/f/g/h/i/j/k/l/m", 25, target, 100,
                               &kind, &matched, &length, &file, 17),
                     ERROR_REDIRECT);
    assert_int_equal(kind, 1);
    assert_int_equal(matched, 0xffffffff);
    assert_int_equal(length, 3);
    assert_int_equal(file, 55);
    assert_int_equal(seen.gate, GATE);
    assert_int_equal(seen.deadline, 17);
    assert_int_equal(seen.words[1], 0); /* nothing of the stack goes out */
    assert_int_equal(seen.words[2], 0);
    assert_int_equal(seen.words[3], 0);
    assert_int_equal(file_seek(GATE, INT64_MIN + 1, 2, &position, 0), OK);
    assert_true(position == UINT64_MAX);
}

/* ---- few bytes in the words instead of lent ---- */

static bool is_link; /* the path ends at a symbolic link */

static status_t on_brief_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                              uint32_t path_length, uint32_t target_length, uint32_t *kind,
                              uint32_t *matched, uint32_t *length, handle_t *file) {
    (void)context, (void)mode, (void)kind;
    assert_int_equal(flags, 1);
    assert_int_equal(path_length, 24);
    assert_int_equal(request->is_brief, target_length == 0);
    *matched = 3;
    *length = 9;
    *file = is_link ? HANDLE_NONE : 55;
    return ERROR_REDIRECT;
}

static status_t open_brief(handle_t *file) {
    uint32_t kind, matched, length;
    char target[100];
    status_t status = file_open(GATE, 1, 2, "abcdefgh/bcdefghi/cdefgh", 24, target, sizeof target,
                                &kind, &matched, &length, file, DEADLINE_NEVER);

    assert_int_equal(matched, 3);
    assert_int_equal(length, 9);
    return status;
}

static void test_brief(void **state) {
    static const struct file_handlers handlers = {.open = on_brief_open};
    handle_t file;

    (void)state;
    file_server = &handlers;
    n_seen = 0;
    is_link = false;
    assert_int_equal(open_brief(&file), ERROR_REDIRECT);
    assert_int_equal(file, 55);
    assert_int_equal(n_seen, 1);
    assert_int_equal(seen.label, FILE_OPEN | 25 << MESSAGE_BRIEF_SHIFT);
    assert_true(seen.control == MESSAGE_ACCEPT(1));
    assert_memory_equal(&seen.words[1], "abcdefgh/bcdefghi/cdefgh", 24);
    assert_true(seen.words[0] == (1 | 2ull << 32));
    /* A symbolic link: again, with room for its target. */
    is_link = true;
    assert_int_equal(open_brief(&file), ERROR_REDIRECT);
    assert_int_equal(n_seen, 3);
    assert_int_equal(seen.label, FILE_OPEN);
    assert_true(seen.control == (MESSAGE_ACCEPT(1) | MESSAGE_SEGMENTS(2)));
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    (void)context, (void)flags, (void)matched, (void)length, (void)next;
    assert_true(request->is_brief);
    assert_int_equal(path_length, 0);
    assert_int_equal(stat_length, sizeof(struct file_stat));
    return ERROR_REDIRECT; /* asked once, all the same: what is lent can take the target */
}

/* The range that is written is not late: it is lent with a brief path too. */
static void test_brief_stat(void **state) {
    static const struct file_handlers handlers = {.stat = on_stat};
    struct file_stat stat;
    uint32_t matched, length;
    handle_t next;

    (void)state;
    file_server = &handlers;
    n_seen = 0;
    assert_int_equal(file_stat(GATE, 0, "", 0, &stat, sizeof stat, &matched, &length, &next, 0),
                     ERROR_REDIRECT);
    assert_int_equal(n_seen, 1);
    assert_int_equal(seen.words[1] | seen.words[2] | seen.words[3], 0);
    assert_true((seen.control & MESSAGE_LENDS) != 0);
    assert_int_equal(seen.lent.access, LENT_WRITABLE);
}

/* ---- two paths in one range, a gate of the server's own ---- */

static status_t on_rename(void *context, struct request *request, uint64_t to_badge,
                          uint32_t path_length, uint32_t new_path_length, uint32_t target_length,
                          uint32_t *matched, uint32_t *length, uint32_t *which, handle_t *next) {
    (void)context, (void)request, (void)target_length, (void)matched, (void)length, (void)next;
    assert_int_equal(to_badge, is_own ? OWN_BADGE : 0);
    assert_int_equal(path_length, 3);
    assert_int_equal(new_path_length, 4);
    *which = 1;
    return OK;
}

static status_t rename_to(handle_t to, uint32_t *which) {
    uint32_t matched, length;
    handle_t next;
    status_t status = directory_rename(GATE, to, "old", 3, "new1", 4, NULL, 0, &matched, &length,
                                       which, &next, DEADLINE_NEVER);

    assert_int_equal(next, HANDLE_NONE);
    return status;
}

static void test_own_gate(void **state) {
    static const struct directory_handlers handlers = {.rename = on_rename};
    uint32_t which = 0;

    (void)state;
    directory_server = &handlers;
    is_own = false;
    assert_int_equal(rename_to(HANDLE_NONE, &which), OK);
    assert_int_equal(which, 1);
    is_own = true;
    assert_int_equal(rename_to(9, &which), OK);
    assert_true((seen.control & MESSAGE_COPY(0, RIGHTS_ALL)) == MESSAGE_COPY(0, RIGHTS_ALL));
    /* A gate of another server comes as a plain handle. */
    is_own = false;
    sent_type = OBJECT_GATE;
    assert_int_equal(rename_to(9, &which), ERROR_CROSS_DEVICE);
}

/* A first length beyond what was lent never reaches the handler. */
static void test_lying_length(void **state) {
    static const struct directory_handlers handlers = {.rename = on_rename};
    struct request request = {.label = DIRECTORY_RENAME, .readable = 7, .words = {8}};

    (void)state;
    assert_int_equal(directory_dispatch(&handlers, NULL, &request), ERROR_BAD_ARGUMENT);
}

/* ---- kinds of handles ---- */

static status_t on_adopt(void *context, struct request *request, uint32_t flags, uint32_t group,
                         uint64_t entry, uint64_t stack, uint64_t argument, handle_t child,
                         uint32_t *pid) {
    (void)context, (void)request;
    assert_int_equal(flags, 1);
    assert_int_equal(group, 2);
    assert_int_equal(entry, 3);
    assert_int_equal(stack, 4);
    assert_int_equal(argument, 5);
    assert_int_equal(child, 1042);
    *pid = 99;
    return OK;
}

static void test_handle_kinds(void **state) {
    static const struct proc_handlers handlers = {.adopt = on_adopt};
    uint32_t pid;

    (void)state;
    proc_server = &handlers;
    is_own = false;
    sent_type = OBJECT_PROCESS;
    assert_int_equal(proc_adopt(GATE, 1, 2, 3, 4, 5, 42, &pid, DEADLINE_NEVER), OK);
    assert_int_equal(pid, 99);
    sent_type = OBJECT_GATE;
    assert_int_equal(proc_adopt(GATE, 1, 2, 3, 4, 5, 42, &pid, DEADLINE_NEVER), ERROR_BAD_ARGUMENT);
}

static void test_unknown(void **state) {
    static const struct file_handlers none = {.open = NULL};
    struct request request = {.label = FILE_PROTOCOL << 16 | 0xfff0};

    (void)state;
    assert_int_equal(file_dispatch(&none, NULL, &request), ERROR_BAD_MESSAGE);
    request.label = FILE_SEEK;
    assert_int_equal(file_dispatch(&none, NULL, &request), ERROR_NOT_SUPPORTED);
    assert_string_equal(file_label_name(FILE_SEEK), "file.seek");
    assert_null(file_label_name(PROC_PROTOCOL << 16));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),        cmocka_unit_test(test_brief),
        cmocka_unit_test(test_brief_stat),   cmocka_unit_test(test_own_gate),
        cmocka_unit_test(test_lying_length), cmocka_unit_test(test_handle_kinds),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
