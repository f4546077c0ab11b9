/* SPDX-License-Identifier: MIT */
/*
 * names: the shared namespace. Servers are mounted under paths; a request with a path is answered
 * REDIRECT with the gate of the longest mounted prefix. What lies between mount points are
 * directories that only can be listed. This server never calls anybody, and holds nothing but
 * gates.
 *
 * What services serve is in the start block and so survives restarts; mounts made by messages do
 * not (they are in nobody's memory but ours).
 */
#include <stdlib.h>
#include <string.h>

#include "abi/generated/directory.h"
#include "abi/generated/file.h"
#include "abi/generated/names.h"
#include "abi/tag.h"
#include "lib/base/path.h"
#include "lib/base/share.h"
#include "lib/base/string.h"
#include "lib/native/device_number.h"
#include "lib/native/error.h"
#include "lib/native/log.h"
#include "lib/native/server.h"
#include "lib/native/startup.h"
#include "lib/native/syscall.h"

enum { MOUNTS_MAX = 256, MOUNTS_PER_TAG = 16 };
/* Open ones, in half of the budget. */
enum { DIRECTORY_BYTES = PATH_LENGTH_MAX + 512 };

struct mount {
    char *path; /* as in requests: no leading slash */
    size_t length;
    handle_t gate;
    uint32_t tag; /* who mounted it; 0: from the start block */
};

/* An open directory between mounts; the root object has the path "". */
struct directory {
    char path[PATH_LENGTH_MAX];
    uint64_t next; /* number of the next entry to list */
};

static struct mount mounts[MOUNTS_MAX]; /* sorted by path */
static size_t n_mounts;
static struct shares shares = {.total = MOUNTS_MAX};

static const struct server_class directory_class;

/* ---- mounts ---- */

/* Is `path` equal to the prefix, or below it? */
static bool is_below(const char *path, const char *prefix, size_t prefix_length) {
    /* Most differ in the first letter. */
    return prefix_length == 0 ||
           (path[0] == prefix[0] && strncmp(path, prefix, prefix_length) == 0 &&
            (path[prefix_length] == '\0' || path[prefix_length] == '/'));
}

/* The mount with the longest path that `path` lies in; NULL if there is none. */
static const struct mount *mount_find(const char *path) {
    const struct mount *best = NULL;

    for (size_t i = 0; i < n_mounts; i++) {
        if (is_below(path, mounts[i].path, mounts[i].length) &&
            (best == NULL || mounts[i].length > best->length)) {
            best = &mounts[i];
        }
    }
    return best;
}

/* Is it a directory here: the root, or the way to a mount? */
static bool leads_to_mount(const char *path) {
    size_t length = strlen(path);

    for (size_t i = 0; i < n_mounts; i++) {
        if (is_below(mounts[i].path, path, length)) {
            return true;
        }
    }
    return length == 0;
}

static void mount_drop(struct mount *mount) {
    status_t status = sys_handle_close(mount->gate);
    (void)status; /* our own */
    free(mount->path);
    share_return(&shares, tag_login(mount->tag), 1);
    n_mounts--;
    memmove(mount, mount + 1, (size_t)(&mounts[n_mounts] - mount) * sizeof *mount);
}

/* Drops what programs mounted that have ended since: nobody else would. */
static void mounts_drop_dead(void) {
    for (size_t i = n_mounts; i-- > 0;) {
        if (mounts[i].tag != 0 && sys_notify(mounts[i].gate, 0) == ERROR_CLOSED) {
            mount_drop(&mounts[i]);
        }
    }
}

/*
 * Would a mount at `path` take names from this one, or lie in it? The longest path wins, so that
 * somebody could have part of what another serves. Who made both may do so: init's manifests put
 * files of one service into folders of another.
 */
static bool is_in_the_way(const struct mount *mount, const char *path, uint32_t tag) {
    return string_equal(mount->path, path) ||
           (mount->tag != tag && (is_below(path, mount->path, mount->length) ||
                                  is_below(mount->path, path, strlen(path))));
}

/* Puts a mount into its place; the gate is ours if it returns OK. */
static status_t mount_add(const char *path, handle_t gate, uint32_t tag) {
    size_t place = 0, of_tag = 0;

    for (size_t i = 0; i < n_mounts; i++) {
        if (is_in_the_way(&mounts[i], path, tag)) {
            return ERROR_EXISTS;
        }
        place += strcmp(mounts[i].path, path) < 0;
        of_tag += mounts[i].tag == tag;
    }
    if (!share_is_left(&shares, tag_login(tag), 1) || (tag != 0 && of_tag == MOUNTS_PER_TAG)) {
        return ERROR_TOO_MANY;
    }
    char *copy = malloc(strlen(path) + 1);
    if (copy == NULL) {
        return ERROR_NO_MEMORY;
    }
    memcpy(copy, path, strlen(path) + 1);
    memmove(&mounts[place + 1], &mounts[place], (n_mounts - place) * sizeof mounts[0]);
    mounts[place] = (struct mount){copy, strlen(path), gate, tag};
    n_mounts++;
    share_take(&shares, tag_login(tag), 1);
    return OK;
}

static status_t on_mount(void *context, struct request *request, uint32_t path_length,
                         handle_t root) {
    char path[PATH_LENGTH_MAX];
    status_t status = request_read_path(request, 0, path_length, path, sizeof path);

    (void)context;
    if (status == OK && *path == '\0') {
        status = ERROR_EXISTS;
    }
    if (status == OK) {
        mounts_drop_dead();
        status = mount_add(path, root, request->tag);
    }
    if (status == OK) {
        root = request_keep(request, root);
    }
    return status;
}

static status_t on_unmount(void *context, struct request *request, uint32_t path_length) {
    char path[PATH_LENGTH_MAX];
    status_t status = request_read_path(request, 0, path_length, path, sizeof path);

    (void)context;
    for (size_t i = 0; i < n_mounts && status == OK; i++) {
        if (!string_equal(mounts[i].path, path)) {
            continue;
        }
        if (mounts[i].tag != request->tag || request->tag == 0) {
            return ERROR_DENIED;
        }
        mount_drop(&mounts[i]);
        return OK;
    }
    return status == OK ? ERROR_NOT_FOUND : status;
}

/* ---- requests with a path ---- */

/*
 * Resolves the path at `offset` of the lent bytes. REDIRECT: *matched and *next are set. OK: `path`
 * is a directory here, in full.
 */
static status_t resolve(const struct directory *directory, struct request *request, uint64_t offset,
                        uint32_t path_length, char *path, uint32_t *matched, handle_t *next) {
    char relative[PATH_LENGTH_MAX];
    status_t status = request_read_path(request, offset, path_length, relative, sizeof relative);

    if (status != OK) {
        return status;
    }
    if (!string_copy(path, PATH_LENGTH_MAX, directory->path) ||
        (*path != '\0' && *relative != '\0' && !string_append(path, PATH_LENGTH_MAX, "/")) ||
        !string_append(path, PATH_LENGTH_MAX, relative)) {
        return ERROR_NAME_TOO_LONG;
    }
    const struct mount *mount = mount_find(path);
    if (mount == NULL) {
        return leads_to_mount(path) ? OK : ERROR_NOT_FOUND;
    }
    /* The mount is below this directory, or it would not have been opened here: so it matches part
     * of `relative`. */
    size_t prefix = strlen(path) - strlen(relative);

    *matched = mount->length > prefix ? (uint32_t)(mount->length - prefix) : 0;
    *next = mount->gate;
    request->answer_flag = ANSWER_COPY;
    return ERROR_REDIRECT;
}

static status_t on_open(void *context, struct request *request, uint32_t flags, uint32_t mode,
                        uint32_t path_length, uint32_t target_length, uint32_t *kind,
                        uint32_t *matched, uint32_t *length, handle_t *file) {
    char path[PATH_LENGTH_MAX];
    status_t status = resolve(context, request, 0, path_length, path, matched, file);

    (void)mode, (void)target_length, (void)length;
    if (status == ERROR_NOT_FOUND && (flags & FILE_OPEN_CREATE) != 0) {
        return ERROR_READ_ONLY;
    }
    if (status != OK) {
        return status;
    }
    if ((flags & (FILE_OPEN_WRITE | FILE_OPEN_TRUNCATE)) != 0) {
        return ERROR_IS_DIRECTORY;
    }
    struct directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL) {
        return ERROR_NO_MEMORY;
    }
    memcpy(directory->path, path, strlen(path) + 1);
    *kind = FILE_MODE_DIRECTORY;
    status = server_object_create(request->server, request->tag, &directory_class, directory, file);
    if (status != OK) {
        free(directory);
    }
    return status;
}

static void on_closed(struct server *server, void *object) {
    (void)server;
    free(object);
}

static status_t on_stat(void *context, struct request *request, uint32_t flags,
                        uint32_t path_length, uint32_t stat_length, uint32_t *matched,
                        uint32_t *length, handle_t *next) {
    char path[PATH_LENGTH_MAX];
    status_t status = resolve(context, request, 0, path_length, path, matched, next);
    struct file_stat stat = {.device = DEVICE_NUMBER_NAMES,
                             .mode = FILE_MODE_DIRECTORY | 0555,
                             .n_links = 2,
                             .block_bytes = PAGE_SIZE,
                             .id = 5381};

    (void)flags, (void)length;
    if (status != OK) {
        return status;
    }
    for (const char *c = path; *c != '\0'; c++) {
        stat.id = stat.id * 33 + (uint8_t)*c; /* the path is all that a directory here is */
    }
    return request_write(request, 0, &stat, MIN(stat_length, (uint32_t)sizeof stat));
}

static status_t on_set(void *context, struct request *request, uint64_t what, uint64_t value,
                       int64_t accessed_ns, int64_t modified_ns, uint32_t path_length,
                       uint32_t target_length, uint32_t *matched, uint32_t *length,
                       handle_t *next) {
    char path[PATH_LENGTH_MAX];
    status_t status = resolve(context, request, 0, path_length, path, matched, next);

    (void)what, (void)value, (void)accessed_ns, (void)modified_ns, (void)target_length,
        (void)length;
    return status == OK ? ERROR_READ_ONLY : status;
}

static status_t on_set_flags(void *context, struct request *request, uint32_t mask, uint32_t value,
                             uint32_t *flags) {
    (void)context, (void)request, (void)mask, (void)value;
    *flags = FILE_OPEN_READ;
    return OK;
}

static status_t on_seek(void *context, struct request *request, int64_t offset, uint32_t whence,
                        uint64_t *position) {
    struct directory *directory = context;

    (void)request;
    if (offset < 0 || whence != FILE_SEEK_SET) {
        return ERROR_BAD_ARGUMENT;
    }
    directory->next = (uint64_t)offset;
    *position = directory->next;
    return OK;
}

static status_t on_read(void *context, struct request *request, uint64_t offset,
                        uint32_t data_length, uint64_t *n) {
    (void)context, (void)request, (void)offset, (void)data_length, (void)n;
    return ERROR_IS_DIRECTORY;
}

static const struct file_handlers file_handlers = {
    .open = on_open,
    .read = on_read,
    .seek = on_seek,
    .stat = on_stat,
    .set = on_set,
    .set_flags = on_set_flags,
};

/* ---- directories ---- */

/* The i-th name in a directory: the next components of all mounts below it, each once. False: there
 * are not so many. */
static bool entry_at(const char *path, uint64_t i, char *name, bool *is_mount) {
    size_t length = strlen(path);
    const char *last = NULL;
    size_t last_length = 0;

    for (size_t m = 0; m < n_mounts; m++) {
        const char *rest = mounts[m].path + length + (length > 0);

        if (!is_below(mounts[m].path, path, length) || mounts[m].length <= length) {
            continue;
        }
        size_t n = strcspn(rest, "/");
        /* Sorted, so that equal components are neighbours but for such as "a", "a-b", "a/c":
         * compare with all before. */
        bool is_new = last == NULL || n != last_length || strncmp(rest, last, n) != 0;
        for (size_t before = 0; is_new && before < m; before++) {
            const char *other = mounts[before].path + length + (length > 0);

            is_new =
                !(is_below(mounts[before].path, path, length) && mounts[before].length > length &&
                  strcspn(other, "/") == n && strncmp(other, rest, n) == 0);
        }
        last = rest;
        last_length = n;
        if (is_new && i-- == 0) {
            *is_mount = rest[n] == '\0';
            return string_copy_n(name, PATH_NAME_MAX + 1, rest, n);
        }
    }
    return false;
}

static status_t on_read_entries(void *context, struct request *request, uint64_t cookie,
                                uint32_t entries_length, uint64_t *bytes, uint64_t *next) {
    struct directory *directory = context;
    bool is_current = cookie == FILE_OFFSET_CURRENT;
    status_t status = OK;
    char name[PATH_NAME_MAX + 1];
    bool is_mount;

    *next = is_current ? directory->next : cookie;
    while (status == OK && entry_at(directory->path, *next, name, &is_mount)) {
        struct {
            struct directory_entry entry;
            char name_rest[PATH_NAME_MAX + 1];
        } out = {.entry = {.id = *next + 1, .next = *next + 1}};
        size_t size =
            ALIGN_UP(offsetof(struct directory_entry, name) + strlen(name) + 1, (size_t)8);

        if (*bytes + size > entries_length) {
            status = *bytes == 0 ? ERROR_BAD_ARGUMENT : OK;
            break;
        }
        out.entry.length = (uint16_t)size;
        /* What is mounted may be a file or a directory; 0 says that only stat knows. */
        out.entry.kind = is_mount ? 0 : FILE_MODE_DIRECTORY >> 12;
        memcpy((char *)&out + offsetof(struct directory_entry, name), name, strlen(name) + 1);
        status = request_write(request, *bytes, &out, size);
        *bytes += size;
        *next += 1;
    }
    if (status == OK && is_current) {
        directory->next = *next;
    }
    return status;
}

/* All that would change a directory: behind a mount it is that server's, here it cannot be. */
static status_t change(void *context, struct request *request, uint32_t path_length,
                       uint32_t *matched, handle_t *next) {
    char path[PATH_LENGTH_MAX];
    status_t status = resolve(context, request, 0, path_length, path, matched, next);

    return status == OK ? ERROR_EXISTS : status == ERROR_NOT_FOUND ? ERROR_READ_ONLY : status;
}

static status_t on_make(void *context, struct request *request, uint32_t mode, uint32_t path_length,
                        uint32_t target_length, uint32_t *matched, uint32_t *length,
                        handle_t *next) {
    (void)mode, (void)target_length, (void)length;
    return change(context, request, path_length, matched, next);
}

static status_t on_symlink(void *context, struct request *request, uint32_t path_length,
                           uint32_t content_length, uint32_t target_length, uint32_t *matched,
                           uint32_t *length, handle_t *next) {
    (void)content_length, (void)target_length, (void)length;
    return change(context, request, path_length, matched, next);
}

static status_t on_unlink(void *context, struct request *request, uint32_t flags,
                          uint32_t path_length, uint32_t target_length, uint32_t *matched,
                          uint32_t *length, handle_t *next) {
    char path[PATH_LENGTH_MAX];
    status_t status = resolve(context, request, 0, path_length, path, matched, next);

    (void)flags, (void)target_length, (void)length;
    return status == OK ? ERROR_BUSY : status;
}

static status_t on_rename(void *context, struct request *request, uint64_t to_badge,
                          uint32_t path_length, uint32_t new_path_length, uint32_t target_length,
                          uint32_t *matched, uint32_t *length, uint32_t *which, handle_t *next) {
    char path[PATH_LENGTH_MAX];
    status_t status = resolve(context, request, 0, path_length, path, matched, next);

    (void)to_badge, (void)target_length, (void)length;
    if (status == OK) {
        *which =
            1; /* the old name is a directory of ours, or already resolved: look at the new one */
        status = resolve(context, request, path_length, new_path_length, path, matched, next);
        return status == OK ? ERROR_BUSY : status;
    }
    return status;
}

static status_t on_read_link(void *context, struct request *request, uint32_t path_length,
                             uint32_t target_length, uint32_t *matched, uint32_t *length,
                             handle_t *next) {
    char path[PATH_LENGTH_MAX];
    status_t status = resolve(context, request, 0, path_length, path, matched, next);

    (void)target_length, (void)length;
    return status == OK ? ERROR_BAD_ARGUMENT : status;
}

static const struct directory_handlers directory_handlers = {
    .read = on_read_entries,
    .make = on_make,
    .unlink = on_unlink,
    .rename = on_rename,
    .link = on_rename,
    .symlink = on_symlink,
    .read_link = on_read_link,
    .make_node = on_make,
};

static const struct names_handlers names_handlers = {.mount = on_mount, .unmount = on_unmount};

static const struct server_protocol directory_protocols[] = {FILE_SERVE(file_handlers),
                                                             DIRECTORY_SERVE(directory_handlers),
                                                             NAMES_SERVE(names_handlers),
                                                             {0, NULL, NULL}};
static const struct server_class directory_class = {.protocols = directory_protocols,
                                                    .closed = on_closed};

int main(void) {
    static struct directory root;
    struct server *server = server_start(&(struct server_options){
        .name = "names", .objects = (uint32_t)(server_budget_bytes() / 2 / DIRECTORY_BYTES)});

    for (const struct startup_entry *entry = startup_next(NULL, STARTUP_NAMESPACE); entry != NULL;
         entry = startup_next(entry, STARTUP_NAMESPACE)) {
        const char *path = startup_text(entry);
        status_t status = mount_add(path + (*path == '/'), entry->handle, 0);

        if (status != OK) {
            log_write(LOG_ERROR, "cannot mount %s: %s", path, status_text(status));
        }
    }
    server_export(server, 0, &directory_class, &root);
    server_run(server);
}
