/* SPDX-License-Identifier: MIT */
/* Files and directories. */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static char base[] = "/tmp/posix_files.XXXXXX";

static long size_of(const char *path) {
    struct stat st;

    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void test_open(void) {
    char buffer[16];
    int fd = open("a", O_CREAT | O_EXCL | O_RDWR, 0640);
    struct stat st;

    CHECK(fd >= 0);
    CHECK_ERROR(open("a", O_CREAT | O_EXCL | O_RDWR, 0640), EEXIST);
    CHECK_ERROR(open("missing", O_RDONLY), ENOENT);
    CHECK_ERROR(open("a/b", O_RDONLY), ENOTDIR);
    CHECK_ERROR(open("a", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERROR(open(".", O_RDWR), EISDIR);
    CHECK(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0640 &&
          st.st_size == 0 && st.st_nlink == 1);
    CHECK(write(fd, "hello, world", 12) == 12);
    CHECK(lseek(fd, 0, SEEK_CUR) == 12);
    CHECK(lseek(fd, 7, SEEK_SET) == 7);
    CHECK(read(fd, buffer, sizeof buffer) == 5 && memcmp(buffer, "world", 5) == 0);
    CHECK(read(fd, buffer, sizeof buffer) == 0);
    CHECK(pread(fd, buffer, 5, 0) == 5 && memcmp(buffer, "hello", 5) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 12);
    CHECK(pwrite(fd, "J", 1, 0) == 1 && lseek(fd, 0, SEEK_CUR) == 12);
    CHECK(lseek(fd, -4, SEEK_END) == 8);
    CHECK_ERROR(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK(close(fd) == 0);
    CHECK_ERROR(close(fd), EBADF);
    CHECK_ERROR(read(fd, buffer, 1), EBADF);
    fd = open("a", O_RDONLY);
    CHECK_ERROR(write(fd, "x", 1), EBADF);
    close(fd);
    fd = open("a", O_WRONLY | O_TRUNC);
    CHECK(fd >= 0 && size_of("a") == 0);
    CHECK_ERROR(read(fd, buffer, 1), EBADF);
    close(fd);
    unlink("a");
}

static void test_append_and_vectors(void) {
    char one[6] = "", two[6] = "", all[32] = "";
    struct iovec out[] = {{"abc", 3}, {"", 0}, {"defg", 4}, {"h", 1}, {"ij", 2}, {"k", 1}};
    struct iovec in[] = {{one, 5}, {two, 5}};
    int fd = open("v", O_CREAT | O_RDWR | O_APPEND, 0600);

    CHECK(writev(fd, out, 6) == 11);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(write(fd, "!", 1) == 1 && size_of("v") == 12);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(readv(fd, in, 2) == 10 && strcmp(one, "abcde") == 0 && strcmp(two, "fghij") == 0);
    CHECK(pread(fd, all, 31, 0) == 12 && strcmp(all, "abcdefghijk!") == 0);
    CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_RDWR | O_APPEND));
    CHECK(fcntl(fd, F_SETFL, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "X", 1) == 1 &&
          size_of("v") == 12);
    close(fd);
    unlink("v");
}

/* Two that append: what one call writes stays together, of however many parts it is. */
static void test_append_whole(void) {
    enum { PARTS = 12, PART_BYTES = 500, BYTES = PARTS * PART_BYTES, ROUNDS = 400 };
    char *data = malloc(BYTES);
    struct iovec parts[PARTS];
    int fd = open("w", O_CREAT | O_RDWR | O_APPEND, 0600), n_torn = 0;

    for (size_t i = 0; i < PARTS; i++) {
        parts[i] = (struct iovec){data + i * PART_BYTES, PART_BYTES};
    }
    fflush(stdout);
    pid_t pid = fork();
    memset(data, pid == 0 ? 'a' : 'b', BYTES);
    for (int i = 0; i < ROUNDS; i++) {
        if (writev(fd, parts, PARTS) != BYTES) {
            n_torn++;
        }
    }
    if (pid == 0) {
        _exit(n_torn);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0 && n_torn == 0);
    CHECK(size_of("w") == 2 * ROUNDS * BYTES && lseek(fd, 0, SEEK_SET) == 0);
    while (readv(fd, parts, PARTS) == BYTES) {
        for (int i = 1; i < BYTES; i++) {
            n_torn += data[i] != data[0];
        }
    }
    CHECK(n_torn == 0);
    close(fd);
    unlink("w");
    free(data);
}

static void test_large(void) {
    enum { BYTES = 1 << 20 };
    char *data = malloc(BYTES), *copy = malloc(BYTES);
    int fd = open("large", O_CREAT | O_RDWR, 0600);

    for (int i = 0; i < BYTES; i++) {
        data[i] = (char)(i * 7 + i / 253);
    }
    CHECK(write(fd, data, BYTES) == BYTES);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, copy, BYTES) == BYTES);
    CHECK(memcmp(data, copy, BYTES) == 0);
    CHECK(ftruncate(fd, 100) == 0 && size_of("large") == 100);
    CHECK(ftruncate(fd, 10000) == 0 && pread(fd, copy, 10000, 0) == 10000);
    bool zeros = true;
    for (int i = 100; i < 10000; i++) {
        zeros = zeros && copy[i] == 0;
    }
    CHECK(zeros && memcmp(data, copy, 100) == 0);
    CHECK(pwrite(fd, "end", 3, 300000) == 3 && size_of("large") == 300003);
    CHECK(pread(fd, copy, 10, 200000) == 10 && copy[0] == 0);
    CHECK_ERROR(ftruncate(fd, -1), EINVAL);
    close(fd);
    CHECK(truncate("large", 5) == 0 && size_of("large") == 5);
    unlink("large");
    free(data);
    free(copy);
}

static void test_names(void) {
    char target[PATH_MAX];
    struct stat st, other;
    int fd = open("one", O_CREAT | O_WRONLY, 0600);

    write(fd, "1", 1);
    close(fd);
    CHECK(link("one", "two") == 0 && stat("one", &st) == 0 && st.st_nlink == 2);
    CHECK(stat("two", &other) == 0 && other.st_ino == st.st_ino);
    CHECK_ERROR(link("one", "two"), EEXIST);
    CHECK(unlink("one") == 0 && size_of("two") == 1);
    CHECK(symlink("two", "soft") == 0 && readlink("soft", target, sizeof target) == 3);
    CHECK(lstat("soft", &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(stat("soft", &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == other.st_ino);
    CHECK_ERROR(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK(symlink("loop", "loop") == 0);
    CHECK_ERROR(stat("loop", &st), ELOOP);
    CHECK(mkdir("d", 0755) == 0 && symlink("../two", "d/up") == 0 && size_of("d/up") == 1);
    CHECK(symlink("d", "dlink") == 0 && size_of("dlink/up") == 1);
    CHECK(rename("two", "d/three") == 0 && size_of("d/three") == 1);
    CHECK_ERROR(stat("two", &st), ENOENT);
    CHECK_ERROR(rmdir("d"), ENOTEMPTY);
    CHECK_ERROR(unlink("missing"), ENOENT);
    fd = open("replaced", O_CREAT | O_WRONLY, 0600);
    write(fd, "22", 2);
    close(fd);
    CHECK(rename("d/three", "replaced") == 0 && size_of("replaced") == 1);
    CHECK_ERROR(rename("replaced", "d"), EISDIR);
    CHECK_ERROR(rename("d", "replaced"), ENOTDIR);
    CHECK(mkdir("d/sub", 0700) == 0);
    CHECK_ERROR(rename("d", "d/sub/x"), EINVAL);
    CHECK(unlink("d/up") == 0 && rmdir("d/sub") == 0 && rmdir("d") == 0);
    CHECK(unlink("soft") == 0 && unlink("loop") == 0 && unlink("dlink") == 0 &&
          unlink("replaced") == 0);
}

static void test_unlinked_open(void) {
    char buffer[4];
    int fd = open("ghost", O_CREAT | O_RDWR, 0600), copy = dup(fd);
    struct stat st;

    CHECK(unlink("ghost") == 0);
    CHECK(write(fd, "boo", 3) == 3 && lseek(copy, 0, SEEK_CUR) == 3);
    CHECK(close(fd) == 0 && pread(copy, buffer, 3, 0) == 3);
    CHECK(fstat(copy, &st) == 0 && st.st_nlink == 0);
    CHECK(dup2(copy, 50) == 50 && close(copy) == 0 && pread(50, buffer, 3, 0) == 3);
    CHECK(fcntl(50, F_GETFD) == 0 && fcntl(50, F_SETFD, FD_CLOEXEC) == 0 &&
          fcntl(50, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(50, F_DUPFD, 60) == 60 && close(60) == 0 && close(50) == 0);
}

static int count_entries(const char *path, unsigned *seen) {
    DIR *dir = opendir(path);
    struct dirent *entry;
    int n = 0;

    *seen = 0;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int number;

        if (sscanf(entry->d_name, "file%d", &number) == 1) {
            n++;
            *seen ^= (unsigned)number * 2654435761u;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return n;
}

static void test_directories(void) {
    char name[32], cwd[PATH_MAX], here[PATH_MAX];
    unsigned seen, expected = 0;

    CHECK(mkdir("many", 0700) == 0);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "many/file%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
        expected ^= (unsigned)i * 2654435761u;
    }
    CHECK(count_entries("many", &seen) == 300 && seen == expected);
    CHECK(getcwd(here, sizeof here) != NULL && chdir("many") == 0);
    CHECK(getcwd(cwd, sizeof cwd) != NULL && strcmp(cwd + strlen(here), "/many") == 0);
    CHECK(size_of("file7") == 0 && size_of("./file7") == 0 && size_of("../many//file7") == 0);
    CHECK_ERROR(chdir("file7"), ENOTDIR);
    CHECK(chdir("..") == 0);
    int fd = open("many", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0 && faccessat(fd, "file9", R_OK, 0) == 0 && unlinkat(fd, "file9", 0) == 0);
    CHECK(fchdir(fd) == 0 && size_of("file8") == 0 && chdir(here) == 0);
    close(fd);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "many/file%d", i);
        unlink(name);
    }
    CHECK(count_entries("many", &seen) == 0 && rmdir("many") == 0);
    CHECK_ERROR(mkdir(here, 0700), EEXIST);
}

static void test_attributes(void) {
    struct timespec times[2] = {{1000, 5}, {2000, 7}};
    struct stat st;
    mode_t old = umask(077);
    int fd = open("m", O_CREAT | O_RDWR, 0666);

    CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(umask(old) == 077);
    CHECK(fchmod(fd, 0644) == 0 && stat("m", &st) == 0 && (st.st_mode & 0777) == 0644);
    CHECK(chmod("m", 0400) == 0 && stat("m", &st) == 0 && (st.st_mode & 0777) == 0400);
    CHECK_ERROR(access("m", X_OK), EACCES);
    CHECK(access("m", R_OK) == 0 && access("m", F_OK) == 0);
    CHECK(futimens(fd, times) == 0 && fstat(fd, &st) == 0 && st.st_atim.tv_sec == 1000 &&
          st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 7);
    CHECK(utimensat(AT_FDCWD, "m", NULL, 0) == 0 && stat("m", &st) == 0 &&
          labs((long)(st.st_mtim.tv_sec - time(NULL))) < 5);
    close(fd);
    unlink("m");
}

static void test_map(void) {
    enum { BYTES = 3 * 4096 };
    char byte;
    int fd = open("map", O_CREAT | O_RDWR, 0600);

    CHECK(ftruncate(fd, BYTES) == 0 && pwrite(fd, "one", 3, 4096) == 3);
    char *shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(shared != MAP_FAILED && private != MAP_FAILED);
    if (shared != MAP_FAILED && private != MAP_FAILED) {
        CHECK(memcmp(shared + 4096, "one", 3) == 0 && memcmp(private + 4096, "one", 3) == 0);
        shared[4096] = 'X';
        CHECK(pread(fd, &byte, 1, 4096) == 1 && byte == 'X');
        CHECK(pwrite(fd, "Y", 1, 8192) == 1 && shared[8192] == 'Y');
        private[4096] = 'P';
        CHECK(pread(fd, &byte, 1, 4096) == 1 && byte == 'X' && shared[4096] == 'X');
        CHECK(munmap(shared, BYTES) == 0 && munmap(private, BYTES) == 0);
    }
    close(fd);
    unlink("map");
}

static void test_devices(void) {
    char buffer[64], other[64];
    int fd = open("/dev/null", O_RDWR);

    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && read(fd, buffer, 1) == 0);
    close(fd);
    fd = open("/dev/zero", O_RDONLY);
    memset(buffer, 1, sizeof buffer);
    CHECK(read(fd, buffer, sizeof buffer) == sizeof buffer && buffer[0] == 0 && buffer[63] == 0);
    close(fd);
    fd = open("/dev/full", O_WRONLY);
    CHECK_ERROR(write(fd, "x", 1), ENOSPC);
    close(fd);
    fd = open("/dev/urandom", O_RDONLY);
    CHECK(read(fd, buffer, sizeof buffer) == sizeof buffer &&
          read(fd, other, sizeof other) == sizeof other &&
          memcmp(buffer, other, sizeof buffer) != 0);
    close(fd);
    CHECK(isatty(open("/dev/null", O_RDWR)) == 0);
}

/* Each value of a byte comes as often as it should: chi squared, 255 degrees of freedom, which is
 * outside of these bounds once in a hundred million times. Enough is read that the generator takes
 * new seed in between. */
static void test_random(void) {
    enum { BYTES = 200000 };
    static unsigned char bytes[BYTES];
    unsigned counts[256] = {0};
    double sum = 0;
    int fd = open("/dev/random", O_RDWR);

    CHECK(write(fd, "some seed", 9) == 9);
    for (size_t n = 0; n < BYTES;) {
        ssize_t part = read(fd, bytes + n, BYTES - n);

        if (part <= 0) {
            CHECK(part > 0);
            break;
        }
        n += (size_t)part;
    }
    close(fd);
    for (size_t i = 0; i < BYTES; i++) {
        counts[bytes[i]]++;
    }
    for (unsigned i = 0; i < 256; i++) {
        double off = counts[i] - BYTES / 256.0;

        sum += off * off / (BYTES / 256.0);
    }
    CHECK(sum > 145 && sum < 400);
    /* Nothing comes twice. */
    size_t n_same = 0;

    for (size_t i = 16; i + 16 <= BYTES; i += 16) {
        n_same += memcmp(bytes, bytes + i, 16) == 0;
    }
    CHECK(n_same == 0);
}

static void test_stdio(void) {
    char line[64];
    FILE *file = fopen("text", "w+");

    CHECK(file != NULL);
    for (int i = 0; i < 1000; i++) {
        fprintf(file, "line %d\n", i);
    }
    CHECK(fseek(file, 0, SEEK_SET) == 0);
    int n = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        n += atoi(line + 5) == n;
    }
    CHECK(n == 1000 && fclose(file) == 0);
    CHECK(remove("text") == 0);
}

int main(void) {
    CHECK(mkdtemp(base) != NULL && chdir(base) == 0);
    umask(022);
    test_open();
    test_append_and_vectors();
    test_append_whole();
    test_large();
    test_names();
    test_unlinked_open();
    test_directories();
    test_attributes();
    test_map();
    test_devices();
    test_random();
    test_stdio();
    CHECK(chdir("/") == 0 && rmdir(base) == 0);
    return tap_end();
}
