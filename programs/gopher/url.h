/* SPDX-License-Identifier: MIT */
/*
 * Gopher addresses (RFC 4266) and item types (RFC 1436 section 3.8).
 *
 *   gopher://HOST[:PORT]/[TYPE[SELECTOR[%09SEARCH]]]     RFC 4266: percent-encoded
 *   HOST[:PORT][/SELECTOR]                               as typed by a person: nothing is decoded
 *
 * In the second form a selector that starts with one item type and a slash, "0/about.txt", is taken
 * as RFC 4266 means it; any other selector is sent as typed, slash included, and is a menu. HOST is
 * a name, an IPv4 address, or an IPv6 address in brackets.
 *
 * Invariants of a struct gopher_url that gopher_url_parse accepted: host is not empty and has only
 * the characters of names and addresses; port is not 0; selector has no TAB, CR, LF or zero byte,
 * search none of CR, LF: what is sent is always one line.
 *
 * Pure: no allocation, no system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "programs/gopher/buffer.h"

#define GOPHER_PORT         70
#define GOPHER_HOST_MAX     255
#define GOPHER_SELECTOR_MAX 2047
#define GOPHER_SEARCH_MAX   511
/* Longest text that gopher_url_format makes, with its zero byte: every byte may become three. */
#define GOPHER_URL_TEXT_MAX (3 * (GOPHER_SELECTOR_MAX + GOPHER_SEARCH_MAX) + GOPHER_HOST_MAX + 32)

struct gopher_url {
    char host[GOPHER_HOST_MAX + 1]; /* without brackets */
    uint16_t port;
    char type; /* an item type, '1' if none was given */
    char selector[GOPHER_SELECTOR_MAX + 1];
    char search[GOPHER_SEARCH_MAX + 1]; /* words for a search item, else empty */
};

enum url_status {
    URL_OK,
    URL_EMPTY,        /* no host */
    URL_SCHEME,       /* a scheme other than gopher:// */
    URL_BAD_HOST,     /* characters that no host has, or an unclosed bracket */
    URL_BAD_PORT,     /* not a number from 1 to 65535 */
    URL_BAD_ENCODING, /* a % without two hexadecimal digits */
    URL_BAD_SELECTOR, /* a control character that cannot be sent */
    URL_TOO_LONG,
};

/* What can be done with an item. */
enum item_kind {
    ITEM_MENU,
    ITEM_TEXT,
    ITEM_SEARCH,  /* a menu after words were asked for */
    ITEM_FILE,    /* anything to be saved */
    ITEM_SESSION, /* telnet, tn3270 or a CSO phone book: not a document */
    ITEM_INFO,    /* a line to be read: 'i', '3' */
};

/* Parses an address; `url` is complete when URL_OK is returned and untouched otherwise. */
enum url_status gopher_url_parse(const char *text, struct gopher_url *url)
    __attribute__((warn_unused_result));

/* Writes the RFC 4266 form, percent-encoded, pure ASCII, with its zero byte. */
void gopher_url_format(const struct gopher_url *url, char text[GOPHER_URL_TEXT_MAX]);

/* Writes the line that asks for the item (RFC 1436 section 2), CR LF included; returns its size. */
#define GOPHER_REQUEST_MAX (GOPHER_SELECTOR_MAX + GOPHER_SEARCH_MAX + 3)
size_t gopher_url_request(const struct gopher_url *url, char request[GOPHER_REQUEST_MAX]);

/* Is this a host as the invariant above says? */
bool gopher_host_is_valid(struct slice host);

/* One sentence for a person; never NULL. */
const char *url_status_text(enum url_status status);

enum item_kind item_kind(char type);

/* Three letters that stand before the item in a menu. */
const char *item_label(char type);

/* Do answers of this type end with a line of one dot, with dots doubled (RFC 1436 section 3.9)? */
bool item_is_dotted(char type);

/*
 * A file name to propose for the item: the last part of the selector, made of letters, digits, dot,
 * hyphen and underscore, never empty, never starting with a dot or hyphen. `room` at least 16.
 */
void gopher_url_file_name(const struct gopher_url *url, char *name, size_t room);
