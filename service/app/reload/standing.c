/* Which rule set stands where; see standing.h. One owner at a time. */
#include "app/reload/standing.h"

#include <stdio.h>

#include "base/assert.h"

void fd_standing_init(fd_standing *s, fd_set_view *start)
{
    *s = (fd_standing){.deciding = start};
}

void fd_standing_free(fd_standing *s)
{
    fd_set_view_free(s->deciding);
    fd_set_view_free(s->scheduled);
    for (uint32_t i = 0; i < s->n_offered; i++)
        fd_set_view_free(s->offered[i]);
    fd_strbuf_free(&s->refusal.why);
    *s = (fd_standing){.deciding = NULL};
}

/* Forgets the first n offers. */
static void drop_offers(fd_standing *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        fd_set_view_free(s->offered[i]);
    s->n_offered -= n;
    for (uint32_t i = 0; i < s->n_offered; i++)
        s->offered[i] = s->offered[i + n];
}

void fd_standing_offer(fd_standing *s, fd_set_view *v)
{
    if (s->n_offered == FD_STANDING_OFFERS)
        drop_offers(s, 1);
    s->offered[s->n_offered++] = v;
}

static bool is(const fd_set_view *v, const fd_program_report *r)
{
    return v != NULL && fd_set_view_is(v, r->ruleset, r->lists, r->models);
}

/* The first offer of these hashes; n_offered: none is. */
static uint32_t find_offer(const fd_standing *s, const fd_program_report *r)
{
    uint32_t i = 0;
    while (i < s->n_offered && !is(s->offered[i], r))
        i++;
    return i;
}

static uint32_t find_last_offer(const fd_standing *s, const fd_program_report *r)
{
    for (uint32_t i = s->n_offered; i > 0; i--) {
        if (is(s->offered[i - 1], r))
            return i - 1;
    }
    return s->n_offered;
}

static fd_set_view *take_offer(fd_standing *s, uint32_t at)
{
    fd_set_view *v = s->offered[at];
    s->offered[at] = NULL;
    drop_offers(s, at + 1);
    return v;
}

static void let_decide(fd_standing *s, fd_set_view *v)
{
    if (s->scheduled != v)
        fd_set_view_free(s->scheduled);
    s->scheduled = NULL;
    fd_set_view_free(s->deciding);
    s->deciding = v;
}

static bool decides(fd_standing *s, const fd_program_report *r, int64_t wall_ms)
{
    uint32_t at = find_last_offer(s, r);
    if (at < s->n_offered) {
        fd_set_view *v = take_offer(s, at);
        v->since_ms = wall_ms;
        v->rebuilding = false;
        if (r->from_us == INT64_MIN) {
            let_decide(s, v);
        } else {
            fd_standing_settle(s);
            s->scheduled = v;
        }
        return true;
    }
    if (!is(s->deciding, r))
        return false;
    /* The scheduled one gave way before its time: the former decides everything again. */
    fd_set_view_free(s->scheduled);
    s->scheduled = NULL;
    return true;
}

static bool gave_up(fd_standing *s, const fd_program_report *r, int64_t wall_ms)
{
    uint32_t at = find_offer(s, r);
    fd_set_view *v = NULL;
    if (is(s->scheduled, r)) {
        v = s->scheduled;
        s->scheduled = NULL;
    } else if (at < s->n_offered) {
        v = take_offer(s, at);
    }
    if (v == NULL)
        return false;
    fd_refusal refusal = {.at_ms = wall_ms, .trigger = v->trigger, .stage = "worker"};
    snprintf(refusal.ruleset, sizeof refusal.ruleset, "%s", v->ruleset);
    fd_strbuf_json(&refusal.why, fd_str_from(r->why));
    if (s->n_offered == 0)
        fd_standing_refuse(s, &refusal);
    else
        fd_strbuf_free(&refusal.why); /* it gave way to a newer one */
    fd_set_view_free(v);
    return true;
}

bool fd_standing_told(fd_standing *s, const fd_program_report *r, int64_t wall_ms)
{
    uint32_t at;
    switch (r->stage) {
    case FD_PROGRAM_DECIDES:
        return decides(s, r, wall_ms);
    case FD_PROGRAM_GIVEN_UP:
        return gave_up(s, r, wall_ms);
    case FD_PROGRAM_REBUILDING:
        at = find_offer(s, r);
        if (at == s->n_offered)
            return false;
        drop_offers(s, at);
        s->offered[0]->rebuilding = true;
        return true;
    }
    return false;
}

void fd_standing_settle(fd_standing *s)
{
    if (s->scheduled != NULL)
        let_decide(s, s->scheduled);
}

bool fd_standing_refuse(fd_standing *s, const fd_refusal *refusal)
{
    fd_refusal *old = &s->refusal;
    bool same = old->stands && strcmp(old->stage, refusal->stage) == 0 &&
                strcmp(old->ruleset, refusal->ruleset) == 0 &&
                strcmp(old->why.p, refusal->why.p) == 0;
    fd_strbuf_free(&old->why);
    *old = *refusal;
    old->stands = true;
    return !same;
}

void fd_standing_accept(fd_standing *s)
{
    s->refusal.stands = false;
}

const fd_set_view *fd_standing_newest(const fd_standing *s)
{
    if (s->n_offered > 0)
        return s->offered[s->n_offered - 1];
    return s->scheduled != NULL ? s->scheduled : s->deciding;
}

fd_place_of_set fd_standing_place(const fd_standing *s, uint64_t serial)
{
    if (s->deciding->serial == serial)
        return FD_SET_DECIDES;
    if (s->scheduled != NULL && s->scheduled->serial == serial)
        return FD_SET_SCHEDULED;
    for (uint32_t i = 0; i < s->n_offered; i++) {
        if (s->offered[i]->serial == serial)
            return s->offered[i]->rebuilding ? FD_SET_REBUILDING : FD_SET_OFFERED;
    }
    return FD_SET_GONE;
}

const char *fd_place_of_set_name(fd_place_of_set p)
{
    static const char *const names[] = {
        [FD_SET_GONE] = "gone",
        [FD_SET_OFFERED] = "offered",
        [FD_SET_REBUILDING] = "rebuilding",
        [FD_SET_SCHEDULED] = "scheduled",
        [FD_SET_DECIDES] = "decides",
    };
    return names[p];
}

static void rebuild_json(const fd_worker_rebuild *b, fd_strbuf *out)
{
    double rate = b->ns > 0 ? (double)b->events * 1e9 / (double)b->ns : 0;
    fd_strbuf_printf(out,
                     ", \"rebuild\": {\"events\": %llu, \"left\": %llu, \"seconds\": %.1f, "
                     "\"events_per_s\": %.0f, \"eta_s\": ",
                     (unsigned long long)b->events, (unsigned long long)b->left,
                     (double)b->ns / 1e9, rate);
    if (rate > 0)
        fd_strbuf_printf(out, "%.0f", (double)b->left / rate);
    else
        fd_strbuf_puts(out, "null");
    fd_strbuf_puts(out, ", \"waits_for\": ");
    if (b->waits[0] != '\0')
        fd_strbuf_json(out, fd_str_from(b->waits));
    else
        fd_strbuf_puts(out, "null");
    fd_strbuf_putc(out, '}');
}

static void candidate_json(const fd_standing *s, const fd_worker_rebuild *rebuild, fd_strbuf *out)
{
    const fd_set_view *v = fd_standing_newest(s);
    if (v == s->deciding) {
        fd_strbuf_puts(out, "null");
        return;
    }
    fd_strbuf_puts(out, "{");
    fd_set_view_json(v, out);
    fd_strbuf_printf(out, ", \"state\": \"%s\"",
                     fd_place_of_set_name(fd_standing_place(s, v->serial)));
    if (v->rebuilding && rebuild->on && strcmp(rebuild->ruleset, v->ruleset) == 0)
        rebuild_json(rebuild, out);
    fd_strbuf_puts(out, "}");
}

static void refusal_json(const fd_refusal *r, fd_strbuf *out)
{
    if (r->at_ms == 0) {
        fd_strbuf_puts(out, "null");
        return;
    }
    fd_strbuf_puts(out, "{\"at\": \"");
    fd_strbuf_time(out, r->at_ms);
    fd_strbuf_printf(out, "\", \"trigger\": \"%s\", \"stage\": \"%s\", \"ruleset\": ",
                     fd_trigger_name(r->trigger), r->stage);
    if (r->ruleset[0] == '\0')
        fd_strbuf_puts(out, "null");
    else
        fd_strbuf_printf(out, "\"%s\"", r->ruleset);
    fd_strbuf_printf(out, ", \"stands\": %s, \"errors\": ", r->stands ? "true" : "false");
    fd_strbuf_puts(out, r->why.p);
    fd_strbuf_puts(out, "}");
}

void fd_standing_json(const fd_standing *s, const fd_worker_rebuild *rebuild, fd_metrics *metrics,
                      fd_strbuf *out)
{
    fd_strbuf_puts(out, "{\"active\": {");
    fd_set_view_json(s->deciding, out);
    fd_strbuf_puts(out, ", \"rules\": ");
    fd_set_view_rules_json(s->deciding, metrics, out);
    fd_strbuf_puts(out, "}, \"candidate\": ");
    candidate_json(s, rebuild, out);
    fd_strbuf_puts(out, ", \"last_refusal\": ");
    refusal_json(&s->refusal, out);
    fd_strbuf_puts(out, "}\n");
}
