/* The event-time merge over partitions; see merge.h. Engine thread. */
#include "pipeline/merge.h"

#include "base/assert.h"

int64_t fd_merge_key(const fd_part *part, const fd_event *ev)
{
    bool counts = ev->poison == FD_POISON_NONE && !(ev->flags & FD_FLAG_BIT(FD_FLAG_FUTURE));
    if (!counts || ev->time_us < part->merge_us)
        return part->merge_us;
    return ev->time_us;
}

static bool comes_before(int64_t key, fd_tp tp, int64_t other_key, fd_tp other)
{
    return key != other_key ? key < other_key : fd_tp_less(tp, other);
}

static bool takes_part(const fd_part *p, bool apart)
{
    return p->state == FD_PART_LIVE && p->apart == apart && p->lacks_ns == 0;
}

/* The best head and the key below which it needs no new comparison. */
static fd_merge_pick best_head(fd_parts *parts, bool apart, int64_t *best_key)
{
    fd_merge_pick pick = {.limit_us = INT64_MAX};
    for (uint32_t i = 0; i < parts->n; i++) {
        fd_part *p = &parts->items[i];
        fd_event *head = fd_part_head(p);
        if (!takes_part(p, apart) || head == NULL || head->needs_schema)
            continue;
        int64_t key = fd_merge_key(p, head);
        if (pick.part == NULL || comes_before(key, p->tp, *best_key, pick.part->tp)) {
            if (pick.part != NULL && *best_key < pick.limit_us)
                pick.limit_us = *best_key;
            pick.part = p;
            *best_key = key;
        } else if (key < pick.limit_us) {
            pick.limit_us = key;
        }
    }
    return pick;
}

fd_merge_pick fd_merge_next(const fd_merge *m, fd_parts *parts, bool apart, int64_t now_ns)
{
    int64_t best_key = INT64_MAX;
    fd_merge_pick pick = best_head(parts, apart, &best_key);
    if (pick.part == NULL)
        return pick;
    for (uint32_t i = 0; i < parts->n; i++) {
        fd_part *p = &parts->items[i];
        if (!takes_part(p, apart) || p->n != 0)
            continue;
        /* Its next key is at least its merge time: it matters only if that could be lower. */
        bool could_precede = comes_before(p->merge_us, p->tp, best_key, pick.part->tp);
        if (!could_precede) {
            p->waited_ns = 0;
            if (p->merge_us < pick.limit_us)
                pick.limit_us = p->merge_us;
        } else if (!m->has_more(m->ctx, p)) {
            p->waited_ns = 0;
        } else if (p->waited_ns == 0) {
            p->waited_ns = now_ns;
            pick.waiting = true;
        } else if (now_ns - p->waited_ns < m->max_idle_ns) {
            pick.waiting = true;
        } else {
            pick.incomplete = true;
        }
    }
    if (pick.waiting)
        pick.part = NULL;
    return pick;
}

static int64_t front_of(const fd_parts *parts)
{
    int64_t front = INT64_MIN;
    for (uint32_t i = 0; i < parts->n; i++) {
        const fd_part *p = &parts->items[i];
        if (takes_part(p, false) && p->merge_us > front)
            front = p->merge_us;
    }
    return front;
}

void fd_merge_regroup(const fd_merge *m, fd_parts *parts)
{
    int64_t front = front_of(parts);
    for (uint32_t i = 0; i < parts->n; i++) {
        fd_part *p = &parts->items[i];
        if (p->state != FD_PART_LIVE)
            continue;
        bool behind = false;
        fd_event *head = fd_part_head(p);
        if (front != INT64_MIN && head != NULL && !head->needs_schema) {
            int64_t key = fd_merge_key(p, head);
            behind = key < front - m->max_skew_us;
        }
        if (behind)
            p->apart = true;
        else if (p->apart && (head != NULL || !m->has_more(m->ctx, p)))
            p->apart = false;
    }
}
