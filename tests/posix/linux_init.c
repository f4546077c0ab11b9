/* SPDX-License-Identifier: MIT */
/*
 * The first process of the Linux on which the reference list is made (`make posix-reference`):
 * mounts what a Linux system has, runs the runner with its own arguments, and powers off.
 */
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_on(const char *type, const char *folder) {
    (void)mkdir(folder, 0755);
    if (mount(type, folder, type, 0, "") != 0) {
        perror(folder);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    mount_on("devtmpfs", "/dev");
    mount_on("proc", "/proc");
    mount_on("tmpfs", "/tmp");
    mount_on("tmpfs", "/dev/shm");
    (void)chmod("/tmp", 01777);
    (void)chmod("/dev/shm", 01777);
    pid_t child = fork();

    if (child == 0) {
        (void)setsid();
        argv[0] = "/runner";
        (void)execv("/runner", argv);
        _exit(127);
    }
    while (wait(NULL) != child) {
    }
    (void)reboot(RB_POWER_OFF);
    return 1;
}
