/* SPDX-License-Identifier: MIT */
/*
 * proc: pids, parents, sessions, groups, signals, exit statuses (abi/protocols/proc.idl).
 *
 * Root 0 is /proc: programs speak for themselves there, known by their tags. Root 1 is the control
 * gate, for those who act for process 1: its holder adopts and waits for process 1's children, and
 * may signal every process.
 */
#include "abi/generated/file.h"
#include "abi/tag.h"
#include "lib/native/log.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "servers/proc/member.h"

enum { ROOT_PROGRAMS = 0, ROOT_CONTROL = 1, SAVED_PER_TAG = 512 };
/* Open files and directories of all programs: our budget is for processes in the first place. */
enum { OBJECTS = 2048 };

struct server *server;
handle_t identity;

status_t asker_find(const void *context, const struct request *request, struct asker *asker) {
    const struct root *root = context;

    *asker = (struct asker){.is_control = root->is_control, .pid = PID_INIT};
    if (root->is_control) {
        return OK;
    }
    asker->pid = tag_pid(request->tag);
    asker->member = request->tag != 0 ? member_find_alive(asker->pid) : NULL;
    return asker->member != NULL ? OK : ERROR_DENIED;
}

void on_cancelled(struct server *loop, void *object, uint64_t cookie) {
    (void)loop, (void)object;
    waiter_cancel(cookie);
}

const struct proc_handlers proc_handlers = {
    .adopt = on_adopt,
    .wait = on_wait,
    .released = on_released,
    .kill = on_kill,
    .take = on_take,
    .get_queued = on_get_queued,
    .set_handled = on_set_handled,
    .held = on_held,
    .stop = on_stop,
    .get_ids = on_get_ids,
    .set_group = on_set_group,
    .new_session = on_new_session,
    .terminal_gate = on_terminal_gate,
    .get_foreground = on_get_foreground,
    .set_foreground = on_set_foreground,
    .background = on_background,
    .set_timer = on_set_timer,
    .get_timer = on_get_timer,
    .get_times = on_get_times,
};
static const struct server_protocol root_protocols[] = {
    PROC_SERVE(proc_handlers), FILE_SERVE(text_directory_handlers), {0}};
static const struct server_class root_class = {.protocols = root_protocols,
                                               .cancelled = on_cancelled};

int main(void) {
    static struct root programs, control = {.is_control = true};

    server = server_start(&(struct server_options){
        .name = "proc", .objects = OBJECTS, .saved_per_tag = SAVED_PER_TAG});
    identity = startup_handle(STARTUP_IDENTITY, NULL);
    if (identity == HANDLE_NONE) {
        log_write(LOG_ERROR, "proc: the manifest gives no identity handle");
        return 1;
    }
    members_rebuild();
    server_export(server, ROOT_PROGRAMS, &root_class, &programs);
    server_export(server, ROOT_CONTROL, &root_class, &control);
    server_run(server);
}
