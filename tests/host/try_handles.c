/* SPDX-License-Identifier: MIT */
/*
 * Handle tables: which number a handle gets, what is found under which, what objects and budgets
 * are left with. The model is an array of entries and a stack of numbers that are free again.
 */
#include "tests/host/tries.h"

#include "kernel/budget.h"
#include "kernel/endpoint.h"
#include "kernel/frame.h"
#include "kernel/handle.h"
#include "kernel/memory.h"
#include "tests/host/kernel.h"

#define N_MODEL   (6 * HANDLES_PER_PAGE)
#define N_OBJECTS 8

struct model {
    struct object *objects[N_MODEL]; /* NULL: free */
    uint32_t rights[N_MODEL];
    uint32_t free[N_MODEL]; /* numbers used before; the last is used first */
    uint32_t n_free, fresh, n_reserved, n_pages, n_open;
    bool has_directory;
};

struct fixture {
    struct handle_table table;
    struct model model;
    struct budget *budget;
    struct endpoint *endpoint;
    struct object *objects[N_OBJECTS]; /* each with a reference of ours */
};

static const uint32_t rights_of[] = {RIGHT_SEND | RIGHT_COPY, RIGHT_NOTIFY, RIGHT_COPY | RIGHT_READ,
                                     RIGHT_RECEIVE | RIGHT_COPY,
                                     RIGHT_SEND | RIGHT_COPY | HANDLE_NO_FORK_MARK};

static void objects_make(struct fixture *f) {
    struct gate *gate;
    struct budget *budget;
    struct memory *memory;

    HOLDS(endpoint_create(budget_root, &f->endpoint) == OK);
    f->endpoint->receive_rights = 1; /* ours: it does not die */
    f->objects[0] = &f->endpoint->object;
    for (unsigned i = 1; i < N_OBJECTS; i++) {
        if (i < 4) {
            HOLDS(gate_create(budget_root, f->endpoint, i, &gate) == OK);
            gate_bind(gate); /* nor do they tell of an end */
            f->objects[i] = &gate->object;
        } else if (i < 6) {
            HOLDS(budget_create(budget_root, PAGE_SIZE, &budget) == OK);
            budget_spender_add(budget);
            f->objects[i] = &budget->object;
        } else {
            HOLDS(i == 6 ? memory_create_demand(budget_root, 3, &memory) == OK
                         : memory_create_contiguous(budget_root, 1, 0, &memory) == OK);
            f->objects[i] = &memory->object;
        }
    }
}

static bool is_counted(const struct object *object, uint32_t rights) {
    switch (object->type) {
    case OBJECT_GATE:
        return (rights & (RIGHT_SEND | RIGHT_NOTIFY)) != 0;
    case OBJECT_ENDPOINT:
        return (rights & RIGHT_RECEIVE) != 0;
    default:
        return object->type == OBJECT_BUDGET;
    }
}

/* References and rights of each object are what the entries of all models say, and ours. */
static void objects_check(const struct fixture *f, const struct model *const *models, unsigned n) {
    for (unsigned o = 0; o < N_OBJECTS; o++) {
        struct object *object = f->objects[o];
        uint32_t references = 1, counted = 1;

        for (unsigned m = 0; m < n; m++) {
            for (uint32_t i = 0; i < models[m]->fresh; i++) {
                references += models[m]->objects[i] == object;
                counted +=
                    models[m]->objects[i] == object && is_counted(object, models[m]->rights[i]);
            }
        }
        if (object->type == OBJECT_GATE) {
            SAME(CONTAINER_OF(object, struct gate, object)->senders, counted);
            references++; /* all senders together */
        } else if (object->type == OBJECT_ENDPOINT) {
            SAME(f->endpoint->receive_rights, counted);
            references += 3; /* gates */
        } else if (object->type == OBJECT_BUDGET) {
            SAME(CONTAINER_OF(object, struct budget, object)->spenders, counted);
        }
        SAME(object->references, references);
    }
}

static void table_check(const struct handle_table *table, const struct model *model) {
    uint32_t n_slots = model->n_pages * HANDLES_PER_PAGE;

    SAME(table->n_pages, model->n_pages);
    SAME(table->n_reserved, model->n_reserved);
    SAME(table->n_free, model->n_pages == 0 ? 0 : n_slots - 1 - model->n_open);
    for (uint32_t i = 0; i < n_slots + 2; i++) {
        const struct handle_entry *entry = handle_entry(table, i);

        if (i >= model->fresh || model->objects[i] == NULL) {
            HOLDS(entry == NULL);
        } else {
            HOLDS(entry != NULL);
            SAME(entry->object, model->objects[i]);
            SAME(entry->rights, model->rights[i]);
            SAME(entry->sequence, 0);
        }
    }
}

/* As many pages as there must be for `n` more slots; false if the budget has no room for them. The
 * table keeps those that it got. */
static bool model_reserve(struct fixture *f, uint32_t n, uint64_t room) {
    struct model *model = &f->model;

    while (model->n_pages == 0 ||
           model->n_pages * HANDLES_PER_PAGE - 1 - model->n_open - model->n_reserved < n) {
        bool directory = model->n_pages == HANDLE_PAGES_INLINE && !model->has_directory;

        if (directory && room >= PAGE_SIZE) {
            model->has_directory = true;
            room -= PAGE_SIZE;
            directory = false;
        }
        if (directory || room < PAGE_SIZE) {
            return false;
        }
        room -= PAGE_SIZE;
        model->n_pages++;
    }
    model->n_reserved += n;
    return true;
}

static void model_install(struct model *model, handle_t handle, struct object *object,
                          uint32_t rights) {
    SAME(handle, model->n_free != 0 ? model->free[--model->n_free] : model->fresh++);
    model->objects[handle] = object;
    model->rights[handle] = rights;
    model->n_open++;
    model->n_reserved--;
}

static void add(struct fixture *f, struct choice *choice) {
    struct object *object = f->objects[choose(choice, N_OBJECTS)];
    uint32_t rights = rights_of[choose(choice, ARRAY_SIZE(rights_of))];
    uint64_t room = f->budget->limit - f->budget->used;
    handle_t handle;
    status_t status;

    if (f->model.n_open + f->model.n_reserved + 2 >= N_MODEL) {
        return;
    }
    object_get(object);
    if (f->model.n_reserved != 0 && choose_one_in(choice, 2)) {
        model_install(&f->model, handle_install(&f->table, object, rights), object, rights);
        return;
    }
    status = handle_add(&f->table, object, rights, &handle);
    if (model_reserve(f, 1, room)) {
        SAME(status, OK);
        model_install(&f->model, handle, object, rights);
    } else {
        SAME(status, ERROR_OUT_OF_BUDGET);
        object_put(object);
    }
}

static void close_at(struct fixture *f, uint32_t handle) {
    SAME(handle_close(&f->table, handle), OK);
    f->model.objects[handle] = NULL;
    f->model.free[f->model.n_free++] = handle;
    f->model.n_open--;
}

static void close_some(struct fixture *f, struct choice *choice) {
    uint32_t n = 1 + (uint32_t)choose(choice, choose_one_in(choice, 16) ? 400 : 3);
    uint32_t at = (uint32_t)choose(choice, f->model.fresh);

    for (uint32_t i = at; i < f->model.fresh && n > 0; i++) {
        if (f->model.objects[i] != NULL) {
            close_at(f, i);
            n--;
        }
    }
}

static void reserve(struct fixture *f, struct choice *choice) {
    uint32_t n = 1 + (uint32_t)choose(choice, choose_one_in(choice, 8) ? 300 : 4);
    uint64_t room = f->budget->limit - f->budget->used;

    if (f->model.n_open + f->model.n_reserved + n + 2 < N_MODEL) {
        status_t status = handle_reserve(&f->table, n);

        SAME(status, model_reserve(f, n, room) ? OK : ERROR_OUT_OF_BUDGET);
    }
}

static void find(struct fixture *f, struct choice *choice) {
    static const uint64_t odd[] = {1ULL << 32, UINT64_MAX, N_MODEL, 1ULL << 63};
    uint64_t handle = choose_one_in(choice, 8)
                          ? odd[choose(choice, ARRAY_SIZE(odd))] + choose(choice, 4)
                          : choose(choice, N_MODEL);
    enum object_type type = choose_one_in(choice, 2) ? OBJECT_GATE : OBJECT_BUDGET;
    uint32_t rights = choose_one_in(choice, 2) ? RIGHT_SEND : RIGHT_COPY;
    const struct model *model = &f->model;
    struct object *object = NULL;
    status_t status = handle_find(&f->table, handle, type, rights, &object);

    if (handle >= model->fresh || model->objects[handle] == NULL) {
        SAME(status, ERROR_BAD_HANDLE);
    } else if (model->objects[handle]->type != type) {
        SAME(status, ERROR_WRONG_TYPE);
    } else if ((model->rights[handle] & rights) != rights) {
        SAME(status, ERROR_NO_RIGHT);
    } else {
        SAME(status, OK);
        SAME(object, model->objects[handle]);
    }
}

/* fork: the copy has at each number what is inherited, and its free numbers in ascending order. */
static void clone(struct fixture *f) {
    static struct model copy;
    const struct model *const models[] = {&f->model, &copy};
    struct handle_table table;
    uint32_t step = 0, cursor = 0;
    bool done = false;

    copy = (struct model){.fresh = f->model.fresh};
    copy.n_pages = f->model.n_pages == 0 ? 0 : DIV_ROUND_UP(copy.fresh, HANDLES_PER_PAGE);
    handle_table_init(&table, budget_root);
    while (!done) {
        SAME(handle_table_clone_step(&f->table, &table, &step, &done), OK);
    }
    for (uint32_t i = 1; i < copy.fresh; i++) {
        struct object *object = f->model.objects[i];
        bool stays = object != NULL && (f->model.rights[i] & RIGHT_COPY) != 0 &&
                     (f->model.rights[i] & HANDLE_NO_FORK_MARK) == 0 &&
                     object->type != OBJECT_ENDPOINT && object != f->objects[7];

        copy.objects[i] = stays ? object : NULL;
        copy.rights[i] = f->model.rights[i];
        copy.n_open += stays;
    }
    table_check(&table, &copy);
    objects_check(f, models, 2);
    while (!handle_table_destroy_step(&table, &cursor)) {
    }
}

static void pay(struct fixture *f) {
    struct budget *budget;
    uint64_t used = f->budget->used, limit = f->budget->limit;

    SAME(budget_create(budget_root, limit, &budget), OK);
    SAME(handle_table_pay(&f->table, budget), OK);
    SAME(budget->used, used);
    SAME(f->budget->used, 0);
    object_put(&f->budget->object);
    f->budget = budget;
    budget_spender_add(budget);
}

void handles_try(struct choice *choice) {
    static struct fixture f;
    const struct model *const models[] = {&f.model};
    uint64_t n_free, used;
    uint32_t cursor = 0;

    host_kernel_start();
    n_free = frame_n_free();
    used = budget_root->used;
    f = (struct fixture){.model = {.fresh = 1}};
    SAME(budget_create(budget_root, (1 + choose(choice, 8)) * PAGE_SIZE, &f.budget), OK);
    budget_spender_add(f.budget);
    objects_make(&f);
    handle_table_init(&f.table, f.budget);
    while (choice_more(choice)) {
        uint64_t what = choose(choice, 64);

        if (what < 34) {
            for (uint64_t i = choose(choice, what < 2 ? 200 : 4) + 1; i > 0; i--) {
                add(&f, choice);
            }
        } else if (what < 48) {
            close_some(&f, choice);
        } else if (what < 52) {
            reserve(&f, choice);
        } else if (what < 55 && f.model.n_reserved != 0) {
            uint32_t n = 1 + (uint32_t)choose(choice, f.model.n_reserved);

            handle_unreserve(&f.table, n);
            f.model.n_reserved -= n;
        } else if (what < 62) {
            find(&f, choice);
        } else if (what < 63) {
            clone(&f);
        } else {
            pay(&f);
        }
        table_check(&f.table, &f.model);
        objects_check(&f, models, 1);
    }
    while (!handle_table_destroy_step(&f.table, &cursor)) {
    }
    f.model = (struct model){0};
    objects_check(&f, models, 1);
    for (unsigned i = N_OBJECTS; i-- > 0;) {
        object_rights_drop(f.objects[i], RIGHT_SEND | RIGHT_RECEIVE);
        object_put(f.objects[i]);
    }
    budget_spender_drop(f.budget);
    object_put(&f.budget->object);
    host_reap();
    SAME(budget_root->used, used);
    SAME(frame_n_free(), n_free);
}
