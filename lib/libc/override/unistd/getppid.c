/* SPDX-License-Identifier: MIT */
/* proc has the kernel write the parent's pid into the process page, anew when the parent changes.
 */
#include <unistd.h>

#include "abi/kernel.h"

pid_t getppid(void) {
    return (pid_t)((const struct process_page *)PROCESS_PAGE_ADDRESS)->word;
}
