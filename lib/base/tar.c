/* SPDX-License-Identifier: MIT */
/* See tar.h. */
#include "lib/base/tar.h"

#include "lib/base/string.h"

#define TAR_BLOCK 512

/* The header as it stands in the archive: text, without terminators where a field is full. */
struct tar_header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char padding[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");
_Static_assert(TAR_NAME_MAX >= 155 + 1 + 100 && TAR_LINK_MAX >= 100, "room for every name");

void tar_open(struct tar_reader *reader, const void *archive, size_t size) {
    *reader = (struct tar_reader){.bytes = archive, .size = size};
}

static bool is_zero_block(const uint8_t *block) {
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        if (block[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Octal digits, after blanks if any, up to a NUL, a blank or the end of the field. An empty field
 * is 0. Returns false for anything else. 12 digits cannot overflow. */
static bool parse_octal(const char *field, size_t length, uint64_t *value) {
    size_t i = 0;

    *value = 0;
    while (i < length && field[i] == ' ') {
        i++;
    }
    for (; i < length && field[i] != ' ' && field[i] != '\0'; i++) {
        if (field[i] < '0' || field[i] > '7') {
            return false;
        }
        *value = *value * 8 + (uint64_t)(field[i] - '0');
    }
    return true;
}

/* The sum of all bytes of the header, those of the checksum itself taken as blanks. */
static bool checksum_is_right(const struct tar_header *header) {
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t sum = 0;
    uint64_t stated;

    for (size_t i = 0; i < TAR_BLOCK; i++) {
        sum += bytes[i];
    }
    for (size_t i = 0; i < sizeof header->checksum; i++) {
        sum += ' ' - (uint64_t)(uint8_t)header->checksum[i];
    }
    return parse_octal(header->checksum, sizeof header->checksum, &stated) && stated == sum;
}

/* Appends a field of the header, terminated or full. The entry's buffers have room for all. */
static size_t append_field(char *to, size_t used, const char *field, size_t field_size) {
    size_t length = strnlen(field, field_size);

    memcpy(to + used, field, length);
    to[used + length] = '\0';
    return used + length;
}

static void read_name(const struct tar_header *header, struct tar_entry *entry) {
    size_t used = append_field(entry->name, 0, header->prefix, sizeof header->prefix);

    if (used > 0) {
        entry->name[used++] = '/';
    }
    append_field(entry->name, used, header->name, sizeof header->name);
    append_field(entry->link, 0, header->link, sizeof header->link);
}

static enum tar_result read_type(char type, struct tar_entry *entry) {
    switch (type) {
    case '\0':
    case '0':
    case '7': /* "contiguous", to be read as a plain file */
        entry->type = TAR_TYPE_FILE;
        return TAR_OK;
    case '1':
        entry->type = TAR_TYPE_HARD_LINK;
        return TAR_OK;
    case '2':
        entry->type = TAR_TYPE_SYMBOLIC_LINK;
        return TAR_OK;
    case '5':
        entry->type = TAR_TYPE_DIRECTORY;
        return TAR_OK;
    case '3':
    case '4':
    case '6':
        entry->type = TAR_TYPE_OTHER;
        return TAR_OK;
    default:
        return TAR_BAD_TYPE;
    }
}

/* Checks a header and takes its numbers. *data_size is what follows the header in the archive. */
static enum tar_result read_header(const struct tar_header *header, struct tar_entry *entry,
                                   uint64_t *data_size) {
    uint64_t mode;

    if (!checksum_is_right(header)) {
        return TAR_BAD_CHECKSUM;
    }
    /* GNU tar's own format has "ustar " and a version of blank, NUL; the rest is the same. */
    if (memcmp(header->magic, "ustar", 5) != 0 ||
        (header->magic[5] != '\0' && header->magic[5] != ' ')) {
        return TAR_BAD_MAGIC;
    }
    if (!parse_octal(header->mode, sizeof header->mode, &mode) ||
        !parse_octal(header->size, sizeof header->size, data_size) ||
        !parse_octal(header->mtime, sizeof header->mtime, &entry->mtime_s)) {
        return TAR_BAD_NUMBER;
    }
    entry->mode = mode & 07777;
    return TAR_OK;
}

enum tar_result tar_next(struct tar_reader *reader, struct tar_entry *entry) {
    for (;;) {
        const uint8_t *block = reader->bytes + reader->next;
        size_t left = reader->size - reader->next;
        const struct tar_header *header = (const struct tar_header *)block;
        uint64_t data_size;
        enum tar_result result;

        if (left < TAR_BLOCK) {
            return TAR_TRUNCATED;
        }
        if (is_zero_block(block)) {
            return TAR_END;
        }
        result = read_header(header, entry, &data_size);
        if (result != TAR_OK) {
            return result;
        }
        if (header->type != 'g') {
            result = read_type(header->type, entry);
            if (result != TAR_OK) {
                return result;
            }
            /* Only files have content: links and directories may state a size all the same. */
            data_size = entry->type == TAR_TYPE_FILE ? data_size : 0;
        }
        if (data_size > left - TAR_BLOCK || ALIGN_UP(data_size, TAR_BLOCK) > left - TAR_BLOCK) {
            return TAR_TRUNCATED;
        }
        if (header->type == 'g') {
            reader->next += TAR_BLOCK + ALIGN_UP(data_size, TAR_BLOCK);
            continue;
        }
        read_name(header, entry);
        if (entry->name[0] == '\0') {
            return TAR_BAD_NAME;
        }
        entry->size = data_size;
        entry->data = data_size == 0 ? NULL : block + TAR_BLOCK;
        reader->next += TAR_BLOCK + ALIGN_UP(data_size, TAR_BLOCK);
        return TAR_OK;
    }
}

const char *tar_result_text(enum tar_result result) {
    static const char *const texts[] = {
        [TAR_OK] = "no error",
        [TAR_END] = "end of archive",
        [TAR_TRUNCATED] = "the archive is cut short",
        [TAR_BAD_MAGIC] = "not a ustar header",
        [TAR_BAD_CHECKSUM] = "a header's checksum is wrong",
        [TAR_BAD_NUMBER] = "a header has a malformed number",
        [TAR_BAD_NAME] = "an entry has no name",
        [TAR_BAD_TYPE] = "an entry is of an unknown type",
    };

    return result < ARRAY_SIZE(texts) ? texts[result] : "unknown result";
}
