/* Clocks, sleep, and polling. Standard input is at its end; standard output is writable. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock)
{
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0 && time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(void)
{
    struct timespec resolution;
    CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    struct timeval day;
    CHECK(gettimeofday(&day, NULL) == 0 && day.tv_sec > 1700000000 && time(NULL) >= day.tv_sec);
    long long begun = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);
    struct timespec nap = {.tv_nsec = 30 * 1000 * 1000};
    CHECK(nanosleep(&nap, NULL) == 0);
    CHECK(now(CLOCK_MONOTONIC) - begun >= 30 * 1000 * 1000 && now(CLOCK_REALTIME) > real);
    begun = now(CLOCK_MONOTONIC);
    CHECK(usleep(10 * 1000) == 0 && clock_nanosleep(CLOCK_REALTIME, 0, &nap, NULL) == 0);
    CHECK(now(CLOCK_MONOTONIC) - begun >= 40 * 1000 * 1000);
    CHECK(sched_yield() == 0);

    struct pollfd polled[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    CHECK(poll(polled, 2, 1000) == 2);
    CHECK(polled[0].revents & POLLIN && polled[1].revents & POLLOUT);
    begun = now(CLOCK_MONOTONIC);
    CHECK(poll(NULL, 0, 20) == 0 || errno == ENOTSUP);
    struct pollfd wrong = {.fd = 77, .events = POLLIN};
    CHECK(poll(&wrong, 1, 1000) == 1 && wrong.revents & POLLNVAL);

    fd_set reads, writes;
    FD_ZERO(&reads);
    FD_ZERO(&writes);
    FD_SET(0, &reads);
    FD_SET(1, &writes);
    struct timeval limit = {.tv_sec = 1};
    CHECK(select(2, &reads, &writes, NULL, &limit) == 2 && FD_ISSET(0, &reads) && FD_ISSET(1, &writes));
    begun = now(CLOCK_MONOTONIC);
    limit = (struct timeval){.tv_usec = 20 * 1000};
    CHECK(select(0, NULL, NULL, NULL, &limit) == 0 && now(CLOCK_MONOTONIC) - begun >= 20 * 1000 * 1000);

    char byte;
    CHECK(fcntl(0, F_SETFL, O_NONBLOCK) == 0 && read(0, &byte, 1) == 0);
    char random[300] = {0};
    int zeros = 0;
    CHECK(getentropy(random, 256) == 0);
    for (int i = 0; i < 256; i++)
        zeros += random[i] == 0;
    CHECK(zeros < 20);
    puts("all checks passed");
}
