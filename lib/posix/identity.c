/* SPDX-License-Identifier: MIT */
/*
 * Who and where: users (there is one, 0), names, limits, figures of the machine.
 */
#define _GNU_SOURCE 1 /* program_invocation_short_name */
#include "lib/posix/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "lib/base/string.h"
#include "lib/native/time.h"
#include "lib/posix/fd.h"
#include "lib/posix/file.h"
#include "lib/posix/program.h"
#include "lib/posix/thread.h"

/* Calls whose success changes nothing here. */
long call_success(const long *a) {
    (void)a;
    return 0;
}

long call_user_id(const long *a) {
    (void)a;
    return 0;
}

/* User 0 may stay user 0; -1 means: as it is. */
static long ids_set(const long *ids, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if ((int)ids[i] != 0 && (int)ids[i] != -1) {
            return -EPERM;
        }
    }
    return 0;
}

/* setuid, setgid. */
long call_set_id(const long *a) {
    return (int)a[0] == -1 ? -EINVAL : ids_set(a, 1);
}

/* setreuid, setregid. */
long call_set_id_pair(const long *a) {
    return ids_set(a, 2);
}

/* setresuid, setresgid, by which musl makes seteuid and setegid. */
long call_set_ids(const long *a) {
    return ids_set(a, 3);
}

/* getresuid, getresgid: the real, the effective and the saved one. */
long call_get_ids(const long *a) {
    for (size_t i = 0; i < 3; i++) {
        *(uint32_t *)a[i] = 0;
    }
    return 0;
}

long call_getgroups(const long *a) {
    (void)a;
    return 0;
}

/* There are no further groups to be in. */
long call_setgroups(const long *a) {
    const uint32_t *groups = (const uint32_t *)a[1];

    for (long i = 0; i < a[0]; i++) {
        if (groups[i] != 0) {
            return -EPERM;
        }
    }
    return a[0] < 0 ? -EINVAL : 0;
}

long call_uname(const long *a) {
    *(struct utsname *)a[0] = (struct utsname){
        .sysname = "EuraliOS",
        .nodename = "euralios",
        .release = "0.1",
        .version = "Merriwig",
        .machine = "x86_64",
    };
    return 0;
}

long call_arch_prctl(const long *a) {
    (void)a;
    return -EINVAL; /* the thread pointer goes by the hook __euralios_set_tp */
}

/* Files have no extended attributes. */
long call_no_attributes(const long *a) {
    (void)a;
    return -EOPNOTSUPP;
}

/* Names of threads, for those who ask; and what has no effect where nothing dumps memory. */
long call_prctl(const long *a) {
    struct posix_thread *self = thread_self();
    const char *name = self->name[0] != '\0' ? self->name : program_invocation_short_name;

    switch (a[0]) {
    case PR_SET_NAME:
        return string_copy_n(self->name, sizeof self->name, (const char *)a[1],
                             strnlen((const char *)a[1], sizeof self->name - 1))
                   ? 0
                   : -EINVAL;
    case PR_GET_NAME:
        memset((char *)a[1], 0, sizeof self->name);
        memcpy((char *)a[1], name, strnlen(name, sizeof self->name - 1));
        return 0;
    case PR_SET_DUMPABLE:
        return a[1] == 0 || a[1] == 1 ? 0 : -EINVAL;
    case PR_GET_DUMPABLE:
        return 0;
    default:
        return -EINVAL;
    }
}

/* ---- limits ---- */

static int limit_of(long resource, struct rlimit *limit) {
    *limit = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    if (resource < 0 || resource >= RLIM_NLIMITS) {
        return -EINVAL;
    }
    if (resource == RLIMIT_NOFILE) {
        *limit = (struct rlimit){FD_MAX, FD_MAX};
    } else if (resource == RLIMIT_STACK) {
        *limit = (struct rlimit){PROGRAM_STACK_BYTES, PROGRAM_STACK_BYTES};
    } else if (resource == RLIMIT_CORE) {
        limit->rlim_cur = 0; /* nobody writes any, whatever is wished */
    }
    return 0;
}

long call_getrlimit(const long *a) {
    return limit_of(a[0], (struct rlimit *)a[1]);
}

/* Budgets are the limits here, and who gives one sets it: a process cannot change its own. */
long call_prlimit64(const long *a) {
    struct rlimit limit;
    int error = limit_of(a[1], &limit);

    if (error == 0 && a[2] != 0) {
        const struct rlimit *wanted = (const struct rlimit *)a[2];

        error = wanted->rlim_cur > wanted->rlim_max ? -EINVAL
                : wanted->rlim_cur > limit.rlim_max ? -EPERM
                                                    : 0;
    }
    if (error == 0 && a[3] != 0) {
        *(struct rlimit *)a[3] = limit;
    }
    return error;
}

long call_getpriority(const long *a) {
    (void)a;
    return 20; /* nice 0, in the form of the raw call */
}

/* ---- the machine ---- */

/* The number after `name ` in the text of /proc/memory. */
static uint64_t figure(const char *text, const char *name) {
    size_t length = strlen(name);

    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, length) == 0 && line[length] == ' ') {
            uint64_t value = 0;

            for (const char *digit = line + length + 1; *digit >= '0' && *digit <= '9'; digit++) {
                value = value * 10 + (uint64_t)(*digit - '0');
            }
            return value;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return 0;
}

long call_sysinfo(const long *a) {
    struct sysinfo *info = (struct sysinfo *)a[0];
    char text[1024] = "";
    const long open_args[6] = {(long)"/proc/memory", O_RDONLY | O_CLOEXEC};
    long fd = call_open(open_args);

    if (fd >= 0) {
        long n = file_read_at((int)fd, text, sizeof text - 1, 0);

        text[MAX(n, 0l)] = '\0';
        (void)fd_close((int)fd);
    }
    *info = (struct sysinfo){
        .uptime = (unsigned long)(time_now_ns() / NS_PER_S),
        .totalram = figure(text, "total_bytes"),
        .freeram = figure(text, "free_bytes"),

        .mem_unit = 1,
    };
    return 0;
}

long call_getrandom(const long *a) {
    const long open_args[6] = {(long)"/dev/random", O_RDONLY | O_CLOEXEC};
    size_t size = (size_t)a[1], done = 0;

    if ((a[2] & ~(long)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) != 0) {
        return -EINVAL;
    }
    long fd = call_open(open_args), n = 1;

    if (fd < 0) {
        return fd == -ENOENT ? -ENOSYS : fd;
    }
    while (done < size && n > 0) {
        n = file_read_at((int)fd, (char *)a[0] + done, size - done, FILE_OFFSET_CURRENT);
        done += n > 0 ? (size_t)n : 0;
    }
    (void)fd_close((int)fd);
    return done == 0 && n < 0 ? n : (long)done;
}
