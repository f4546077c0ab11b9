/* SPDX-License-Identifier: MIT */
/* See url.h. */
#include "programs/gopher/url.h"

#include <stdio.h>
#include <string.h>

#define SCHEME "gopher://"

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Locale-free, unlike strncasecmp. */
static bool has_prefix_any_case(const char *text, const char *prefix) {
    for (; *prefix != '\0'; text++, prefix++) {
        char c = is_letter(*text) ? (char)(*text | 0x20) : *text;
        if (c != *prefix) {
            return false;
        }
    }
    return true;
}

static int hex_value(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool gopher_host_is_valid(struct slice host) {
    if (host.size == 0 || host.size > GOPHER_HOST_MAX || host.data[0] == '-') {
        return false; /* no name starts with a hyphen (RFC 1123 2.1), and options of programs do */
    }
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        if (!is_letter(c) && !is_digit(c) && strchr("-._:%", c) == NULL) {
            return false;
        }
        if (c == '\0') {
            return false; /* strchr finds the end of its string */
        }
    }
    return true;
}

/* "host", "host:port", "[v6]", "[v6]:port"; the part of an address before its first slash. */
static enum url_status parse_authority(struct slice text, struct gopher_url *url) {
    struct slice host = text;
    struct slice port = {NULL, 0};
    if (text.size > 0 && text.data[0] == '[') {
        const char *close = memchr(text.data, ']', text.size);
        if (close == NULL) {
            return URL_BAD_HOST;
        }
        host = (struct slice){text.data + 1, (size_t)(close - text.data) - 1};
        size_t rest = text.size - host.size - 2;
        if (rest > 0 && close[1] != ':') {
            return URL_BAD_HOST;
        }
        port = rest > 0 ? (struct slice){close + 2, rest - 1} : port;
    } else {
        const char *colon = memchr(text.data, ':', text.size);
        if (colon != NULL) {
            host.size = (size_t)(colon - text.data);
            port = (struct slice){colon + 1, text.size - host.size - 1};
        }
    }
    if (host.size == 0) {
        return URL_EMPTY;
    }
    if (host.size > GOPHER_HOST_MAX) {
        return URL_TOO_LONG;
    }
    if (!gopher_host_is_valid(host)) {
        return URL_BAD_HOST;
    }
    unsigned number = port.data == NULL || port.size == 0 ? GOPHER_PORT : 0;
    for (size_t i = 0; i < port.size; i++) {
        number = is_digit(port.data[i]) ? number * 10 + (unsigned)(port.data[i] - '0') : 65536;
        if (number > 65535) {
            return URL_BAD_PORT;
        }
    }
    if (number == 0) {
        return URL_BAD_PORT;
    }
    memcpy(url->host, host.data, host.size);
    url->host[host.size] = '\0';
    url->port = (uint16_t)number;
    return URL_OK;
}

/* Undoes %XX in `text`; false when a % is not followed by two digits. `out` holds strlen + 1. */
static bool percent_decode(const char *text, char *out, size_t *size) {
    *size = 0;
    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '%') {
            int high = hex_value(text[1]);
            int low = high >= 0 ? hex_value(text[2]) : -1;
            if (low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            text += 2;
        }
        out[(*size)++] = c;
    }
    return true;
}

/* Fills selector and search from bytes as they will be sent: selector TAB search. */
static enum url_status set_selector(struct gopher_url *url, const char *data, size_t size) {
    const char *tab = memchr(data, '\t', size);
    size_t n_selector = tab != NULL ? (size_t)(tab - data) : size;
    const char *search = tab != NULL ? tab + 1 : "";
    size_t n_search = tab != NULL ? size - n_selector - 1 : 0;
    /* RFC 4266 2.1 allows a second %09 and a Gopher+ string; we do not speak Gopher+. */
    const char *plus = memchr(search, '\t', n_search);
    n_search = plus != NULL ? (size_t)(plus - search) : n_search;
    if (n_selector > GOPHER_SELECTOR_MAX || n_search > GOPHER_SEARCH_MAX) {
        return URL_TOO_LONG;
    }
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\0' || data[i] == '\r' || data[i] == '\n') {
            return URL_BAD_SELECTOR; /* it would end the request early, or start another */
        }
    }
    memcpy(url->selector, data, n_selector);
    url->selector[n_selector] = '\0';
    memcpy(url->search, search, n_search);
    url->search[n_search] = '\0';
    return URL_OK;
}

/* The part after the host, from its slash on, by RFC 4266 section 2.1. */
static enum url_status parse_path(const char *path, struct gopher_url *url) {
    char decoded[GOPHER_URL_TEXT_MAX];
    size_t size = 0;
    if (path[0] == '/') {
        path++;
    }
    if (path[0] == '\0') {
        url->type = '1';
        return set_selector(url, "", 0);
    }
    if (strlen(path) >= sizeof(decoded)) {
        return URL_TOO_LONG;
    }
    if (!percent_decode(path, decoded, &size)) {
        return URL_BAD_ENCODING;
    }
    url->type = decoded[0];
    if ((unsigned char)url->type <= ' ' || (unsigned char)url->type >= 0x7f) {
        return URL_BAD_SELECTOR;
    }
    return set_selector(url, decoded + 1, size - 1);
}

/* The same for an address without scheme: nothing is decoded, and the type may be left out. */
static enum url_status parse_typed_path(const char *path, struct gopher_url *url) {
    url->type = '1';
    if (path[0] == '\0' || path[1] == '\0') {
        return set_selector(url, "", 0);
    }
    bool has_type =
        (path[2] == '/' || path[2] == '\0') && (is_letter(path[1]) || is_digit(path[1]));
    if (has_type) {
        url->type = path[1];
        path += 2;
    }
    return set_selector(url, path, strlen(path));
}

enum url_status gopher_url_parse(const char *text, struct gopher_url *url) {
    struct gopher_url parsed = {.type = '1'};
    bool has_scheme = has_prefix_any_case(text, SCHEME);
    if (has_scheme) {
        text += strlen(SCHEME);
    } else if (strstr(text, "://") != NULL && strcspn(text, ":") < strcspn(text, "/")) {
        return URL_SCHEME;
    }
    size_t n_authority = strcspn(text, "/");
    enum url_status status = parse_authority((struct slice){text, n_authority}, &parsed);
    if (status == URL_OK) {
        const char *path = text + n_authority;
        status = has_scheme ? parse_path(path, &parsed) : parse_typed_path(path, &parsed);
    }
    if (status == URL_OK) {
        *url = parsed;
    }
    return status;
}

/* Characters that stand for themselves in a path (RFC 3986 section 3.3), but for '%'. */
static char *percent_encode(char *out, const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (is_letter((char)c) || is_digit((char)c) || strchr("-._~!$&'()*+,;=:@/", c) != NULL) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        }
    }
    return out;
}

void gopher_url_format(const struct gopher_url *url, char text[GOPHER_URL_TEXT_MAX]) {
    bool is_v6 = strchr(url->host, ':') != NULL;
    char *out = text;
    out += sprintf(out, is_v6 ? SCHEME "[%s]" : SCHEME "%s", url->host);
    if (url->port != GOPHER_PORT) {
        out += sprintf(out, ":%u", (unsigned)url->port);
    }
    *out++ = '/';
    if (url->type != '1' || url->selector[0] != '\0' || url->search[0] != '\0') {
        char type[2] = {url->type, '\0'};
        out = percent_encode(out, type);
        out = percent_encode(out, url->selector);
        if (url->search[0] != '\0') {
            memcpy(out, "%09", 3);
            out = percent_encode(out + 3, url->search);
        }
    }
    *out = '\0';
}

size_t gopher_url_request(const struct gopher_url *url, char request[GOPHER_REQUEST_MAX]) {
    size_t n_selector = strlen(url->selector);
    size_t n_search = strlen(url->search);
    memcpy(request, url->selector, n_selector);
    size_t size = n_selector;
    if (n_search > 0) {
        request[size++] = '\t';
        memcpy(request + size, url->search, n_search);
        size += n_search;
    }
    memcpy(request + size, "\r\n", 2);
    return size + 2;
}

const char *url_status_text(enum url_status status) {
    switch (status) {
    case URL_OK:
        return "the address is good";
    case URL_EMPTY:
        return "the address names no host";
    case URL_SCHEME:
        return "not a gopher address";
    case URL_BAD_HOST:
        return "the host name has characters that no host name has";
    case URL_BAD_PORT:
        return "the port is not a number from 1 to 65535";
    case URL_BAD_ENCODING:
        return "a % in the address is not followed by two hexadecimal digits";
    case URL_BAD_SELECTOR:
        return "the address has a control character that cannot be sent";
    case URL_TOO_LONG:
        return "the address is too long";
    }
    return "unknown error";
}

enum item_kind item_kind(char type) {
    switch (type) {
    case '0':
    case 'h': /* HTML can at least be read */
        return ITEM_TEXT;
    case '1':
        return ITEM_MENU;
    case '7':
        return ITEM_SEARCH;
    case '2':
    case '8':
    case 'T':
        return ITEM_SESSION;
    case '3':
    case 'i':
        return ITEM_INFO;
    default:
        return ITEM_FILE;
    }
}

const char *item_label(char type) {
    static const struct {
        char type;
        char label[4];
    } labels[] = {
        {'0', "TXT"}, {'1', "DIR"}, {'2', "CSO"}, {'3', "ERR"}, {'4', "HQX"}, {'5', "ARC"},
        {'6', "UUE"}, {'7', "ASK"}, {'8', "TEL"}, {'9', "BIN"}, {'T', "TEL"}, {'g', "GIF"},
        {'I', "IMG"}, {'h', "WEB"}, {'i', "   "}, {'s', "SND"}, {'d', "DOC"}, {'P', "PDF"},
        {'p', "PNG"}, {';', "MOV"}, {'M', "EML"}, {'c', "CAL"}, {'X', "XML"},
    };
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (labels[i].type == type) {
            return labels[i].label;
        }
    }
    return "???";
}

bool item_is_dotted(char type) {
    return type != '\0' && strchr("013467", type) != NULL;
}

void gopher_url_file_name(const struct gopher_url *url, char *name, size_t room) {
    const char *start = url->selector;
    for (const char *p = start; *p != '\0'; p++) {
        if ((*p == '/' || *p == '\\' || *p == ':') && p[1] != '\0') {
            start = p + 1;
        }
    }
    size_t size = 0;
    for (; *start != '\0' && size + 1 < room; start++) {
        char c = *start;
        bool is_plain = is_letter(c) || is_digit(c) || c == '_';
        bool is_inner = size > 0 && (c == '.' || c == '-');
        if (is_plain || is_inner) {
            name[size++] = c;
        } else if (c != '/' && c != '\\' && size > 0) {
            name[size++] = '_';
        }
    }
    name[size] = '\0';
    if (size == 0) {
        snprintf(name, room, "%s", item_kind(url->type) == ITEM_FILE ? "download" : "page.txt");
    }
}
