/* SPDX-License-Identifier: MIT */
/*
 * Names: `..` behind symbolic links, trailing slashes and dots, loops, lengths, and every error
 * that POSIX gives rename, link, unlink, mkdir and rmdir.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char base[PATH_MAX] = "/tmp/posix_paths.XXXXXX";

static void make_file(const char *path, const char *content) {
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    CHECK_THAT(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content), path);
    close(fd);
}

static bool holds(const char *path, const char *content) {
    char buffer[64] = "";
    int fd = open(path, O_RDONLY);
    bool same = fd >= 0 && read(fd, buffer, sizeof buffer - 1) >= 0 && strcmp(buffer, content) == 0;

    close(fd);
    return same;
}

static bool exists(const char *path) {
    struct stat st;

    return lstat(path, &st) == 0;
}

/* ---- physical ---- */

static bool is_here(const char *rest) {
    char cwd[PATH_MAX], wanted[2 * PATH_MAX];

    snprintf(wanted, sizeof wanted, "%s%s", base, rest);
    return getcwd(cwd, sizeof cwd) != NULL && strcmp(cwd, wanted) == 0;
}

static void test_dots(void) {
    char buffer[PATH_MAX];

    CHECK(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0 && mkdir("a/b/c", 0700) == 0 &&
          mkdir("x", 0700) == 0);
    make_file("a/mark", "in a");
    make_file("mark", "on top");
    CHECK(symlink("../a/b", "x/in_b") == 0 && symlink("in_b", "x/again") == 0);
    CHECK(holds("x/../mark", "on top") && holds("x/in_b/../mark", "in a"));
    CHECK(holds("x/again/../mark", "in a") && holds("./x/./again/.././mark", "in a"));
    CHECK(holds("x/in_b/c/../../mark", "in a") && holds("x/in_b/../../mark", "on top"));
    /* In the target of a link too. */
    CHECK(symlink("in_b/../mark", "x/to_mark") == 0 && holds("x/to_mark", "in a"));
    CHECK(symlink("again/../b/../../x/in_b/../mark", "x/far") == 0 && holds("x/far", "in a"));
    CHECK_ERROR(open("missing/../mark", O_RDONLY), ENOENT);
    CHECK_ERROR(open("mark/../mark", O_RDONLY), ENOTDIR);
    /* The working directory is where one is, not how one came. */
    CHECK(chdir("x/in_b") == 0 && is_here("/a/b") && holds("../mark", "in a"));
    CHECK(chdir("..") == 0 && is_here("/a") && chdir("../x/again/..") == 0 && is_here("/a"));
    CHECK(chdir("..") == 0 && is_here(""));
    int fd = open("x/in_b", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0 && (close(openat(fd, "../mark", O_RDONLY)) == 0) &&
          openat(fd, "../../a/missing", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(fchdir(fd) == 0 && is_here("/a/b") && chdir(base) == 0 && close(fd) == 0);
    CHECK(realpath("x/again/../mark", buffer) != NULL &&
          strcmp(buffer + strlen(base), "/a/mark") == 0);
    CHECK(mkdir("x/in_b/../new", 0700) == 0 && exists("a/new") && !exists("x/new"));
    CHECK(rename("x/in_b/../new", "x/again/../newer") == 0 && exists("a/newer") &&
          rmdir("a/newer") == 0);
    CHECK(holds("/../../..//tmp/../tmp/", "") == false && chdir("/..") == 0 && chdir(base) == 0);
}

static void test_loops(void) {
    char name[16], target[16];

    CHECK(symlink("two", "one") == 0 && symlink("one", "two") == 0);
    CHECK_ERROR(open("one", O_RDONLY), ELOOP);
    CHECK_ERROR(open("one/x", O_RDONLY), ELOOP);
    CHECK_ERROR(chdir("one/.."), ELOOP);
    CHECK_ERROR(open("one", O_CREAT | O_WRONLY, 0600), ELOOP);
    CHECK(symlink("deep/../deep/..", "deep") == 0);
    CHECK_ERROR(open("deep", O_RDONLY), ELOOP);
    CHECK(unlink("one") == 0 && unlink("two") == 0 && unlink("deep") == 0);
    /* A chain that ends is followed. */
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "chain%d", i);
        snprintf(target, sizeof target, "chain%d", i + 1);
        CHECK(symlink(i == 19 ? "mark" : target, name) == 0);
    }
    CHECK(holds("chain0", "on top"));
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "chain%d", i);
        unlink(name);
    }
    /* Links whose targets wind through each other: an error in finite time. */
    for (int i = 1; i < 9; i++) {
        char winding[512] = "";

        snprintf(name, sizeof name, "w%d", i);
        for (int j = 0; j < 20; j++) {
            snprintf(winding + strlen(winding), sizeof winding - strlen(winding), "%s%d/../",
                     i == 1 ? "../x/../a/b/../x" : "w", i == 1 ? 0 : i - 1);
        }
        CHECK(symlink(winding, name) == 0);
    }
    CHECK(open("w8", O_RDONLY) == -1);
    for (int i = 1; i < 9; i++) {
        snprintf(name, sizeof name, "w%d", i);
        unlink(name);
    }
}

static bool holds_at(int directory, const char *name, const char *content) {
    char buffer[64] = "";
    int fd = openat(directory, name, O_RDONLY);
    ssize_t n = read(fd, buffer, sizeof buffer - 1);

    close(fd);
    return n >= 0 && strcmp(buffer, content) == 0;
}

/* An open directory is what it was, also when it has another name and another has its name. */
static void test_renamed(void) {
    struct stat status;
    char target[8] = "";

    mkdir("d", 0700);
    make_file("d/f", "this");
    int d = open("d", O_RDONLY | O_DIRECTORY);
    CHECK(rename("d", "e") == 0 && mkdir("d", 0700) == 0);
    make_file("d/f", "other");
    CHECK(holds_at(d, "f", "this") && holds_at(d, "./f", "this"));
    CHECK(fstatat(d, "f", &status, 0) == 0 && status.st_size == 4);
    CHECK(mkdirat(d, "sub", 0700) == 0 && access("e/sub", F_OK) == 0);
    CHECK(symlinkat("f", d, "link") == 0 && readlinkat(d, "link", target, 8) == 1);
    CHECK(renameat(d, "f", d, "sub/g") == 0 && holds("e/sub/g", "this"));
    CHECK(linkat(d, "sub/g", d, "f", 0) == 0 && holds("e/f", "this") && holds("d/f", "other"));
    CHECK(unlinkat(d, "f", 0) == 0 && access("e/f", F_OK) == -1 && holds("d/f", "other"));
    CHECK(unlinkat(d, "sub/g", 0) == 0 && unlinkat(d, "sub", AT_REMOVEDIR) == 0);
    CHECK(unlinkat(d, "link", 0) == 0 && rmdir("e") == 0);
    CHECK_ERROR(openat(d, "f", O_CREAT | O_WRONLY, 0600), ENOENT);
    CHECK(unlink("d/f") == 0 && rmdir("d") == 0);
    close(d);
    d = open("/", O_RDONLY | O_DIRECTORY);
    CHECK(fstatat(d, "tmp", &status, 0) == 0 && fstatat(d, "bin", &status, 0) == 0);
    CHECK(fstatat(d, "dev/null", &status, 0) == 0 && fstatat(d, ".", &status, 0) == 0);
    close(d);
}

static void test_lengths(void) {
    char name[300], path[PATH_MAX + 200] = "";

    memset(name, 'n', sizeof name);
    name[255] = '\0';
    make_file(name, "long");
    CHECK(holds(name, "long") && unlink(name) == 0);
    memset(name, 'n', 256);
    name[256] = '\0';
    CHECK_ERROR(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
    CHECK_ERROR(mkdir(name, 0700), ENAMETOOLONG);
    CHECK_ERROR(rename("mark", name), ENAMETOOLONG);
    CHECK_ERROR(symlink("mark", name), ENAMETOOLONG);
    while (strlen(path) < PATH_MAX) {
        strcat(path, "./././././");
    }
    CHECK_ERROR(open(path, O_RDONLY), ENAMETOOLONG);
    CHECK_ERROR(open("", O_RDONLY), ENOENT);
    CHECK_ERROR(mkdir("", 0700), ENOENT);
    CHECK_ERROR(symlink("", "nothing"), ENOENT);
    CHECK_ERROR(symlink("mark", ""), ENOENT);
}

/* ---- what a path ends in ---- */

static void test_ends(void) {
    char buffer[64];
    struct stat st;

    CHECK(symlink("a", "to_a") == 0 && symlink("mark", "to_mark") == 0);
    CHECK_ERROR(stat("mark/", &st), ENOTDIR);
    CHECK_ERROR(lstat("mark/.", &st), ENOTDIR);
    CHECK_ERROR(stat("mark/..", &st), ENOTDIR);
    CHECK(lstat("to_a", &st) == 0 && S_ISLNK(st.st_mode) && lstat("to_a/", &st) == 0 &&
          S_ISDIR(st.st_mode) && lstat("to_a/.", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK_ERROR(open("mark/", O_RDONLY), ENOTDIR);
    CHECK_ERROR(open("new/", O_CREAT | O_RDWR, 0600), EISDIR);
    CHECK_ERROR(open("to_mark/", O_RDONLY), ENOTDIR);
    CHECK_ERROR(chmod("mark/", 0600), ENOTDIR);
    CHECK_ERROR(truncate("mark/", 0), ENOTDIR);
    CHECK_ERROR(access("mark/", F_OK), ENOTDIR);
    CHECK_ERROR(unlink("mark/"), ENOTDIR);
    CHECK_ERROR(unlink("missing/"), ENOENT);
    CHECK_ERROR(unlink("a/"), EISDIR);
    CHECK_ERROR(unlink("a/."), EISDIR);
    CHECK_ERROR(unlink("a"), EISDIR);
    CHECK(unlink("to_a/") == -1 && (errno == ENOTDIR || errno == EISDIR));
    CHECK_ERROR(rmdir("a/b/c/."), EINVAL);
    CHECK_ERROR(rmdir("a/b/c/.."), ENOTEMPTY);
    CHECK_ERROR(rmdir("to_a/"), ENOTDIR);
    CHECK_ERROR(rmdir("mark/"), ENOTDIR);
    CHECK_ERROR(rmdir("mark"), ENOTDIR);
    CHECK_ERROR(rmdir("missing"), ENOENT);
    CHECK_ERROR(rmdir("/"), EBUSY);
    CHECK(mkdir("slash/", 0700) == 0 && mkdir("slash/in//", 0700) == 0);
    CHECK_ERROR(mkdir("a/.", 0700), EEXIST);
    CHECK_ERROR(mkdir("a/..", 0700), EEXIST);
    CHECK_ERROR(mkdir("missing/.", 0700), ENOENT);
    CHECK_ERROR(mkdir("mark/x", 0700), ENOTDIR);
    CHECK_ERROR(mkdir("to_mark", 0700), EEXIST);
    CHECK_ERROR(readlink("a", buffer, sizeof buffer), EINVAL);
    CHECK_ERROR(readlink("to_a/", buffer, sizeof buffer), EINVAL);
    CHECK_ERROR(readlink("missing/", buffer, sizeof buffer), ENOENT);
    CHECK(readlink("to_mark", buffer, 2) == 2 && memcmp(buffer, "ma", 2) == 0);
    CHECK_ERROR(symlink("t", "newlink/"), ENOENT);
    CHECK_ERROR(symlink("t", "a/"), EEXIST);
    CHECK_ERROR(link("mark", "newlink/"), ENOENT);
    CHECK_ERROR(link("mark/", "newlink"), ENOTDIR);
    CHECK_ERROR(link("a", "newlink"), EPERM);
    CHECK_ERROR(link("missing", "newlink"), ENOENT);
    CHECK_ERROR(link("mark", "missing/newlink"), ENOENT);
    CHECK_ERROR(link("mark", "a"), EEXIST);
    CHECK(linkat(AT_FDCWD, "to_mark", AT_FDCWD, "hard", AT_SYMLINK_FOLLOW) == 0 &&
          lstat("hard", &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 2);
    CHECK(linkat(AT_FDCWD, "to_mark", AT_FDCWD, "soft", 0) == 0 && lstat("soft", &st) == 0 &&
          S_ISLNK(st.st_mode) && st.st_nlink == 2);
    CHECK_ERROR(linkat(AT_FDCWD, "mark", AT_FDCWD, "bad", 0x40000), EINVAL);
    CHECK_ERROR(unlinkat(AT_FDCWD, "mark", 0x40000), EINVAL);
    CHECK_ERROR(unlinkat(900, "mark", 0), EBADF);
    int fd = open("mark", O_RDONLY);
    CHECK_ERROR(unlinkat(fd, "mark", 0), ENOTDIR);
    CHECK(unlink("hard") == 0 && unlink("soft") == 0 && close(fd) == 0);
}

/* ---- rename ---- */

static void test_rename(void) {
    struct stat st, after;

    make_file("f", "f");
    make_file("g", "g");
    CHECK(mkdir("d", 0700) == 0 && mkdir("e", 0700) == 0 && mkdir("full", 0700) == 0 &&
          mkdir("full/sub", 0700) == 0);
    CHECK_ERROR(rename("missing", "f"), ENOENT);
    CHECK_ERROR(rename("f", "missing/f"), ENOENT);
    CHECK_ERROR(rename("f/x", "h"), ENOTDIR);
    CHECK_ERROR(rename("f", "g/x"), ENOTDIR);
    CHECK_ERROR(rename("f", "d"), EISDIR);
    CHECK_ERROR(rename("d", "f"), ENOTDIR);
    CHECK_ERROR(rename("d", "full"), ENOTEMPTY);
    CHECK_ERROR(rename("full", "full/sub/x"), EINVAL);
    CHECK_ERROR(rename("full/sub", "full"), ENOTEMPTY);
    CHECK_ERROR(rename("d/.", "h"), EBUSY);
    CHECK_ERROR(rename("d", "full/.."), EBUSY);
    CHECK_ERROR(rename("/", "h"), EBUSY);
    CHECK_ERROR(rename("f/", "h"), ENOTDIR);
    CHECK_ERROR(rename("f", "h/"), ENOTDIR);
    CHECK_ERROR(rename("f", "g/"), ENOTDIR);
    CHECK_ERROR(rename("", "h"), ENOENT);
    CHECK_ERROR(rename("f", ""), ENOENT);
    CHECK(rename("f", "f") == 0 && rename("d", "d") == 0 && holds("f", "f"));
    CHECK(stat("f", &st) == 0 && rename("f", "g") == 0 && holds("g", "f") && !exists("f") &&
          stat("g", &after) == 0 && st.st_ino == after.st_ino);
    CHECK(rename("d", "e") == 0 && exists("e") && !exists("d"));
    CHECK(rename("e/", "d/") == 0 && exists("d") && rename("full", "d") == 0 && exists("d/sub") &&
          !exists("full"));
    /* Two names of one file: nothing happens. */
    CHECK(link("g", "same") == 0 && rename("g", "same") == 0 && exists("g") && exists("same"));
    /* A symbolic link is renamed itself, and replaced itself. */
    CHECK(symlink("nowhere", "dangling") == 0 && rename("dangling", "moved") == 0 &&
          lstat("moved", &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(rename("g", "moved") == 0 && lstat("moved", &st) == 0 && S_ISREG(st.st_mode));
}

/* Nothing of ours can be moved to where processes are listed. */
static void test_other_server(void) {
    int result = rename("moved", "/proc/moved");

    CHECK(result == -1 && (errno == EXDEV || errno == EROFS || errno == ENOENT));
    result = link("moved", "/proc/moved");
    CHECK(result == -1 && (errno == EXDEV || errno == EROFS || errno == ENOENT));
}

static void test_links_count(void) {
    struct stat st;

    CHECK(mkdir("count", 0700) == 0 && stat("count", &st) == 0);
    nlink_t empty = st.st_nlink;
    CHECK(mkdir("count/one", 0700) == 0 && mkdir("count/two", 0700) == 0);
    make_file("count/file", "");
    CHECK(stat("count", &st) == 0 && st.st_nlink >= empty);
    CHECK(rename("count/one", "one") == 0 && rmdir("one") == 0 && rmdir("count/two") == 0);
    CHECK(stat("count", &st) == 0 && st.st_nlink == empty && unlink("count/file") == 0 &&
          rmdir("count") == 0);
}

/* A directory that is removed while somebody is in it. */
static void test_removed_directory(void) {
    CHECK(mkdir("gone", 0700) == 0);
    int fd = open("gone", O_RDONLY | O_DIRECTORY);
    CHECK(rmdir("gone") == 0);
    CHECK_ERROR(openat(fd, "x", O_CREAT | O_RDWR, 0600), ENOENT);
    CHECK(close(fd) == 0);
}

int main(void) {
    char real[PATH_MAX];

    CHECK(mkdtemp(base) != NULL && chdir(base) == 0 && getcwd(real, sizeof real) != NULL);
    strcpy(base, real);
    umask(022);
    test_dots();
    test_loops();
    test_renamed();
    test_lengths();
    test_ends();
    test_rename();
    test_other_server();
    test_links_count();
    test_removed_directory();
    CHECK(chdir("/") == 0);
    char command[2 * PATH_MAX];
    snprintf(command, sizeof command, "rm -r %s", base);
    CHECK(system(command) == 0 && !exists(base));
    return tap_end();
}
