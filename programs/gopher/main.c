/* SPDX-License-Identifier: MIT */
/*
 * gopher: a browser for the Gopher protocol (RFC 1436), and gopher -t, which prints one item.
 * The command line and the start page are read here; the rest is in browser.c and print.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/gopher/browser.h"
#include "programs/gopher/fetch.h"
#include "programs/gopher/print.h"

#define START_FILE    "/etc/gopher.start"
#define START_DEFAULT "gopher://gopher.floodgap.com/"

#define EXIT_USAGE   1
#define EXIT_ADDRESS 2

static const char usage[] =
    "usage: gopher [-w SECONDS] [ADDRESS [WORDS]]     browse\n"
    "       gopher -t [-w SECONDS] ADDRESS [WORDS]    print one item\n"
    "ADDRESS: gopher://host:port/TYPEselector, or host[:port][/selector]\n"
    "WORDS: what to search for, for a search item (type 7)\n"
    "-w: seconds to wait for a connection and in each silence (10)\n"
    "Without an address: the first line of " START_FILE ", or " START_DEFAULT "\n";

/* Reads the first line of the start file that is neither empty nor a comment (#). */
static void read_start(char *text, size_t room) {
    FILE *file = fopen(START_FILE, "r");
    bool found = false;
    while (file != NULL && !found && fgets(text, (int)room, file) != NULL) {
        text[strcspn(text, "\r\n")] = '\0';
        found = text[0] != '\0' && text[0] != '#';
    }
    if (file != NULL) {
        fclose(file);
    }
    if (!found) {
        snprintf(text, room, "%s", START_DEFAULT);
    }
}

/* Joins the words of the command line into the search; false when they do not fit. */
static bool join_words(char *const *words, int n_words, struct gopher_url *url) {
    size_t size = strlen(url->search);
    for (int i = 0; i < n_words; i++) {
        int n = snprintf(url->search + size, sizeof(url->search) - size, "%s%s",
                         size > 0 ? " " : "", words[i]);
        if (n < 0 || (size_t)n >= sizeof(url->search) - size ||
            strpbrk(words[i], "\r\n\t") != NULL) {
            return false;
        }
        size += (size_t)n;
    }
    return true;
}

/* A time-out in seconds, 1 to 3600, as milliseconds; 0 when the text is none. */
static unsigned parse_seconds(const char *text) {
    char *end;
    unsigned long seconds = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || seconds < 1 || seconds > 3600) {
        return 0;
    }
    return (unsigned)seconds * 1000u;
}

static int complain(const char *address, const char *what) {
    fprintf(stderr, "gopher: %s: %s\n", address, what);
    return EXIT_ADDRESS;
}

int main(int argc, char **argv) {
    bool print = false;
    unsigned timeout_ms = FETCH_TIMEOUT_MS;
    int option;
    while ((option = getopt(argc, argv, "tw:h")) != -1) {
        if (option == 't') {
            print = true;
        } else if (option == 'w' && (timeout_ms = parse_seconds(optarg)) != 0) {
            continue;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : EXIT_USAGE;
        }
    }
    char start[GOPHER_URL_TEXT_MAX];
    const char *address = argv[optind];
    if (address == NULL) {
        if (print) {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
        read_start(start, sizeof(start));
        address = start;
    }
    struct gopher_url url;
    enum url_status status = gopher_url_parse(address, &url);
    if (status != URL_OK) {
        return complain(address, url_status_text(status));
    }
    if (optind + 1 < argc && item_kind(url.type) != ITEM_SEARCH) {
        return complain(address, "words are for search items (type 7)");
    }
    if (optind < argc && !join_words(argv + optind + 1, argc - optind - 1, &url)) {
        return complain(address, "the words are too long, or have a control character");
    }
    if (print && item_kind(url.type) == ITEM_SEARCH && url.search[0] == '\0') {
        return complain(address, "this is a search: give the words after the address");
    }
    if (print && (item_kind(url.type) == ITEM_SESSION || item_kind(url.type) == ITEM_INFO)) {
        return complain(address, "items of this type have nothing to print");
    }
    return print ? print_url(&url, timeout_ms) : browser_run(&url, timeout_ms);
}
