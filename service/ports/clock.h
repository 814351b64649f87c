/*
 * The only way the pipeline learns the time; the simulator's is virtual. Any thread.
 */
#ifndef FD_PORTS_CLOCK_H
#define FD_PORTS_CLOCK_H

#include <stdint.h>

typedef struct fd_clock {
    int64_t (*mono_ns)(void *self); /* never goes back; for waits and durations */
    int64_t (*wall_ms)(void *self); /* ms since the epoch; never enters a decision's value */
    void *self;
} fd_clock;

static inline int64_t fd_clock_mono_ns(const fd_clock *c)
{
    return c->mono_ns(c->self);
}

static inline int64_t fd_clock_wall_ms(const fd_clock *c)
{
    return c->wall_ms(c->self);
}

#endif
