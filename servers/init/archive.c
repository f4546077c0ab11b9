/* SPDX-License-Identifier: MIT */
#include "servers/init/archive.h"

#include "lib/base/path.h"
#include "lib/base/string.h"
#include "lib/base/tar.h"
#include "lib/native/log.h"
#include "lib/native/syscall.h"

status_t archive_open(struct archive *archive, handle_t memory) {
    uint64_t n_pages, address;
    status_t status = sys_memory_control(memory, MEMORY_SIZE, 0, &n_pages);

    if (status == OK) {
        status = sys_map(HANDLE_NONE, memory, 0, n_pages * PAGE_SIZE, 0, MAP_READ, &address);
    }
    if (status == OK) {
        archive->bytes = (const uint8_t *)address;
        archive->size = n_pages * PAGE_SIZE;
    }
    return status;
}

/* The next plain file with its normal path; false at the end (a damaged archive is reported, and
 * ends there). */
static bool next_file(const struct archive *archive, struct tar_reader *reader, char *path,
                      struct archive_file *file) {
    struct tar_entry entry;
    enum tar_result result;

    while ((result = tar_next(reader, &entry)) == TAR_OK) {
        if (entry.type == TAR_TYPE_FILE && path_normalize(path, "/", entry.name) == PATH_OK) {
            *file = (struct archive_file){
                entry.data, entry.size,
                entry.data == NULL ? 0 : (uint64_t)(entry.data - archive->bytes)};
            return true;
        }
    }
    if (result != TAR_END) {
        log_write(LOG_ERROR, "boot archive: %s", tar_result_text(result));
    }
    return false;
}

bool archive_find(const struct archive *archive, const char *path, struct archive_file *file) {
    struct tar_reader reader;
    char name[PATH_LENGTH_MAX];

    tar_open(&reader, archive->bytes, archive->size);
    while (next_file(archive, &reader, name, file)) {
        if (string_equal(name, path)) {
            return true;
        }
    }
    return false;
}

void archive_list(const struct archive *archive, const char *folder,
                  void (*each)(void *context, const char *name, const struct archive_file *file),
                  void *context) {
    struct tar_reader reader;
    struct archive_file file;
    char path[PATH_LENGTH_MAX];

    tar_open(&reader, archive->bytes, archive->size);
    while (next_file(archive, &reader, path, &file)) {
        const char *name = path_rest(folder, path);

        if (name != NULL && *name != '\0' && strchr(name, '/') == NULL) {
            each(context, name, &file);
        }
    }
}
