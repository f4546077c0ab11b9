/* SPDX-License-Identifier: MIT */
/* kill: sends signals to processes. */
#include "programs/common/kill_command.h"
#include "programs/common/report.h"

int main(int argc, char **argv) {
    report_begin("kill");
    report_exit(kill_command(argv + (argc > 0), kill_send_to_number, 0));
}
