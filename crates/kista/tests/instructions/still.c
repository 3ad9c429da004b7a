/* Loaded into the program whose instructions are counted: for it no time passes. */
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    now->tv_sec = 1700000000;
    now->tv_nsec = 0;
    return 0;
}
