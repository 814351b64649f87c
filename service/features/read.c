/*
 * Merges the partials of an entity, youngest record first, in blocks of pointers that all groups
 * of the key are shown; see read_int.h. One owner.
 */
#include "features/read_int.h"

#include "features/panes_int.h"

typedef struct walk {
    const fd_heap *heap;
    const fd_key_plan *k;
    fd_source *sources;
    uint32_t n;
    const uint64_t *event; /* not shown yet; NULL: was */
    int32_t partition;     /* of the event */
} walk;

static const uint64_t *youngest(const fd_source *s, uint32_t words)
{
    return s->span.records + (size_t)(s->span.n - 1) * words;
}

/* Goes to the next span where this one is used up, ends at the first record that does not count. */
static void settle(const walk *w, fd_source *s)
{
    while (s->span.n == 0 && s->span.chunk != 0)
        s->span = fd_ring_before(w->heap, w->k, &s->span);
    if (s->span.n != 0 && (int64_t)youngest(s, w->k->words)[0] < s->lowest)
        s->span = (fd_span){0};
}

static void add_source(const fd_read *r, const fd_partial *p, walk *w)
{
    fd_source *s = &w->sources[w->n];
    *s = (fd_source){.partition = r->w->tps[p->tp].tp.partition};
    s->lowest = (int64_t)((uint64_t)fd_time_clamp(fd_tp_cutoff(r->w, p->tp, r->k)) << 8);
    s->span = fd_ring_newest(w->heap, w->k, p);
    settle(w, s);
    w->n += s->span.n != 0;
}

/* Order: time, partition; the event itself is the last of its partition. */
static bool younger(int64_t time_a, int32_t partition_a, int64_t time_b, int32_t partition_b)
{
    return time_a != time_b ? time_a > time_b : partition_a > partition_b;
}

static const uint64_t *next(walk *w)
{
    uint32_t words = w->k->words;
    fd_source *best = NULL;
    int64_t time = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        fd_source *s = &w->sources[i];
        if (s->span.n == 0)
            continue;
        int64_t t = fd_record_time(youngest(s, words));
        if (best == NULL || younger(t, s->partition, time, best->partition)) {
            best = s;
            time = t;
        }
    }
    if (w->event != NULL) {
        int64_t t = fd_record_time(w->event);
        if (best == NULL || !younger(time, best->partition, t, w->partition)) {
            const uint64_t *event = w->event;
            w->event = NULL;
            return event;
        }
    }
    if (best == NULL)
        return NULL;
    const uint64_t *record = youngest(best, words);
    best->span.n--;
    settle(w, best);
    return record;
}

static void fill_merged(walk *w, fd_block *b)
{
    while (b->n < FD_BLOCK) {
        bool event = w->event != NULL;
        const uint64_t *record = next(w);
        if (record == NULL)
            return;
        if (event && w->event == NULL)
            b->event = b->n;
        b->records[b->n++] = record;
    }
}

/* The usual case: one partial, the event the youngest of all or in its place. */
static void fill_single(walk *w, fd_block *b)
{
    fd_source *s = w->sources;
    uint32_t words = w->k->words;
    while (b->n < FD_BLOCK) {
        const uint64_t *record = s->span.records + (size_t)s->span.n * words;
        uint32_t room = FD_BLOCK - b->n;
        uint32_t left = s->span.n < room ? s->span.n : room;
        int64_t lowest = s->lowest;
        for (; left > 0; left--) {
            record -= words;
            if (w->event != NULL && fd_record_time(record) <= fd_record_time(w->event)) {
                b->event = b->n;
                b->records[b->n++] = w->event;
                w->event = NULL;
            }
            if ((int64_t)record[0] < lowest)
                break;
            b->records[b->n++] = record;
            s->span.n--;
        }
        settle(w, s);
        if (s->span.n != 0)
            continue;
        if (w->event != NULL) {
            b->event = b->n;
            b->records[b->n++] = w->event;
            w->event = NULL;
        }
        return;
    }
}

static bool fill(const fd_read *r, walk *w, fd_block *b)
{
    b->n = 0;
    b->event = FD_NO_EVENT;
    if (w->n == 1 && w->sources[0].partition == w->partition)
        fill_single(w, b);
    else
        fill_merged(w, b);
    uint32_t i = 0;
    for (uint32_t m = 0; m < r->k->n_marks; m++) {
        int64_t upto = fd_record_ago(r->time_us, r->k->marks[m]);
        while (i < b->n && (int64_t)b->records[i][0] > upto)
            i++;
        r->w->marks[m] = i;
    }
    b->marks = r->w->marks;
    return b->n != 0;
}

static void start(fd_read *r, uint16_t tp, walk *w)
{
    *w = (walk){.heap = &r->w->heap,
                .k = r->k,
                .sources = r->w->sources,
                .event = r->event,
                .partition = r->w->tps[tp].tp.partition};
    for (uint32_t ref = r->entry; ref != 0; ref = fd_partial_at(r->w, ref)->next) {
        const fd_partial *p = fd_partial_at(r->w, ref);
        if (p->tp == FD_NO_TP || p->data == 0)
            continue;
        r->panes |= fd_pane_lists(w->heap, p) != NULL;
        add_source(r, p, w);
    }
}

/* Few records are shown to all groups from one block, many are walked once per group: what a
 * group collects of them is then the only thing that is kept of it. */
void fd_read_entry(fd_read *r, uint16_t tp)
{
    walk w;
    fd_block b;
    start(r, tp, &w);
    fill(r, &w, &b);
    bool all = b.n < FD_BLOCK;
    for (uint16_t i = 0; i < r->k->n_groups; i++) {
        const fd_group *g = &r->k->groups[i];
        fd_progress p;
        fd_group_begin(r, g, &p);
        if (all) {
            fd_group_feed(r, g, &p, &b);
        } else {
            start(r, tp, &w);
            while (!p.done && fill(r, &w, &b))
                fd_group_feed(r, g, &p, &b);
        }
        fd_group_end(r, g, &p);
    }
}

void fd_read_nothing(const fd_read *r)
{
    for (uint16_t g = 0; g < r->k->n_groups; g++) {
        fd_progress p;
        fd_group_begin(r, &r->k->groups[g], &p);
        p.current = r->k->groups[g].class == FD_GROUP_IS_NEW;
        fd_group_end(r, &r->k->groups[g], &p);
    }
}
