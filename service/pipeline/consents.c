/* A small table under a lock; see consents.h. Any thread. */
#include "pipeline/consents.h"

#include <stdlib.h>

#include "base/assert.h"
#include "pipeline/part.h"

void fd_consents_init(fd_consents *c)
{
    *c = (fd_consents){0};
    int rc = pthread_mutex_init(&c->lock, NULL);
    FD_ASSERT(rc == 0);
    c->items = calloc(FD_CONSENTS_MAX, sizeof *c->items);
    FD_ALLOCATED(c->items);
}

void fd_consents_free(fd_consents *c)
{
    free(c->items);
    pthread_mutex_destroy(&c->lock);
}

bool fd_consents_add(fd_consents *c, fd_consent consent)
{
    pthread_mutex_lock(&c->lock);
    fd_consent *same = NULL;
    for (uint32_t i = 0; i < c->n && same == NULL; i++) {
        if (fd_tp_eq(c->items[i].tp, consent.tp))
            same = &c->items[i];
    }
    bool fits = same != NULL || c->n < FD_CONSENTS_MAX;
    if (same == NULL && fits)
        c->items[c->n++] = consent;
    else if (same != NULL && same->through < consent.through)
        same->through = consent.through;
    pthread_mutex_unlock(&c->lock);
    return fits;
}

bool fd_consents_cover(fd_consents *c, fd_tp tp, int64_t offset)
{
    bool covered = false;
    pthread_mutex_lock(&c->lock);
    for (uint32_t i = 0; i < c->n && !covered; i++)
        covered = fd_tp_eq(c->items[i].tp, tp) && offset <= c->items[i].through;
    pthread_mutex_unlock(&c->lock);
    return covered;
}
