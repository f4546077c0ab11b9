/* SPDX-License-Identifier: MIT */
/* The pid stands in a page that the kernel shows each process. */
#include <unistd.h>

#include "abi/kernel.h"
#include "abi/tag.h"

/* [book:libc-getpid] */
pid_t getpid(void) {
    pid_t pid = (pid_t)tag_pid(((const struct process_page *)PROCESS_PAGE_ADDRESS)->tag);

    return pid != 0 ? pid : 1; /* without proc: programs expect a positive number */
}
/* [/book] */
