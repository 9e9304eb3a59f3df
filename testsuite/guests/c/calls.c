/* Measures small calls in the folder of the first argument: 200,000 writes of 64 bytes (or the
   number in the second argument), as many positioned reads, and a tenth as many calls of open,
   fstat, stat, close and unlink. With a third argument, prints how long each took. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TRANSFERS = 200000, SIZE = 64 };

static double seconds(void)
{
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void transfers(int fd, int reads, int count)
{
    char bytes[SIZE];
    memset(bytes, 'x', SIZE);
    for (int i = 0; i < count; i++)
        CHECK((reads ? pread(fd, bytes, SIZE, (off_t)i * SIZE) : write(fd, bytes, SIZE)) == SIZE);
}

static void files(const char *path, int count)
{
    struct stat by_fd, by_path;
    for (int i = 0; i < count; i++) {
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        CHECK(fd >= 0 && fstat(fd, &by_fd) == 0 && stat(path, &by_path) == 0);
        CHECK(by_fd.st_ino == by_path.st_ino && close(fd) == 0 && unlink(path) == 0);
    }
}

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    int count = argc > 2 ? atoi(argv[2]) : TRANSFERS;
    char path[256];
    snprintf(path, sizeof path, "%s/calls", argv[1]);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    double begun = seconds();
    transfers(fd, 0, count);
    double written = seconds();
    transfers(fd, 1, count);
    double read_back = seconds();
    CHECK(close(fd) == 0 && unlink(path) == 0);
    files(path, count / 10);
    double done = seconds();
    if (argc > 3)
        printf("write %.3f s, pread %.3f s, open/fstat/stat/unlink %.3f s\n", written - begun, read_back - written, done - read_back);
}
