/* SPDX-License-Identifier: MIT */
/* See fetch.h. */
#include "programs/gopher/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_SIZE  16384u
#define PROGRESS_MS 250u
/* After a line of one dot the answer is complete; a server that does not close gets this long. */
#define AFTER_DOT_MS 1000u

/* A name without addresses: not in POSIX, and hidden by the C libraries that know it. */
#ifndef EAI_NODATA
#define EAI_NODATA (-5)
#endif

/* One transaction under way. */
struct transfer {
    const struct fetch_request *request;
    struct fetch_result *result;
    int fd;
    enum fetch_phase phase;
    uint64_t next_report_ms;
};

uint64_t fetch_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* Sets and returns the status; errno says what happened on this side. */
static enum fetch_status fail(struct transfer *transfer, enum fetch_status status) {
    transfer->result->status = status;
    transfer->result->error = errno;
    return status;
}

/* The status for the errno of a socket call. */
static enum fetch_status status_of_error(int error) {
    switch (error) {
    case ECONNREFUSED:
        return FETCH_REFUSED;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
        return FETCH_RESET;
    case ETIMEDOUT:
        return FETCH_SILENT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL: /* no address of the needed kind on this side */
    case EAFNOSUPPORT:
        return FETCH_NO_ROUTE;
    default:
        return FETCH_LOCAL;
    }
}

/* True when the caller wants to stop. */
static bool report(struct transfer *transfer) {
    const struct fetch_request *request = transfer->request;
    transfer->next_report_ms = fetch_now_ms() + PROGRESS_MS;
    return request->progress != NULL &&
           request->progress(request->progress_context, transfer->phase,
                             transfer->result->scan.size);
}

/*
 * Waits until the socket is ready for `events` (FETCH_OK), `deadline_ms` has come (FETCH_SILENT),
 * or the caller stops it.
 */
static enum fetch_status wait_ready(struct transfer *transfer, short events, uint64_t deadline_ms) {
    for (;;) {
        uint64_t now = fetch_now_ms();
        if (now >= deadline_ms) {
            return fail(transfer, FETCH_SILENT);
        }
        if (now >= transfer->next_report_ms && report(transfer)) { /* also while bytes pour in */
            return fail(transfer, FETCH_CANCELLED);
        }
        uint64_t left = deadline_ms - now;
        struct pollfd fds[2] = {
            {.fd = transfer->fd, .events = events},
            {.fd = transfer->request->wake_fd, .events = POLLIN},
        };
        nfds_t n_fds = transfer->request->wake_fd >= 0 ? 2 : 1;
        int n_ready = poll(fds, n_fds, (int)(left < PROGRESS_MS ? left : PROGRESS_MS));
        if (n_ready < 0 && errno != EINTR && errno != EAGAIN) {
            return fail(transfer, FETCH_LOCAL);
        }
        if (n_ready > 0 && fds[0].revents != 0) {
            return FETCH_OK;
        }
        if (n_ready > 0 && report(transfer)) { /* wake_fd */
            return fail(transfer, FETCH_CANCELLED);
        }
    }
}

/* Starts and awaits one connection attempt. On success transfer->fd is connected. */
static enum fetch_status connect_one(struct transfer *transfer, const struct addrinfo *address,
                                     uint64_t deadline_ms) {
    transfer->fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (transfer->fd < 0) {
        return fail(transfer, status_of_error(errno));
    }
    int flags = fcntl(transfer->fd, F_GETFL);
    if (flags < 0 || fcntl(transfer->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return fail(transfer, FETCH_LOCAL);
    }
    if (connect(transfer->fd, address->ai_addr, address->ai_addrlen) == 0) {
        return FETCH_OK;
    }
    if (errno != EINPROGRESS && errno != EINTR) {
        return fail(transfer, status_of_error(errno));
    }
    enum fetch_status status = wait_ready(transfer, POLLOUT, deadline_ms);
    if (status != FETCH_OK) {
        return status;
    }
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(transfer->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
        error = errno;
    }
    errno = error;
    return error == 0 ? FETCH_OK : fail(transfer, status_of_error(error));
}

static void disconnect(struct transfer *transfer) {
    if (transfer->fd >= 0) {
        close(transfer->fd);
        transfer->fd = -1;
    }
}

/* How much a failure tells: of several addresses, the most telling failure is reported. */
static int failure_rank(enum fetch_status status) {
    switch (status) {
    case FETCH_REFUSED:
    case FETCH_RESET:
        return 3; /* there is a machine */
    case FETCH_SILENT:
        return 2;
    case FETCH_NO_ROUTE:
        return 1;
    default:
        return 0;
    }
}

/*
 * Tries the addresses in turn. Each gets an equal share of the time that is left, so that a dead
 * first address (IPv6 without a route is common) does not starve a live second one.
 */
static enum fetch_status connect_any(struct transfer *transfer, const struct addrinfo *addresses) {
    unsigned n_left = 0;
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        n_left++;
    }
    uint64_t end_ms = fetch_now_ms() + transfer->request->timeout_ms;
    struct fetch_result best = {.status = FETCH_OK};
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        uint64_t now = fetch_now_ms();
        uint64_t share = now < end_ms ? (end_ms - now) / n_left : 0;
        enum fetch_status status = connect_one(transfer, a, now + share);
        if (status == FETCH_OK || status == FETCH_CANCELLED) {
            return status;
        }
        disconnect(transfer);
        if (best.status == FETCH_OK || failure_rank(status) > failure_rank(best.status)) {
            best = *transfer->result;
        }
        n_left--;
    }
    errno = best.error;
    return fail(transfer, best.status == FETCH_OK ? FETCH_NO_HOST : best.status);
}

/* Looks the host up and connects. */
static enum fetch_status open_connection(struct transfer *transfer) {
    const struct gopher_url *url = transfer->request->url;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)url->port);
    transfer->phase = FETCH_RESOLVING;
    if (report(transfer)) {
        return fail(transfer, FETCH_CANCELLED);
    }
    int error = getaddrinfo(url->host, port, &hints, &addresses);
    switch (error) {
    case 0:
        break;
    case EAI_NONAME:
    case EAI_NODATA:
        return fail(transfer, FETCH_NO_HOST);
    case EAI_SYSTEM: /* a failure on the way to the name server says nothing about the host */
        return fail(transfer,
                    status_of_error(errno) == FETCH_LOCAL ? FETCH_LOCAL : FETCH_NO_NAME_SERVER);
    case EAI_MEMORY:
        errno = ENOMEM;
        return fail(transfer, FETCH_LOCAL);
    default:
        return fail(transfer, FETCH_NO_NAME_SERVER);
    }
    transfer->phase = FETCH_CONNECTING;
    enum fetch_status status = FETCH_CANCELLED;
    if (report(transfer)) {
        fail(transfer, status);
    } else {
        status = connect_any(transfer, addresses);
    }
    freeaddrinfo(addresses);
    return status;
}

static enum fetch_status send_request(struct transfer *transfer) {
    char line[GOPHER_REQUEST_MAX];
    size_t size = gopher_url_request(transfer->request->url, line);
    size_t sent = 0;
    while (sent < size) {
        uint64_t deadline = fetch_now_ms() + transfer->request->timeout_ms;
        enum fetch_status status = wait_ready(transfer, POLLOUT, deadline);
        if (status != FETCH_OK) {
            return status;
        }
        ssize_t n = send(transfer->fd, line + sent, size - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
        } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return fail(transfer, status_of_error(errno));
        }
    }
    return FETCH_OK;
}

/*
 * Is the answer complete although the server did not close in good order? A menu or text whose last
 * line is the lone dot is.
 */
static bool is_complete(const struct transfer *transfer) {
    return item_is_dotted(transfer->request->url->type) &&
           body_seems_ended(&transfer->result->scan);
}

static enum fetch_status receive_answer(struct transfer *transfer) {
    const struct fetch_request *request = transfer->request;
    struct body_scan *scan = &transfer->result->scan;
    char chunk[CHUNK_SIZE];
    transfer->phase = FETCH_RECEIVING;
    for (;;) {
        unsigned patience = request->timeout_ms;
        if (is_complete(transfer) && patience > AFTER_DOT_MS) {
            patience = AFTER_DOT_MS;
        }
        enum fetch_status status = wait_ready(transfer, POLLIN, fetch_now_ms() + patience);
        if (status != FETCH_OK) {
            return status == FETCH_SILENT && is_complete(transfer) ? FETCH_OK : status;
        }
        ssize_t n = recv(transfer->fd, chunk, sizeof(chunk), 0);
        if (n == 0) {
            return FETCH_OK;
        }
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN) {
                continue;
            }
            return is_complete(transfer) ? FETCH_OK : fail(transfer, status_of_error(errno));
        }
        body_scan(scan, chunk, (size_t)n);
        if (scan->size > request->limit) {
            return fail(transfer, FETCH_TOO_BIG);
        }
        if (!request->receive(request->receive_context, chunk, (size_t)n)) {
            return fail(transfer, FETCH_NOT_STORED);
        }
    }
}

enum fetch_status fetch(const struct fetch_request *request, struct fetch_result *result) {
    *result = (struct fetch_result){.status = FETCH_OK};
    struct transfer transfer = {.request = request, .result = result, .fd = -1};
    enum fetch_status status = open_connection(&transfer);
    if (status == FETCH_OK) {
        status = send_request(&transfer);
    }
    if (status == FETCH_OK) {
        status = receive_answer(&transfer);
    }
    disconnect(&transfer);
    result->status = status;
    return status;
}

/* "after 1234 bytes", or how the answer never came. */
static const char *so_far(const struct fetch_result *result, char *text, size_t room) {
    if (result->scan.size == 0) {
        return "before it answered";
    }
    snprintf(text, room, "after %llu bytes", (unsigned long long)result->scan.size);
    return text;
}

void fetch_explain(const struct fetch_result *result, const struct fetch_request *request,
                   char *text, size_t room) {
    const char *host = request->url->host;
    char count[40];
    switch (result->status) {
    case FETCH_OK:
        snprintf(text, room, "%llu bytes received", (unsigned long long)result->scan.size);
        return;
    case FETCH_NO_HOST:
        snprintf(text, room, "there is no host %s", host);
        return;
    case FETCH_NO_NAME_SERVER:
        snprintf(text, room, "no name server answers for %s", host);
        return;
    case FETCH_NO_ROUTE:
        snprintf(text, room, "there is no route to %s", host);
        return;
    case FETCH_REFUSED:
        snprintf(text, room, "%s refuses connections on port %u", host,
                 (unsigned)request->url->port);
        return;
    case FETCH_RESET:
        snprintf(text, room, "%s broke the connection off %s", host,
                 so_far(result, count, sizeof(count)));
        return;
    case FETCH_SILENT:
        snprintf(text, room, "%s is silent: nothing for %u seconds, %s", host,
                 (request->timeout_ms + 999) / 1000, so_far(result, count, sizeof(count)));
        return;
    case FETCH_TOO_BIG:
        snprintf(text, room, "too big to show, over %llu KiB; it can be saved",
                 (unsigned long long)(request->limit / 1024));
        return;
    case FETCH_EMPTY:
        snprintf(text, room, "%s closed the connection without an answer", host);
        return;
    case FETCH_NOT_TEXT:
        snprintf(text, room, "not a text (%llu bytes); it can be saved",
                 (unsigned long long)result->scan.size);
        return;
    case FETCH_NOT_STORED:
        snprintf(text, room, "cannot keep the answer: %s", strerror(result->error));
        return;
    case FETCH_LOCAL:
        snprintf(text, room, "cannot connect: %s", strerror(result->error));
        return;
    case FETCH_CANCELLED:
        snprintf(text, room, "stopped");
        return;
    case FETCH_ERROR_ITEM:
        snprintf(text, room, "%s says that it cannot serve this", host);
        return;
    }
    snprintf(text, room, "unknown error");
}
