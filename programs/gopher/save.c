/* SPDX-License-Identifier: MIT */
/* See save.h. */
#include "programs/gopher/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/gopher/menu.h"
#include "programs/gopher/text.h"

#define CHUNK_SIZE      16384u
#define HEAD_SIZE       2048u
#define MESSAGE_COLUMNS 120u

/* One file being written, under its temporary name. */
struct part {
    int fd;
    const char *name;
    char part_name[SAVE_NAME_MAX + 8];
};

bool write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return true;
}

static void explain(struct save_outcome *outcome, const char *name, const char *what, int error) {
    outcome->status = FETCH_NOT_STORED;
    snprintf(outcome->message, sizeof(outcome->message), "%s %.100s: %s", what, name,
             strerror(error));
}

static bool part_open(struct part *part, const char *name, struct save_outcome *outcome) {
    part->name = name;
    int length = snprintf(part->part_name, sizeof(part->part_name), "%s.part", name);
    if (length < 0 || (size_t)length >= sizeof(part->part_name)) {
        explain(outcome, name, "cannot create", ENAMETOOLONG);
        return false;
    }
    part->fd = open(part->part_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (part->fd < 0) {
        explain(outcome, name, "cannot create", errno);
        return false;
    }
    return true;
}

static void part_drop(struct part *part) {
    close(part->fd);
    unlink(part->part_name);
}

/* The file is whole: gives it its name. On failure it is gone. */
static void part_finish(struct part *part, uint64_t size, struct save_outcome *outcome) {
    if (close(part->fd) < 0 || rename(part->part_name, part->name) < 0) {
        explain(outcome, part->name, "cannot write", errno);
        unlink(part->part_name);
        return;
    }
    outcome->status = FETCH_OK;
    outcome->size = size;
    snprintf(outcome->message, sizeof(outcome->message), "saved %llu bytes as %.100s",
             (unsigned long long)size, part->name);
}

void save_bytes(struct slice bytes, const char *name, struct save_outcome *outcome) {
    struct part part;
    *outcome = (struct save_outcome){0};
    if (!part_open(&part, name, outcome)) {
        return;
    }
    if (!write_all(part.fd, bytes.data, bytes.size)) {
        explain(outcome, name, "cannot write", errno);
        part_drop(&part);
        return;
    }
    part_finish(&part, bytes.size, outcome);
}

static bool receive_to_file(void *part, const char *data, size_t size) {
    return write_all(((struct part *)part)->fd, data, size);
}

/* Reads up to `size` bytes at `offset`; fewer only at the end of the file. -1 with errno. */
static ssize_t read_at(int fd, uint64_t offset, char *data, size_t size) {
    size_t n_read = 0;
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0) {
        return -1;
    }
    while (n_read < size) {
        ssize_t n = read(fd, data + n_read, size - n_read);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        n_read += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)n_read;
}

static bool write_at(int fd, uint64_t offset, const char *data, size_t size) {
    return lseek(fd, (off_t)offset, SEEK_SET) >= 0 && write_all(fd, data, size);
}

/*
 * Decodes a text in its file: what is written never overtakes what is read. Returns the new size,
 * or -1 with errno.
 */
static int64_t decode_file(int fd, const struct body_scan *scan) {
    struct body_decoder decoder;
    char chunk[CHUNK_SIZE];
    char decoded[CHUNK_SIZE + 1];
    uint64_t end = body_size(scan);
    uint64_t from = 0;
    uint64_t to = 0;
    body_decoder_init(&decoder, scan);
    while (from < end) {
        size_t want = end - from < CHUNK_SIZE ? (size_t)(end - from) : CHUNK_SIZE;
        ssize_t n = read_at(fd, from, chunk, want);
        if (n != (ssize_t)want) {
            errno = n < 0 ? errno : EIO;
            return -1;
        }
        from += want;
        size_t n_decoded = body_decode(&decoder, chunk, want, decoded);
        if (!write_at(fd, to, decoded, n_decoded)) {
            return -1;
        }
        to += n_decoded;
    }
    size_t n_last = body_decode_end(&decoder, decoded);
    if (!write_at(fd, to, decoded, n_last) || ftruncate(fd, (off_t)(to + n_last)) < 0) {
        return -1;
    }
    return (int64_t)(to + n_last);
}

/* Is the file an error answer? Then its text becomes the message. */
static bool is_error_answer(int fd, uint64_t size, struct save_outcome *outcome) {
    char head[HEAD_SIZE];
    ssize_t n = size <= sizeof(head) ? read_at(fd, 0, head, (size_t)size) : -1;
    if (n <= 0 || !menu_is_error((struct slice){head, (size_t)n})) {
        return false;
    }
    struct buffer text = {0};
    const char *tab = memchr(head, '\t', (size_t)n);
    text_render(&text, head + 1, (size_t)(tab - head) - 1, MESSAGE_COLUMNS);
    outcome->status = FETCH_ERROR_ITEM;
    snprintf(outcome->message, sizeof(outcome->message), "the server says: %.*s", (int)text.size,
             text.data != NULL ? text.data : "");
    buffer_release(&text);
    return true;
}

void save_item(const struct fetch_request *request, const char *name,
               struct save_outcome *outcome) {
    struct part part;
    struct fetch_request into_file = *request;
    struct fetch_result result;
    *outcome = (struct save_outcome){0};
    if (!part_open(&part, name, outcome)) {
        return;
    }
    into_file.receive = receive_to_file;
    into_file.limit = UINT64_MAX;
    into_file.receive_context = &part;
    if (fetch(&into_file, &result) != FETCH_OK) {
        outcome->status = result.status;
        fetch_explain(&result, request, outcome->message, sizeof(outcome->message));
        part_drop(&part);
        return;
    }
    if (is_error_answer(part.fd, result.scan.size, outcome)) {
        part_drop(&part);
        return;
    }
    int64_t size = (int64_t)result.scan.size;
    if (item_is_dotted(request->url->type) && body_is_text(&result.scan)) {
        size = decode_file(part.fd, &result.scan);
    }
    if (size < 0) {
        explain(outcome, name, "cannot write", errno);
        part_drop(&part);
        return;
    }
    part_finish(&part, (uint64_t)size, outcome);
}
