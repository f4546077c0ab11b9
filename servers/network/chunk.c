/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "lib/base/share.h"
#include "servers/network/sock.h"

enum {
    /* About what lwIP and malloc add to a buffer's bytes, and to those of a segment. */
    PBUF_OVERHEAD = sizeof(struct pbuf) + 32,
    SEGMENT_OVERHEAD = 192,
    MEMORY_PARTS = 4, /* of the budget; two are for these shares */
};

static struct shares received, unsent;

static struct shares *shares_get(struct shares *shares) {
    if (shares->total == 0) {
        shares->total = server_budget_bytes() / MEMORY_PARTS;
    }
    return shares;
}

/* ---- received ---- */

struct chunk *chunk_add(struct sock *sock, struct pbuf *data, uint32_t used, bool forced) {
    size_t bytes = sizeof(struct chunk) + data->tot_len + (size_t)pbuf_clen(data) * PBUF_OVERHEAD;

    if (!forced && !share_is_left(shares_get(&received), sock->login, bytes)) {
        return NULL;
    }
    struct chunk *chunk = calloc(1, sizeof *chunk);

    if (chunk == NULL) {
        return NULL;
    }
    share_take(&received, sock->login, bytes);
    sock->counted += bytes;
    chunk->data = data;
    chunk->counted = bytes;
    chunk->used = used;
    list_push_back(&sock->received, &chunk->node);
    return chunk;
}

void chunk_free(struct sock *sock, struct chunk *chunk) {
    list_remove(&chunk->node);
    share_return(&received, sock->login, chunk->counted);
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

/* ---- to be sent ---- */

static size_t pcb_bytes(const struct tcp_pcb *pcb) {
    return TCP_SND_BUF - pcb->snd_buf + (size_t)tcp_sndqueuelen(pcb) * SEGMENT_OVERHEAD;
}

static void recount(uint32_t login, size_t *counted, size_t now) {
    share_return(&unsent, login, *counted);
    share_take(&unsent, login, now);
    *counted = now;
}

uint32_t unsent_room(const struct sock *sock, uint32_t n) {
    if (share_is_left(shares_get(&unsent), sock->login, n + SEGMENT_OVERHEAD)) {
        return n;
    }
    return sock->unsent < SOCK_ALWAYS_BYTES ? MIN(n, (uint32_t)SOCK_ALWAYS_BYTES) : 0;
}

void unsent_count(struct sock *sock) {
    recount(sock->login, &sock->unsent, sock->tcp != NULL ? pcb_bytes(sock->tcp) : 0);
}

/* What is left of a socket that was closed, as the argument of its pcb. */
struct orphan {
    uint32_t login;
    size_t counted;
};

static void orphan_end(struct orphan *orphan) {
    recount(orphan->login, &orphan->counted, 0);
    free(orphan);
}

static err_t on_orphan_sent(void *arg, struct tcp_pcb *pcb, u16_t n) {
    struct orphan *orphan = arg;

    (void)n;
    recount(orphan->login, &orphan->counted, pcb_bytes(pcb));
    if (pcb->snd_buf == TCP_SND_BUF) { /* of a FIN alone lwIP would not tell */
        tcp_arg(pcb, NULL);
        tcp_sent(pcb, NULL);
        tcp_err(pcb, NULL);
        orphan_end(orphan);
    }
    return ERR_OK;
}

/* lwIP has given the pcb up, or is done with it. */
static void on_orphan_error(void *arg, err_t error) {
    (void)error;
    orphan_end(arg);
}

bool unsent_leave(const struct sock *sock, struct tcp_pcb *pcb) {
    struct orphan *orphan = calloc(1, sizeof *orphan);

    if (orphan == NULL) {
        return false;
    }
    orphan->login = sock->login;
    recount(orphan->login, &orphan->counted, pcb_bytes(pcb));
    tcp_arg(pcb, orphan);
    tcp_sent(pcb, on_orphan_sent);
    tcp_err(pcb, on_orphan_error);
    return true;
}
