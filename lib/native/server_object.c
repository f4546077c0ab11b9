/* SPDX-License-Identifier: MIT */
/*
 * The objects of a server: what badges mean.
 *
 * Invariant: slot i is in use iff its class is not NULL, and its badge ends in i. With the object
 * the badge changes (its generation), so it names at most one object ever (until 2^24 reuses of one
 * slot); unless the slot keeps its gate: then its badge is always the same, and the slot is free
 * for the next object when the kernel has said that nobody has the gate any more. The first
 * SERVER_ROOTS_MAX slots are the roots, and never free.
 */
#include <stdlib.h>

#include "abi/tag.h"
#include "lib/native/server_state.h"
#include "lib/native/syscall.h"

enum {
    INDEX_BITS = 24,
    INDEX_MASK = (1 << INDEX_BITS) - 1,
    FIRST_SLOTS = 64,
};

#define GENERATION_MASK ((uint64_t)INDEX_MASK << INDEX_BITS)

_Static_assert(TAG_LOGIN_MAX < SHARE_OWNERS, "each login is an owner");

/* The slot that a badge means; NULL if it means none (any more). */
struct server_slot *server_badge_find(struct server *server, uint64_t badge) {
    uint32_t index = (uint32_t)badge & INDEX_MASK;
    struct server_slot *slot = &server->slots[index];

    return index < server->n_slots && slot->badge == badge && slot->class != NULL ? slot : NULL;
}

/* The badge of the slot's next object: as this one's, but for the generation. */
static uint64_t badge_next(uint64_t badge) {
    uint64_t generation = (badge + (1 << INDEX_BITS)) & GENERATION_MASK;

    return (badge & ~GENERATION_MASK) | generation;
}

status_t server_slots_grow(struct server *server) {
    uint32_t n = MAX(server->n_slots * 2, (uint32_t)FIRST_SLOTS);

    if (n > INDEX_MASK) {
        return ERROR_TOO_MANY;
    }
    struct server_slot *slots = realloc(server->slots, n * sizeof *slots);
    if (slots == NULL) {
        return ERROR_NO_MEMORY;
    }
    server->slots = slots;
    for (uint32_t i = server->n_slots; i < n; i++) {
        uint64_t incarnation = (uint64_t)(server->incarnation & 0x7fff) << 48;

        if (i < SERVER_ROOTS_MAX) {
            slots[i] = (struct server_slot){.badge = SERVER_ROOT_BADGE(i)};
            continue;
        }
        slots[i] = (struct server_slot){.badge = incarnation | 1 << INDEX_BITS | i,
                                        .next_free = server->first_free};
        server->first_free = i;
    }
    server->n_slots = n;
    return OK;
}

bool server_object_is_left(const struct server *server, uint32_t tag) {
    return tag == 0 || share_is_left(&server->objects, tag_login(tag), 1);
}

static status_t object_count(struct server *server, uint32_t tag) {
    status_t status = server_object_is_left(server, tag) ? server_tag_get(server, tag, TAG_OBJECTS)
                                                         : ERROR_TOO_MANY;

    if (status == OK && tag != 0) {
        share_take(&server->objects, tag_login(tag), 1);
    }
    return status;
}

static void object_uncount(struct server *server, uint32_t tag) {
    if (tag != 0) {
        share_return(&server->objects, tag_login(tag), 1);
        server_tag_put(server, tag, TAG_OBJECTS);
    }
}

static void slot_free(struct server *server, struct server_slot *slot) {
    uint32_t index = (uint32_t)(slot - server->slots);

    object_uncount(server, slot->tag);
    slot->class = NULL;
    if (slot->gate != HANDLE_NONE) {
        slot->next_free = server->first_kept;
        server->first_kept = index;
        return;
    }
    slot->badge = badge_next(slot->badge);
    slot->next_free = server->first_free;
    server->first_free = index;
}

void server_slot_close(struct server *server, struct server_slot *slot) {
    const struct server_class *class = slot->class;
    void *object = slot->object;

    slot_free(server, slot);
    if (class->closed != NULL) {
        class->closed(server, object);
    }
}

static void slot_fill(struct server_slot *slot, uint32_t tag, const struct server_class *class,
                      void *object) {
    slot->class = class;
    slot->object = object;
    slot->tag = tag;
}

status_t server_object_create_badged(struct server *server, uint32_t tag,
                                     const struct server_class *class, void *object, handle_t *gate,
                                     uint64_t *badge) {
    status_t status = object_count(server, tag);

    if (status != OK) {
        return status;
    }
    if (server->first_free == SLOT_NONE) {
        status = server_slots_grow(server);
    }
    if (status == OK) {
        struct server_slot *slot = &server->slots[server->first_free];

        *badge = slot->badge;
        status = sys_gate_create(server->endpoint, *badge, gate);
        if (status == OK) {
            server->first_free = slot->next_free;
            slot_fill(slot, tag, class, object);
            return OK;
        }
    }
    object_uncount(server, tag);
    return status;
}

void server_gates_keep(struct server *server, uint32_t n) {
    for (uint32_t i = 0; i < n && server->first_free != SLOT_NONE; i++) {
        uint32_t index = server->first_free;
        struct server_slot *slot = &server->slots[index];

        if (sys_gate_create_own(server->endpoint, slot->badge, &slot->gate) != OK) {
            return; /* with fewer it is only slower */
        }
        server->first_free = slot->next_free;
        slot->next_free = server->first_kept;
        server->first_kept = index;
    }
}

status_t server_object_answer(struct request *request, const struct server_class *class,
                              void *object, handle_t *gate) {
    struct server *server = request->server;

    if (server->first_kept == SLOT_NONE) {
        return server_object_create(server, request->tag, class, object, gate);
    }
    status_t status = object_count(server, request->tag);
    if (status == OK) {
        struct server_slot *slot = &server->slots[server->first_kept];

        server->first_kept = slot->next_free;
        slot_fill(slot, request->tag, class, object);
        request->answer_flag = ANSWER_LEND;
        *gate = slot->gate;
    }
    return status;
}

void server_object_unanswered(handle_t gate) {
    for (uint32_t i = SERVER_ROOTS_MAX; i < the_server.n_slots; i++) {
        struct server_slot *slot = &the_server.slots[i];

        if (slot->gate == gate && slot->class != NULL) {
            server_slot_close(&the_server, slot);
            return;
        }
    }
}

status_t server_object_create(struct server *server, uint32_t tag, const struct server_class *class,
                              void *object, handle_t *gate) {
    uint64_t badge;

    return server_object_create_badged(server, tag, class, object, gate, &badge);
}

status_t server_notification_gate(struct server *server, const struct server_class *class,
                                  void *object, handle_t *gate) {
    return server_object_create(server, 0, class, object, gate);
}

void server_export(struct server *server, unsigned root, const struct server_class *class,
                   void *object) {
    server->slots[root].class = class;
    server->slots[root].object = object;
}

void *server_object_find(struct server *server, uint64_t badge, const struct server_class *class) {
    struct server_slot *slot = server_badge_find(server, badge);

    return slot == NULL || (class != NULL && slot->class != class) ? NULL : slot->object;
}

status_t server_gate_copy(handle_t gate, handle_t *copy) {
    return sys_handle_copy(gate, RIGHTS_ALL, HANDLE_NO_FORK, copy);
}

void server_object_revoke(struct server *server, uint64_t badge, handle_t gate) {
    struct server_slot *slot = server_badge_find(server, badge);
    status_t status = sys_gate_revoke(gate);

    if (status == OK && slot != NULL) {
        server_slot_close(server, slot);
    }
    server_handle_close(gate);
}
