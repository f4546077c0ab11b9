/* SPDX-License-Identifier: MIT */
/*
 * What is known about files, and changing it: stat, access, chmod, chown, times, truncate. There is
 * one user, 0, who may do everything: owners and modes are kept, and only looked at for execution.
 */
#define _GNU_SOURCE 1 /* O_PATH */
#include "lib/posix/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "lib/posix/call.h"
#include "lib/posix/calls.h"
#include "abi/generated/file.h"
#include "lib/base/string.h"
#include "lib/native/time.h"
#include "lib/posix/descriptor_path.h"
#include "lib/posix/errno.h"
#include "lib/posix/fd.h"
#include "lib/posix/path.h"

enum { STAT_UNIT_BYTES = 512 };

/* ---- stat ---- */

struct stat_request {
    uint32_t flags;
    struct file_stat stat;
};

static status_t stat_request(void *context, struct namespace_step *step) {
    struct stat_request *request = context;
    /* One lent range takes either answer. */
    char answer[PATH_LENGTH_MAX] ALIGNED(8);

    _Static_assert(sizeof answer >= sizeof request->stat, "and this one is always whole");
    status_t status =
        file_stat(step->gate, request->flags, step->path, step->path_length, answer, sizeof answer,
                  &step->matched, &step->target_length, &step->next, DEADLINE_NEVER);
    if (status == OK) {
        memcpy(&request->stat, answer, sizeof request->stat);
    } else if (status == ERROR_REDIRECT && step->next == HANDLE_NONE) {
        step->target_length = MIN(step->target_length, step->target_bytes);
        memcpy(step->target, answer, MIN((size_t)step->target_length, sizeof answer));
    }
    return status;
}

static struct timespec time_of(int64_t ns) {
    int64_t seconds = ns / (int64_t)NS_PER_S, rest = ns % (int64_t)NS_PER_S;

    if (rest < 0) {
        seconds--;
        rest += (int64_t)NS_PER_S;
    }
    return (struct timespec){.tv_sec = seconds, .tv_nsec = rest};
}

static void stat_fill(struct stat *to, const struct file_stat *from) {
    *to = (struct stat){
        .st_dev = from->device,
        .st_ino = from->id,
        .st_nlink = from->n_links,
        .st_mode = from->mode,
        .st_uid = from->owner,
        .st_gid = from->group,
        .st_rdev = from->rdev,
        .st_size = (off_t)from->size,
        .st_blksize = from->block_bytes,
        .st_blocks = (blkcnt_t)(DIV_ROUND_UP(from->used, (uint64_t)STAT_UNIT_BYTES)),
        .st_atim = time_of(from->accessed_ns),
        .st_mtim = time_of(from->modified_ns),
        .st_ctim = time_of(from->changed_ns),
    };
}

int path_stat(struct posix_path *path, uint32_t flags, struct file_stat *stat) {
    struct stat_request request = {.flags = flags};
    int error = path_walk(path, stat_request, &request);

    *stat = request.stat;
    return error;
}

static int stat_path(int directory, const char *text, uint32_t flags, struct file_stat *stat) {
    struct posix_path path;
    int error = path_from_user(&path, directory, text);

    if (error == 0) {
        if (path.wants_directory) {
            flags &= ~(uint32_t)FILE_OPEN_NO_FOLLOW;
        }
        error = path_stat(&path, flags, stat);
    }
    int fd = error == -ENOENT && path.at.length != 0 ? descriptor_of_path(path.at.text, 0) : -1;

    if (fd >= 0) {
        error = fd_stat(fd, stat);
    }
    if (error == 0 && path.wants_directory &&
        (stat->mode & FILE_MODE_KIND) != FILE_MODE_DIRECTORY) {
        error = -ENOTDIR;
    }
    return error;
}

int fd_stat(int fd, struct file_stat *stat) {
    handle_t gate = fd_gate(fd), next;
    uint32_t matched, length;

    if (gate == HANDLE_NONE) {
        return -EBADF;
    }
    return errno_from_status(
        file_stat(gate, 0, "", 0, stat, sizeof *stat, &matched, &length, &next, DEADLINE_NEVER));
}

static long stat_result(int error, const struct file_stat *stat, long address) {
    if (error == 0) {
        if (address == 0) {
            return -EFAULT;
        }
        stat_fill((struct stat *)address, stat);
    }
    return error;
}

long call_stat(const long *a) {
    struct file_stat stat;
    int error = stat_path(LINUX_AT_FDCWD, (const char *)a[0], 0, &stat);

    return stat_result(error, &stat, a[1]);
}

long call_lstat(const long *a) {
    struct file_stat stat;
    int error = stat_path(LINUX_AT_FDCWD, (const char *)a[0], FILE_OPEN_NO_FOLLOW, &stat);

    return stat_result(error, &stat, a[1]);
}

long call_fstat(const long *a) {
    struct file_stat stat;
    int error = fd_stat((int)a[0], &stat);

    return stat_result(error, &stat, a[1]);
}

long call_newfstatat(const long *a) {
    struct file_stat stat;
    const char *text = (const char *)a[1];
    uint32_t flags = (a[3] & LINUX_AT_SYMLINK_NOFOLLOW) != 0 ? FILE_OPEN_NO_FOLLOW : 0;
    bool is_fd = (a[3] & LINUX_AT_EMPTY_PATH) != 0 && (text == NULL || text[0] == '\0');
    int error = is_fd ? fd_stat((int)a[0], &stat) : stat_path((int)a[0], text, flags, &stat);

    return stat_result(error, &stat, a[2]);
}

/* ---- set ---- */

struct set_request {
    uint64_t what; /* FILE_SET_... | open flags << 16 */
    uint64_t value;
    int64_t accessed_ns, modified_ns;
};

enum { SET_FLAGS_SHIFT = 16 };

static status_t set_request(void *context, struct namespace_step *step) {
    const struct set_request *set = context;

    return file_set(step->gate, set->what, set->value, set->accessed_ns, set->modified_ns,
                    step->path, step->path_length, step->target, step->target_bytes, &step->matched,
                    &step->target_length, &step->next, DEADLINE_NEVER);
}

static long set_fd(int fd, const struct set_request *set) {
    handle_t gate = fd_gate(fd), next;
    uint32_t matched, length;

    if (gate == HANDLE_NONE) {
        return -EBADF;
    }
    return errno_from_status(file_set(gate, set->what, set->value, set->accessed_ns,
                                      set->modified_ns, "", 0, NULL, 0, &matched, &length, &next,
                                      DEADLINE_NEVER));
}

static long set_path(int directory, const char *text, struct set_request *set) {
    struct posix_path path;
    struct file_stat stat;
    int error = path_from_user(&path, directory, text);

    /* "file/" is no way to name a file. */
    if (error == 0 && path.wants_directory) {
        error = stat_path(directory, text, 0, &stat);
    }
    if (error == 0) {
        error = path_walk(&path, set_request, set);
    }
    /* Of a file of proc's, as it takes /proc/self/fd/N for, nothing can be set. */
    bool may_be_own = (error == -ENOENT || error == -EOPNOTSUPP) && path.at.length != 0;
    int fd = may_be_own ? descriptor_of_path(path.at.text, 0) : -1;

    return fd >= 0 ? set_fd(fd, set) : error;
}

/* ---- access ---- */

static bool is_read_only(int directory, const char *text, uint32_t flags) {
    struct set_request nothing = {.what = (uint64_t)flags << SET_FLAGS_SHIFT};

    return set_path(directory, text, &nothing) == -EROFS;
}

static long access_at(int directory, const char *text, int mode, uint32_t flags) {
    struct file_stat stat;

    if ((mode & ~(R_OK | W_OK | X_OK)) != 0) {
        return -EINVAL;
    }
    int error = stat_path(directory, text, flags, &stat);

    if (error != 0) {
        return error;
    }
    bool is_directory = (stat.mode & FILE_MODE_KIND) == FILE_MODE_DIRECTORY;

    if ((mode & W_OK) != 0 && is_read_only(directory, text, flags)) {
        return -EROFS;
    }
    /* The only user there is may read and write whatever the mode, and run what anybody may. */
    return (mode & X_OK) != 0 && !is_directory && (stat.mode & 0111) == 0 ? -EACCES : 0;
}

long call_access(const long *a) {
    return access_at(LINUX_AT_FDCWD, (const char *)a[0], (int)a[1], 0);
}

long call_faccessat(const long *a) {
    return access_at((int)a[0], (const char *)a[1], (int)a[2], 0);
}

long call_faccessat2(const long *a) {
    if ((a[3] & ~(long)(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EACCESS)) != 0) {
        return -EINVAL;
    }
    return access_at((int)a[0], (const char *)a[1], (int)a[2],
                     (a[3] & LINUX_AT_SYMLINK_NOFOLLOW) != 0 ? FILE_OPEN_NO_FOLLOW : 0);
}

/* ---- sizes, modes, owners, times ---- */

long call_truncate(const long *a) {
    struct set_request set = {.what = FILE_SET_SIZE, .value = (uint64_t)a[1]};

    return a[1] < 0 ? -EINVAL : set_path(LINUX_AT_FDCWD, (const char *)a[0], &set);
}

long call_ftruncate(const long *a) {
    const struct set_request set = {.what = FILE_SET_SIZE, .value = (uint64_t)a[1]};

    switch (fd_get((int)a[0]).mode & FILE_MODE_KIND) {
    case FILE_MODE_PIPE:
    case FILE_MODE_SOCKET:
    case FILE_MODE_CHARACTER:
    case FILE_KIND_PROMPT:
        return -EINVAL; /* nothing that has a length */
    default:
        return a[1] < 0 ? -EINVAL : set_fd((int)a[0], &set);
    }
}

/* The file gets at least that long. Its pages come when they are written, as long as there is room:
 * they are not set aside. */
long call_fallocate(const long *a) {
    struct file_stat stat;
    int64_t end;

    if (a[1] != 0) {
        return -EOPNOTSUPP;
    }
    if (a[2] < 0 || a[3] <= 0) {
        return -EINVAL;
    }
    if (__builtin_add_overflow((int64_t)a[2], (int64_t)a[3], &end)) {
        return -EFBIG;
    }
    int error = fd_stat((int)a[0], &stat);

    if (error == 0 && (stat.mode & FILE_MODE_KIND) != FILE_MODE_REGULAR) {
        error = (stat.mode & FILE_MODE_KIND) == FILE_MODE_PIPE ? -ESPIPE : -ENODEV;
    }
    if (error != 0 || stat.size >= (uint64_t)end) {
        return error;
    }
    const struct set_request set = {.what = FILE_SET_SIZE, .value = (uint64_t)end};

    return set_fd((int)a[0], &set);
}

static struct set_request mode_request(long mode) {
    return (struct set_request){.what = FILE_SET_MODE,
                                .value = (uint64_t)mode & FILE_MODE_PERMISSIONS};
}

long call_chmod(const long *a) {
    struct set_request set = mode_request(a[1]);

    return set_path(LINUX_AT_FDCWD, (const char *)a[0], &set);
}

long call_fchmod(const long *a) {
    const struct set_request set = mode_request(a[1]);

    return set_fd((int)a[0], &set);
}

long call_fchmodat(const long *a) {
    struct set_request set = mode_request(a[2]);

    return set_path((int)a[0], (const char *)a[1], &set);
}

static struct set_request owner_request(long owner, long group, uint32_t flags) {
    return (struct set_request){.what = FILE_SET_OWNER | (uint64_t)flags << SET_FLAGS_SHIFT,
                                .value = (uint64_t)(uint32_t)owner | (uint64_t)(uint32_t)group
                                                                         << 32};
}

/* Servers whose files have no owners have ours. */
static long owner_result(long error) {
    return error == -EOPNOTSUPP ? 0 : error;
}

static long chown_at(int directory, const char *text, long owner, long group, uint32_t flags) {
    struct set_request set = owner_request(owner, group, flags);

    return owner_result(set_path(directory, text, &set));
}

long call_chown(const long *a) {
    return chown_at(LINUX_AT_FDCWD, (const char *)a[0], a[1], a[2], 0);
}

long call_lchown(const long *a) {
    return chown_at(LINUX_AT_FDCWD, (const char *)a[0], a[1], a[2], FILE_OPEN_NO_FOLLOW);
}

long call_fchown(const long *a) {
    const struct set_request set = owner_request(a[1], a[2], 0);

    return owner_result(set_fd((int)a[0], &set));
}

long call_fchownat(const long *a) {
    const char *text = (const char *)a[1];
    const struct set_request set = owner_request(a[2], a[3], 0);

    if ((a[4] & ~(long)(LINUX_AT_SYMLINK_NOFOLLOW | LINUX_AT_EMPTY_PATH)) != 0) {
        return -EINVAL;
    }
    if ((a[4] & LINUX_AT_EMPTY_PATH) != 0 && text != NULL && text[0] == '\0') {
        return owner_result(set_fd((int)a[0], &set));
    }
    return chown_at((int)a[0], text, a[2], a[3],
                    (a[4] & LINUX_AT_SYMLINK_NOFOLLOW) != 0 ? FILE_OPEN_NO_FOLLOW : 0);
}

/* What a file's time can be, in nanoseconds of 64 bits: three centuries about 1970. */
#define TIME_MAX_S (INT64_MAX / (int64_t)NS_PER_S - 1)

/* One of utimensat's two times; adds to `what` how it is to be set. A time that no file can have is
 * the nearest that one can, as in Linux. */
static int time_request(const struct timespec *time, uint64_t which, uint64_t *what, int64_t *ns) {
    if (time->tv_nsec == UTIME_OMIT) {
        return 0;
    }
    *what |= which;
    if (time->tv_nsec == UTIME_NOW) {
        *ns = time_wall_ns();
        return 0;
    }
    if (time->tv_nsec < 0 || time->tv_nsec >= (long)NS_PER_S) {
        return -EINVAL;
    }
    if (time->tv_sec < -TIME_MAX_S || time->tv_sec > TIME_MAX_S) {
        *ns = (time->tv_sec < 0 ? -TIME_MAX_S : TIME_MAX_S) * (int64_t)NS_PER_S;
    } else {
        *ns = time->tv_sec * (int64_t)NS_PER_S + time->tv_nsec;
    }
    return 0;
}

long call_utimensat(const long *a) {
    const struct timespec *times = (const struct timespec *)a[2];
    const char *text = (const char *)a[1];
    struct set_request set = {0};
    int error = 0;

    if (times == NULL) {
        set.what = FILE_SET_ACCESSED | FILE_SET_MODIFIED | FILE_SET_NOW;
    } else {
        error = time_request(&times[0], FILE_SET_ACCESSED, &set.what, &set.accessed_ns);
        if (error == 0) {
            error = time_request(&times[1], FILE_SET_MODIFIED, &set.what, &set.modified_ns);
        }
    }
    if (error != 0 || (a[3] & ~(long)LINUX_AT_SYMLINK_NOFOLLOW) != 0) {
        return error != 0 ? error : -EINVAL;
    }
    if (set.what == 0) {
        /* Both omitted: only whether there is such a file. */
        struct file_stat stat;

        return text == NULL ? fd_stat((int)a[0], &stat) : stat_path((int)a[0], text, 0, &stat);
    }
    if ((a[3] & LINUX_AT_SYMLINK_NOFOLLOW) != 0) {
        set.what |= (uint64_t)FILE_OPEN_NO_FOLLOW << SET_FLAGS_SHIFT;
    }
    return text == NULL ? set_fd((int)a[0], &set) : set_path((int)a[0], text, &set);
}

/* ---- file systems ---- */

enum { STATFS_MAGIC = 0x45554c4f };

static long space_fill(handle_t gate, struct statfs *to) {
    uint64_t block_bytes, n_blocks, n_free, n_files;
    status_t status = file_space(gate, &block_bytes, &n_blocks, &n_free, &n_files, DEADLINE_NEVER);

    if (status == ERROR_NOT_SUPPORTED || status == ERROR_BAD_MESSAGE) {
        block_bytes = PAGE_BYTES;
        n_blocks = n_free = n_files = 0;
        status = OK;
    }
    if (status == OK) {
        *to = (struct statfs){.f_type = STATFS_MAGIC,
                              .f_bsize = block_bytes,
                              .f_blocks = n_blocks,
                              .f_bfree = n_free,
                              .f_bavail = n_free,
                              .f_files = n_files + n_free, /* a new one takes a block at least */
                              .f_ffree = n_free,
                              .f_namelen = FILE_NAME_MAX_BYTES,
                              .f_frsize = block_bytes};
    }
    return errno_from_status(status);
}

long call_fstatfs(const long *a) {
    handle_t gate = fd_gate((int)a[0]);

    return gate == HANDLE_NONE ? -EBADF : space_fill(gate, (struct statfs *)a[1]);
}

long call_statfs(const long *a) {
    const long open_args[6] = {a[0], O_PATH | O_CLOEXEC};
    long fd = call_open(open_args);

    if (fd < 0) {
        return fd;
    }
    long result = space_fill(fd_gate((int)fd), (struct statfs *)a[1]);

    (void)fd_close((int)fd);
    return result;
}
