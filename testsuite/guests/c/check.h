/* Checks for programs that test themselves: the first failure is printed and ends the program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, strerror(errno)); \
            exit(1); \
        } \
    } while (0)

/* The call fails with this error. */
#define FAILS(call, error) \
    do { \
        errno = 0; \
        CHECK((call) == -1 && errno == (error)); \
    } while (0)
