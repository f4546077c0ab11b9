/* SPDX-License-Identifier: MIT */
/*
 * From upcall to handler. Its interface is lib/posix/signal.h.
 */
#define _GNU_SOURCE 1 /* REG_RAX ... */
#include "lib/posix/signal.h"

#include <signal.h>
#include <ucontext.h>

#include "lib/base/string.h"
#include "lib/native/block.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/posix/errno.h"
#include "lib/posix/calls.h"
#include "lib/posix/proc.h"

NORETURN void upcall_take(struct upcall_frame *frame);
NORETURN void upcall_deliver(struct upcall_frame *frame);

/* x86 exceptions that can become signals. */
enum {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_BP = 3,
    VECTOR_UD = 6,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_XM = 19
};
enum { PAGE_FAULT_PRESENT = 1 };

/* FXSAVE image that handlers start with: all exceptions masked, empty x87 stack. */
#define VECTOR_STATE_FCW   0x37f
#define VECTOR_STATE_MXCSR 0x1f80

/* Takes the sets that exec or spawn passed on; those that are not there are empty. */
static void inherit(void) {
    static const char *const names[] = {"blocked", "ignored", "pending"};
    uint64_t sets[ARRAY_SIZE(names)] = {0};
    const struct startup_entry *entry = startup_next(NULL, STARTUP_SIGNALS);

    for (; entry != NULL; entry = startup_next(entry, STARTUP_SIGNALS)) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            if (string_equal(startup_text(entry), names[i])) {
                sets[i] = entry->number | (uint64_t)entry->flags << 32;
            }
        }
    }
    signals_inherit(sets[0], sets[1], sets[2]);
}

void signals_start(void) {
    inherit();
    signals_release();
}

void signals_hold(void) {
    status_ignore(sys_upcall_set(0, 0, 0));
}

void signals_release(void) {
    /* Without upcalls there are no signals: the program still runs, and can be killed. */
    status_ignore(sys_upcall_set((uint64_t)(uintptr_t)upcall_entry,
                                 (uint64_t)(uintptr_t)native_block_begin,
                                 (uint64_t)(uintptr_t)native_block_end));
}

NORETURN void signal_terminate(int signal) {
    sys_process_exit(PROC_STATUS_SIGNAL | signal);
}

/* ---- choosing ---- */

/* A signal on its way to its effect. */
struct delivery {
    int signal;
    bool is_own; /* sent to this thread by a thread of the program */
    struct signal_action action;
    struct signal_information information;
};

/* [book:take-due] */
/* Takes the lowest signal due; false if another thread was faster or there is none. */
static bool take_due(struct posix_thread *self, struct delivery *delivery) {
    uint64_t barred = self->mask | self->waited_for;
    uint64_t mine = self->pending & ~barred;
    volatile uint64_t *where = mine != 0 ? &self->pending : &signals_process_pending;
    uint64_t due = *where & ~barred;

    if (due == 0) {
        return false;
    }
    int signal = __builtin_ctzll(due) + 1;
    uint64_t before = __atomic_fetch_and(where, ~SIGNAL_BIT(signal), __ATOMIC_ACQ_REL);

    delivery->signal = signal;
    delivery->is_own = where == &self->pending;
    delivery->action = signal_action_of(signal);
    return (before & SIGNAL_BIT(signal)) != 0 &&
           queue_take(self, where, signal, (delivery->action.flags & SA_SIGINFO) != 0,
                      &delivery->information);
}
/* [/book] */

void signals_pass_on(uint64_t signals) {
    struct posix_thread *self = thread_self(), *thread;
    uint64_t left = signals & signals_process_pending;

    if (left == 0) {
        return;
    }
    critical_lock(&threads_lock);
    LIST_FOR_EACH(thread, &posix.threads, node) {
        uint64_t takes = left & (~thread->mask | thread->waited_for);

        /* Not the signals themselves: by the time it looks another may have taken them. */
        if (thread != self && takes != 0 && thread_open_handle(thread) &&
            sys_thread_upcall(thread->handle, SIGNAL_LOOK) == OK) {
            left &= ~takes;
        }
    }
    critical_unlock(&threads_lock);
}

/* ---- running handlers ---- */

static const uint8_t greg_of_register[] = {
    REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
    REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP, REG_EFL,
};

static void context_fill(ucontext_t *context, const struct upcall_frame *frame,
                         const struct posix_thread *self, uint64_t mask) {
    const uint64_t *registers = (const uint64_t *)&frame->registers;

    memset(context, 0, sizeof *context);
    context->uc_stack = (stack_t){.ss_sp = (void *)self->alternate_base,
                                  .ss_size = self->alternate_size,
                                  .ss_flags = self->alternate_size == 0 ? SS_DISABLE : 0};
    memcpy(&context->uc_sigmask, &mask, sizeof mask);
    for (size_t i = 0; i < ARRAY_SIZE(greg_of_register); i++) {
        context->uc_mcontext.gregs[greg_of_register[i]] = (long long)registers[i];
    }
    context->uc_mcontext.gregs[REG_TRAPNO] = frame->vector;
    context->uc_mcontext.gregs[REG_ERR] = frame->error_code;
    context->uc_mcontext.gregs[REG_CR2] = (long long)frame->fault_address;
    context->uc_mcontext.fpregs = (void *)frame->vector_state;
}

static void context_apply(const ucontext_t *context, struct upcall_frame *frame) {
    uint64_t *registers = (uint64_t *)&frame->registers;

    for (size_t i = 0; i < ARRAY_SIZE(greg_of_register); i++) {
        registers[i] = (uint64_t)context->uc_mcontext.gregs[greg_of_register[i]];
    }
}

/* Where the handler's stack begins: 0 for here. */
static uintptr_t handler_stack(const struct posix_thread *self, uint64_t flags) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    bool is_on_it = here - self->alternate_base < self->alternate_size;

    return (flags & SA_ONSTACK) != 0 && self->alternate_size != 0 && !is_on_it
               ? self->alternate_base + self->alternate_size
               : 0;
}

/*
 * Calls the handler with the mask that its action asks for. The library calls that the handler
 * makes must not disturb the one that it interrupts: what the thread record says about that one is
 * put back afterwards.
 *
 * The caller has entered a critical section before it took the signal, and this leaves it when the
 * mask is set. An upcall in between could take the next signal of a queue and run its handler
 * first.
 */
static void handler_run(struct posix_thread *self, const struct signal_action *action,
                        siginfo_t *information, struct upcall_frame *frame) {
    static const struct upcall_frame nothing = {.vector = UPCALL_VECTOR_NONE};
    int signal = information->si_signo;
    bool was_suspended = self->restore_mask;
    uint8_t slow = self->slow;
    volatile int *cancel = self->cancel;
    uint32_t interrupt = self->interrupt;
    ucontext_t context;

    context_fill(&context, frame != NULL ? frame : &nothing, self,
                 was_suspended ? self->saved_mask : self->mask);
    self->restore_mask = false;
    self->mask |= action->mask | ((action->flags & SA_NODEFER) != 0 ? 0 : SIGNAL_BIT(signal));
    if ((action->flags & SA_RESETHAND) != 0) {
        signal_reset(signal);
    }
    critical_leave();
    upcall_call_handler(action->handler, signal, information, &context,
                        handler_stack(self, action->flags));
    if (frame != NULL) {
        context_apply(&context, frame);
    }
    memcpy(&self->mask, &context.uc_sigmask, sizeof self->mask);
    self->slow = slow;
    self->cancel = cancel;
    bool ends_call = (slow == CALL_RESTARTS && (action->flags & SA_RESTART) == 0) ||
                     slow == CALL_INTERRUPTS || was_suspended || (cancel != NULL && *cancel != 0);
    self->interrupt = ends_call ? 1 : interrupt;
}

/* Stops the process: a call between two steps of whatever the thread was doing. */
static void stop(struct posix_thread *self, int signal, bool is_own) {
    uint8_t slow = self->slow;
    volatile int *cancel = self->cancel;

    self->slow = CALL_FAST;
    self->cancel = NULL;
    status_ignore(proc_call_stop((uint32_t)signal, is_own)); /* without proc nobody can continue */
    self->slow = slow;
    self->cancel = cancel;
    if (cancel != NULL && *cancel != 0) {
        self->interrupt = 1; /* its signal may have come while `cancel` was put aside */
    }
}

/* What the signal does that has no handler. */
static void effect_default(struct posix_thread *self, const struct delivery *delivery) {
    switch (signal_default_effect(delivery->signal)) {
    case SIGNAL_TERMINATES:
        signal_terminate(delivery->signal);
    case SIGNAL_STOPS:
        stop(self, delivery->signal, delivery->is_own);
        break;
    case SIGNAL_DOES_NOTHING:
        break;
    }
}

void signals_deliver(struct posix_thread *self, struct upcall_frame *frame) {
    while (signals_due(self) != 0) {
        struct delivery delivery;

        critical_enter();
        bool is_taken = take_due(self, &delivery);

        if (is_taken && delivery.action.handler != SIGNAL_DEFAULT &&
            delivery.action.handler != SIGNAL_IGNORE) {
            siginfo_t information = queue_siginfo(delivery.signal, &delivery.information);

            handler_run(self, &delivery.action, &information, frame);
            continue;
        }
        critical_leave();
        if (is_taken && delivery.action.handler == SIGNAL_DEFAULT) {
            effect_default(self, &delivery);
        }
    }
}

void signals_deliver_noted(struct posix_thread *self) {
    self->noted = 0;
    if (self->exiting) {
        return;
    }
    signals_deliver(self, NULL);
    signals_pass_on(signals_process_pending);
    proc_send_held(signals_process_pending & ~signals_due(self));
}

/* ---- faults ---- */

static siginfo_t fault_information(const struct upcall_frame *frame) {
    siginfo_t information = {.si_signo = SIGSEGV, .si_code = SI_KERNEL};

    information.si_addr = (void *)frame->registers.rip;
    switch (frame->vector) {
    case VECTOR_DE:
        information.si_signo = SIGFPE;
        information.si_code = FPE_INTDIV;
        break;
    case VECTOR_MF:
    case VECTOR_XM:
        information.si_signo = SIGFPE;
        information.si_code = FPE_FLTINV;
        break;
    case VECTOR_DB:
    case VECTOR_BP:
        information.si_signo = SIGTRAP;
        information.si_code = TRAP_BRKPT;
        break;
    case VECTOR_UD:
        information.si_signo = SIGILL;
        information.si_code = ILL_ILLOPN;
        break;
    case VECTOR_AC:
        information.si_signo = SIGBUS;
        information.si_code = BUS_ADRALN;
        break;
    case VECTOR_PF:
        information.si_addr = (void *)frame->fault_address;
        if ((frame->error_code & (FAULT_OUT_OF_BUDGET | FAULT_BEYOND_END)) != 0) {
            information.si_signo = SIGBUS;
            information.si_code = BUS_ADRERR;
        } else {
            information.si_code =
                (frame->error_code & PAGE_FAULT_PRESENT) != 0 ? SEGV_ACCERR : SEGV_MAPERR;
        }
        break;
    default:
        break;
    }
    return information;
}

/* May a handler have it? A fault in a critical section, or one that is blocked, cannot wait: it
 * ends the program. */
static bool fault_has_handler(const struct posix_thread *self, const struct upcall_frame *frame) {
    int signal = fault_information(frame).si_signo;
    uintptr_t handler = signal_handler_of(signal);

    return self->depth == 0 && (self->mask & SIGNAL_BIT(signal)) == 0 &&
           handler != SIGNAL_DEFAULT && handler != SIGNAL_IGNORE;
}

/* ---- the upcall itself ---- */

/* Goes back to user code at the trampoline, on the stack below `frame`, which it will resume. */
static NORETURN void enter_trampoline(const struct upcall_frame *frame) {
    struct upcall_frame next = {.vector = UPCALL_VECTOR_NONE};
    uint16_t control = VECTOR_STATE_FCW;
    uint32_t mxcsr = VECTOR_STATE_MXCSR;

    memcpy(&next.vector_state[0], &control, sizeof control);
    memcpy(&next.vector_state[24], &mxcsr, sizeof mxcsr);
    next.registers.rip = (uint64_t)(uintptr_t)upcall_trampoline;
    next.registers.rdi = (uint64_t)(uintptr_t)frame;
    next.registers.rsp = (uint64_t)(uintptr_t)frame - 16;
    next.registers.rflags = 0x202;
    sys_upcall_return(&next);
}

#define STOPPING (SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

/* A stop ends a continuation that still waits, and the other way round. */
static void drop_opposites(struct posix_thread *self, uint64_t bits) {
    uint64_t dropped = (bits & SIGNAL_BIT(SIGCONT)) != 0 ? STOPPING
                       : (bits & STOPPING) != 0          ? SIGNAL_BIT(SIGCONT)
                                                         : 0;

    if (dropped != 0) {
        __atomic_and_fetch(&signals_process_pending, ~(dropped & ~bits), __ATOMIC_ACQ_REL);
        __atomic_and_fetch(&self->pending, ~(dropped & ~bits), __ATOMIC_ACQ_REL);
        self->arrived &= ~(dropped & ~bits);
    }
}

static void note_bits(struct posix_thread *self, uint64_t bits) {
    uint64_t own = __atomic_exchange_n(&self->directed, 0, __ATOMIC_ACQ_REL);
    uint64_t remote = bits & ~SIGNAL_LOOK;

    drop_opposites(self, own | remote);
    __atomic_or_fetch(&self->pending, own, __ATOMIC_ACQ_REL);
    self->arrived |= remote;
    queue_note_remote(remote);
    __atomic_or_fetch(&signals_process_pending, remote, __ATOMIC_ACQ_REL);
    if (((self->pending | signals_process_pending) & self->waited_for) != 0) {
        self->interrupt = 1;
    }
    if (self->exiting) {
        signals_pass_on((bits & SIGNAL_LOOK) != 0 ? UINT64_MAX : remote);
        proc_send_held(remote & signals_process_pending);
    }
}

/* [book:upcall-take] */
void upcall_take(struct upcall_frame *frame) {
    struct posix_thread *self = thread_self();

    if (frame->vector != UPCALL_VECTOR_NONE) {
        if (fault_has_handler(self, frame)) {
            enter_trampoline(frame);
        }
        /* Once more without us: the kernel ends the program, and its death record shows the fault
         * as it was. */
        if (sys_upcall_set(0, 0, 0) != OK) {
            signal_terminate(fault_information(frame).si_signo);
        }
        sys_upcall_return(frame);
    }
    note_bits(self, frame->bits);
    if (self->depth != 0) {
        self->noted = 1;
        sys_upcall_return(frame);
    }
    uint64_t due = signals_due(self);
    uint64_t blocked = frame->bits & ~SIGNAL_LOOK & signals_process_pending & ~due;

    if (blocked != 0) {
        self->depth++; /* nothing is delivered in here */
        signals_pass_on(blocked);
        self->depth--;
        proc_send_held(blocked);
    }
    if (due != 0) {
        enter_trampoline(frame);
    }
    sys_upcall_return(frame);
}
/* [/book] */

void upcall_deliver(struct upcall_frame *frame) {
    struct posix_thread *self = thread_self();

    if (frame->vector != UPCALL_VECTOR_NONE) {
        siginfo_t information = fault_information(frame);
        struct signal_action action = signal_action_of(information.si_signo);

        if (action.handler == SIGNAL_DEFAULT || action.handler == SIGNAL_IGNORE) {
            signal_terminate(information.si_signo);
        }
        critical_enter();
        handler_run(self, &action, &information, frame);
    }
    signals_deliver(self, frame);
    sys_upcall_return(frame);
}
