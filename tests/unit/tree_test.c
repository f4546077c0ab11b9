/* SPDX-License-Identifier: MIT */
/* lib/base/tree.c against a sorted array, its balance and links checked whole after each step. */
#include "tests/unit/test.h"

#include <string.h>

#include "lib/base/tree.h"

#define N_MAX 300

struct item {
    int number;
    struct tree_node node;
};

/* Checks a subtree and returns its height. Recursion is fine here. */
static int check_node(const struct tree_node *node, const struct tree_node *parent) {
    int height[2];

    if (node == NULL) {
        return 0;
    }
    assert_ptr_equal(node->parent, parent);
    assert_true(tree_is_linked(node));
    for (int side = 0; side < 2; side++) {
        height[side] = check_node(node->child[side], node);
    }
    assert_int_equal(node->balance, height[1] - height[0]);
    assert_in_range(node->balance + 1, 0, 2);
    return 1 + (height[0] > height[1] ? height[0] : height[1]);
}

/* The model: pointers in the right order, those of equal keys in the order of insertion. */
struct model {
    struct item *sorted[N_MAX];
    size_t n;
};

static void assert_same(const struct tree *tree, const struct model *model) {
    struct tree_node *node = tree_first(tree);

    check_node(tree->root, NULL);
    assert_int_equal(tree_is_empty(tree), model->n == 0);
    for (size_t i = 0; i < model->n; i++) {
        assert_ptr_equal(node, &model->sorted[i]->node);
        assert_ptr_equal(tree_previous(node), i == 0 ? NULL : &model->sorted[i - 1]->node);
        node = tree_next(node);
    }
    assert_null(node);
    assert_ptr_equal(tree_last(tree), model->n == 0 ? NULL : &model->sorted[model->n - 1]->node);
}

static void assert_searches(const struct tree *tree, const struct model *model, uint64_t key) {
    struct tree_node *ge = NULL;
    struct tree_node *le = NULL;

    for (size_t i = model->n; i-- > 0;) {
        if (model->sorted[i]->node.key >= key) {
            ge = &model->sorted[i]->node;
        }
        if (le == NULL && model->sorted[i]->node.key <= key) {
            le = &model->sorted[i]->node;
        }
    }
    assert_ptr_equal(tree_find_ge(tree, key), ge);
    assert_ptr_equal(tree_find_le(tree, key), le);
    assert_ptr_equal(tree_find(tree, key), ge != NULL && ge->key == key ? ge : NULL);
}

static void model_insert(struct model *model, struct item *item) {
    size_t at = model->n;

    while (at > 0 && model->sorted[at - 1]->node.key > item->node.key) {
        at--;
    }
    memmove(&model->sorted[at + 1], &model->sorted[at], (model->n - at) * sizeof(struct item *));
    model->sorted[at] = item;
    model->n++;
}

/* Random steps around a size that rises and falls, with many or few equal keys. */
static void run(uint64_t seed, uint64_t n_keys, int n_rounds) {
    struct test_random random = {seed};
    struct tree tree;
    struct model model = {.n = 0};

    tree_init(&tree);
    for (int round = 0; round < n_rounds; round++) {
        bool growing = round / 700 % 2 == 0;
        bool insert = test_random_below(&random, 10) < (growing ? 7 : 3);
        uint64_t key = n_keys == 0 ? test_random(&random) : test_random_below(&random, n_keys);

        if (insert && model.n < N_MAX) {
            struct item *item = calloc(1, sizeof *item);

            tree_insert(&tree, &item->node, key);
            assert_int_equal(item->node.key, key);
            model_insert(&model, item);
        } else if (!insert && model.n > 0) {
            size_t at = test_random_below(&random, model.n);
            struct item *item = model.sorted[at];

            tree_remove(&tree, &item->node);
            assert_false(tree_is_linked(&item->node));
            free(item);
            model.n--;
            memmove(&model.sorted[at], &model.sorted[at + 1],
                    (model.n - at) * sizeof(struct item *));
        }
        assert_same(&tree, &model);
        assert_searches(&tree, &model, n_keys == 0 ? key : test_random_below(&random, n_keys + 2));
    }
    while (model.n > 0) {
        tree_remove(&tree, &model.sorted[--model.n]->node);
        free(model.sorted[model.n]);
        assert_same(&tree, &model);
    }
}

static void test_many_equal_keys(void **state) {
    (void)state;
    run(6, 8, 6000);
}

static void test_some_equal_keys(void **state) {
    (void)state;
    run(7, 500, 6000);
}

static void test_any_keys(void **state) {
    (void)state;
    run(8, 0, 6000);
}

/* Ascending keys and removal of the first, as deadlines have it. */
static void test_queue(void **state) {
    static struct item items[10000];
    struct tree tree;

    (void)state;
    tree_init(&tree);
    for (unsigned i = 0; i < 10000; i++) {
        tree_insert(&tree, &items[i].node, i * 10ull);
    }
    assert_in_range(check_node(tree.root, NULL), 14, 19);
    for (unsigned i = 0; i < 10000; i++) {
        assert_ptr_equal(tree_first(&tree), &items[i].node);
        tree_remove(&tree, &items[i].node);
    }
    assert_true(tree_is_empty(&tree));
    assert_null(tree_first(&tree));
}

/* A tree of any shape, emptied from the front: in order, and what is left can still be found. */
static void test_drop_first(void **state) {
    static struct item items[N_MAX];
    struct test_random random = {9};
    struct tree tree;

    (void)state;
    for (unsigned n = 1; n <= N_MAX; n++) {
        struct model model = {.n = 0};

        tree_init(&tree);
        for (unsigned i = 0; i < n; i++) {
            tree_insert(&tree, &items[i].node, test_random_below(&random, 2 * N_MAX));
            model_insert(&model, &items[i]);
        }
        for (unsigned i = 0; i < n; i++) {
            assert_ptr_equal(tree_first(&tree), &model.sorted[i]->node);
            assert_ptr_equal(tree_last(&tree), &model.sorted[n - 1]->node);
            tree_drop_first(&tree);
            assert_false(tree_is_linked(&model.sorted[i]->node));
            for (unsigned j = i + 1; j < n; j += 1 + n / 16) {
                struct tree_node *found = tree_find_le(&tree, model.sorted[j]->node.key);

                assert_non_null(found);
                assert_int_equal(found->key, model.sorted[j]->node.key);
            }
        }
        assert_true(tree_is_empty(&tree));
        assert_null(tree_first(&tree));
    }
}

static struct tree misuse_tree;

static void insert_again(void *node) {
    tree_insert(&misuse_tree, node, 1);
}

static void remove_absent(void *node) {
    tree_remove(&misuse_tree, node);
}

static void test_misuse_traps(void **state) {
    struct item item = {.number = 0};

    (void)state;
    tree_init(&misuse_tree);
    test_traps(remove_absent, &item.node);
    tree_insert(&misuse_tree, &item.node, 1);
    test_traps(insert_again, &item.node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_equal_keys), cmocka_unit_test(test_some_equal_keys),
        cmocka_unit_test(test_any_keys),        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_drop_first),      cmocka_unit_test(test_misuse_traps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
