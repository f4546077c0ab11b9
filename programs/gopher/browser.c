/* SPDX-License-Identifier: MIT */
/*
 * See browser.h. One loop: draw, wait for a key, do what it says. Everything that fails leaves the
 * page where it is and puts a sentence on the last line, where it stays until the next key.
 */
#include "programs/gopher/browser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/gopher/fetch.h"
#include "programs/gopher/history.h"
#include "programs/gopher/motion.h"
#include "programs/gopher/prompt.h"
#include "programs/gopher/save.h"
#include "programs/gopher/screen.h"
#include "programs/gopher/text.h"
#include "programs/gopher/view.h"

#define MESSAGE_MAX  768
#define MESSAGE_PART 200 /* bytes of somebody's text inside a message */

static const char help_line[] =
    "arrows, number+Enter: go  b back  f forward  s save  g go to  ? help  q quit";

static const char *const help_text[] = {
    "The gopher browser",
    "",
    "  Up, Down          the link before, after; on a text, one line",
    "  Right, Enter      follow the link",
    "  digits, Enter     follow the link with that number",
    "  Left, b           back",
    "  f                 forward (Right too, on a text)",
    "  PgUp, PgDn        a screen up, down (also: - and Space)",
    "  Home, End         beginning, end",
    "  s                 save: this text, or what the selected link names",
    "  S                 save this page, also a menu",
    "  =                 the address of the selected link",
    "  g                 go to an address: gopher://host:port/1/selector or host/selector",
    "  r                 load again",
    "  H                 the start page",
    "  Esc               stop a transfer, leave a question",
    "  q, Ctrl-C         quit",
    "",
    "Menus: TXT text, DIR menu, ASK search, WEB page of the web, TEL telnet, others files.",
    "",
    "Any key goes back to the page.",
};

struct browser {
    struct history history;
    struct view view;
    struct gopher_url start;
    unsigned timeout_ms;
    size_t number; /* link number typed so far, 0: none */
    char message[MESSAGE_MAX];
    bool is_done;
    bool is_gone; /* the terminal went away */
};

/* Waits for a key; keeps the view in step with the window. False when the terminal is gone. */
static bool next_key(struct browser *browser, int *key) {
    if (!screen_key(key)) {
        browser->is_done = true;
        browser->is_gone = true;
        return false;
    }
    if (*key == KEY_NONE) {
        view_reset(&browser->view);
    }
    return true;
}

static void draw(struct browser *browser) {
    struct visit *visit = history_current(&browser->history);
    char number[64];
    const char *bottom = browser->message[0] != '\0' ? browser->message : help_line;
    if (browser->number != 0) {
        snprintf(number, sizeof(number), "Follow link number %zu_   Enter: go  Esc: no",
                 browser->number);
        bottom = number;
    }
    motion_layout(visit, browser->view.size.columns - 1, view_page_rows(&browser->view));
    view_draw(&browser->view, visit, bottom);
}

/* fetch's progress: shows it, and lets Escape stop it. */
static bool show_progress(void *context, enum fetch_phase phase, uint64_t n_received) {
    struct browser *browser = context;
    char text[96];
    switch (phase) {
    case FETCH_RESOLVING:
        snprintf(text, sizeof(text), "Looking the host up ...");
        break;
    case FETCH_CONNECTING:
        snprintf(text, sizeof(text), "Connecting ...   Esc stops");
        break;
    case FETCH_RECEIVING:
        snprintf(text, sizeof(text), "%llu bytes received   Esc stops",
                 (unsigned long long)n_received);
        break;
    }
    view_bottom(&browser->view, text, false);
    return screen_stop_asked();
}

static bool receive_to_buffer(void *buffer, const char *data, size_t size) {
    return buffer_append(buffer, data, size); /* realloc set errno to ENOMEM */
}

static struct fetch_request make_request(struct browser *browser, const struct gopher_url *url) {
    return (struct fetch_request){
        .url = url,
        .timeout_ms = browser->timeout_ms,
        .limit = PAGE_SIZE_MAX,
        .wake_fd = screen_fd(),
        .progress = show_progress,
        .progress_context = browser,
    };
}

/* Fetches a page; on failure the message says why. */
static enum fetch_status load_page(struct browser *browser, const struct gopher_url *url,
                                   struct page *page) {
    struct buffer body = {0};
    struct fetch_result result;
    struct fetch_request request = make_request(browser, url);
    request.receive = receive_to_buffer;
    request.receive_context = &body;
    fetch(&request, &result);
    bool is_menu = item_kind(url->type) == ITEM_MENU || item_kind(url->type) == ITEM_SEARCH;
    if (result.status == FETCH_OK && result.scan.size == 0 && is_menu) {
        result.status = FETCH_EMPTY;
    }
    if (result.status != FETCH_OK) {
        fetch_explain(&result, &request, browser->message, sizeof(browser->message));
        buffer_release(&body);
        return result.status;
    }
    if (!page_build(page, url->type, &body, &result.scan)) {
        snprintf(browser->message, sizeof(browser->message), "not enough memory for this page");
        return FETCH_NOT_STORED;
    }
    return FETCH_OK;
}

/* Makes the browser show a page that says what went wrong: there is no other page to stay on. */
static void show_failure(struct browser *browser, const struct gopher_url *url) {
    struct buffer body = {0};
    struct page page;
    struct body_scan scan = {0};
    buffer_format(&body,
                  "The start page cannot be shown:\n\n    %s.\n\n"
                  "r tries again, g goes to another address, q quits.\n",
                  browser->message);
    if (!body.failed) {
        body_scan(&scan, body.data, body.size);
    }
    if (!page_build(&page, '0', &body, &scan) || !history_add(&browser->history, url, &page)) {
        browser->is_done = true;
    }
}

/* Asks for a name and whether an older file may go; false when the reader thinks better of it. */
static bool ask_file_name(struct browser *browser, const char *question, char *name, size_t room) {
    struct prompt prompt = {&browser->view, &browser->is_gone};
    if (!prompt_line(&prompt, question, name, room) || name[0] == '\0') {
        snprintf(browser->message, sizeof(browser->message), "not saved");
        return false;
    }
    if (access(name, F_OK) == 0) {
        char confirm[MESSAGE_MAX];
        snprintf(confirm, sizeof(confirm), "%.*s exists. Replace it? (y/n)", MESSAGE_PART, name);
        if (!prompt_yes(&prompt, confirm)) {
            snprintf(browser->message, sizeof(browser->message), "not saved");
            return false;
        }
    }
    return true;
}

/* Asks for a name and fetches the item into the file. */
static void save_url(struct browser *browser, const struct gopher_url *url, const char *why) {
    char name[SAVE_NAME_MAX];
    char question[MESSAGE_MAX];
    struct save_outcome outcome;
    struct fetch_request request = make_request(browser, url);
    gopher_url_file_name(url, name, 64);
    snprintf(question, sizeof(question), "%.*s%sSave as: ", MESSAGE_PART, why,
             why[0] != '\0' ? ". " : "");
    if (ask_file_name(browser, question, name, sizeof(name))) {
        save_item(&request, name, &outcome);
        snprintf(browser->message, sizeof(browser->message), "%s", outcome.message);
    }
}

/* Saves the page on the screen, whose bytes are here. */
static void save_page(struct browser *browser) {
    const struct visit *visit = history_current(&browser->history);
    const struct buffer *body = &visit->page.body;
    char name[SAVE_NAME_MAX];
    struct save_outcome outcome;
    gopher_url_file_name(&visit->url, name, 64);
    if (ask_file_name(browser, "Save this page as: ", name, sizeof(name))) {
        save_bytes((struct slice){body->data, body->size}, name, &outcome);
        snprintf(browser->message, sizeof(browser->message), "%s", outcome.message);
    }
}

/* Goes to a page. Too big for one: offers to save it. */
static void open_page(struct browser *browser, const struct gopher_url *url) {
    struct page page;
    enum fetch_status status = load_page(browser, url, &page);
    if (status == FETCH_TOO_BIG) {
        char why[MESSAGE_MAX];
        snprintf(why, sizeof(why), "%s", browser->message);
        browser->message[0] = '\0';
        save_url(browser, url, why);
    } else if (status == FETCH_OK && !history_add(&browser->history, url, &page)) {
        snprintf(browser->message, sizeof(browser->message), "not enough memory for this page");
    }
}

/* Asks for the words of a search item. */
static void open_search(struct browser *browser, const struct gopher_url *url) {
    struct prompt prompt = {&browser->view, &browser->is_gone};
    struct gopher_url search = *url;
    if (search.search[0] != '\0' ||
        (prompt_line(&prompt, "Search for: ", search.search, sizeof(search.search)) &&
         search.search[0] != '\0')) {
        open_page(browser, &search);
    }
}

/* Does what an item of this type asks for. */
static void open_url(struct browser *browser, const struct gopher_url *url) {
    switch (item_kind(url->type)) {
    case ITEM_MENU:
    case ITEM_TEXT:
        open_page(browser, url);
        break;
    case ITEM_SEARCH:
        open_search(browser, url);
        break;
    case ITEM_FILE:
        save_url(browser, url, "");
        break;
    case ITEM_SESSION:
        snprintf(browser->message, sizeof(browser->message), "a %s session: %s port %u%s%.*s",
                 url->type == '2' ? "phone book" : "telnet", url->host, (unsigned)url->port,
                 url->selector[0] != '\0' ? ", log in as " : "", MESSAGE_PART, url->selector);
        break;
    case ITEM_INFO:
        snprintf(browser->message, sizeof(browser->message), "a line of text, not a link");
        break;
    }
}

static void follow(struct browser *browser, const struct menu_item *item) {
    struct gopher_url url;
    if (item == NULL) {
        snprintf(browser->message, sizeof(browser->message), "there is no such link here");
        return;
    }
    struct slice web = menu_item_web(item);
    if (web.size > 0) {
        int size = web.size < MESSAGE_PART ? (int)web.size : MESSAGE_PART;
        snprintf(browser->message, sizeof(browser->message), "outside Gopher: %.*s", size,
                 web.data);
    } else if (menu_item_url(item, &url)) {
        open_url(browser, &url);
    }
}

/* The selected item of the menu on the screen, or NULL. */
static const struct menu_item *selected_item(const struct browser *browser) {
    const struct visit *visit = history_current(&browser->history);
    return visit->page.is_menu && visit->selected != NO_ITEM
               ? &visit->page.menu.items[visit->selected]
               : NULL;
}

/* Steps through the history; fetches a page that was dropped. */
static void go_along(struct browser *browser, size_t place, const char *nothing) {
    struct history *history = &browser->history;
    if (place >= history->n_visits) {
        snprintf(browser->message, sizeof(browser->message), "%s", nothing);
        return;
    }
    struct visit *visit = history->visits[place];
    struct page page;
    if (visit->has_page) {
        history->place = place;
    } else if (load_page(browser, &visit->url, &page) == FETCH_OK) {
        history->place = place;
        history_set_page(history, visit, &page);
    }
}

static void go_back(struct browser *browser) {
    /* At place 0 this is SIZE_MAX: no such visit. */
    go_along(browser, browser->history.place - 1, "this is where it began");
}

static void go_forward(struct browser *browser) {
    go_along(browser, browser->history.place + 1, "there is nothing ahead");
}

static void reload(struct browser *browser) {
    struct visit *visit = history_current(&browser->history);
    struct page page;
    if (load_page(browser, &visit->url, &page) == FETCH_OK) {
        history_set_page(&browser->history, visit, &page);
        snprintf(browser->message, sizeof(browser->message), "loaded again");
    }
}

static void go_to_address(struct browser *browser) {
    struct prompt prompt = {&browser->view, &browser->is_gone};
    char text[GOPHER_SELECTOR_MAX] = "";
    struct gopher_url url;
    if (!prompt_line(&prompt, "Go to: ", text, sizeof(text)) || text[0] == '\0') {
        return;
    }
    enum url_status status = gopher_url_parse(text, &url);
    if (status != URL_OK) {
        snprintf(browser->message, sizeof(browser->message), "%s", url_status_text(status));
        return;
    }
    open_url(browser, &url);
}

static void show_address(struct browser *browser) {
    const struct menu_item *item = selected_item(browser);
    struct gopher_url url;
    if (item != NULL && menu_item_url(item, &url)) {
        char text[GOPHER_URL_TEXT_MAX];
        gopher_url_format(&url, text);
        snprintf(browser->message, sizeof(browser->message), "%.*s", MESSAGE_MAX - 1, text);
    } else if (item != NULL) {
        follow(browser, item);
    } else {
        snprintf(browser->message, sizeof(browser->message), "no link is selected");
    }
}

static void show_help(struct browser *browser) {
    int key;
    do {
        view_text(&browser->view, help_text, sizeof(help_text) / sizeof(help_text[0]));
        view_bottom(&browser->view, "", false);
    } while (next_key(browser, &key) && key == KEY_NONE);
}

static void save_selected(struct browser *browser) {
    const struct menu_item *item = selected_item(browser);
    struct gopher_url url;
    if (!history_current(&browser->history)->page.is_menu) {
        save_page(browser);
    } else if (item != NULL && menu_item_url(item, &url)) {
        save_url(browser, &url, "");
    } else {
        snprintf(browser->message, sizeof(browser->message),
                 "no document is selected; S saves the menu itself");
    }
}

/* Digits, Backspace, Enter and Escape while a link number is typed. True if the key was for it. */
static bool on_number_key(struct browser *browser, int key) {
    bool is_digit = key >= '0' && key <= '9';
    if (browser->number == 0 && (!is_digit || key == '0')) {
        return false;
    }
    size_t number = browser->number;
    if (is_digit) {
        browser->number = number < 100000 ? number * 10 + (size_t)(key - '0') : number;
        return true;
    }
    if (key == KEY_BACKSPACE || key == KEY_NONE) {
        browser->number = key == KEY_NONE ? number : number / 10;
        return true;
    }
    browser->number = 0;
    if (key == KEY_ENTER) {
        follow(browser, menu_link(&history_current(&browser->history)->page.menu, number));
    }
    return key == KEY_ENTER || key == KEY_ESCAPE;
}

/* Keys that move in the page. True if the key was one of them. */
static bool on_motion_key(struct browser *browser, int key) {
    struct visit *visit = history_current(&browser->history);
    size_t rows = view_page_rows(&browser->view);
    switch (key) {
    case KEY_UP:
    case 'k':
        motion_up(visit, rows);
        return true;
    case KEY_DOWN:
    case 'j':
        motion_down(visit, rows);
        return true;
    case KEY_PAGE_UP:
    case '-':
        motion_to(visit, rows, visit->top > rows ? visit->top - rows : 0);
        return true;
    case KEY_PAGE_DOWN:
    case ' ':
        motion_to(visit, rows, visit->top + rows);
        return true;
    case KEY_HOME:
        motion_to(visit, rows, 0);
        return true;
    case KEY_END:
        motion_to(visit, rows, visit->page.n_lines);
        return true;
    default:
        return false;
    }
}

static void on_key(struct browser *browser, int key) {
    switch (key) {
    case KEY_RIGHT:
        if (!history_current(&browser->history)->page.is_menu) {
            go_forward(browser);
            return;
        }
        follow(browser, selected_item(browser));
        return;
    case KEY_ENTER:
        follow(browser, selected_item(browser));
        return;
    case KEY_LEFT:
    case KEY_BACKSPACE:
    case 'b':
        go_back(browser);
        return;
    case 'f':
        go_forward(browser);
        return;
    case 's':
        save_selected(browser);
        return;
    case 'S':
        save_page(browser);
        return;
    case 'g':
        go_to_address(browser);
        return;
    case 'r':
        reload(browser);
        return;
    case 'H':
        open_url(browser, &browser->start);
        return;
    case '=':
        show_address(browser);
        return;
    case '?':
    case 'h':
    case KEY_HELP:
        show_help(browser);
        return;
    case 'L' - 64:
        view_reset(&browser->view);
        return;
    case 'q':
        browser->is_done = true;
        return;
    default:
        return; /* also KEY_NONE: the window changed, and is drawn again anyway */
    }
}

int browser_run(const struct gopher_url *start, unsigned timeout_ms) {
    if (!screen_open()) {
        fprintf(stderr, "gopher: no terminal; gopher -t ADDRESS prints a page\n");
        return 1;
    }
    struct browser *browser = calloc(1, sizeof(*browser));
    if (browser == NULL) {
        screen_close();
        fprintf(stderr, "gopher: not enough memory\n");
        return 1;
    }
    browser->start = *start;
    browser->timeout_ms = timeout_ms;
    view_reset(&browser->view);
    open_url(browser, start);
    if (history_current(&browser->history) == NULL) {
        show_failure(browser, start);
    }
    while (!browser->is_done) {
        int key;
        draw(browser);
        if (next_key(browser, &key)) {
            if (key != KEY_NONE) {
                browser->message[0] = '\0';
            }
            if (!on_number_key(browser, key) && !on_motion_key(browser, key)) {
                on_key(browser, key);
            }
        }
    }
    bool is_gone = browser->is_gone;
    view_release(&browser->view);
    history_release(&browser->history);
    free(browser);
    screen_close();
    return is_gone ? 1 : 0;
}
