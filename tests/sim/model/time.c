/*
 * What is due when: one heap of events, earliest first, in the order they were made among equals.
 *
 * Things on a client's side (answers, timers) wait while its process is stopped and are forgotten
 * when it is dead. One thread.
 */
#include <stdlib.h>

#include "model_int.h"

static bool earlier(const model_event *a, const model_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

static void swap(model_event *a, model_event *b)
{
    model_event t = *a;
    *a = *b;
    *b = t;
}

void model_at(model *m, int64_t at_ns, model_fire fire, void *arg)
{
    m->events = model_grow(m->events, &m->cap_events, m->n_events + 1, sizeof *m->events);
    uint32_t i = m->n_events++;
    m->events[i] = (model_event){.at_ns = at_ns, .seq = m->next_seq++, .fire = fire, .arg = arg};
    while (i > 0 && earlier(&m->events[i], &m->events[(i - 1) / 2])) {
        swap(&m->events[i], &m->events[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static model_event take_first(model *m)
{
    FD_ASSERT(m->n_events > 0);
    model_event first = m->events[0];
    m->events[0] = m->events[--m->n_events];
    for (uint32_t i = 0;;) {
        uint32_t least = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
            if (child < m->n_events && earlier(&m->events[child], &m->events[least]))
                least = child;
        }
        if (least == i)
            return first;
        swap(&m->events[i], &m->events[least]);
        i = least;
    }
}

int64_t model_next_ns(const model *m)
{
    return m->n_events == 0 ? INT64_MAX : m->events[0].at_ns;
}

int64_t model_now(const model *m)
{
    return m->config.clock->now_ns;
}

bool model_advance(model *m, int64_t until_ns)
{
    model_clock *clock = m->config.clock;
    if (model_next_ns(m) > until_ns) {
        if (clock->now_ns < until_ns)
            clock->now_ns = until_ns;
        return false;
    }
    model_event e = take_first(m);
    if (clock->now_ns < e.at_ns)
        clock->now_ns = e.at_ns;
    e.fire(m, e.arg);
    return true;
}

void model_run(model *m, int64_t ns)
{
    int64_t until = model_now(m) + ns;
    while (model_advance(m, until))
        continue;
}

typedef struct client_event {
    int client;
    model_fire fire;
    void *arg;
} client_event;

static void fire_client(model *m, void *arg)
{
    const client_event *e = arg;
    model_client *c = model_client_of(m, e->client);
    if (!c->alive)
        return;
    if (!c->paused) {
        e->fire(m, e->arg);
        return;
    }
    c->deferred = model_grow(c->deferred, &c->cap_deferred, c->n_deferred + 1, sizeof *c->deferred);
    c->deferred[c->n_deferred++] = (model_deferred){.fire = e->fire, .arg = e->arg};
}

void model_at_client(model *m, int client, int64_t at_ns, model_fire fire, void *arg)
{
    client_event *e = fd_arena_alloc(m->arena, sizeof *e);
    FD_ALLOCATED(e);
    *e = (client_event){.client = client, .fire = fire, .arg = arg};
    model_at(m, at_ns, fire_client, e);
}

void model_resume_client(model *m, model_client *c)
{
    c->paused = false;
    model_deferred *todo = c->deferred;
    uint32_t n = c->n_deferred;
    c->deferred = NULL;
    c->n_deferred = c->cap_deferred = 0;
    for (uint32_t i = 0; i < n && c->alive; i++)
        todo[i].fire(m, todo[i].arg);
    free(todo);
}

bool model_await(model_client *c, bool (*over)(const void *arg), const void *arg,
                 int64_t timeout_ns)
{
    model *m = c->m;
    int64_t until = model_now(m) + timeout_ns;
    if (model_rng_chance(&m->rng, m->weather.hasty))
        until = model_now(m) + model_rng_between(&m->rng, 0, MODEL_MS(2));
    while (!over(arg) && c->alive && model_now(m) < until) {
        if (m->config.idle != NULL)
            m->config.idle(m->config.idle_self, until);
        else
            model_advance(m, until);
    }
    return c->alive && over(arg);
}
