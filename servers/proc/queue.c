/* SPDX-License-Identifier: MIT */
/*
 * What came with signals: sender, code, value. A program's library hears of a signal by a bit, and
 * asks for the rest when it delivers it, if it wants it at all. Of a signal below SIGNAL_REALTIME
 * there is at most one entry, the latest; those from there on are queued, each in a record of the
 * state pages too, so that none is lost when we are restarted. What could not be kept is a bit in
 * `unqueued`: of a signal that is neither there nor in the queue nobody may hear twice.
 */
#include <stdlib.h>

#include "lib/base/string.h"
#include "lib/native/syscall.h"
#include "servers/proc/member.h"

/* In the state pages. */
struct queue_record {
    uint64_t order; /* 0: free; the greater, the later */
    uint32_t member;
    uint32_t signal;
    int32_t code;
    uint32_t pid;
    uint64_t value;
};

struct queued {
    struct list_node node; /* in the member's queue */
    uint32_t signal;
    struct signal_information information;
    struct queue_record *record; /* NULL: not realtime */
};

static struct queue_record *records;
static size_t n_records;
static struct shares shares; /* of the records */
static size_t next_free;     /* where the look for a free one begins */
static uint64_t last_order;

static bool is_realtime(uint32_t signal) {
    return signal >= PROC_SIGNAL_REALTIME;
}

/* A record for one more at the member, if it and its login have not got their share. */
static struct queue_record *record_take(const struct member *member) {
    if (member->n_queued >= PROC_QUEUE_MAX || !share_is_left(&shares, member->login, 1)) {
        return NULL;
    }
    for (size_t i = 0; i < n_records; i++) {
        struct queue_record *record = &records[(next_free + i) % n_records];

        if (record->order == 0) {
            next_free = (next_free + i + 1) % n_records;
            return record;
        }
    }
    return NULL;
}

/* ---- putting and taking ---- */

static struct queued *find(struct member *member, uint32_t signal) {
    struct queued *queued;

    LIST_FOR_EACH(queued, &member->queue, node) {
        if (queued->signal == signal) {
            return queued;
        }
    }
    return NULL;
}

static struct queued *add(struct member *member, uint32_t signal, struct queue_record *record,
                          const struct signal_information *information) {
    struct queued *queued = malloc(sizeof *queued);

    if (queued == NULL) {
        return NULL;
    }
    *queued = (struct queued){.signal = signal, .information = *information, .record = record};
    list_node_init(&queued->node);
    list_push_back(&member->queue, &queued->node);
    if (record != NULL) {
        member->n_queued++;
        share_take(&shares, member->login, 1);
    }
    return queued;
}

bool queue_put(struct member *member, uint32_t signal,
               const struct signal_information *information) {
    struct queue_record *record;
    struct queued *queued;

    if (!is_realtime(signal)) {
        queued = find(member, signal);
        if (queued != NULL) {
            queued->information = *information;
            return true;
        }
        if (add(member, signal, NULL, information) == NULL) {
            member->unqueued |= SIGNAL_BIT(signal);
        }
        return true;
    }
    record = record_take(member);
    queued = record != NULL ? add(member, signal, record, information) : NULL;
    if (queued == NULL) {
        member->unqueued |= information->code >= 0 ? SIGNAL_BIT(signal) : 0;
        return false;
    }
    *record = (struct queue_record){.order = ++last_order,
                                    .member = member->pid,
                                    .signal = signal,
                                    .code = information->code,
                                    .pid = information->pid,
                                    .value = information->value};
    return true;
}

static void drop(struct member *member, struct queued *queued) {
    if (queued->record != NULL) {
        queued->record->order = 0;
        member->n_queued--;
        share_return(&shares, member->login, 1);
    }
    list_remove(&queued->node);
    free(queued);
}

bool queue_take(struct member *member, uint32_t signal, struct signal_information *information,
                bool *more) {
    struct queued *queued = find(member, signal);
    uint64_t bit = SIGNAL_BIT(signal);

    if (queued != NULL) {
        *information = queued->information;
        drop(member, queued);
        member->unqueued &= ~(is_realtime(signal) ? 0 : bit);
    } else if ((member->unqueued & bit) != 0) {
        *information = (struct signal_information){.code = CODE_USER};
        member->unqueued &= ~bit;
    } else {
        return false;
    }
    *more = (member->unqueued & bit) != 0 || find(member, signal) != NULL;
    return true;
}

uint64_t queue_signals(const struct member *member) {
    const struct queued *queued;
    uint64_t signals = member->unqueued;

    LIST_FOR_EACH(queued, &member->queue, node) {
        signals |= SIGNAL_BIT(queued->signal);
    }
    return signals;
}

void queue_drop(struct member *member, uint64_t signals) {
    struct queued *queued;

    member->unqueued &= ~signals;
    LIST_FOR_EACH_SAFE(queued, &member->queue, node) {
        if ((signals & SIGNAL_BIT(queued->signal)) != 0) {
            drop(member, queued);
        }
    }
}

/* ---- the state pages ---- */

void queue_start(void *memory, size_t bytes) {
    records = memory;
    n_records = memory != NULL ? bytes / sizeof *records : 0;
    shares.total = n_records;
}

/* The used record that is the oldest after `order`. */
static struct queue_record *next_record(uint64_t order) {
    struct queue_record *next = NULL;

    for (size_t i = 0; i < n_records; i++) {
        if (records[i].order > order && (next == NULL || records[i].order < next->order)) {
            next = &records[i];
        }
    }
    return next;
}

/* What it says is believed only so far that it can do no harm: a queue is what a sender may fill
 * with anything. */
static void rebuild_one(struct queue_record *record) {
    struct member *member = member_find_alive(record->member);
    const struct signal_information information = {record->code, record->pid, record->value};

    if (member == NULL || !is_realtime(record->signal) || record->signal > SIGNAL_LAST ||
        member->n_queued >= PROC_QUEUE_MAX ||
        add(member, record->signal, record, &information) == NULL) {
        record->order = 0;
        return;
    }
    /* The bit may have been on its way. One too many finds nothing here, and does nothing. */
    status_t status = sys_thread_upcall(member->process, SIGNAL_BIT(record->signal));

    (void)status; /* it can only be dead */
}

void queue_rebuild(void) {
    struct queue_record *record;
    struct member *member;

    /* Those on their way to their programs. */
    LIST_FOR_EACH(member, &members, node) {
        member->unqueued = SIGNAL_BIT(PROC_SIGNAL_REALTIME) - 1;
    }
    /* As many steps as there are records at most, even if two of them have the same order. */
    for (size_t i = 0; i < n_records && (record = next_record(last_order)) != NULL; i++) {
        last_order = record->order;
        rebuild_one(record);
    }
    for (size_t i = 0; i < n_records; i++) {
        if (records[i].order > last_order) {
            records[i].order = 0;
        }
    }
}
