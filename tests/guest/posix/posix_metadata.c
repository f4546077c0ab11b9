/* SPDX-License-Identifier: MIT */
/*
 * What stat says and who changes it: times, modes, owners, sizes; flags of open; seeking; copying
 * between descriptors.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static char base[] = "/tmp/posix_metadata.XXXXXX";

static int64_t ns_of(struct timespec time) {
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct stat stat_of(const char *path) {
    struct stat st = {0};

    lstat(path, &st);
    return st;
}

/* Until the clock that files are stamped with has moved on: Linux' moves in steps. */
static void clock_step(void) {
    struct stat before, after;

    close(open("tick", O_CREAT | O_RDWR, 0600));
    before = stat_of("tick");
    do {
        futimens(AT_FDCWD, NULL);
        utimensat(AT_FDCWD, "tick", NULL, 0);
        after = stat_of("tick");
    } while (ns_of(before.st_mtim) == ns_of(after.st_mtim));
    unlink("tick");
}

/* Which of the three times has changed since: "acm", "-" for those that have not. */
static const char *changed(const struct stat *before, const char *path) {
    static char text[4];
    struct stat st = stat_of(path);

    text[0] = ns_of(st.st_atim) != ns_of(before->st_atim) ? 'a' : '-';
    text[1] = ns_of(st.st_ctim) != ns_of(before->st_ctim) ? 'c' : '-';
    text[2] = ns_of(st.st_mtim) != ns_of(before->st_mtim) ? 'm' : '-';
    return text;
}

#define CHANGES(path, action, times)                                                               \
    do {                                                                                           \
        struct stat before_ = stat_of(path);                                                       \
        clock_step();                                                                              \
        CHECK(action);                                                                             \
        CHECK_THAT(strcmp(changed(&before_, path), times) == 0, #action " changes " times);        \
    } while (0)

static void test_times(void) {
    char byte;
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    struct timespec now = {.tv_nsec = UTIME_NOW}, keep = {.tv_nsec = UTIME_OMIT};
    struct timespec both[2] = {{10, 1}, {20, 2}};

    mkdir("d", 0700);
    CHANGES("f", write(fd, "x", 1) == 1, "-cm");
    CHANGES("f", ftruncate(fd, 10) == 0, "-cm");
    CHANGES("f", chmod("f", 0644) == 0, "-c-");
    CHANGES("f", chown("f", 5, 6) == 0, "-c-");
    CHANGES("f", link("f", "g") == 0, "-c-");
    CHANGES("f", rename("g", "h") == 0, "-c-");
    CHANGES("f", unlink("h") == 0, "-c-");
    CHANGES("f", lseek(fd, 0, SEEK_SET) == 0, "---");
    CHANGES("d", mkdir("d/e", 0700) == 0, "-cm");
    CHANGES("d", close(open("d/f", O_CREAT | O_RDWR, 0600)) == 0, "-cm");
    CHANGES("d", rename("d/f", "d/g") == 0, "-cm");
    CHANGES("d", unlink("d/g") == 0 && rmdir("d/e") == 0, "-cm");
    CHANGES("f", stat_of("f").st_size == 10 && access("f", R_OK) == 0, "---");
    CHANGES("f", futimens(fd, both) == 0, "acm");
    CHECK(ns_of(stat_of("f").st_atim) == 10000000001 && ns_of(stat_of("f").st_mtim) == 20000000002);
    clock_step();
    CHECK(read(fd, &byte, 1) == 1 && stat_of("f").st_atim.tv_sec > 1000);
    both[0] = keep;
    both[1] = (struct timespec){30, 3};
    CHANGES("f", utimensat(AT_FDCWD, "f", both, 0) == 0, "-cm");
    both[1] = now;
    CHANGES("f", futimens(fd, both) == 0, "-cm");
    CHECK(labs((long)(stat_of("f").st_mtim.tv_sec - time(NULL))) < 5);
    both[1] = keep;
    CHANGES("f", futimens(fd, both) == 0, "---");
    both[1].tv_nsec = 1000000000;
    CHECK_ERROR(futimens(fd, both), EINVAL);
    CHECK_ERROR(utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
    CHECK_ERROR(utimensat(AT_FDCWD, "f", NULL, 0x4000), EINVAL);
    both[0] = both[1] = (struct timespec){-5, 500000000};
    CHECK(futimens(fd, both) == 0 && stat_of("f").st_mtim.tv_sec == -5 &&
          stat_of("f").st_mtim.tv_nsec == 500000000);
    both[0] = (struct timespec){INT64_MIN, 1}; /* the nearest that the file can have */
    both[1] = (struct timespec){INT64_MAX, 1};
    CHECK(futimens(fd, both) == 0 && stat_of("f").st_atim.tv_sec == -stat_of("f").st_mtim.tv_sec &&
          stat_of("f").st_mtim.tv_sec > 9000000000);
    both[1] = (struct timespec){-5, 0};
    CHECK(futimens(fd, both) == 0);
    CHECK(symlink("f", "s") == 0);
    both[0] = both[1] = (struct timespec){77, 0};
    CHECK(utimensat(AT_FDCWD, "s", both, AT_SYMLINK_NOFOLLOW) == 0 &&
          stat_of("s").st_mtim.tv_sec == 77 && stat_of("f").st_mtim.tv_sec == -5);
    CHECK(unlink("s") == 0 && close(fd) == 0 && unlink("f") == 0 && rmdir("d") == 0);
}

static void test_modes(void) {
    int fd = open("m", O_CREAT | O_RDWR, 07777);
    mode_t old = umask(0);

    CHECK((stat_of("m").st_mode & 0777) == 0755);
    CHECK(close(fd) == 0 && unlink("m") == 0);
    CHECK(mkdir("m", 0777) == 0 && (stat_of("m").st_mode & 07777) == 0777 && rmdir("m") == 0);
    CHECK(mkfifo("m", 0666) == 0 && (stat_of("m").st_mode & 07777) == 0666 && unlink("m") == 0);
    CHECK(umask(0777) == 0 && (fd = open("m", O_CREAT | O_RDWR, 0777)) >= 0 &&
          (stat_of("m").st_mode & 0777) == 0);
    CHECK(umask(old) == 0777);
    CHECK(write(fd, "x", 1) == 1 && access("m", R_OK | W_OK) == 0); /* user 0 may */
    CHECK_ERROR(access("m", X_OK), EACCES);
    CHECK(fchmod(fd, 06755) == 0 && (stat_of("m").st_mode & 07777) == 06755 &&
          access("m", X_OK) == 0 && fchmodat(AT_FDCWD, "m", 0700, 0) == 0);
    CHECK_ERROR(access("m", 64), EINVAL);
    CHECK(faccessat(AT_FDCWD, "m", R_OK, AT_EACCESS) == 0);
    /* Owners are kept, and giving a file away takes its set-id bits. */
    CHECK(fchmod(fd, 06755) == 0 && fchown(fd, 12, 34) == 0 && stat_of("m").st_uid == 12 &&
          stat_of("m").st_gid == 34 && (stat_of("m").st_mode & 07777) == 0755);
    CHECK(chown("m", (uid_t)-1, 56) == 0 && stat_of("m").st_uid == 12 && stat_of("m").st_gid == 56);
    CHECK(symlink("m", "s") == 0 && lchown("s", 7, 8) == 0 && stat_of("s").st_uid == 7 &&
          stat_of("m").st_uid == 12 && chown("s", 0, 0) == 0 && stat_of("m").st_uid == 0);
    CHECK(fchownat(AT_FDCWD, "s", 9, 9, AT_SYMLINK_NOFOLLOW) == 0 && stat_of("s").st_uid == 9);
    CHECK_ERROR(chown("missing", 0, 0), ENOENT);
    CHECK_ERROR(fchown(900, 0, 0), EBADF);
    CHECK_ERROR(fchownat(AT_FDCWD, "m", 0, 0, 0x4000), EINVAL);
    CHECK(close(fd) == 0 && unlink("m") == 0 && unlink("s") == 0);
}

static void test_open_flags(void) {
    char buffer[8];
    struct stat st;
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);

    CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0);
    CHECK(write(fd, "abc", 3) == 3 && pread(fd, buffer, 8, 0) == 3 && close(fd) == 0);
    CHECK_ERROR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    CHECK_ERROR(open("missing", O_TMPFILE | O_RDWR, 0600), ENOENT);
    fd = open("f", O_CREAT | O_RDWR | O_SYNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && fsync(fd) == 0 && fdatasync(fd) == 0);
    CHECK(write(fd, "0123456789", 10) == 10);
    CHECK_ERROR(open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
    int path = open("f", O_PATH);
    CHECK(path >= 0 && fstat(path, &st) == 0 && st.st_size == 10);
    CHECK_ERROR(read(path, buffer, 1), EBADF);
    CHECK_ERROR(write(path, buffer, 1), EBADF);
    CHECK(close(path) == 0);
    /* Appending is where the end is when it happens, also past another's write; pread is not. */
    int one = open("f", O_WRONLY | O_APPEND), two = open("f", O_RDWR | O_APPEND);
    CHECK(write(one, "A", 1) == 1 && write(two, "B", 1) == 1 && write(one, "C", 1) == 1 &&
          lseek(two, 0, SEEK_CUR) == 12);
    CHECK(pread(two, buffer, 3, 10) == 3 && memcmp(buffer, "ABC", 3) == 0);
    CHECK_ERROR(ftruncate(open("f", O_RDONLY), 0), EINVAL);
    CHECK(close(one) == 0 && close(two) == 0);
    CHECK((one = open("f", O_RDONLY | O_CREAT | O_TRUNC, 0600)) >= 0 && close(one) == 0);
    CHECK_ERROR(open("f", O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK(symlink("nowhere", "dangling") == 0);
    CHECK_ERROR(open("dangling", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
    CHECK((one = open("dangling", O_CREAT | O_RDWR, 0600)) >= 0 && close(one) == 0 &&
          unlink("nowhere") == 0);
    CHECK(unlink("dangling") == 0 && close(fd) == 0 && unlink("f") == 0);
}

static void test_seek(void) {
    int fd = open("f", O_CREAT | O_RDWR, 0600), ends[2];
    struct stat st;

    CHECK(ftruncate(fd, 100000) == 0 && lseek(fd, 200000, SEEK_SET) == 200000);
    char byte;
    CHECK(read(fd, &byte, 1) == 0 && write(fd, "x", 1) == 1 && fstat(fd, &st) == 0 &&
          st.st_size == 200001);
    CHECK(lseek(fd, 0, SEEK_HOLE) >= 0 && lseek(fd, 200000, SEEK_DATA) == 200000 &&
          lseek(fd, 200000, SEEK_HOLE) == 200001);
    CHECK_ERROR(lseek(fd, 200001, SEEK_DATA), ENXIO);
    CHECK_ERROR(lseek(fd, 200001, SEEK_HOLE), ENXIO);
    CHECK_ERROR(lseek(fd, 0, 77), EINVAL);
    CHECK_ERROR(lseek(fd, LONG_MIN, SEEK_CUR), EINVAL);
    CHECK_ERROR(lseek(900, 0, SEEK_SET), EBADF);
    CHECK(pipe(ends) == 0);
    CHECK_ERROR(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    CHECK_ERROR(pread(ends[0], &byte, 1, 0), ESPIPE);
    CHECK_ERROR(pwrite(ends[1], &byte, 1, 0), ESPIPE);
    CHECK_ERROR(pread(fd, &byte, 1, -1), EINVAL);
    CHECK_ERROR(ftruncate(fd, LONG_MAX), EFBIG);
    CHECK(pwrite(fd, "x", 1, LONG_MAX) == -1 && (errno == EFBIG || errno == EINVAL));
    CHECK(posix_fallocate(fd, 0, 300000) == 0 && fstat(fd, &st) == 0 && st.st_size == 300000 &&
          posix_fallocate(fd, 10, 20) == 0 && fstat(fd, &st) == 0 && st.st_size == 300000);
    CHECK(posix_fallocate(fd, -1, 20) == EINVAL && posix_fallocate(900, 0, 1) == EBADF);
    close(ends[0]);
    close(ends[1]);
    close(fd);
    unlink("f");
}

static void test_copies(void) {
    enum { BYTES = 50000 };
    static char data[BYTES], copy[BYTES];
    int from = open("from", O_CREAT | O_RDWR, 0600), to = open("to", O_CREAT | O_RDWR, 0600);
    off_t offset = 1000, other = 5;
    int ends[2];

    for (int i = 0; i < BYTES; i++) {
        data[i] = (char)(i * 31 + i / 251);
    }
    CHECK(write(from, data, BYTES) == BYTES);
    CHECK(sendfile(to, from, &offset, BYTES) == BYTES - 1000 && offset == BYTES &&
          lseek(from, 0, SEEK_CUR) == BYTES && lseek(to, 0, SEEK_CUR) == BYTES - 1000);
    CHECK(pread(to, copy, BYTES, 0) == BYTES - 1000 &&
          memcmp(copy, data + 1000, BYTES - 1000) == 0);
    CHECK(lseek(from, 10, SEEK_SET) == 10 && pipe(ends) == 0 &&
          sendfile(ends[1], from, NULL, 20) == 20 && lseek(from, 0, SEEK_CUR) == 30 &&
          read(ends[0], copy, 100) == 20 && memcmp(copy, data + 10, 20) == 0);
    offset = 0;
    CHECK(copy_file_range(from, &offset, to, &other, 100, 0) == 100 && offset == 100 &&
          other == 105 && pread(to, copy, 100, 5) == 100 && memcmp(copy, data, 100) == 0);
    CHECK_ERROR(copy_file_range(from, NULL, ends[1], NULL, 10, 0), EINVAL);
    CHECK_ERROR(sendfile(to, 900, NULL, 10), EBADF);
    close(ends[0]);
    close(ends[1]);
    close(from);
    close(to);
    unlink("from");
    unlink("to");
}

static void test_file_system(void) {
    struct statvfs vfs;
    struct stat one, other;

    CHECK(statvfs(".", &vfs) == 0 && vfs.f_bsize > 0 && vfs.f_blocks > 0 &&
          vfs.f_bfree <= vfs.f_blocks && vfs.f_namemax == 255);
    CHECK(mkfifo("fifo", 0600) == 0 && statvfs("fifo", &vfs) == 0 && unlink("fifo") == 0);
    CHECK_ERROR(statvfs("missing", &vfs), ENOENT);
    CHECK(stat(".", &one) == 0 && stat("/dev/null", &other) == 0 && one.st_dev != other.st_dev &&
          S_ISCHR(other.st_mode));
    CHECK(pathconf(".", _PC_NAME_MAX) == 255);
}

int main(void) {
    CHECK(mkdtemp(base) != NULL && chdir(base) == 0);
    umask(022);
    test_times();
    test_modes();
    test_open_flags();
    test_seek();
    test_copies();
    test_file_system();
    CHECK(chdir("/") == 0 && rmdir(base) == 0);
    return tap_end();
}
