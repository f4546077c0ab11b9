/* SPDX-License-Identifier: MIT */
/* lib/base/list.h: order, loops, removal while looping, and that misuse traps. */
#include "tests/unit/test.h"

#include "lib/base/list.h"

struct item {
    int number;
    struct list_node node;
};

static void assert_order(const struct list *list, const int *numbers, size_t n) {
    struct item *item;
    size_t i = 0;

    LIST_FOR_EACH(item, list, node) {
        assert_true(i < n);
        assert_int_equal(item->number, numbers[i]);
        assert_true(list_is_linked(&item->node));
        assert_ptr_equal(item->node.next->prev, &item->node);
        i++;
    }
    assert_int_equal(i, n);
    assert_int_equal(list_is_empty(list), n == 0);
}

static void test_push_and_pop(void **state) {
    struct item a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    struct list list = LIST_INITIALIZER(list);

    (void)state;
    assert_order(&list, NULL, 0);
    assert_null(list_first(&list));
    assert_null(list_last(&list));
    assert_null(list_pop_front(&list));
    assert_null(LIST_FIRST(&list, struct item, node));
    list_push_back(&list, &b.node);
    list_push_back(&list, &c.node);
    list_push_front(&list, &a.node);
    assert_order(&list, (int[]){1, 2, 3}, 3);
    assert_ptr_equal(LIST_FIRST(&list, struct item, node), &a);
    assert_ptr_equal(list_last(&list), &c.node);
    assert_ptr_equal(list_next(&list, &a.node), &b.node);
    assert_null(list_next(&list, &c.node));
    list_remove(&b.node);
    assert_false(list_is_linked(&b.node));
    assert_order(&list, (int[]){1, 3}, 2);
    list_insert_before(&c.node, &b.node);
    assert_order(&list, (int[]){1, 2, 3}, 3);
    assert_ptr_equal(list_pop_front(&list), &a.node);
    assert_false(list_is_linked(&a.node));
    assert_ptr_equal(list_pop_front(&list), &b.node);
    assert_ptr_equal(list_pop_front(&list), &c.node);
    assert_true(list_is_empty(&list));
}

static void test_append_all(void **state) {
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct list one, two;

    (void)state;
    list_init(&one);
    list_init(&two);
    list_append_all(&one, &two);
    assert_order(&one, NULL, 0);
    for (int i = 0; i < 4; i++) {
        list_push_back(i < 2 ? &one : &two, &items[i].node);
    }
    list_append_all(&one, &two);
    assert_order(&one, (int[]){0, 1, 2, 3}, 4);
    assert_order(&two, NULL, 0);
    list_append_all(&one, &two);
    assert_order(&one, (int[]){0, 1, 2, 3}, 4);
    list_append_all(&two, &one);
    assert_order(&two, (int[]){0, 1, 2, 3}, 4);
}

static void test_removal_in_loop(void **state) {
    struct list list = LIST_INITIALIZER(list);
    struct item *item;

    (void)state;
    for (int i = 0; i < 10; i++) {
        item = calloc(1, sizeof *item);
        item->number = i;
        list_push_back(&list, &item->node);
    }
    /* Freed at once: the loop must not look at the item again, nor needs the end to be kept. */
    LIST_FOR_EACH_SAFE(item, &list, node) {
        if (item->number % 3 != 1) {
            list_remove(&item->node);
            free(item);
        }
    }
    assert_order(&list, (int[]){1, 4, 7}, 3);
    LIST_FOR_EACH_SAFE(item, &list, node) {
        list_remove(&item->node);
        free(item);
    }
    assert_order(&list, NULL, 0);
}

static void remove_unlinked(void *node) {
    list_remove(node);
}

static void insert_linked(void *list) {
    list_push_back(list, list_first(list));
}

static void test_misuse_traps(void **state) {
    struct list list = LIST_INITIALIZER(list);
    struct item item = {.number = 1};

    (void)state;
    test_traps(remove_unlinked, &item.node);
    list_push_back(&list, &item.node);
    test_traps(insert_linked, &list);
    list_remove(&item.node);
    test_traps(remove_unlinked, &item.node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_and_pop),
        cmocka_unit_test(test_append_all),
        cmocka_unit_test(test_removal_in_loop),
        cmocka_unit_test(test_misuse_traps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
