/* SPDX-License-Identifier: MIT */
/*
 * servers/init/manifest.c: what each key gives, and what every mistake is told as.
 *
 * Sources: servers/init/manifest.c
 */
#include "tests/unit/test.h"

#include "abi/kernel.h"
#include "lib/base/string.h"
#include "servers/init/manifest.h"

#define MINIMAL "program /bin/x\nlevel 3\npriority 40\nbudget 1 MiB\n"

static struct manifest manifest;
static struct manifest_error error;

static bool parse(const char *text) {
    return manifest_parse(&manifest, "x", text, strlen(text), &error);
}

static void test_all_keys(void **state) {
    (void)state;
    assert_true(parse("# comment\n"
                      "program    /bin/net   # and one behind\n"
                      "arguments  -v /dev/x\n"
                      "level 4\r\n"
                      "priority\t40\n"
                      "budget 3 MiB\n"
                      "dma_limit 100 KiB\n"
                      "state 2\n"
                      "handles identity, archive\n"
                      "ports 0x3f8-0x3ff 0x60\n"
                      "irqs 4, 11 level low\n"
                      "namespace / names\n"
                      "namespace /bin archive:1\n"
                      "uses proc:1 log\n"
                      "serves /tcp:2\n"
                      "needs log names\n"
                      "phase session\n"
                      "restart failure\n"
                      "heartbeat 2 s\n"));
    assert_string_equal(manifest.program, "/bin/net");
    assert_int_equal(manifest.level, 4);
    assert_int_equal(manifest.priority, 40);
    assert_int_equal(manifest.budget_pages, 768);
    assert_int_equal(manifest.dma_pages, 25);
    assert_int_equal(manifest.state_pages, 2);
    assert_int_equal(manifest.handles, MANIFEST_IDENTITY | MANIFEST_ARCHIVE);
    assert_int_equal(manifest.n_ports, 2);
    assert_int_equal(manifest.ports[0].first, 0x3f8);
    assert_int_equal(manifest.ports[0].n, 8);
    assert_int_equal(manifest.ports[1].n, 1);
    assert_int_equal(manifest.n_irqs, 2);
    assert_int_equal(manifest.irqs[0].flags, 0);
    assert_int_equal(manifest.irqs[1].line, 11);
    assert_int_equal(manifest.irqs[1].flags, IRQ_LEVEL | IRQ_ACTIVE_LOW);
    assert_int_equal(manifest.namespace.n, 2);
    assert_string_equal(manifest.namespace.list[1].path, "/bin");
    assert_string_equal(manifest.namespace.list[1].service, "archive");
    assert_int_equal(manifest.namespace.list[1].root, 1);
    assert_int_equal(manifest.uses.n, 2);
    assert_int_equal(manifest.uses.list[0].root, 1);
    assert_string_equal(manifest.serves.list[0].path, "/tcp");
    assert_int_equal(manifest.serves.list[0].root, 2);
    assert_int_equal(manifest.needs.n, 2);
    assert_int_equal(manifest.phase, PHASE_SESSION);
    assert_int_equal(manifest.restart, RESTART_FAILURE);
    assert_int_equal(manifest.heartbeat_ns, 2000000000);
}

static void test_defaults(void **state) {
    (void)state;
    assert_true(parse(MINIMAL));
    assert_int_equal(manifest.phase, PHASE_BOOT);
    assert_int_equal(manifest.restart, RESTART_ALWAYS);
    assert_int_equal(manifest.heartbeat_ns, 500000000);
    assert_true(parse("program /bin/x\nlevel 3\npriority 40\nbudget 12 %\nstate 3"));
    assert_int_equal(manifest.budget_percent, 12);
    assert_int_equal(manifest.budget_pages, 0);
    assert_true(parse(MINIMAL "heartbeat none"));
    assert_int_equal(manifest.heartbeat_ns, 0);
}

static void test_mistakes(void **state) {
    static const struct {
        const char *text;
        unsigned line;
        const char *word;
    } cases[] = {
        {"program", 1, ""},
        {"program bin/x", 1, "bin/x"},
        {"program /bin/../x", 1, "/bin/../x"},
        {"\n\nnonsense 1", 3, "nonsense"},
        {"level 16", 1, "16"},
        {"level four", 1, "four"},
        {"level 3 4", 1, "4"},
        {"priority 63", 1, "63"},
        {"budget 3 GiB", 1, "GiB"},
        {"budget 95 %", 1, "95"},
        {"handles identity everything", 1, "everything"},
        {"ports 0x3ff-0x3f8", 1, "0x3ff-0x3f8"},
        {"ports 65536", 1, "65536"},
        {"irqs low", 1, "low"},
        {"irqs 4 sideways", 1, "sideways"},
        {"namespace /x", 1, ""},
        {"uses proc:16", 1, "16"},
        {"uses a-name-that-is-far-too-long-for-a-service", 1,
         "a-name-that-is-far-too-long-for-a-service"},
        {"serves ramdisk", 1, "ramdisk"},
        {"phase later", 1, "later"},
        {"heartbeat 1 h", 1, "h"},
        {MINIMAL "dma_limit 2 MiB", 0, ""},
        {"level 3\npriority 40\nbudget 1 MiB", 0, ""},
        {"program /bin/x\npriority 40\nbudget 1 MiB", 0, ""},
        {"program /bin/x\nlevel 3\nbudget 1 MiB", 0, ""},
        {"program /bin/x\nlevel 3\npriority 40", 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_false(parse(cases[i].text));
        assert_int_equal(error.line, cases[i].line);
        assert_non_null(error.text);
        assert_string_equal(error.word, cases[i].word);
    }
}

static void test_too_many(void **state) {
    char text[2048] = MINIMAL "needs";

    (void)state;
    for (int i = 0; i < MANIFEST_NAMES_MAX; i++) {
        assert_true(string_append(text, sizeof text, " log"));
    }
    assert_true(parse(text));
    assert_true(string_append(text, sizeof text, " log"));
    assert_false(parse(text));
    assert_int_equal(error.line, 5);
}

/* Calls go down the levels, and a server is never less urgent than its client. */
static void test_rules(void **state) {
    struct manifest client = {.level = 3, .priority = 40};
    struct manifest server = {.level = 2, .priority = 40};
    const char *text;

    (void)state;
    assert_true(manifest_may_call(&client, &server, &text));
    server.level = 3;
    assert_false(manifest_may_call(&client, &server, &text));
    assert_non_null(text);
    server.level = 2;
    server.priority = 39;
    assert_false(manifest_may_call(&client, &server, &text));
}

/* No text, however broken, does anything but fail. */
static void test_noise(void **state) {
    struct test_random random = {0x5eed0000a11ce};
    static const char letters[] = "program levltyibdg/0x3f8-\n\n  ,:#\t\r9";
    char text[300];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t n = test_random_below(&random, sizeof text);

        for (size_t j = 0; j < n; j++) {
            text[j] = letters[test_random_below(&random, sizeof letters)];
        }
        if (!manifest_parse(&manifest, "x", text, n, &error)) {
            assert_non_null(error.text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys), cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_rules),    cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
