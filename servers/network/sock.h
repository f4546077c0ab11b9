/* SPDX-License-Identifier: MIT */
/*
 * Sockets: open files that speak protocol file and protocol socket. sock.c has what both kinds
 * share (requests that wait, watching, options), stream.c TCP, datagram.c UDP.
 *
 * A request that cannot be done at once is saved as a `waiter` of its socket, with the client's
 * memory still lent, and tried again when lwIP tells of a change; so nothing is buffered here on
 * behalf of a sleeping client but what TCP's window (or the datagram queue's limit) lets in.
 *
 * Invariants: waiters of one operation are served in their order; a waiter is answered exactly
 * once. `pcb` is NULL iff lwIP has given the connection up, or it never had one.
 */
#pragma once

#include "abi/generated/file.h"
#include "abi/tag.h"
#include "lib/base/list.h"
#include "lib/native/server.h"
#include "lib/native/watch.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"
#include "servers/network/address.h"

enum sock_kind { SOCK_STREAM_KIND = SOCKET_TYPE_STREAM, SOCK_DATAGRAM_KIND = SOCKET_TYPE_DATAGRAM };

enum sock_state {
    SOCK_NEW,
    SOCK_CONNECTING,
    SOCK_CONNECTED, /* datagram: a peer is set */
    SOCK_LISTENING,
    SOCK_FAILED, /* reset, refused, timed out */
};

enum sock_operation { SOCK_READ, SOCK_WRITE, SOCK_CONNECT, SOCK_ACCEPT };

enum {
    SOCK_BACKLOG_MAX = 16,        /* each of them can hold a full window */
    DATAGRAMS_MAX = 64,           /* per socket; what comes then is dropped, */
    DATAGRAMS_BYTES = 256 * 1024, /* and what comes when it holds that much */
    DATAGRAM_BYTES_MAX = 65507,   /* the most that UDP over IPv4 can carry */
};

struct sock {
    enum sock_kind kind;
    uint32_t family; /* SOCKET_FAMILY_ */
    enum sock_state state;
    uint32_t flags; /* FILE_OPEN_NONBLOCK */
    uint32_t login; /* whose memory its data counts as; 0: a service's */
    status_t error; /* told once */
    bool peer_done; /* the peer sends no more */
    bool read_shut, write_shut;
    union {
        struct tcp_pcb *tcp;
        struct udp_pcb *udp;
        void *pcb;
    };
    struct list received; /* struct chunk */
    uint64_t n_received;  /* bytes, for streams; datagrams else */
    size_t counted;       /* bytes of memory that they take */
    size_t unsent;        /* streams: the same of what lwIP holds for the peer */
    struct list accepted; /* listening: struct sock that nobody has accepted yet */
    uint32_t n_accepted, backlog;
    struct list_node accept_node;
    struct sock *listener; /* of one that is in its list */
    struct list waiters;
    struct watch_list watches;
    struct server_timer *observer; /* fired after each change, if it is not NULL */
    struct server_timer doubt;     /* connecting: does the next hop answer? */
    uint64_t receive_timeout_ns, send_timeout_ns;
    uint64_t linger;       /* seconds, UINT64_MAX: off */
    struct list_node node; /* in the list of all */
};

/* Received data, in order. A stream's is used up from the front. */
struct chunk {
    struct list_node node;
    struct pbuf *data;
    size_t counted;    /* bytes of memory, for the login */
    uint32_t offset;   /* what is before it has been read */
    uint32_t used;     /* bytes in it; more may be added as far as the pbuf reaches */
    ip_addr_t address; /* datagrams: from whom */
    uint16_t port;
};

/* One transfer between client and socket: of the current request, or of a saved one. */
struct transfer {
    handle_t saved; /* HANDLE_NONE: the current request */
    uint32_t flags; /* SOCKET_MESSAGE_ */
    uint32_t length;
    uint32_t done;
    bool has_place;
    struct place place; /* write: to whom; read: from whom */
    uint32_t cut;       /* read: SOCKET_MESSAGE_CUT */
};

struct waiter {
    struct list_node node;
    struct sock *sock;
    enum sock_operation operation;
    bool is_file; /* came by protocol file: answered so */
    uint32_t tag; /* who accepts */
    struct transfer transfer;
    struct server_timer timer;
};

/* ---- sock.c ---- */

void socks_start(struct server *server);
struct server *socks_server(void);

/* A new socket; NULL: no memory. Freed by sock_free, or by the end of its object. */
struct sock *sock_create(enum sock_kind kind, uint32_t family, uint32_t login);
void sock_free(struct sock *sock);

/* Makes it an object with a gate for the client `tag`. On an error it is still the caller's. */
WARN_UNUSED status_t sock_publish(struct sock *sock, uint32_t tag, handle_t *gate);

/* lwIP told of a change: serves those who wait, and tells those who watch. */
void sock_changed(struct sock *sock);

/* The connection is over; everybody who waits gets this status. The pcb is gone. */
void sock_fail(struct sock *sock, status_t status);

/* The pending error, and forgets it. */
status_t sock_take_error(struct sock *sock);

/* The i-th socket, NULL: there are no more. */
const struct sock *sock_at(uint32_t i);

/* An ICMP error about a packet of ours (unreachable.c). */
void sock_unreachable(enum sock_kind kind, uint16_t own_port, const ip_addr_t *peer,
                      uint16_t peer_port, status_t status);

status_t status_from_lwip(err_t error);

/* ---- stream.c, datagram.c: one table each ---- */

struct sock_operations {
    status_t (*open)(struct sock *sock);
    void (*close)(struct sock *sock);
    status_t (*bind)(struct sock *sock, const ip_addr_t *address, uint16_t port);
    status_t (*connect)(struct sock *sock, const ip_addr_t *address, uint16_t port);
    /* WOULD_BLOCK: nothing could be done; else done, perhaps in part (transfer->done). */
    status_t (*read)(struct sock *sock, struct transfer *transfer);
    status_t (*write)(struct sock *sock, struct transfer *transfer);
    status_t (*shutdown)(struct sock *sock, uint32_t how);
    uint32_t (*events)(const struct sock *sock); /* FILE_EVENT_ that hold */
    status_t (*get_name)(const struct sock *sock, uint32_t which, struct place *place);
};

extern const struct sock_operations stream_operations;
extern const struct sock_operations datagram_operations;

/* ---- option.c ---- */

/* SOCKET_OPTION_...: NOT_SUPPORTED if such a socket has none, BAD_STATE if it has it no longer, or
 * while it listens. */
status_t sock_get_option(struct sock *sock, uint32_t option, uint64_t *value);
status_t sock_set_option(struct sock *sock, uint32_t option, uint64_t value);

WARN_UNUSED status_t stream_listen(struct sock *sock, uint32_t backlog);
/* The oldest connection that nobody has accepted; WOULD_BLOCK: there is none. */
WARN_UNUSED status_t stream_accept(struct sock *sock, struct sock **connection);

/* ---- chunk.c: data in the server's memory ---- */

/* Received and not read, or sent and not acknowledged, that a stream may have whatever its login
 * has. */
enum { SOCK_ALWAYS_BYTES = 8 * 1024 };

/*
 * Data that waits for a client counts against the login of its socket, and so does data that lwIP
 * holds for a peer: of either a login may have so much that as much is left (lib/base/share.h) of
 * its part of the server's budget. Two parts, so that who sends much can still receive. And each
 * stream may have a little whatever others have, so that one who reads always gets on.
 */

/* Takes over `data`, of which `used` bytes count, at the end of what the socket has received.
 * `forced`: it cannot be refused. NULL: no memory, or the login has its share; `data` is still the
 * caller's. */
struct chunk *chunk_add(struct sock *sock, struct pbuf *data, uint32_t used, bool forced);
void chunk_free(struct sock *sock, struct chunk *chunk);

/* How many of n more bytes the socket may have sent now; 0: none. */
uint32_t unsent_room(const struct sock *sock, uint32_t n);
/* Counts what lwIP holds for the peer now. */
void unsent_count(struct sock *sock);
/* The socket goes, what it has still to send stays with lwIP, and counts until that is done. False:
 * no memory for that. */
WARN_UNUSED bool unsent_leave(const struct sock *sock, struct tcp_pcb *pcb);

/* All that the socket has received. */
void chunks_drop(struct sock *sock);

/* ---- handlers.c ---- */

/* The class of open sockets. */
extern const struct server_class sock_class;

/* Answers a waiter and frees it. */
void waiter_answer(struct waiter *waiter, status_t status);
