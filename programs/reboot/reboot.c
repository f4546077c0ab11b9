/* SPDX-License-Identifier: MIT */
/* reboot: asks init, which alone may, through /dev/services (protocol service). */
#include "abi/generated/file.h"
#include "abi/generated/service.h"
#include "lib/native/error.h"
#include "lib/native/namespace.h"
#include "programs/common/options.h"
#include "programs/common/report.h"

static const char control_path[] = "/dev/services";
static const char help[] = "reboot\n"
                           "Starts the machine anew.";

int main(int argc, char **argv) {
    struct options options;
    handle_t control;

    report_begin("reboot");
    options = options_none(argc, argv, help);
    if (options.n_operands > 0) {
        options_fail(&options, "too many arguments");
    }
    status_t status = namespace_open(control_path, FILE_OPEN_READ, 0, &control, NULL);
    if (status == OK) {
        status = service_reboot(control, DEADLINE_NEVER);
    }
    report("%s: %s", control_path, status_text(status)); /* only reached if it failed */
    report_exit(1);
}
