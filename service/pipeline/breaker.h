/*
 * The poison breaker: too many invalid events among the latest `window` pause the worker, before
 * a wrong producer turns a whole topic into dead letters. Engine thread.
 */
#ifndef FD_PIPELINE_BREAKER_H
#define FD_PIPELINE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fd_breaker {
    uint8_t *ring; /* 1 = invalid */
    uint32_t window;
    uint32_t at;
    uint32_t bad;
    uint32_t bad_max;
    bool tripped;
} fd_breaker;

/* max_rate: share of the window, 0 to 1. */
void fd_breaker_init(fd_breaker *b, uint32_t window, double max_rate);
void fd_breaker_free(fd_breaker *b);
/* True when this event trips it. */
bool fd_breaker_count(fd_breaker *b, bool invalid);
/* An operator lets it go on: the window starts empty. */
void fd_breaker_resume(fd_breaker *b);

#endif
