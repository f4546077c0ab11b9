/* SPDX-License-Identifier: MIT */
/*
 * Processes: an address space, a handle table, threads, and how it ended.
 *
 * NEW -> RUNNING (process_start) -> DYING (exit, kill, fault) -> DEAD (everything freed, watchers
 * told). A NEW process that loses its last handle dies too. STOPPED is RUNNING with its threads
 * parked. Invariant: a process that is not DEAD holds a reference to itself.
 */
#pragma once

#include "abi/kernel.h"
#include "kernel/handle.h"
#include "kernel/object.h"
#include "kernel/space.h"

/* Who wants to hear of the exit: init and proc, say. */
#define PROCESS_WATCHERS 3

struct gate;
struct thread;

struct process {
    struct object object;
    struct reapable reapable;
    struct tree_node all_node; /* in the tree of all processes; key = id */
    uint32_t id;               /* never reused */
    uint32_t parent_id;
    uint32_t before_tag; /* always 0: fastpath.S takes it and the tag for one number, tag << 32 */
    uint32_t tag;
    uint8_t state;    /* enum process_state */
    uint8_t cause;    /* enum death_cause */
    uint8_t priority; /* ceiling for its threads */
    bool stopped;
    bool frozen; /* stopped or being cloned: threads other than `cloner` must not run */
    bool hold;   /* frozen or dying: the scheduler looks at this one before it lets a thread run */
    bool becoming; /* its `cloner` is past the point of no return in become */
    uint8_t reap_stage;
    uint32_t reap_cursor;
    int32_t status;
    uint64_t word;
    struct thread *cloner; /* the thread that copies it, or that makes it as a copy */
    struct tree threads;   /* by id: so that who goes through them in steps finds its place again */
    struct list parked;
    struct reapable thawing; /* what of `parked` may run again, and did not fit into one step */
    bool is_thawing;         /* that is under way */
    uint32_t n_threads;
    uint32_t n_own_handles; /* NEW: handles to itself that it was given */
    struct handle_table handles;
    struct space *space; /* freed with all else when it dies */
    uint64_t cpu_ticks;
    uint64_t start_ns;
    paddr_t page; /* struct process_page, mapped read-only */
    uint64_t upcall_entry, block_begin, block_end;
    struct {
        struct gate *gate; /* bound */
        uint64_t bits;
    } watchers[PROCESS_WATCHERS];
    struct death_record death;
    char name[32];
};

/*
 * `gate` is notified of `bits` when the living process has ended and all of it is given back. One
 * watch for each endpoint: a new one takes the place of the old, so that those of a service that is
 * started again and again do not pile up. TOO_MANY.
 */
WARN_UNUSED status_t process_watch(struct process *process, struct gate *gate, uint64_t bits);

/* An empty process in NEW: the caller gets one reference, the other is its own. `parent` may be
 * NULL. */
WARN_UNUSED status_t process_create(struct budget *budget, const struct process *parent,
                                    struct process **process);

/* Starts dying: its threads run no more, the reaper does the rest. Does nothing if it is dying
 * already. */
void process_die(struct process *process, enum death_cause cause, int32_t status);

/* A handle is being closed. One that was never started dies with its last: nobody can start it. */
void process_handle_drop(struct process *process);

/* The thread's fault ends its process: records why and where. */
void process_die_of_fault(struct thread *thread, unsigned vector, uint64_t error_code,
                          uint64_t fault_address, enum death_cause cause);

/* Its thread with the lowest id >= `id`, NULL: none. */
struct thread *process_thread(const struct process *process, uint32_t id);

/* Ends its threads but this one (NULL: all of them), at most a step's worth; true when it has no
 * more. */
bool process_threads_end(struct process *process, struct thread *but);

/*
 * Does `visit` to all threads of a process, 8 in a step: RESTART, and OK after the last. Who is
 * next is kept in the caller's operation_progress. Those that come meanwhile are visited too.
 */
WARN_UNUSED status_t process_visit_threads(struct thread *caller, struct process *process,
                                           void (*visit)(struct thread *, uint64_t argument),
                                           uint64_t argument);

/* Its threads stop running (or may again, the first 8 at once, the rest by and by); see `stopped`.
 */
void process_freeze(struct process *process, struct thread *cloner);
void process_thaw(struct process *process);

void process_destroy(struct object *object);
void process_identify(struct process *process, uint32_t tag, uint64_t word);
void process_fill_status(const struct process *process, struct process_status *status);

/* The process with the lowest id >= `id`, NULL: none. */
struct process *process_next(uint32_t id);

/* The first program, which must not end; NULL until it runs. */
extern struct process *process_init;

/* What kernel threads belong to: no address space, never dying. */
extern struct process kernel_process;

static inline bool process_is_dying(const struct process *process) {
    return process->state >= PROCESS_DYING;
}
