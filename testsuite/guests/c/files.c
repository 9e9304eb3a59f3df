/* Files in `/`: large reads and writes with one and many buffers, positions, sizes, flags, names */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LARGE = 3 << 20, VECTORS = 1000 };

static unsigned char bytes[LARGE], back[LARGE];

static off_t size_of(const char *path)
{
    struct stat stat_of;
    CHECK(stat(path, &stat_of) == 0 && S_ISREG(stat_of.st_mode));
    return stat_of.st_size;
}

static void large_transfers(void)
{
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 16);
    int fd = open("/large", O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    FAILS(open("/large", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK(write(fd, bytes, LARGE) == LARGE && size_of("/large") == LARGE);
    CHECK(lseek(fd, 0, SEEK_CUR) == LARGE && read(fd, back, 1) == 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, back, LARGE) == LARGE && memcmp(bytes, back, LARGE) == 0);
    memset(back, 0, LARGE);
    /* More buffers than one call uses, so that the transfer may be partial. */
    static struct iovec vectors[VECTORS];
    for (int i = 0; i < VECTORS; i++)
        vectors[i] = (struct iovec){back + i * 100, 100};
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, vectors, VECTORS) == 100 * VECTORS);
    CHECK(memcmp(bytes, back, 100 * VECTORS) == 0);
    CHECK(lseek(fd, -5, SEEK_END) == LARGE - 5 && writev(fd, vectors, 3) == 300 && size_of("/large") == LARGE + 295);
    CHECK(close(fd) == 0);
    FAILS(close(fd), EBADF);
}

static void places(void)
{
    int fd = open("/places", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10);
    CHECK(pread(fd, back, 4, 3) == 4 && memcmp(back, "3456", 4) == 0);
    CHECK(pwrite(fd, "xy", 2, 12) == 2 && lseek(fd, 0, SEEK_CUR) == 10);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, back, 20) == 14 && memcmp(back, "0123456789\0\0xy", 14) == 0);
    FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK(ftruncate(fd, 4) == 0 && size_of("/places") == 4);
    CHECK(ftruncate(fd, 1 << 20) == 0 && size_of("/places") == 1 << 20);
    CHECK(posix_fallocate(fd, 0, 2 << 20) == 0 && size_of("/places") == 2 << 20);
    CHECK(fsync(fd) == 0 && fdatasync(fd) == 0 && close(fd) == 0);
    fd = open("/places", O_WRONLY | O_TRUNC | O_APPEND);
    CHECK(fd >= 0 && size_of("/places") == 0);
    CHECK(write(fd, "one", 3) == 3 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "two", 3) == 3);
    CHECK(fcntl(fd, F_GETFL) == (O_WRONLY | O_APPEND));
    CHECK(size_of("/places") == 6 && read(fd, back, 1) == -1);
    CHECK(close(fd) == 0);
}

static void names(void)
{
    CHECK(mkdir("/a", 0700) == 0 && mkdir("/a/b", 0700) == 0);
    FAILS(mkdir("/a", 0700), EEXIST);
    CHECK(rename("/places", "/a/b/moved") == 0 && size_of("/a/b/moved") == 6);
    FAILS(access("/places", F_OK), ENOENT);
    FAILS(rename("/a", "/a/b/c"), EINVAL);
    FAILS(rmdir("/a"), ENOTEMPTY);
    FAILS(open("/a/b/moved/x", O_RDONLY), ENOTDIR);
    FAILS(open("/a", O_WRONLY), EISDIR);
    CHECK(link("/a/b/moved", "/linked") == 0 && symlink("a/b", "/short") == 0);
    struct stat of_link;
    CHECK(lstat("/short", &of_link) == 0 && S_ISLNK(of_link.st_mode) && size_of("/short/moved") == 6);
    CHECK(stat("/linked", &of_link) == 0 && of_link.st_nlink == 2);
    CHECK(readlink("/short", (char *)back, 100) == 3 && memcmp(back, "a/b", 3) == 0);
    int dir = open("/a", O_RDONLY | O_DIRECTORY), fd = openat(dir, "b/moved", O_RDONLY);
    CHECK(dir >= 0 && fd >= 0 && read(fd, back, 10) == 6 && memcmp(back, "onetwo", 6) == 0);
    FAILS(openat(dir, "../../etc/passwd", O_RDONLY), ENOTCAPABLE);
    FAILS(openat(dir, "../linked", O_RDONLY), ENOTCAPABLE);
    DIR *stream = fdopendir(dir);
    int entries = 0;
    CHECK(stream);
    for (struct dirent *entry; (entry = readdir(stream)); entries++)
        CHECK(strcmp(entry->d_name, "b") || entry->d_type == DT_DIR);
    CHECK(entries == 3 && closedir(stream) == 0 && close(fd) == 0);
    CHECK(unlink("/a/b/moved") == 0 && unlink("/short") == 0 && unlink("/linked") == 0);
    CHECK(rmdir("/a/b") == 0 && rmdir("/a") == 0);
    FAILS(unlink("/a/b/moved"), ENOENT);
}

static void times(void)
{
    struct timespec both[2] = {{.tv_sec = 1}, {.tv_sec = 1600000000, .tv_nsec = 5000}};
    struct stat stat_of;
    CHECK(utimensat(AT_FDCWD, "/large", both, 0) == 0 && stat("/large", &stat_of) == 0);
    CHECK(stat_of.st_atim.tv_sec == 1 && stat_of.st_mtim.tv_sec == 1600000000 && stat_of.st_mtim.tv_nsec == 5000);
    CHECK(truncate("/large", 0) == 0 && size_of("/large") == 0 && unlink("/large") == 0);
}

int main(void)
{
    large_transfers();
    places();
    names();
    times();
    puts("all checks passed");
}
