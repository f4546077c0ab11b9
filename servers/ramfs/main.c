/* SPDX-License-Identifier: MIT */
/*
 * ramfs: files in memory, at /ramdisk (root 0), /tmp and /dev/shm (roots 1 and 2, directories of
 * their own).
 *
 * A restart loses all files: there is nothing that outlives the process. Clients' gates answer
 * STALE then.
 */

#include "abi/kernel.h"
#include "lib/base/string.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/recycle.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "servers/pipe/channel.h"
#include "servers/ramfs/content.h"
#include "servers/ramfs/fifo.h"
#include "servers/ramfs/lock.h"
#include "servers/ramfs/locking.h"
#include "servers/ramfs/open_file.h"

/* Memory of ours that a node with its name and an open file takes, generously; the budget divided
 * by it is how many there may be. */
enum { ROOT_RAMDISK = 0, ROOT_TMP = 1, ROOT_SHM = 2, ROOTS = 3 };
enum { NODE_BYTES = 512, NODES_SHARE = 10, OPEN_PER_NODE = 2 };
enum { OBJECTS_PER_TAG = 2048, SAVED_PER_TAG = 512 };
/* FIFOs that are open, and what of the budget (in 16ths) is for their content. */
enum { FIFOS_MAX = 512, FIFO_SHARE = 1 };
/* What a record lock, or a wait for one, takes, and what of the budget they may. */
enum { LOCK_BYTES = 128, LOCKS_SHARE = 32 };

struct file_system file_system;

status_t request_walk(const struct open_file *from, struct request *request, uint64_t offset,
                      uint32_t length, enum lookup_last last, struct request_path *path,
                      uint32_t *matched, uint32_t *target_length) {
    if (length >= sizeof path->text) {
        return ERROR_NAME_TOO_LONG;
    }
    status_t status = request_read(request, offset, path->text, length);

    if (status != OK) {
        return status;
    }
    path->text[length] = '\0';
    status = lookup_path(from->node, path->text, length, last, &path->lookup);
    if (status == ERROR_REDIRECT) {
        const struct node *link = path->lookup.link;

        *matched = (uint32_t)path->lookup.matched;
        *target_length = (uint32_t)link->size;
        status_t written =
            request_write(request, 0, link->target, MIN(link->size, (uint64_t)request->writable));

        return written != OK ? written : status;
    }
    return status;
}

static void on_closed(struct server *server, void *object) {
    struct open_file *file = object;
    struct node *node = file->node;

    locking_closed(server, file);
    fifo_close(file);
    recycle_free(file, sizeof *file);
    node->n_open--;
    node_release(&file_system, node);
}

/* A cookie is either a lock's wait's or a FIFO's: the other does not know it. */
static void on_cancelled(struct server *server, void *object, uint64_t cookie) {
    const struct open_file *file = object;

    if (file->end != NULL) {
        end_cancelled(file->end, cookie);
    }
    locking_cancelled(server, object, cookie);
}

static const struct server_protocol protocols[] = {
    FILE_SERVE(file_handlers), DIRECTORY_SERVE(directory_handlers), {0}};
const struct server_class open_file_class = {
    .protocols = protocols, .closed = on_closed, .cancelled = on_cancelled};

/* A root may list its directory through the gate of the namespace; it is never closed. */
static void root_export(struct server *server, unsigned root, struct node *node) {
    static struct open_file roots[ROOTS];

    roots[root] = (struct open_file){.node = node, .flags = FILE_OPEN_READ};
    lock_owner_init(&roots[root].lock_owner, 0);
    node->n_open++;
    server_export(server, root, &open_file_class, &roots[root]);
}

/* A root that is no directory of another: it can neither be removed nor run out of names. */
static status_t root_make(struct server *server, unsigned root) {
    struct node *node;
    status_t status = node_create(&file_system, FILE_MODE_DIRECTORY | 01777, NULL, &node);

    if (status == OK) {
        node->n_names = 1;
        root_export(server, root, node);
    }
    return status;
}

int main(void) {
    uint64_t n_nodes_max = server_budget_bytes() / NODES_SHARE / NODE_BYTES;
    struct server *server =
        server_start(&(struct server_options){.name = "ramfs",
                                              .objects_per_tag = OBJECTS_PER_TAG,
                                              .saved_per_tag = SAVED_PER_TAG,
                                              .objects = (uint32_t)(n_nodes_max * OPEN_PER_NODE),
                                              .gates = 32}); /* a page of the kernel holds them */

    file_system.now_ns = time_wall_ns;
    file_system.content_free = content_free;
    content_start();
    ring_start(FIFO_SHARE, FIFOS_MAX);
    locks_start(MIN(server_budget_bytes() / LOCKS_SHARE / LOCK_BYTES, (uint64_t)LOCKS_MAX));
    status_t status = file_system_start(&file_system, n_nodes_max);

    if (status == OK) {
        root_export(server, ROOT_RAMDISK, file_system.root);
        status = root_make(server, ROOT_TMP);
    }
    if (status == OK) {
        status = root_make(server, ROOT_SHM);
    }
    if (status != OK) {
        log_write(LOG_ERROR, "ramfs: cannot start: %s", status_text(status));
        return 1;
    }
    server_run(server);
}
