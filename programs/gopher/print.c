/* SPDX-License-Identifier: MIT */
/* See print.h. */
#include "programs/gopher/print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/gopher/fetch.h"
#include "programs/gopher/page.h"
#include "programs/gopher/save.h"
#include "programs/gopher/text.h"

#define ANY_COLUMNS (1u << 20) /* wider than any line: nothing is divided or cut */
#define FLUSH_SIZE  32768u

static bool receive_to_stdout(void *context, const char *data, size_t size) {
    (void)context;
    return write_all(STDOUT_FILENO, data, size);
}

static bool receive_to_buffer(void *buffer, const char *data, size_t size) {
    return buffer_append(buffer, data, size);
}

/* Writes what the buffer holds and empties it; false with errno. */
static bool flush(struct buffer *output) {
    if (output->failed) {
        errno = ENOMEM;
        return false;
    }
    bool written = write_all(STDOUT_FILENO, output->data, output->size);
    output->size = 0;
    return written;
}

static bool print_lines(struct page *page, struct buffer *output) {
    if (!page_layout(page, ANY_COLUMNS)) {
        errno = ENOMEM;
        return false;
    }
    for (size_t i = 0; i < page->n_lines; i++) {
        page_render_line(page, &page->lines[i], ANY_COLUMNS, output);
        buffer_append_string(output, "\n");
        if (output->size >= FLUSH_SIZE && !flush(output)) {
            return false;
        }
    }
    return flush(output);
}

/* The addresses behind the numbers. */
static bool print_links(const struct page *page, struct buffer *output) {
    buffer_append_string(output, page->menu.n_links > 0 ? "\nLinks:\n" : "");
    for (size_t i = 0; i < page->menu.n_items; i++) {
        const struct menu_item *item = &page->menu.items[i];
        struct slice web = menu_item_web(item);
        struct gopher_url url;
        if (item->number == 0) {
            continue;
        }
        buffer_format(output, "%5u ", (unsigned)item->number);
        if (web.size > 0) {
            text_render(output, web.data, web.size, ANY_COLUMNS);
        } else if (menu_item_url(item, &url)) {
            char text[GOPHER_URL_TEXT_MAX];
            gopher_url_format(&url, text);
            buffer_append_string(output, text);
        }
        buffer_append_string(output, "\n");
        if (output->size >= FLUSH_SIZE && !flush(output)) {
            return false;
        }
    }
    return flush(output);
}

/* Prints a page; false with errno. */
static bool print_page(struct page *page) {
    struct buffer output = {0};
    bool printed;
    if (page->is_menu) {
        printed = print_lines(page, &output) && print_links(page, &output);
    } else if (isatty(STDOUT_FILENO)) {
        printed = print_lines(page, &output);
    } else {
        printed = write_all(STDOUT_FILENO, page->body.data, page->body.size);
    }
    buffer_release(&output);
    return printed;
}

/* Judges what fetch cannot: returns the status of a page that arrived. */
static enum fetch_status judge(const struct gopher_url *url, const struct page *page,
                               const struct fetch_result *result) {
    bool is_menu = item_kind(url->type) == ITEM_MENU || item_kind(url->type) == ITEM_SEARCH;
    if (is_menu && result->scan.size == 0) {
        return FETCH_EMPTY;
    }
    if ((page->flags & PAGE_NOT_TEXT) && isatty(STDOUT_FILENO)) {
        return FETCH_NOT_TEXT;
    }
    return page->flags & PAGE_ERROR ? FETCH_ERROR_ITEM : FETCH_OK;
}

/* Turns a fetched body into output. Takes the body over. */
static void finish_page(const struct gopher_url *url, struct buffer *body,
                        struct fetch_result *result) {
    struct page page;
    if (!page_build(&page, url->type, body, &result->scan)) {
        result->status = FETCH_NOT_STORED;
        result->error = ENOMEM;
        return;
    }
    result->status = judge(url, &page, result);
    bool is_printable = result->status == FETCH_OK || result->status == FETCH_ERROR_ITEM;
    if (is_printable && !print_page(&page)) {
        result->status = FETCH_NOT_STORED;
        result->error = errno;
    }
    if (page.flags & PAGE_CUT) {
        fprintf(stderr, "gopher: the end is not shown: too many lines\n");
    }
    page_release(&page);
}

int print_url(const struct gopher_url *url, unsigned timeout_ms) {
    struct buffer body = {0};
    struct fetch_result result;
    bool is_stream = item_kind(url->type) == ITEM_FILE && !isatty(STDOUT_FILENO);
    struct fetch_request request = {
        .url = url,
        .timeout_ms = timeout_ms,
        .limit = is_stream ? UINT64_MAX : PAGE_SIZE_MAX,
        .wake_fd = -1,
        .receive = is_stream ? receive_to_stdout : receive_to_buffer,
        .receive_context = &body,
    };
    if (fetch(&request, &result) == FETCH_OK && !is_stream) {
        finish_page(url, &body, &result);
    }
    buffer_release(&body);
    if (result.status != FETCH_OK) {
        char message[512];
        fetch_explain(&result, &request, message, sizeof(message));
        fprintf(stderr, "gopher: %s\n", message);
    }
    return (int)result.status;
}
