/* SPDX-License-Identifier: MIT */
#include "servers/ramfs/fifo.h"

#include "servers/pipe/channel.h"

bool node_is_fifo(const struct node *node) {
    return (node->mode & FILE_MODE_KIND) == FILE_MODE_PIPE;
}

static void drop_unused(struct node *node) {
    if (node->channel != NULL && channel_is_unused(node->channel)) {
        channel_free(node->channel);
        node->channel = NULL;
    }
}

status_t fifo_open(struct open_file *file, struct node *node, uint32_t flags, uint32_t login) {
    bool reads = (flags & FILE_OPEN_READ) != 0, writes = (flags & FILE_OPEN_WRITE) != 0;

    if (!reads && !writes) {
        return OK; /* only to look at */
    }
    if (!reads && (flags & FILE_OPEN_NONBLOCK) != 0 &&
        (node->channel == NULL || list_is_empty(&node->channel->readers))) {
        return ERROR_NO_SERVICE;
    }
    if (node->channel == NULL) {
        node->channel = channel_make(login);
    }
    if (node->channel == NULL) {
        return ERROR_NO_MEMORY;
    }
    file->end = end_make(reads ? node->channel : NULL, writes ? node->channel : NULL, flags);
    drop_unused(node);
    return file->end == NULL ? ERROR_NO_MEMORY : OK;
}

void fifo_close(struct open_file *file) {
    if (file->end != NULL) {
        end_close(file->end);
        file->end = NULL;
        drop_unused(file->node);
    }
}
