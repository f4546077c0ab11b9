/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "lib/base/share.h"
#include "servers/network/sock.h"

/* About what lwIP and malloc add to a buffer's bytes. */
enum { PBUF_OVERHEAD = sizeof(struct pbuf) + 32, MEMORY_SHARE = 2 };

static struct shares shares;

static struct shares *shares_get(void) {
    if (shares.total == 0) {
        shares.total = server_budget_bytes() / MEMORY_SHARE;
    }
    return &shares;
}

bool memory_take(const struct sock *sock, size_t n) {
    return share_try(shares_get(), sock->login, n);
}

void memory_return(const struct sock *sock, size_t n) {
    share_return(&shares, sock->login, n);
}

bool memory_is_left(const struct sock *sock, size_t n) {
    return share_is_left(shares_get(), sock->login, n);
}

struct chunk *chunk_add(struct sock *sock, struct pbuf *data, uint32_t used) {
    size_t bytes = sizeof(struct chunk) + data->tot_len + (size_t)pbuf_clen(data) * PBUF_OVERHEAD;

    if (!memory_take(sock, bytes)) {
        return NULL;
    }
    struct chunk *chunk = calloc(1, sizeof *chunk);

    if (chunk == NULL) {
        memory_return(sock, bytes);
        return NULL;
    }
    chunk->data = data;
    chunk->counted = bytes;
    chunk->used = used;
    sock->counted += bytes;
    list_push_back(&sock->received, &chunk->node);
    return chunk;
}

void chunk_free(struct sock *sock, struct chunk *chunk) {
    list_remove(&chunk->node);
    memory_return(sock, chunk->counted);
    sock->counted -= chunk->counted;
    pbuf_free(chunk->data);
    free(chunk);
}

void chunks_drop(struct sock *sock) {
    struct chunk *chunk;

    while ((chunk = LIST_FIRST(&sock->received, struct chunk, node)) != NULL) {
        chunk_free(sock, chunk);
    }
    sock->n_received = 0;
}
