/* SPDX-License-Identifier: MIT */
#include "kernel/object.h"

#include "kernel/budget.h"
#include "kernel/endpoint.h"
#include "kernel/ioports.h"
#include "kernel/irq.h"
#include "kernel/memory.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/slab.h"
#include "kernel/thread.h"

/* Destroying what has nothing but its memory. */
static void plain_destroy(struct object *object) {
    object_free(object);
}

/* For each type: size, where struct object lies in it, and what the last put does. */
static const struct object_class {
    uint16_t size;
    uint16_t offset;
    void (*destroy)(struct object *);
} classes[] = {
    [OBJECT_PROCESS] = {sizeof(struct process), offsetof(struct process, object), process_destroy},
    [OBJECT_THREAD] = {sizeof(struct thread), offsetof(struct thread, object), thread_destroy},
    [OBJECT_ENDPOINT] = {sizeof(struct endpoint), offsetof(struct endpoint, object),
                         endpoint_destroy},
    [OBJECT_GATE] = {sizeof(struct gate), offsetof(struct gate, object), gate_destroy},
    [OBJECT_MEMORY] = {sizeof(struct memory), offsetof(struct memory, object), memory_destroy},
    [OBJECT_IRQ] = {sizeof(struct irq), offsetof(struct irq, object), irq_destroy},
    [OBJECT_IOPORTS] = {sizeof(struct ioports), offsetof(struct ioports, object), plain_destroy},
    [OBJECT_BUDGET] = {sizeof(struct budget), offsetof(struct budget, object), budget_destroy},
    [OBJECT_SYSTEM] = {sizeof(struct object), 0, plain_destroy},
    [OBJECT_IDENTITY] = {sizeof(struct object), 0, plain_destroy},
};

static uint32_t counts[ARRAY_SIZE(classes)];

void *object_whole(struct object *object) {
    return (char *)object - classes[object->type].offset;
}

status_t object_create(enum object_type type, struct budget *budget, struct object **object) {
    const struct object_class *class = &classes[type];
    void *memory;
    status_t status = slab_take(budget, type, class->size, &memory);

    *object = NULL;
    if (status != OK) {
        return status;
    }
    *object = (struct object *)((char *)memory + class->offset);
    (*object)->type = (uint8_t)type;
    (*object)->references = 1;
    (*object)->budget = budget;
    if (budget != NULL) {
        object_get(&budget->object);
    }
    counts[type]++;
    return OK;
}

void object_free(struct object *object) {
    enum object_type type = object->type;
    struct budget *budget = object->budget;

    slab_give(budget, type, object_whole(object));
    counts[type]--;
    if (budget != NULL) {
        object_put(&budget->object);
    }
}

void object_destroy(struct object *object) {
    ASSERT(object->references == 0);
    classes[object->type].destroy(object);
}

uint32_t object_count(enum object_type type) {
    return counts[type];
}
