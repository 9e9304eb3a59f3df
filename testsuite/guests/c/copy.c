/* Copies a file with POSIX calls. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char buffer[4096];

static int failed(const char *doing, const char *file)
{
    fprintf(stderr, "%s%s%s: %s\n", doing, *file ? " " : "", file, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s <from> <to>\n", argv[0]);
        return 1;
    }
    int from = open(argv[1], O_RDONLY);
    if (from < 0)
        return failed("error opening input", argv[1]);
    int to = open(argv[2], O_WRONLY | O_CREAT, 0660);
    if (to < 0)
        return failed("error opening output", argv[2]);
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, buffer + done, (size_t)(got - done));
            if (put < 0)
                return failed("write error", "");
            done += put;
        }
    return got < 0 ? failed("read error", "") : 0;
}
