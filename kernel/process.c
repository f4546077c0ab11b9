/* SPDX-License-Identifier: MIT */
#include "kernel/process.h"

#include "kernel/arch/x86_64/clock.h"
#include "boot/boot_info.h"
#include "kernel/budget.h"
#include "kernel/console.h"
#include "kernel/frame.h"
#include "kernel/info.h"
#include "kernel/panic.h"
#include "kernel/reaper.h"
#include "kernel/scheduler.h"
#include "kernel/syscall.h"
#include "kernel/user_copy.h"
#include "lib/base/string.h"

/* Threads ended, woken or visited by one step. */
#define STEP_THREADS        8
#define BACKTRACE_FRAME_MAX (1 * MiB)

static struct tree process_all;
static struct space kernel_space; /* root 0: a kernel thread runs on whatever is loaded */
struct process kernel_process = {.object = {.type = OBJECT_PROCESS, .references = 1},
                                 .state = PROCESS_RUNNING,
                                 .space = &kernel_space};
struct process *process_init;
static uint32_t last_id;

/* Maps the info page and the process's own page; no region covers them, so no program can unmap
 * them. */
static status_t pages_map(struct process *process) {
    struct process_page *page;
    pte_t *entry;
    status_t status = page_table_make(process->space, INFO_PAGE_ADDRESS, &entry);

    if (status != OK) {
        return status;
    }
    frame_get(info_page_frame);
    page_table_set(entry, info_page_frame | PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE);
    status = page_table_make(process->space, PROCESS_PAGE_ADDRESS, &entry);
    if (status != OK) {
        return status;
    }
    status = budget_frame_take(process->space->budget, &process->page);
    if (status != OK) {
        return status;
    }
    process->space->n_frames++;
    frame_get(process->page);
    page = paddr_to_pointer(process->page);
    page->id = process->id;
    page_table_set(entry, process->page | PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE | PTE_OWNED);
    return OK;
}

static bool reap_step(struct reapable *reapable);
static bool thaw_step(struct reapable *reapable);

status_t process_create(struct budget *budget, const struct process *parent,
                        struct process **process) {
    struct object *object;
    struct process *new;
    status_t status = last_id == UINT32_MAX - 1
                          ? (status_t)ERROR_TOO_MANY /* no number is given twice */
                          : object_create(OBJECT_PROCESS, budget, &object);

    if (status != OK) {
        return status;
    }
    new = CONTAINER_OF(object, struct process, object);
    new->state = PROCESS_NEW;
    new->id = ++last_id;
    new->parent_id = parent == NULL ? 0 : parent->id;
    new->priority = parent == NULL ? PRIORITY_MAX : parent->priority;
    new->start_ns = clock_now_ns();
    new->reapable.step = reap_step;
    new->thawing.step = thaw_step;
    list_init(&new->parked);
    status = space_create(budget, &new->space);
    if (status != OK) {
        object_free(object);
        return status;
    }
    handle_table_init(&new->handles, budget);
    tree_insert(&process_all, &new->all_node, new->id);
    object_get(object);
    status = pages_map(new);
    if (status != OK) {
        process_die(new, DEATH_KILLED, status);
        object_put(object);
        return status;
    }
    *process = new;
    return OK;
}

static void hold_update(struct process *process) {
    process->hold = process->frozen || process_is_dying(process);
    if (process->hold) {
        (void)scheduler_kick_process(process);
    }
}

void process_die(struct process *process, enum death_cause cause, int32_t status) {
    if (process_is_dying(process)) {
        return;
    }
    process->state = PROCESS_DYING;
    process->cause = (uint8_t)cause;
    process->status = status;
    process->death.cause = cause;
    process->death.status = status;
    process->reap_stage = 0; /* a half-made child used both otherwise */
    process->reap_cursor = 0;
    hold_update(process);
    reaper_add(&process->reapable);
}

void process_handle_drop(struct process *process) {
    /* Its own reference, the one that goes now, its thread's if it is a forked child, and those of
     * its own table, through which nobody can start it. */
    if (process->state == PROCESS_NEW &&
        process->object.references == 2 + process->n_threads + process->n_own_handles) {
        process_die(process, DEATH_KILLED, ERROR_KILLED);
    }
}

/* Follows saved frame pointers, as far as the pages are there. */
static void backtrace_record(struct process *process, uint64_t rip, uint64_t rbp) {
    struct death_record *death = &process->death;
    uint64_t frame[2]; /* the caller's frame pointer, the return address */

    death->backtrace[death->n_backtrace++] = rip;
    while (death->n_backtrace < ARRAY_SIZE(death->backtrace) && IS_ALIGNED(rbp, 8)) {
        if (copy_in(process->space, frame, user_ptr(rbp), sizeof(frame)) != OK || frame[1] == 0) {
            break;
        }
        death->backtrace[death->n_backtrace++] = frame[1];
        if (frame[0] <= rbp || frame[0] - rbp > BACKTRACE_FRAME_MAX) {
            break;
        }
        rbp = frame[0];
    }
}

void process_die_of_fault(struct thread *thread, unsigned vector, uint64_t error_code,
                          uint64_t fault_address, enum death_cause cause) {
    struct process *process = thread->process;
    struct death_record *death = &process->death;

    if (process_is_dying(process)) {
        return;
    }
    process_die(process, cause, ERROR_KILLED);
    death->vector = vector;
    death->error_code = (uint32_t)error_code;
    death->fault_address = fault_address;
    death->thread_id = thread->id;
    registers_export(&thread->registers, &death->registers);
    backtrace_record(process, thread->registers.rip, thread->registers.rbp);
}

void process_freeze(struct process *process, struct thread *cloner) {
    process->cloner = cloner;
    process->frozen = true;
    hold_update(process);
}

static bool thaw_step(struct reapable *reapable) {
    struct process *process = CONTAINER_OF(reapable, struct process, thawing);

    for (unsigned i = 0; i < STEP_THREADS && !process->frozen; i++) {
        struct list_node *node = list_pop_front(&process->parked);

        if (node == NULL) {
            break;
        }
        scheduler_ready(CONTAINER_OF(node, struct thread, item.link));
    }
    if (!process->frozen && !list_is_empty(&process->parked)) {
        return false;
    }
    process->is_thawing = false;
    object_put(&process->object);
    return true;
}

void process_thaw(struct process *process) {
    process->cloner = NULL;
    process->frozen = process->stopped;
    hold_update(process);
    if (!process->frozen && !process->is_thawing) {
        process->is_thawing = true;
        object_get(&process->object);
        if (!thaw_step(&process->thawing)) {
            reaper_add(&process->thawing);
        }
    }
}

struct thread *process_thread(const struct process *process, uint32_t id) {
    struct tree_node *node = tree_find_ge(&process->threads, id);

    return node == NULL ? NULL : CONTAINER_OF(node, struct thread, process_node);
}

bool process_threads_end(struct process *process, struct thread *but) {
    for (unsigned i = 0; i < STEP_THREADS; i++) {
        struct thread *thread = process_thread(process, 0);

        if (thread != NULL && thread == but) {
            thread = process_thread(process, but->id + 1);
        }
        if (thread == NULL) {
            return true;
        }
        if (thread_runs_elsewhere(thread)) {
            return false; /* not for long: that CPU has been kicked, and ends it */
        }
        /* What came for the program is not lost with this thread: exec's has it. */
        uint64_t *bits = but != NULL ? &but->upcall_bits : &thread->upcall_bits;

        *bits |= thread->upcall_bits;
        thread_kill(thread);
    }
    return false;
}

status_t process_visit_threads(struct thread *caller, struct process *process,
                               void (*visit)(struct thread *, uint64_t argument),
                               uint64_t argument) {
    for (unsigned i = 0; i < STEP_THREADS; i++) {
        struct thread *thread = process_thread(process, (uint32_t)caller->operation_progress);

        if (thread == NULL) {
            return OK;
        }
        caller->operation_progress = thread->id + 1;
        visit(thread, argument);
    }
    return RESULT_RESTART;
}

status_t process_watch(struct process *process, struct gate *gate, uint64_t bits) {
    int place = -1;

    for (int i = 0; i < PROCESS_WATCHERS; i++) {
        struct gate *other = process->watchers[i].gate;

        if (other != NULL && other->endpoint == gate->endpoint) {
            place = i;
            break;
        }
        if (other == NULL && place < 0) {
            place = i;
        }
    }
    if (place < 0) {
        return ERROR_TOO_MANY;
    }
    gate_bind_at(&process->watchers[place].gate, gate);
    process->watchers[place].bits = bits;
    return OK;
}

static void watchers_tell(struct process *process) {
    for (unsigned i = 0; i < PROCESS_WATCHERS; i++) {
        struct gate *gate = process->watchers[i].gate;

        if (gate != NULL) {
            process->watchers[i].gate = NULL;
            /* A watcher that is gone itself needs no news. */
            (void)gate_notify(gate, process->watchers[i].bits, GATE_NORMAL);
            gate_unbind(gate);
        }
    }
}

/* Without init nobody restarts anything: the machine starts anew, and this says why. */
static NORETURN void init_died(const struct process *init) {
    const struct death_record *death = &init->death;

    console_panic_mode(boot_info_kept);
    kernel_log("init died: cause %u, status %d, exception %u, error %#x, address %#llx\n",
               death->cause, death->status, death->vector, death->error_code,
               (unsigned long long)death->fault_address);
    for (uint32_t i = 0; i < death->n_backtrace; i++) {
        kernel_log("    %#llx\n", (unsigned long long)death->backtrace[i]);
    }
    panic("init died");
}

/*
 * The order matters: threads first, so that nobody uses the rest; then handles, which answers what
 * is owed and closes what was open; then memory; and only then those who watch are told (see the
 * model: a new incarnation must not meet the old one's calls).
 */
static bool reap_step(struct reapable *reapable) {
    struct process *process = CONTAINER_OF(reapable, struct process, reapable);

    if (process == process_init) {
        init_died(process);
    }
    switch (process->reap_stage) {
    case 0:
        process->reap_cursor = 0; /* a become that had begun to close used it */
        process->reap_stage += process_threads_end(process, NULL);
        return false;
    case 1:
        process->reap_stage += handle_table_destroy_step(&process->handles, &process->reap_cursor);
        return false;
    case 2:
        if (!space_destroy_step(process->space)) {
            return false;
        }
        if (process->page != PADDR_NONE) {
            /* The space, whose entry was charged for it, is gone: nobody reads it any more. */
            memset(paddr_to_pointer(process->page), 0, sizeof(struct process_page));
            frame_put_zeroed(process->page);
            process->page = PADDR_NONE;
        }
        process->space = NULL;
        process->reap_stage++;
        return false;
    case 3:
        /* Behind the memory objects that went with its handles: who hears of the end finds all of
         * it given back. */
        process->reap_stage++;
        reaper_add(&process->reapable);
        return true;
    default:
        break;
    }
    process->state = PROCESS_DEAD;
    watchers_tell(process);
    object_put(&process->object);
    return true;
}

void process_destroy(struct object *object) {
    struct process *process = CONTAINER_OF(object, struct process, object);

    ASSERT(process->state == PROCESS_DEAD && tree_is_empty(&process->threads));
    tree_remove(&process_all, &process->all_node);
    object_free(object);
}

void process_identify(struct process *process, uint32_t tag, uint64_t word) {
    process->tag = tag;
    process->word = word;
    if (process->page != PADDR_NONE) {
        struct process_page *page = paddr_to_pointer(process->page);

        page->tag = tag;
        page->word = word;
    }
}

void process_fill_status(const struct process *process, struct process_status *status) {
    *status = (struct process_status){
        .id = process->id,
        .tag = process->tag,
        .parent_id = process->parent_id,
        .state = process->stopped && !process_is_dying(process) ? PROCESS_STOPPED : process->state,
        .status = process->status,
        .cause = process->cause,
        .word = process->word,
        .cpu_ns = scheduler_process_ns(process),
        .start_ns = process->start_ns,
        .n_threads = process->n_threads,
        .n_handles =
            process_is_dying(process) || process->handles.n_pages == 0
                ? 0
                : process->handles.n_pages * HANDLES_PER_PAGE - 1 - process->handles.n_free,
        .n_frames = process->space == NULL ? 0 : process->space->n_frames,
    };
    memcpy(status->name, process->name, sizeof(status->name));
}

struct process *process_next(uint32_t id) {
    struct tree_node *node = tree_find_ge(&process_all, id);

    return node == NULL ? NULL : CONTAINER_OF(node, struct process, all_node);
}
