/* The table of owned partitions and their rings; see part.h. Engine thread. */
#include "pipeline/part.h"

#include <stdlib.h>

#include "base/assert.h"

void fd_parts_init(fd_parts *p, uint32_t queue_cap)
{
    FD_ASSERT(queue_cap > 0);
    *p = (fd_parts){.queue_cap = queue_cap};
    p->items = calloc(FD_PARTS_MAX, sizeof *p->items);
    FD_ALLOCATED(p->items);
}

void fd_parts_free(fd_parts *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        free(p->items[i].queue);
    free(p->items);
    *p = (fd_parts){0};
}

fd_part *fd_parts_find(fd_parts *p, fd_tp tp)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (fd_tp_eq(p->items[i].tp, tp))
            return &p->items[i];
    }
    return NULL;
}

fd_part *fd_parts_add(fd_parts *p, fd_tp tp)
{
    FD_ASSERT(fd_parts_find(p, tp) == NULL);
    if (p->n == FD_PARTS_MAX)
        return NULL;
    fd_part *part = &p->items[p->n++];
    *part = (fd_part){.tp = tp, .state = FD_PART_STARTING, .cap = p->queue_cap};
    part->queue = calloc(part->cap, sizeof *part->queue);
    FD_ALLOCATED(part->queue);
    fd_part_start(part, -1, -1);
    return part;
}

void fd_parts_remove(fd_parts *p, fd_part *part)
{
    FD_ASSERT(part >= p->items && part < p->items + p->n);
    FD_ASSERT(part->n == 0);
    free(part->queue);
    *part = p->items[--p->n];
}

fd_event *fd_part_head(fd_part *part)
{
    return part->n == 0 ? NULL : &part->queue[part->head];
}

void fd_part_push(fd_part *part, const fd_event *ev)
{
    FD_ASSERT(part->n < part->cap);
    FD_ASSERT(ev->msg.offset >= part->fetch);
    uint32_t at = part->head + part->n;
    part->queue[at >= part->cap ? at - part->cap : at] = *ev;
    part->n++;
    part->waited_ns = 0;
    part->fetch = ev->msg.offset + 1;
    part->leader_epoch = ev->msg.leader_epoch;
}

fd_event fd_part_pop(fd_part *part)
{
    FD_ASSERT(part->n > 0);
    fd_event ev = part->queue[part->head];
    part->head = part->head + 1 == part->cap ? 0 : part->head + 1;
    part->n--;
    part->decide = ev.msg.offset + 1;
    FD_ASSERT(part->decide <= part->fetch);
    return ev;
}

void fd_part_unpop(fd_part *part, uint32_t n, int64_t decide)
{
    FD_ASSERT(part->n + n <= part->cap);
    part->head = part->head >= n ? part->head - n : part->head + part->cap - n;
    part->n += n;
    part->decide = decide;
    part->merge_us = part->before_us;
}

void fd_part_start(fd_part *part, int64_t offset, int32_t leader_epoch)
{
    part->n = 0;
    part->head = 0;
    part->fetch = offset;
    part->decide = offset;
    part->committed = offset;
    part->leader_epoch = leader_epoch;
    part->eof = -1;
    part->waited_ns = 0;
    part->blocked_ns = 0;
    part->lacks_ns = 0;
    part->storable = true;
    part->blind = false;
    part->behind_from = -1;
    part->redo_from = offset;
    part->log_first = -1;
    part->oldest_us = INT64_MAX;
    part->short_us = INT64_MIN;
    part->merge_us = INT64_MIN;
}
