/* A ring of the latest events' validity; see breaker.h. Engine thread. */
#include "pipeline/breaker.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void fd_breaker_init(fd_breaker *b, uint32_t window, double max_rate)
{
    FD_ASSERT(window > 0);
    FD_ASSERT(max_rate >= 0 && max_rate <= 1);
    *b = (fd_breaker){.window = window, .bad_max = (uint32_t)((double)window * max_rate)};
    b->ring = calloc(window, 1);
    FD_ALLOCATED(b->ring);
}

void fd_breaker_free(fd_breaker *b)
{
    free(b->ring);
    *b = (fd_breaker){0};
}

bool fd_breaker_count(fd_breaker *b, bool invalid)
{
    b->bad -= b->ring[b->at];
    b->ring[b->at] = invalid;
    b->bad += invalid;
    b->at = b->at + 1 == b->window ? 0 : b->at + 1;
    bool trips = !b->tripped && b->bad > b->bad_max;
    b->tripped = b->tripped || trips;
    return trips;
}

void fd_breaker_resume(fd_breaker *b)
{
    memset(b->ring, 0, b->window);
    b->bad = 0;
    b->at = 0;
    b->tripped = false;
}
