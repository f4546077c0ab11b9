/* SPDX-License-Identifier: MIT */
/*
 * Budgets and slabs: a tree of budgets, and slots that they pay for. The model counts what each
 * budget must have been charged: bytes taken directly, a frame for each page in which it has a
 * slot, the limits of the budgets split off. A slot keeps a pattern that nobody else may write.
 */
#include "tests/host/tries.h"

#include "kernel/budget.h"
#include "kernel/frame.h"
#include "kernel/slab.h"
#include "lib/base/string.h"
#include "tests/host/kernel.h"

#define N_BUDGETS 8 /* [0] is the root */
#define N_SLOTS   300

struct model_budget {
    struct budget *budget; /* NULL: none. We have one reference, and are a spender if `spends` */
    unsigned parent;
    uint64_t charged, limit;
    bool spends;
};

struct model_slot {
    uint8_t *bytes; /* NULL: none */
    unsigned budget, kind;
};

struct model {
    struct model_budget budgets[N_BUDGETS];
    struct model_slot slots[N_SLOTS];
    uint64_t root_used;
};

/* The kinds that no object here uses. */
static const uint32_t sizes[] = {[SLAB_REGION] = 40, [SLAB_SPACE] = 1024};
#define KIND_FIRST SLAB_REGION

static uint64_t page_of(const void *pointer) {
    return ALIGN_DOWN((uint64_t)pointer, PAGE_SIZE);
}

/* The frames of a budget's slabs: pages that have a slot of it, counted once. */
static uint64_t slab_bytes(const struct model *m, unsigned b) {
    uint64_t pages[N_SLOTS + N_BUDGETS];
    unsigned n = 0;

    for (unsigned i = 0; i < N_SLOTS + N_BUDGETS; i++) {
        uint64_t page;
        unsigned j = 0;

        if (i < N_SLOTS ? m->slots[i].bytes == NULL || m->slots[i].budget != b
                        : i == N_SLOTS || m->budgets[i - N_SLOTS].budget == NULL ||
                              m->budgets[i - N_SLOTS].parent != b) {
            continue;
        }
        page = page_of(i < N_SLOTS ? (void *)m->slots[i].bytes : m->budgets[i - N_SLOTS].budget);
        while (j < n && pages[j] != page) {
            j++;
        }
        pages[j] = page;
        n += j == n;
    }
    return n * PAGE_SIZE;
}

static uint64_t used(const struct model *m, unsigned b) {
    uint64_t sum = m->budgets[b].charged + slab_bytes(m, b) + (b == 0 ? m->root_used : 0);

    for (unsigned i = 1; i < N_BUDGETS; i++) {
        sum += m->budgets[i].budget != NULL && m->budgets[i].parent == b ? m->budgets[i].limit : 0;
    }
    return sum;
}

/* Who has no spender keeps no more than it uses. Children first: what they give back is refunded.
 */
static void model_shrink(struct model *m) {
    for (unsigned i = N_BUDGETS; i-- > 1;) {
        if (m->budgets[i].budget != NULL && !m->budgets[i].spends) {
            m->budgets[i].limit = used(m, i);
        }
    }
}

static void check(struct model *m) {
    for (unsigned pass = 0; pass < N_BUDGETS; pass++) {
        model_shrink(m); /* a parent may have a higher number than its child */
    }
    for (unsigned i = 0; i < N_BUDGETS; i++) {
        const struct budget *budget = m->budgets[i].budget;

        if (budget != NULL) {
            SAME(budget->used, used(m, i));
            SAME(budget->limit, m->budgets[i].limit);
            HOLDS(budget->used <= budget->limit);
        }
    }
}

static bool has_dependents(const struct model *m, unsigned b) {
    for (unsigned i = 0; i < N_SLOTS + N_BUDGETS; i++) {
        if ((i < N_SLOTS && m->slots[i].bytes != NULL && m->slots[i].budget == b) ||
            (i < N_BUDGETS && m->budgets[i].budget != NULL && m->budgets[i].parent == b)) {
            return true;
        }
    }
    return m->budgets[b].charged != 0;
}

static void budget_toggle(struct model *m, struct choice *choice) {
    unsigned b = 1 + (unsigned)choose(choice, N_BUDGETS - 1);
    unsigned p = (unsigned)choose(choice, N_BUDGETS);
    uint64_t bytes = choose(choice, 40 * PAGE_SIZE);
    struct model_budget *mine = &m->budgets[b];
    struct budget *parent = m->budgets[p].budget;
    uint64_t room;
    status_t status;

    if (mine->budget != NULL) {
        if (!has_dependents(m, b)) {
            struct budget *budget = mine->budget;

            if (mine->spends) {
                budget_spender_drop(budget);
            }
            object_put(&budget->object);
            mine->budget = NULL;
        }
        return;
    }
    if (parent == NULL || p == b) {
        return;
    }
    room = parent->limit - parent->used;
    status = budget_create(parent, bytes, &mine->budget);
    if (status != OK) {
        SAME(status, ERROR_OUT_OF_BUDGET);
        HOLDS(room < bytes + PAGE_SIZE);
        mine->budget = NULL;
        return;
    }
    HOLDS(room >= bytes);
    budget_spender_add(mine->budget);
    *mine = (struct model_budget){mine->budget, p, 0, bytes, true};
}

static void charge(struct model *m, struct choice *choice) {
    struct model_budget *mine = &m->budgets[choose(choice, N_BUDGETS)];
    uint64_t bytes = choose(choice, 8 * PAGE_SIZE);

    if (mine->budget == NULL) {
        return;
    }
    if (choose_one_in(choice, 2)) {
        bytes = MIN(bytes, mine->charged);
        mine->charged -= bytes;
        budget_refund(mine->budget, bytes);
    } else {
        bool fits = bytes <= mine->budget->limit - mine->budget->used;

        SAME(budget_charge(mine->budget, bytes), fits);
        mine->charged += fits ? bytes : 0;
    }
}

static void slot_toggle(struct model *m, struct choice *choice) {
    unsigned i = (unsigned)choose(choice, N_SLOTS);
    struct model_slot *slot = &m->slots[i];
    struct budget *budget;
    uint64_t room;
    void *bytes;
    status_t status;

    if (slot->bytes != NULL) {
        for (uint32_t at = 0; at < sizes[slot->kind]; at++) {
            SAME(slot->bytes[at], (uint8_t)(i + at));
        }
        bytes = slot->bytes;
        slot->bytes = NULL;
        slab_give(m->budgets[slot->budget].budget, slot->kind, bytes);
        return;
    }
    /* The root often: slabs get full. */
    slot->budget = choose_one_in(choice, 2) ? 0 : (unsigned)choose(choice, N_BUDGETS);
    slot->kind = KIND_FIRST + (unsigned)choose(choice, 2);
    budget = m->budgets[slot->budget].budget;
    if (budget == NULL) {
        return;
    }
    room = budget->limit - budget->used;
    status = slab_take(budget, slot->kind, sizes[slot->kind], &bytes);
    slot->bytes = bytes;
    if (status != OK) {
        SAME(status, ERROR_OUT_OF_BUDGET);
        HOLDS(room < PAGE_SIZE && bytes == NULL);
        return;
    }
    for (uint32_t at = 0; at < sizes[slot->kind]; at++) {
        SAME(slot->bytes[at], 0);
        slot->bytes[at] = (uint8_t)(i + at);
    }
}

static void spender_toggle(struct model *m, struct choice *choice) {
    struct model_budget *mine = &m->budgets[1 + choose(choice, N_BUDGETS - 1)];

    if (mine->budget == NULL) {
        return;
    }
    mine->spends = !mine->spends;
    if (mine->spends) {
        budget_spender_add(mine->budget);
    } else {
        budget_spender_drop(mine->budget);
    }
}

static void end(struct model *m) {
    for (unsigned i = 0; i < N_SLOTS; i++) {
        if (m->slots[i].bytes != NULL) {
            slab_give(m->budgets[m->slots[i].budget].budget, m->slots[i].kind, m->slots[i].bytes);
            m->slots[i].bytes = NULL;
        }
    }
    for (unsigned i = 0; i < N_BUDGETS; i++) {
        if (m->budgets[i].budget != NULL) {
            budget_refund(m->budgets[i].budget, m->budgets[i].charged);
        }
    }
    for (unsigned i = 1; i < N_BUDGETS; i++) {
        if (m->budgets[i].budget != NULL) {
            if (m->budgets[i].spends) {
                budget_spender_drop(m->budgets[i].budget);
            }
            object_put(&m->budgets[i].budget->object); /* its children have references */
        }
    }
}

void budgets_try(struct choice *choice) {
    static struct model m;
    uint64_t n_free, limit;

    host_kernel_start();
    n_free = frame_n_free();
    limit = budget_root->limit;
    m = (struct model){.root_used = budget_root->used};
    /* Objects of the root's that are there already have pages of their own, or room in them. */
    m.budgets[0] = (struct model_budget){budget_root, N_BUDGETS, 0, limit, true};
    while (choice_more(choice)) {
        uint64_t what = choose(choice, 16);

        if (what < 3) {
            budget_toggle(&m, choice);
        } else if (what < 6) {
            charge(&m, choice);
        } else if (what < 15) {
            for (uint64_t n = choose(choice, 4) + 1; n > 0; n--) {
                slot_toggle(&m, choice);
            }
        } else {
            spender_toggle(&m, choice);
        }
        check(&m);
    }
    end(&m);
    SAME(budget_root->used, m.root_used);
    SAME(budget_root->limit, limit);
    SAME(frame_n_free(), n_free);
}
