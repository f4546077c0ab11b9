/* SPDX-License-Identifier: MIT */
/*
 * Addresses: whatever is accepted keeps the promises of url.h.
 *
 * Sources: programs/gopher/url.c programs/gopher/buffer.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "programs/gopher/url.h"

static void fuzz_one(const uint8_t *data, size_t size) {
    static char text[GOPHER_URL_TEXT_MAX];
    char request[GOPHER_REQUEST_MAX];
    char name[32];
    char *input = malloc(size + 1);
    struct gopher_url url;
    struct gopher_url again;
    memcpy(input, data, size);
    input[size] = '\0';
    if (gopher_url_parse(input, &url) == URL_OK) {
        FUZZ_ASSERT(gopher_host_is_valid((struct slice){url.host, strlen(url.host)}) &&
                    url.port != 0);
        size_t n = gopher_url_request(&url, request);
        FUZZ_ASSERT(memchr(request, '\n', n) ==
                    request + n - 1); /* one line is sent, and no other */
        FUZZ_ASSERT(memchr(request, '\r', n) == request + n - 2);
        gopher_url_format(&url, text);
        FUZZ_ASSERT(gopher_url_parse(text, &again) == URL_OK);
        FUZZ_ASSERT(strcmp(url.host, again.host) == 0 && url.port == again.port &&
                    url.type == again.type);
        FUZZ_ASSERT(strcmp(url.selector, again.selector) == 0 &&
                    strcmp(url.search, again.search) == 0);
        gopher_url_file_name(&url, name, sizeof(name));
        FUZZ_ASSERT(name[0] != '\0' && name[0] != '.' && name[0] != '-' &&
                    strchr(name, '/') == NULL);
    }
    free(input);
}
