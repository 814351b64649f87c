/*
 * An operator's consents to pass over events whose writer schema is unknown (DESIGN §4).
 * Kept durably by the caller, so that a later redo makes the same events invalid.
 * Any thread may add; the engine thread asks.
 */
#ifndef FD_PIPELINE_CONSENTS_H
#define FD_PIPELINE_CONSENTS_H

#include <pthread.h>

#include "domain/msg.h"

enum { FD_CONSENTS_MAX = 4096 };

/* Events of tp up to and including `through` may be passed over. */
typedef struct fd_consent {
    fd_tp tp;
    int64_t through;
} fd_consent;

typedef struct fd_consents {
    pthread_mutex_t lock;
    fd_consent *items;
    uint32_t n;
} fd_consents;

void fd_consents_init(fd_consents *c);
void fd_consents_free(fd_consents *c);
/* False when there are FD_CONSENTS_MAX already. */
bool fd_consents_add(fd_consents *c, fd_consent consent);
bool fd_consents_cover(fd_consents *c, fd_tp tp, int64_t offset);

#endif
