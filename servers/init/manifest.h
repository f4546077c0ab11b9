/* SPDX-License-Identifier: MIT */
/*
 * Manifests: what each service is given, one text file per service (etc/services/NAME.manifest in
 * the boot archive).
 *
 * Keys, each on a line of its own; `#` begins a comment:
 *
 * - `program /bin/net`: file in the boot archive
 * - `arguments -v /dev/x`: more words of its argument vector; `$NAME` is NAME= of the command line
 * - `level 4`: calls go to lower levels only
 * - `priority 40`: not below that of its clients
 * - `budget 4 MiB`: memory at most (KiB, MiB, pages, or `12 %` of the machine's); set aside for it.
 * Sessions: at most three quarters of what is left when they start
 * - `dma_limit 256 KiB`: of it for memory that devices use (start block: DMA); none without
 * - `state 2`: pages that outlive restarts (start block: memory "state")
 * - `handles system-log identity archive`: special powers, listed in manifest.c
 * - `ports 0x3f8-0x3ff`: I/O ports (start block: ioports); may be given more than once
 * - `irqs 4, 11 level low`: interrupt lines
 * - `memory vga 0xb8000 32 KiB`: of a device (start block: memory, under that name)
 * - `namespace /bin archive`: path prefix, service[:root]; the prefix / for the root
 * - `uses proc`: gates by name (start block: gate "proc")
 * - `serves /ramdisk`: where others find it (prefix[:root]); "names" mounts it
 * - `needs archive log`: started when these are up
 * - `phase boot`: or session: when the system is ready; or run, manual: see README
 * - `restart always`: or failure (status other than 0), or never
 * - `heartbeat 1 s`: silent for twice that: it hangs (500 ms; none)
 *
 * Parsing is a pure function of the text, and is tested on the host.
 */
#pragma once

#include "abi/generated/service.h"
#include "lib/base/types.h"

enum {
    MANIFEST_NAMES_MAX = 12, /* entries of each list */
    MANIFEST_NAME_BYTES = SERVICE_NAME_BYTES,
    MANIFEST_PATH_BYTES = 64,
    MANIFEST_ARGUMENTS_BYTES = 128,
    MANIFEST_MEMORIES_MAX = 4,
    MANIFEST_LEVEL_MAX = 15,
};

enum manifest_handles {
    MANIFEST_SYSTEM = 1,     /* the system handle, all rights */
    MANIFEST_SYSTEM_LOG = 2, /* the system handle, to read and write the kernel's log only */
    MANIFEST_IDENTITY = 4,
    MANIFEST_ARCHIVE = 8,      /* the boot archive, read-only */
    MANIFEST_CONTROL = 16,     /* a gate to init's control of services */
    MANIFEST_SYSTEM_INFO = 32, /* the system handle, figures only */
    MANIFEST_MOUNTS = 64,      /* the root gates of all that is served, as namespace: names only */
    MANIFEST_SYSTEM_CLOCK = 128, /* the system handle, to set the wall clock only */
};

enum manifest_phase { PHASE_BOOT, PHASE_SESSION, PHASE_RUN, PHASE_MANUAL };
enum manifest_restart { RESTART_ALWAYS, RESTART_FAILURE, RESTART_NEVER };

/* A reference to a service's root object, by name until the whole set is known. */
struct manifest_reference {
    char path[MANIFEST_PATH_BYTES]; /* namespace and serves: the prefix */
    char service[MANIFEST_NAME_BYTES];
    uint32_t root;
};

struct manifest_references {
    uint32_t n;
    struct manifest_reference list[MANIFEST_NAMES_MAX];
};

struct manifest_ports {
    uint32_t first;
    uint32_t n;
};

struct manifest_memory {
    char name[MANIFEST_NAME_BYTES];
    uint64_t physical; /* address of its first byte, a multiple of the page size */
    uint64_t n_pages;
};

struct manifest_irq {
    uint32_t line;
    uint32_t flags; /* IRQ_LEVEL | IRQ_ACTIVE_LOW */
};

struct manifest {
    char name[MANIFEST_NAME_BYTES];
    char program[MANIFEST_PATH_BYTES]; /* absolute */
    char arguments[MANIFEST_ARGUMENTS_BYTES];
    uint32_t level;
    uint32_t priority;
    uint64_t budget_pages;   /* 0 if budget_percent is given, until that has been worked out */
    uint32_t budget_percent; /* of the machine's memory, or 0 */
    uint64_t dma_pages;
    uint32_t state_pages;
    uint32_t handles; /* enum manifest_handles */
    enum manifest_phase phase;
    enum manifest_restart restart;
    uint64_t heartbeat_ns; /* 0: none */
    struct manifest_references namespace;
    struct manifest_references uses;
    struct manifest_references serves;
    struct manifest_references needs;
    uint32_t n_ports;
    struct manifest_ports ports[MANIFEST_NAMES_MAX];
    uint32_t n_memories;
    struct manifest_memory memories[MANIFEST_MEMORIES_MAX];
    uint32_t n_irqs;
    struct manifest_irq irqs[MANIFEST_NAMES_MAX];
};

struct manifest_error {
    unsigned line; /* 0: the file as a whole */
    const char *text;
    char word[MANIFEST_PATH_BYTES]; /* what it is about, "" if nothing */
};

/*
 * Parses a manifest of `size` bytes. Returns false and says in *error what is wrong; then *manifest
 * holds its name at most.
 */
WARN_UNUSED bool manifest_parse(struct manifest *manifest, const char *name, const char *text,
                                size_t size, struct manifest_error *error);

/*
 * Does `client` keep the rules towards `server`, of which it has a gate? If not, says in *text
 * which rule it breaks.
 */
WARN_UNUSED bool manifest_may_call(const struct manifest *client, const struct manifest *server,
                                   const char **text);
