/* A directory with many entries, below `/`: each is listed once, also after rewinddir and seekdir.
   All are removed at the end. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES = 1000, HALF = 500 };

static char path[64], seen[ENTRIES];

static const char *path_of(int entry)
{
    snprintf(path, sizeof path, "/many/an entry with a name of some length, %d", entry);
    return path;
}

/* The number of an entry; -1 for `.` and `..`. */
static int number_of(const struct dirent *entry)
{
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
        return -1;
    const char *comma = strrchr(entry->d_name, ',');
    CHECK(comma && entry->d_type == DT_REG);
    int number = atoi(comma + 1);
    CHECK(number >= 0 && number < ENTRIES);
    return number;
}

static int count(DIR *stream)
{
    int found = 0;
    for (struct dirent *entry; (entry = readdir(stream));) {
        int number = number_of(entry);
        if (number < 0)
            continue;
        CHECK(!seen[number]);
        seen[number] = 1;
        found++;
    }
    return found;
}

int main(void)
{
    CHECK(mkdir("/many", 0700) == 0);
    for (int i = 0; i < ENTRIES; i++) {
        int fd = open(path_of(i), O_WRONLY | O_CREAT | O_EXCL, 0600);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    DIR *stream = opendir("/many");
    CHECK(stream && count(stream) == ENTRIES);
    rewinddir(stream);
    memset(seen, 0, sizeof seen);
    CHECK(count(stream) == ENTRIES);
    /* From a position in the middle: the rest is the same again. */
    rewinddir(stream);
    for (int i = 0; i < HALF; i++)
        CHECK(readdir(stream));
    long middle = telldir(stream);
    struct dirent *entry = readdir(stream);
    CHECK(entry);
    ino_t there = entry->d_ino;
    while (readdir(stream))
        ;
    seekdir(stream, middle);
    entry = readdir(stream);
    CHECK(entry && entry->d_ino == there);
    CHECK(closedir(stream) == 0);
    for (int i = 0; i < ENTRIES; i++)
        CHECK(unlink(path_of(i)) == 0);
    CHECK(rmdir("/many") == 0);
    puts("all checks passed");
}
