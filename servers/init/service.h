/* SPDX-License-Identifier: MIT */
/*
 * The services: started when what they need is up, watched, and started again.
 *
 *     WAITS -> STARTING (process runs) -> UP (it said READY) -> its end -> BACK_OFF -> STARTING ...
 *                                                           or STOPPED (asked for), ENDED (policy)
 *     REFUSED: its manifest breaks a rule; never started
 *
 * Invariants: `process` is a handle iff the state is STARTING or UP. The endpoint and the root
 * gates are made once and live as long as init: clients' gates survive every restart, and calls
 * queue while nobody receives; but those to a service that does not come by itself (service_comes)
 * are told ABSENT by the kernel, which init asks for that.
 */
#pragma once

#include "lib/native/server.h"
#include "servers/init/archive.h"
#include "servers/init/manifest.h"

enum { SERVICES_MAX = 64 };

enum state {
    STATE_WAITS = SERVICE_WAITS,
    STATE_STARTING = SERVICE_STARTING,
    STATE_UP = SERVICE_UP,
    STATE_STOPPED = SERVICE_STOPPED,
    STATE_ENDED = SERVICE_ENDED,
    STATE_BACK_OFF = SERVICE_BACK_OFF,
    STATE_REFUSED = SERVICE_REFUSED,
};

struct service {
    struct manifest manifest;
    struct archive_file program;
    enum state state;
    bool is_absent;               /* its endpoint refuses calls */
    bool is_restarting;           /* the end that comes was asked for, and a new start with it */
    bool is_stopping;             /* the end that comes was asked for */
    bool is_needed[SERVICES_MAX]; /* by number: those that must be up first */
    handle_t endpoint;
    handle_t control;                 /* our gate to its loop: heartbeats */
    handle_t roots[SERVER_ROOTS_MAX]; /* made when first used */
    handle_t notes;                   /* the gate on which it, and its end, notify us */
    handle_t state_memory;
    handle_t budget;
    handle_t process;
    uint32_t incarnation;
    uint32_t restarts;
    uint64_t since_ns;
    uint64_t alive_ns; /* last sign of life, or the reprieve */
    bool is_reprieved; /* somebody else hung, which may be why it was silent; until it answers */
    uint64_t start_ns; /* BACK_OFF: when it is started */
    uint64_t back_off_ns;
    int32_t last_status;
    uint32_t last_cause;
};

/* What init has, and what is common to all services. */
struct init {
    struct server *server;
    handle_t system;
    handle_t identity;
    handle_t budget;
    uint64_t memory_pages; /* limit of that budget: all that programs can have */
    handle_t archive;      /* memory object */
    handle_t control_gate; /* to our own service protocol, for those whose manifest says so */
    struct archive files;
    const char *command_line; /* of the kernel */
    const char *command;      /* of run= in it, or NULL */
    struct service services[SERVICES_MAX];
    uint32_t n_services;
    bool is_ready;    /* the ready line was written */
    bool is_settled;  /* the network is */
    bool has_session; /* sessions, or the run= command, are started */
    uint64_t ready_ns;
    struct server_timer timer;
    uint64_t watched_ns; /* when services_watch last ran, or its timer was first set */
};

/* services_watch is called that often, or there is nobody to call it. */
enum { WATCH_PERIOD_MS = 200 };

/* Reads all manifests of the archive, checks them, makes endpoints. Bad ones are logged and
 * refused. */
void services_load(struct init *init);

/* Starts what can be started now, notices silence, and moves boot on. Called after every event, and
 * by a timer. */
void services_step(struct init *init);

/* Notification of a service: it is ready, alive, settled, or its process ended. */
void service_notified(struct init *init, struct service *service, uint64_t bits);

/* Asked for by the control protocol. */
WARN_UNUSED status_t services_start(struct init *init, struct service *service);
WARN_UNUSED status_t services_stop(struct init *init, struct service *service);
WARN_UNUSED status_t services_restart(struct init *init, struct service *service);

struct service *service_find(struct init *init, const char *name);

/* Is it there, or will it be without anybody's doing? */
bool service_comes(const struct init *init, const struct service *service);

/* Makes the process (launch.c). */
WARN_UNUSED status_t service_launch(struct init *init, struct service *service);

/* The gate to a root object of the service; made when first asked for, and kept. */
WARN_UNUSED status_t service_root(struct service *service, uint32_t root, handle_t *gate);

/* Logs the end of the service's process: cause, registers, backtrace (report.c). */
void service_report(struct service *service);

/* Bit of `notes`: the process ended. */
#define NOTE_EXIT (1ull << 8)
