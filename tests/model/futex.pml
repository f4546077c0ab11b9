/* SPDX-License-Identifier: MIT */
/*
 * futex compare-and-block, sticky upcalls, and the stub range [block_begin, block_end): no wake-up
 * is lost, neither one by futex_wake nor one by an upcall.
 *
 * Two threads wait for a semaphore, as musl's sem_wait does on top of lib/posix:
 *
 *     for (;;) {
 *         if (take the semaphore)   return OK;         // atomic decrement if positive
 *   block_begin:
 *         if (a signal was handled) return EINTR;      // the check-then-block window begins
 *         syscall futex_wait(&semaphore, 0);           //   compare and block: one step
 *   block_end:
 *         if (result == INTERRUPTED or TIMEOUT) return EINTR;
 *     }
 *
 * Thread 0 gets two upcalls at any moment. A poster raises the semaphore once or twice and wakes,
 * directly or by way of a requeue (as a condition variable does). A third thread ends by thread_exit
 * (clear word and wake in one step) and a joiner waits for that.
 *
 * The kernel may be on several processors: thread_upcall sets a sticky bit at any time, and a
 * running thread takes it when its processor is interrupted, which may be some user steps later, or
 * when it next leaves the kernel, whichever is first. So a system call can find the bit set.
 */
#define N_WAITERS 2

/* Where a waiter is. P_CHECK, P_CHECKED and P_SYSCALL lie inside [block_begin, block_end). */
#define P_TAKE 0
#define P_CHECK 1   /* at block_begin */
#define P_CHECKED 2 /* the flag has been loaded, and was clear */
#define P_SYSCALL 3 /* at the syscall instruction */
#define P_BLOCKED 4 /* in the kernel, on futex queue `key` */
#define P_LEAVING 5 /* in the kernel, about to return to user mode at block_end */
#define P_AFTER 6   /* at block_end, with a result */
#define P_DONE 7

/* Results of futex_wait. */
#define R_NONE 0
#define R_OK 1
#define R_AGAIN 2
#define R_INTERRUPTED 3
#define R_TIMEOUT 4

#define SEMAPHORE 0 /* futex keys */
#define MUTEX 1
#define JOIN 2

byte pc[N_WAITERS];
byte result[N_WAITERS];
byte key[N_WAITERS];   /* of the queue it is on, iff P_BLOCKED */
bit in_upcall;         /* of thread 0: the handler runs, further upcalls are held */
byte sticky;           /* of thread 0: bits not yet delivered */
byte delivered;        /* bits that the handler was entered with */
bit handled;           /* the handler has run: what the check at block_begin looks at */

byte semaphore;
byte taken;
byte posts;
byte sent;             /* all bits ever sent */
bit sent_all;
byte seen;             /* all bits the handler ever saw */
bit posted_all;

/* FIFO of the waiters of each key; a waiter is on at most one. */
byte queue0[3] = 255, queue1[3] = 255;
byte n0, n1;

bit clear_word = 1; /* thread_exit clears it */
bit joiner_blocked;
bit joined;

hidden byte x_i, x_t;

/* ---- kernel ---- */

#define push(q, n, t)                                                                              \
    assert(n < N_WAITERS);                                                                         \
    q[n] = t;                                                                                      \
    n++

#define unlink(q, n, t)                                                                            \
    x_i = 0;                                                                                       \
    do                                                                                             \
    :: x_i < n && q[x_i] != t -> x_i++                                                             \
    :: else -> break                                                                               \
    od;                                                                                            \
    assert(x_i < n);                                                                               \
    do                                                                                             \
    :: x_i + 1 < n -> q[x_i] = q[x_i + 1]; x_i++                                                   \
    :: else -> break                                                                               \
    od;                                                                                            \
    n--;                                                                                           \
    q[n] = 255

/* Ends the wait of thread `t`, which is on no queue any more. */
inline wait_end(t, r)
{
    assert(pc[t] == P_BLOCKED && result[t] == R_NONE); /* a wake-up spent on a thread that does not wait is lost */
    result[t] = r;
    pc[t] = P_LEAVING
}

/* The wait of blocked thread `t` ends for another reason than a wake. */
inline wait_cancel(t, r)
{
    if
#ifdef M_REQUEUE_KEEPS_KEY
    :: n0 > 0 && (queue0[0] == t || queue0[1] == t) -> unlink(queue0, n0, t)
    :: else -> skip
#else
    :: key[t] == SEMAPHORE -> unlink(queue0, n0, t)
    :: else -> unlink(queue1, n1, t)
#endif
    fi;
    wait_end(t, r)
}

/* futex_wait(&semaphore, 0): compare and block. */
inline sys_futex_wait(t)
{
    if
#ifndef M_BLOCKS_WITH_UPCALL
    :: t == 0 && sticky && !in_upcall -> result[t] = R_INTERRUPTED; pc[t] = P_LEAVING
#endif
    :: else ->
        if
        :: semaphore != 0 -> result[t] = R_AGAIN; pc[t] = P_LEAVING
        :: else -> pc[t] = P_BLOCKED; key[t] = SEMAPHORE; push(queue0, n0, t)
        fi
    fi;
    skip
}

inline sys_futex_wake_semaphore()
{
    if
    :: n0 > 0 -> x_t = queue0[0]; unlink(queue0, n0, x_t); wait_end(x_t, R_OK)
    :: else -> skip
    fi;
    skip
}

/* Wakes one waiter of the semaphore by way of the other key: all are moved there, one is woken. */
inline sys_futex_requeue()
{
    do
    :: n0 > 0 ->
        x_t = queue0[0];
        unlink(queue0, n0, x_t);
        push(queue1, n1, x_t);
        key[x_t] = MUTEX
    :: else -> break
    od;
    skip
}

inline sys_futex_wake_mutex()
{
    if
    :: n1 > 0 -> x_t = queue1[0]; unlink(queue1, n1, x_t); wait_end(x_t, R_OK)
    :: else -> skip
    fi;
    skip
}

/* What was moved and not woken goes back, so that both kinds of wake can be mixed in one run. */
inline sys_futex_requeue_back()
{
    do
    :: n1 > 0 ->
        x_t = queue1[0];
        unlink(queue1, n1, x_t);
        push(queue0, n0, x_t);
        key[x_t] = SEMAPHORE
    :: else -> break
    od;
    skip
}

/* Enters the handler of thread 0 with all its sticky bits. RIP is block_end or stays. */
inline upcall_deliver()
{
    assert(!in_upcall);
    in_upcall = 1;
    delivered = sticky;
    sticky = 0;
    if
#ifndef M_RANGE_RESUMED
#ifdef M_RANGE_BEGINS_LATE
    :: pc[0] == P_SYSCALL ->
#else
    :: pc[0] == P_CHECK || pc[0] == P_CHECKED || pc[0] == P_SYSCALL ->
#endif
        result[0] = R_INTERRUPTED;
        pc[0] = P_AFTER
#endif
#ifdef M_RANGE_ENDS_LATE
    :: pc[0] == P_AFTER || pc[0] == P_LEAVING -> result[0] = R_INTERRUPTED; pc[0] = P_AFTER
#endif
    :: else ->
        if
        :: pc[0] == P_LEAVING -> pc[0] = P_AFTER
        :: else -> skip
        fi
    fi;
    skip
}

/* thread_upcall(thread 0, bits) by anybody. */
inline sys_thread_upcall(bits)
{
#ifdef M_UPCALL_OVERWRITES
    sticky = bits;
#else
    sticky = sticky | bits;
#endif
    if
#ifndef M_UPCALL_LEAVES_BLOCKED
    :: pc[0] == P_BLOCKED && !in_upcall -> wait_cancel(0, R_INTERRUPTED)
#endif
    :: else -> skip
    fi;
    skip
}

/* ---- programs ---- */

/* User steps of thread 0 wait while its handler runs; thread 1 has no handler. */
#define RUNS(t) ((t) != 0 || !in_upcall)

proctype Waiter(byte t)
{
    do
    :: d_step { pc[t] == P_TAKE && RUNS(t) ->
        if
        :: semaphore > 0 -> semaphore--; taken++; pc[t] = P_DONE
        :: else -> pc[t] = P_CHECK
        fi;
        skip
    }
    :: d_step { pc[t] == P_CHECK && RUNS(t) ->
        if
        :: t == 0 && handled -> pc[t] = P_DONE
        :: else -> pc[t] = P_CHECKED
        fi;
        skip
    }
    :: d_step { pc[t] == P_CHECKED && RUNS(t) -> pc[t] = P_SYSCALL }
#ifndef M_COMPARE_SPLIT
    :: d_step { pc[t] == P_SYSCALL && RUNS(t) -> sys_futex_wait(t) }
#else
    :: pc[t] == P_SYSCALL && RUNS(t) ->
        if
        :: d_step { semaphore != 0 || t == 0 && sticky -> sys_futex_wait(t) }
        :: semaphore == 0 && !(t == 0 && sticky) ->
            d_step { pc[t] = P_BLOCKED; key[t] = SEMAPHORE; push(queue0, n0, t) }
        fi
#endif
    /* Out of the kernel: pending upcalls first. */
    :: d_step { pc[t] == P_LEAVING ->
        if
        :: t == 0 && sticky && !in_upcall -> upcall_deliver()
        :: else -> pc[t] = P_AFTER
        fi;
        skip
    }
    :: d_step { pc[t] == P_AFTER && RUNS(t) ->
        if
        :: result[t] == R_INTERRUPTED || result[t] == R_TIMEOUT -> pc[t] = P_DONE
        :: else -> pc[t] = P_TAKE
        fi;
        result[t] = R_NONE
    }
    :: pc[t] == P_DONE -> break
    od
}

/* The upcall handler of thread 0, and the interrupt of its processor that brings it there. */
proctype Handler()
{
end:
    do
    :: d_step { sticky && !in_upcall && pc[0] != P_BLOCKED && pc[0] != P_LEAVING -> upcall_deliver() }
    :: in_upcall ->
        d_step { seen = seen | delivered; delivered = 0; handled = 1 }
        d_step { /* upcall_return: held bits are taken at once, before the program goes on */
            in_upcall = 0;
            if
            :: sticky -> upcall_deliver()
            :: else -> skip
            fi;
            skip
        }
    od
}

/* Nothing but an upcall or a deadline can end the wait of blocked thread `t`. */
#define STUCK(t) (posted_all && semaphore == 0 && pc[t] == P_BLOCKED)

/* Two upcalls for thread 0, at any moment; or only the one without which it would wait for ever. */
proctype Upcaller()
{
    if
    :: d_step { sent = 1; sys_thread_upcall(1) }
        d_step { sent = 3; sys_thread_upcall(2) }
    :: skip
    fi;
    do
    :: d_step { STUCK(0) && sent == 0 -> sent = 1; sys_thread_upcall(1) }
    :: pc[0] == P_DONE -> break
    od;
    sent_all = 1
}

proctype Poster()
{
    d_step { semaphore++; posts++ }
    d_step { sys_futex_wake_semaphore() }
    if
    :: goto out /* one is all: somebody must do without */
    :: d_step { semaphore++; posts++ }
    fi;
    if
    :: d_step { sys_futex_wake_semaphore() }
    :: d_step { sys_futex_requeue() }
        d_step { sys_futex_wake_mutex() }
        d_step { sys_futex_requeue_back() }
    fi;
out:
    posted_all = 1
}

/* The deadline of thread 1's wait, at any moment; or only if it would wait for ever. */
proctype Deadline()
{
    if
    :: d_step { pc[1] == P_BLOCKED -> wait_cancel(1, R_TIMEOUT) }
#ifdef M_TIMEOUT_AFTER_WAKE
    :: d_step { pc[1] == P_LEAVING -> result[1] = R_TIMEOUT }
#endif
    :: skip
    fi;
    do
    :: d_step { STUCK(1) -> wait_cancel(1, R_TIMEOUT) }
    :: pc[1] == P_DONE -> break
    od
}

/* thread_exit(clear_word): clears and wakes in one step. */
proctype Exiting()
{
#ifdef M_EXIT_WAKES_FIRST
    joiner_blocked = 0;
    clear_word = 0
#else
    d_step { clear_word = 0; joiner_blocked = 0 }
#endif
}

proctype Joiner()
{
    do
    :: clear_word == 0 -> break
    :: d_step { clear_word != 0 -> joiner_blocked = 1 } /* futex_wait(&clear_word, 1) */
        !joiner_blocked
    od;
    joined = 1
}

init
{
    atomic {
        run Waiter(0);
        run Waiter(1);
        run Handler();
        run Upcaller();
        run Poster();
        run Deadline();
        run Exiting();
        run Joiner()
    }
    pc[0] == P_DONE && pc[1] == P_DONE && posted_all && joined;
    sent_all && !sticky && !in_upcall;
    assert(seen == sent); /* every upcall has come */
    assert(n0 == 0 && n1 == 0 && semaphore + taken == posts)
}
