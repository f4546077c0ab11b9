/* SPDX-License-Identifier: MIT */
/*
 * The fast path: a call to a server that waits, with four words, one range of lent memory and room
 * for one handle in the answer at most; the answer of a server that finds nothing else to do; and
 * the null call. Nothing is done here that the C code (kernel/ipc.c) does not do;
 * all that is unusual goes there, before anything is changed. The command line option fastpath=off
 * turns it off, so that the same tests are tests of both.
 *
 * The idea: of a message that is only registers, registers are the place. The sender's rdx, r10,
 * r8, r9 and rsi are not stored and loaded again, they are simply still there when the receiver
 * runs. All else that the receiver finds in its registers is set (rax, rdi, and those that are 0 in
 * a short message), or is what it had at its own `syscall`: rip, rflags, rbp, rsp, the only ones
 * that are saved. So the saved message registers of a thread that waits are those of some earlier
 * time: nobody looks at them before they are written.
 *
 * From syscall_entry:
 *   rsp       the current thread; used as a pointer, there is no stack
 *   rax       the number; rdi, rsi, rdx, r10, r8, r9, r12 to r15, rbx what the program put there
 *   rcx r11 rbp   free; rip, rflags, rbp and rsp are saved; the lock is held
 * From there on, once r13 says that there are no handles, and what r14 and r15 lend is stored:
 *   rbp       the current process            r14  the process of r15
 *   rbx       the gate                       r15  the thread that is to run
 * Faults cannot happen: only kernel structures are touched.
 */
#include "kernel/arch/x86_64/layout.h"

#define OFFSET(name, structure, member, offset) .set name, offset
#define NUMBER(name, value, truth) .set name, value
#include "kernel/arch/x86_64/offsets.def"

/* `special` of a thread that has set aside one handle slot; what makes `state` that of one that
 * lends one segment; and the parts of that. */
.set SPECIAL_ACCEPT_ONE, 1 << (8 * (THREAD_N_ACCEPT - THREAD_SPECIAL))
.set SEGMENTS_ONE, 1 << (8 * (THREAD_N_SEGMENTS - THREAD_STATE))
.set SEGMENT_LENGTH, THREAD_SEGMENT + LENGTH_IN_SEGMENT
.set SEGMENT_ACCESS, THREAD_SEGMENT + ACCESS_IN_SEGMENT

/*
 * The object in `to`, if the handle in rdi is open and has the right and the type (checked in this
 * order: a free slot has no rights), and is not revoked, which stands beside the type. A saved
 * reply's object is a thread, which is no type that is asked for. As handle_find in C.
 */
.macro FIND_HANDLE to, right, type
    movq THREAD_PROCESS(%rsp), %rbp
    movq %rdi, %rcx
    shrq $ENTRIES_SHIFT, %rcx                 /* all 64 bits: too great a number is no handle */
    cmpq PROCESS_N_PAGES(%rbp), %rcx
    jae fast_to_c
    movq PROCESS_PAGES(%rbp), %r11
    movq (%r11, %rcx, 8), %r11                /* the page of slots */
    movzbl %dil, %ecx
    shll $ENTRY_BYTES_SHIFT, %ecx
    testb $\right, ENTRY_RIGHTS(%r11, %rcx)
    jz fast_to_c
    movq (%r11, %rcx), \to
    cmpw $\type, OBJECT_TYPE(\to)
    jne fast_to_c
.endm

/*
 * May r15 simply run? Its process must not be held, it must go back by sysret (as arch_return
 * says), and nobody who is ready may be more important. Whoever is ready at the same priority is no
 * obstacle if the timer will come by the end of the slice, which r15 inherits.
 */
.macro CHECK_TARGET
    movq THREAD_PROCESS(%r15), %r14
    cmpb $0, PROCESS_HOLD(%r14)
    jne fast_to_c
    testl $(RFLAGS_RESUME | RFLAGS_TRAP), REGISTERS_RFLAGS(%r15)
    jnz fast_to_c
    cmpq $0, scheduler_ready_mask             /* bit p: somebody of priority p is ready */
    je 3f
    movzbl THREAD_PRIORITY(%r15), %ecx
    movq scheduler_ready_mask, %r11
    shrq %cl, %r11
    cmpq $1, %r11                             /* 1: the same priority; more: a higher one */
    ja fast_to_c
    jb 3f
    movq %gs:CPU_SLICE_END_NS, %r11
    cmpq %r11, %gs:CPU_TIMER_NS
    ja fast_to_c
3:
.endm

/* The gate in rdi to rbx, and the first who waits there to r15. */
.macro FIND_RECEIVER
    cmpq $0, THREAD_SPECIAL(%rsp)
    jne fast_to_c
    FIND_HANDLE %rbx, SEND, TYPE_GATE
    movq GATE_ENDPOINT(%rbx), %r14
    addq $ENDPOINT_RECEIVERS, %r14            /* the list's head */
    movq LINK_NEXT(%r14), %r15
    cmpq %r14, %r15
    je fast_to_c                              /* nobody waits; so it is if the endpoint is dead */
    subq $THREAD_LINK, %r15
    CHECK_TARGET
.endm

/* r15 would take a handle: there is none. As message_accept_drop. */
.macro DROP_ACCEPT
    decl PROCESS_N_RESERVED(%r14)
    movb $0, THREAD_N_ACCEPT(%r15)
.endm

/* The current thread's deadline, r12, goes to the list of recent ones. The timer is set already, or
 * C does it. Clobbers rax, rcx, r11. As deadline_arm. */
.macro ARM_DEADLINE
    cmpq %r12, %gs:CPU_TIMER_NS
    ja fast_to_c                              /* comes too late; or the deadline has passed */
    movq %r12, THREAD_DEADLINE(%rsp)
    movb $PLACE_RECENT, THREAD_DEADLINE_PLACE(%rsp)
    movq %gs:CPU_SELF, %rcx
    addq $CPU_RECENT, %rcx                    /* the list's head */
    movq LINK_PREV(%rcx), %r11                /* its last node */
    leaq THREAD_DEADLINE_LINK(%rsp), %rax
    movq %rcx, LINK_NEXT(%rax)
    movq %r11, LINK_PREV(%rax)
    movq %rax, LINK_NEXT(%r11)
    movq %rax, LINK_PREV(%rcx)
.endm

/* From rsp, whose state is set, to r15: accounts, address space, vector state, FS base, who is
 * current. Clobbers rax, rcx, rdx. As running_activate and arch_thread_activate. */
.macro SWITCH
    cmpq %rbp, %r14
    je 1f                                     /* the same process: these two are the same */
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    addq %rax, PROCESS_TICKS(%rbp)            /* the time of the one ends now, */
    subq %rax, PROCESS_TICKS(%r14)            /* that of the other begins */
    movq PROCESS_SPACE(%r14), %rcx
    movq SPACE_ROOT(%rcx), %rcx
    movq %rcx, %gs:CPU_SPACE_ROOT
    movq %rcx, %cr3
1:  fnstcw THREAD_FPU_FCW(%rsp)               /* what a C call keeps of the vector state, */
    stmxcsr THREAD_FPU_MXCSR(%rsp)            /* the rest of the image is clean */
2:  xchgw %ax, %ax                            /* `fninit` where FXRSTOR leaks: see cpu.c */
    .pushsection .rodata.fninit, "a"
    .quad 2b
    .popsection
    fxrstor64 THREAD_FPU(%r15)
    movl $MSR_FS_BASE, %ecx
    movl THREAD_FS_BASE(%r15), %eax
    movl THREAD_FS_BASE + 4(%r15), %edx
    wrmsr
    movl %gs:CPU_RUNNING_WORD, %ecx
    movw %cx, THREAD_NEAR(%r15)               /* and its state, RUNNING */
    movq %r15, %gs:CPU_RUNNING
    movq %r15, %gs:CPU_CURRENT
    leaq REGISTERS_BYTES(%r15), %rcx
    movq %rcx, %gs:CPU_USER_STACK             /* where interrupts push */
    incq %gs:CPU_N_FAST
.endm

/* To r15, whose message is in the registers but for word 0, which is in rbx. */
.macro LEAVE
    movq %rbx, %rdx
    xorl %ebx, %ebx                           /* 0: no handles */
    xorl %r14d, %r14d                         /* r13 is 0 already */
    movq REGISTERS_RIP(%r15), %rcx
    movq REGISTERS_RFLAGS(%r15), %r11
    movq REGISTERS_RBP(%r15), %rbp
    movq REGISTERS_RSP(%r15), %rsp
    xorl %r15d, %r15d
    incl kernel_lock + LOCK_SERVING           /* only the holder writes it */
    swapgs
    sysretq
.endm

    .section .rodata.fninit, "a"
    .balign 8
    .globl fastpath_fninit                    /* the places for `fninit`, one for each SWITCH */
fastpath_fninit:

    .text

/* Not for us. What was clobbered is undefined in a message without handles, but for what it lends:
 * something of the thread's own, so that no kernel address gets out. */
fast_to_c:
    xorl %ebx, %ebx
    movq THREAD_SEGMENT(%rsp), %r14
    movq THREAD_SEGMENT + 8(%rsp), %r15
    jmp syscall_in_c

/* call(gate rdi, label rsi, words rdx r10 r8 r9, deadline r12, control r13) */
    .balign 64
    .globl fast_call
/* [book:fast-call] */
fast_call:
    testq %r13, %r13
    jnz fast_call_long
    FIND_RECEIVER
    cmpq $-1, %r12                            /* DEADLINE_NEVER */
    jne fast_call_deadline
    cmpq $0, THREAD_SPECIAL(%r15)
    jne fast_call_special
fast_call_commit:                             /* nothing below can fail */
    movl $STATE_AWAITING, THREAD_STATE(%rsp)  /* and nothing lent, may be interrupted */
    xorl %r12d, %r12d
fast_call_deliver:                            /* r12: how much is lent */
    incl GATE_SENDERS(%rbx)
    movq %rbx, THREAD_CALL_GATE(%rsp)
    movq %r15, THREAD_REPLIER(%rsp)
    movq %rsp, THREAD_CURRENT_REPLY(%r15)
    movq THREAD_LINK + LINK_PREV(%r15), %rcx  /* off the list: the head, as it was the first */
    movq THREAD_LINK + LINK_NEXT(%r15), %r11
    movq %r11, LINK_NEXT(%rcx)
    movq %rcx, LINK_PREV(%r11)
    movq $0, THREAD_LINK + LINK_NEXT(%r15)
    movq GATE_BADGE(%rbx), %rdi
    movl %esi, %esi                           /* the label has 32 bits; */
    orq PROCESS_BEFORE_TAG(%rbp), %rsi           /* above it the caller's tag */
    movq %rdx, %rbx
    SWITCH
    movl $KIND_CALL, %eax
    LEAVE
/* [/book] */

fast_call_deadline:
    movq THREAD_SPECIAL(%r15), %rcx
    testq $~SPECIAL_ACCEPT_ONE, %rcx
    jnz fast_to_c
    ARM_DEADLINE
    cmpb $0, THREAD_N_ACCEPT(%r15)
    je fast_call_commit
    jmp fast_call_unreserve

fast_call_special:                            /* the server would take a handle: there is none */
    cmpq $SPECIAL_ACCEPT_ONE, THREAD_SPECIAL(%r15)
    jne fast_to_c                             /* there is more */
fast_call_unreserve:
    DROP_ACCEPT
    jmp fast_call_commit

/* Memory is lent, or a handle accepted, or both. */
/* [book:fast-call-long] */
fast_call_long:
    testq $~(LENDS | ACCEPT_ONE), %r13
    jnz syscall_in_c                          /* there is more */
    cmpq $-1, %r12
    jne syscall_in_c
    movq %r14, THREAD_SEGMENT(%rsp)           /* means nothing before n_segments is set */
    movq %r15, THREAD_SEGMENT + 8(%rsp)
    FIND_RECEIVER
    testq $~SPECIAL_ACCEPT_ONE, THREAD_SPECIAL(%r15)
    jnz fast_to_c
    testl $LENDS, %r13d                       /* what is lent: as segment_check */
    jz 1f
    movl SEGMENT_ACCESS(%rsp), %ecx
    decl %ecx
    cmpl $1, %ecx
    ja fast_to_c                              /* neither readable nor writable */
    movl SEGMENT_LENGTH(%rsp), %ecx
    cmpl $LENT_BYTES, %ecx
    ja fast_to_c
    movabsq $USER_END, %r11
    subq %rcx, %r11
    cmpq %r11, THREAD_SEGMENT(%rsp)
    ja fast_to_c
1:  testl $ACCEPT_ONE, %r13d
    jz 2f
    movl PROCESS_N_FREE(%rbp), %ecx
    cmpl %ecx, PROCESS_N_RESERVED(%rbp)
    jae fast_to_c                             /* the table has to grow */
    incl PROCESS_N_RESERVED(%rbp)             /* nothing below can fail */
    movb $1, THREAD_N_ACCEPT(%rsp)
2:  cmpb $0, THREAD_N_ACCEPT(%r15)
    je 3f
    DROP_ACCEPT
3:  testl $LENDS, %r13d
    movl $0, %r13d
    jz fast_call_commit
    movl $(STATE_AWAITING | SEGMENTS_ONE), THREAD_STATE(%rsp)
    movl SEGMENT_LENGTH(%rsp), %r12d
    cmpl $READABLE, SEGMENT_ACCESS(%rsp)
    je fast_call_deliver
    shlq $32, %r12                            /* writable: the upper half */
    jmp fast_call_deliver
/* [/book] */

/* reply_receive(endpoint rdi, label rsi, words rdx r10 r8 r9, deadline r12, control r13) */
    .balign 64
    .globl fast_reply_receive
/* [book:fast-reply-receive] */
fast_reply_receive:
    testq %r13, %r13
    jnz fast_reply_accept
fast_reply_checks:
    cmpq $0, THREAD_SPECIAL(%rsp)
    jne fast_to_c
    movq THREAD_CURRENT_REPLY(%rsp), %r15
    testq %r15, %r15
    jz fast_to_c                              /* nobody to be answered */
    FIND_HANDLE %rbx, RECEIVE, TYPE_ENDPOINT
    leaq ENDPOINT_URGENT(%rbx), %rcx
    cmpq %rcx, LINK_NEXT(%rcx)
    jne fast_to_c                             /* something waits to be received */
    leaq ENDPOINT_QUEUE(%rbx), %rcx
    cmpq %rcx, LINK_NEXT(%rcx)
    jne fast_to_c
    CHECK_TARGET
    movq THREAD_CALL_GATE(%r15), %r11
    cmpl $1, GATE_SENDERS(%r11)
    je fast_to_c                              /* the last one: CLOSED is to be told */
    cmpq $-1, %r12                            /* DEADLINE_NEVER */
    jne fast_reply_deadline
    cmpq $0, THREAD_SPECIAL(%r15)
    jne fast_reply_special
fast_reply_commit:                            /* nothing below can fail */
    testl %r13d, %r13d
    jnz fast_reply_reserve
fast_reply_reserved:
    decl GATE_SENDERS(%r11)
    movq $0, THREAD_CALL_GATE(%r15)
    movq $0, THREAD_REPLIER(%r15)
    movq $0, THREAD_CURRENT_REPLY(%rsp)
    incq THREAD_CALL_SEQUENCE(%r15)           /* saved replies of this call are stale */
    movb $STATE_RECEIVING, THREAD_STATE(%rsp)
    addq $ENDPOINT_RECEIVERS, %rbx            /* to the end of the list */
    movq LINK_PREV(%rbx), %r11
    leaq THREAD_LINK(%rsp), %rcx
    movq %rbx, LINK_NEXT(%rcx)
    movq %r11, LINK_PREV(%rcx)
    movq %rcx, LINK_NEXT(%r11)
    movq %rcx, LINK_PREV(%rbx)
    xorl %r12d, %r12d                         /* an answer lends nothing, has no badge, */
    xorl %edi, %edi
    movl %esi, %esi                           /* and no tag */
    movq %rdx, %rbx
    SWITCH
    xorl %eax, %eax                           /* MESSAGE_PLAIN */
    LEAVE
/* [/book] */

fast_reply_accept:                            /* would it take one handle, and has a slot for it? */
    cmpq $ACCEPT_ONE, %r13
    jne syscall_in_c
    movq THREAD_PROCESS(%rsp), %rbp
    movl PROCESS_N_FREE(%rbp), %ecx
    cmpl %ecx, PROCESS_N_RESERVED(%rbp)
    jb fast_reply_checks
    jmp syscall_in_c                          /* the table has to grow */

fast_reply_reserve:                           /* set aside, as message_accept does */
    incl PROCESS_N_RESERVED(%rbp)
    movb $1, THREAD_N_ACCEPT(%rsp)
    xorl %r13d, %r13d
    jmp fast_reply_reserved

fast_reply_deadline:                          /* the server's own; the caller then has none */
    cmpq $0, THREAD_SPECIAL(%r15)
    jne fast_to_c
    ARM_DEADLINE
    movq THREAD_CALL_GATE(%r15), %r11
    jmp fast_reply_commit

fast_reply_special:                           /* what else the caller had */
    movabsq $(PLACE_RECENT << (8 * (THREAD_DEADLINE_PLACE - THREAD_SPECIAL))), %rcx
    cmpq %rcx, THREAD_SPECIAL(%r15)
    jne fast_reply_unreserve
    /* A deadline: off the list. */
    movq THREAD_DEADLINE_LINK + LINK_NEXT(%r15), %rcx
    movq THREAD_DEADLINE_LINK + LINK_PREV(%r15), %r11
    movq %rcx, LINK_NEXT(%r11)
    movq %r11, LINK_PREV(%rcx)
    movq $0, THREAD_DEADLINE_LINK + LINK_NEXT(%r15)
    movb $0, THREAD_DEADLINE_PLACE(%r15)
    movq THREAD_CALL_GATE(%r15), %r11
    jmp fast_reply_commit

fast_reply_unreserve:
    cmpq $SPECIAL_ACCEPT_ONE, THREAD_SPECIAL(%r15)
    jne fast_to_c                             /* there is more */
    DROP_ACCEPT
    jmp fast_reply_commit

/* null(): entry, lock and exit. rax is 0 already: OK. */
    .globl fast_null
fast_null:
    cmpq $0, THREAD_SPECIAL(%rsp)
    jne syscall_in_c
    testl $RFLAGS_TRAP, REGISTERS_RFLAGS(%rsp)
    jnz syscall_in_c
    incq syscall_n_made
    movq REGISTERS_RBP(%rsp), %rbp
    movq REGISTERS_RSP(%rsp), %rsp
    incl kernel_lock + LOCK_SERVING
    swapgs
    sysretq                                   /* rcx and r11 are untouched */
