/* SPDX-License-Identifier: MIT */
/* The long forms of the message calls: all are native_message (block.S) with nothing that stops
 * them. */
#include "lib/native/message.h"

#include "lib/native/block.h"
#include "lib/native/block_offsets.h"

#define ASSERT_AT(member, offset)                                                                  \
    _Static_assert(offsetof(struct message, member) == (offset),                                   \
                   #member " is not where block.S has it")
ASSERT_AT(gate, MESSAGE_GATE);
ASSERT_AT(label, MESSAGE_LABEL);
ASSERT_AT(tag, MESSAGE_TAG);
ASSERT_AT(kind, MESSAGE_KIND);
ASSERT_AT(badge, MESSAGE_BADGE);
ASSERT_AT(words, MESSAGE_WORD0);
ASSERT_AT(deadline, MESSAGE_DEADLINE);
ASSERT_AT(control, MESSAGE_CONTROL);
ASSERT_AT(own_badge, MESSAGE_OWN_BADGE);
ASSERT_AT(readable, MESSAGE_READABLE);
ASSERT_AT(writable, MESSAGE_WRITABLE);
ASSERT_AT(handles, MESSAGE_HANDLES);
ASSERT_AT(segments, MESSAGE_SEGMENTS_AT);
_Static_assert(ERROR_INTERRUPTED == -ERROR_NUMBER_INTERRUPTED, "the stopped call's status");
_Static_assert(SYSCALL_call == SYSCALL_NUMBER_CALL, "abi/syscalls.def moved");
_Static_assert(SYSCALL_process_fork == SYSCALL_NUMBER_PROCESS_FORK, "abi/syscalls.def moved");
_Static_assert(SYSCALL_futex_wait == SYSCALL_NUMBER_FUTEX_WAIT, "abi/syscalls.def moved");

status_t message_call(struct message *m) {
    return native_message(SYSCALL_call, m, NULL);
}

status_t message_send(struct message *m) {
    return native_message(SYSCALL_send, m, NULL);
}

status_t message_reply(struct message *m) {
    return native_message(SYSCALL_reply, m, NULL);
}

status_t message_receive(struct message *m) {
    return native_message(SYSCALL_receive, m, NULL);
}

status_t message_reply_receive(struct message *m) {
    return native_message(SYSCALL_reply_receive, m, NULL);
}
