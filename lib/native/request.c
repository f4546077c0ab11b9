/* SPDX-License-Identifier: MIT */
#include "lib/native/request.h"

#include "lib/base/path.h"
#include "lib/base/string.h"
#include "lib/native/message.h"
#include "lib/native/server_state.h"
#include "lib/native/syscall.h"

void server_handle_close(handle_t handle) {
    status_t status = sys_handle_close(handle);
    (void)status; /* fails for a number that is no handle only: nothing is left to do then */
}

void server_answer_drop(const struct answer *answer) {
    for (unsigned i = 0; i < (answer->control & 7); i++) {
        if ((answer->control & MESSAGE_COPY(i, 0)) == 0) {
            server_handle_close(answer->handles[i]);
        } else if ((answer->control & MESSAGE_COPY(i, RIGHTS_ALL)) == MESSAGE_COPY(i, GATE_LENT)) {
            server_object_unanswered(answer->handles[i]);
        }
    }
}

status_t saved_read(handle_t saved, uint64_t offset, void *to, size_t n) {
    return n == 0 ? OK : sys_lent_read(saved, offset, to, n, NULL);
}

status_t saved_write(handle_t saved, uint64_t offset, const void *from, size_t n) {
    return n == 0 ? OK : sys_lent_write(saved, offset, from, n, NULL);
}

status_t request_read(const struct request *request, uint64_t offset, void *to, size_t n) {
    if (!u64_range_is_within(offset, n, request->readable)) {
        return ERROR_BAD_ARGUMENT;
    }
    if (request->is_brief) {
        memcpy(to, (const char *)&request->words[1] + offset, n);
        return OK;
    }
    return saved_read(request->saved, offset, to, n);
}

status_t request_write(const struct request *request, uint64_t offset, const void *from, size_t n) {
    if (!u64_range_is_within(offset, n, request->writable)) {
        return ERROR_BAD_ARGUMENT;
    }
    return saved_write(request->saved, offset, from, n);
}

status_t request_read_string(const struct request *request, uint64_t offset, uint32_t length,
                             char *to, size_t size) {
    if (length >= size) {
        return ERROR_NAME_TOO_LONG;
    }
    status_t status = request_read(request, offset, to, length);
    if (status != OK) {
        return status;
    }
    to[length] = '\0';
    return strlen(to) == length ? OK : ERROR_BAD_ARGUMENT;
}

status_t request_read_path(const struct request *request, uint64_t offset, uint32_t length,
                           char *to, size_t size) {
    if (length >= size) {
        return ERROR_NAME_TOO_LONG;
    }
    status_t status = request_read(request, offset, to, length);

    if (status != OK) {
        return status;
    }
    to[length] = '\0';
    return path_is_relative_normal(to, length) ? OK : ERROR_BAD_ARGUMENT;
}

status_t request_save(struct request *request, uint64_t cookie, handle_t *saved) {
    struct server_saved entry = {
        .used = true, .tag = request->tag, .badge = request->badge, .cookie = cookie};
    status_t status = server_tag_get(request->server, request->tag, TAG_SAVED);

    if (status == ERROR_TOO_MANY) {
        server_saved_sweep(request->server); /* some may be of dead clients */
        status = server_tag_get(request->server, request->tag, TAG_SAVED);
    }
    if (status != OK) {
        return status;
    }
    status = sys_reply_save(cookie, saved);
    if (status == OK) {
        status = server_saved_add(request->server, *saved, &entry);
        if (status == OK) {
            request->saved = *saved;
            return OK;
        }
        server_handle_close(*saved); /* answers CLOSED: without memory nothing better can be done */
    }
    server_tag_put(request->server, request->tag, TAG_SAVED);
    return status;
}

handle_t request_keep(struct request *request, handle_t handle) {
    for (unsigned i = 0; i < request->n_handles; i++) {
        if (request->handles[i] == handle) {
            request->handles[i] = HANDLE_NONE;
        }
    }
    return handle;
}

/* message_reply without handles: registers only. */
static status_t reply_short(handle_t saved, status_t status, const uint64_t *words) {
    register uint64_t word1 __asm__("r10") = words[1];
    register uint64_t word2 __asm__("r8") = words[2];
    register uint64_t word3 __asm__("r9") = words[3];
    register uint64_t control __asm__("r13") = 0;
    uint64_t rax = SYSCALL_reply, reply = saved, label = (uint32_t)status, word0 = words[0];

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(reply), "+S"(label), "+d"(word0), "+r"(word1), "+r"(word2),
                       "+r"(word3), "+r"(control)
                     :
                     : "rbx", "rcx", "r11", "r12", "r14", "r15", "memory");
    return (status_t)rax;
}

status_t answer_send(handle_t saved, status_t status, const struct answer *answer) {
    struct message m;
    status_t sent;

    server_saved_remove(saved);
    if (LIKELY(answer->control == 0)) {
        sent = reply_short(saved, status, answer->words);
    } else {
        m.gate = saved;
        m.label = (uint32_t)status;
        memcpy(m.words, answer->words, sizeof m.words);
        memcpy(m.handles, answer->handles, sizeof m.handles);
        m.control = answer->control;
        m.deadline = 0;
        sent = message_reply(&m);
    }
    if (sent != OK) {
        server_answer_drop(answer);
        if (sent != ERROR_NO_REPLY) {
            /* Not what the client can take (no room for the handles): it gets at least an end. */
            server_handle_close(saved);
        }
    }
    return sent;
}
