/*
 * Expected against decided, field by field, and what the rules concerned looked at. Numbers that
 * people write with fewer digits than a double has are compared with a tolerance of 1e-9, relative
 * where they are large. One owner.
 */
#include <inttypes.h>
#include <math.h>

#include "base/assert.h"
#include "store/trace.h"
#include "testing/testing_int.h"

typedef struct comparison {
    fd_testing *t;
    const fd_verdict *v;
    fd_test_mismatch *out;
    uint32_t n;
} comparison;

uint32_t fd_testing_compare_max(const fd_test_expect *expect)
{
    return 5 + expect->n_features + expect->n_messages;
}

static void differ(comparison *c, const char *what, const char *name, fd_strbuf *expected,
                   fd_strbuf *got)
{
    char *full = fd_arena_printf(c->t->arena, "%s%s%s", what, name == NULL ? "" : " ",
                                 name == NULL ? "" : name);
    fd_test_mismatch *m = &c->out[c->n++];
    m->what = fd_str_from(full);
    m->expected = fd_testing_keep(c->t, expected);
    m->got = fd_testing_keep(c->t, got);
}

static bool close_to(double a, double b)
{
    double scale = fmax(1, fmax(fabs(a), fabs(b)));
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-9 * scale;
}

/* ---- names ---- */

static bool has(const fd_str *items, uint32_t n, fd_str s)
{
    for (uint32_t i = 0; i < n; i++) {
        if (fd_str_eq(items[i], s))
            return true;
    }
    return false;
}

static void write_names(const fd_str *items, uint32_t n, fd_strbuf *out)
{
    if (n == 0)
        fd_strbuf_puts(out, "none");
    for (uint32_t i = 0; i < n; i++)
        fd_strbuf_printf(out, "%s" FD_STR_FMT, i == 0 ? "" : ", ", FD_STR_ARG(items[i]));
}

static bool same_names(const fd_test_names *expected, const fd_str *got, uint32_t n, bool ordered)
{
    bool same = !expected->exact || expected->n == n;
    for (uint32_t i = 0; i < expected->n && same; i++)
        same = ordered && expected->exact ? fd_str_eq(expected->items[i], got[i])
                                          : has(got, n, expected->items[i]);
    for (uint32_t i = 0; i < expected->n_exclude && same; i++)
        same = !has(got, n, expected->exclude[i]);
    return same;
}

static void compare_names(comparison *c, const char *what, const fd_test_names *expected,
                          const fd_str *got, uint32_t n, bool ordered)
{
    if (!expected->given || same_names(expected, got, n, ordered))
        return;
    fd_strbuf want = {0}, have = {0};
    if (expected->exact || expected->n != 0)
        write_names(expected->items, expected->n, &want);
    if (!expected->exact && expected->n != 0)
        fd_strbuf_puts(&want, " among others");
    if (expected->n_exclude != 0) {
        fd_strbuf_puts(&want, expected->n != 0 ? ", and not " : "not ");
        write_names(expected->exclude, expected->n_exclude, &want);
    }
    write_names(got, n, &have);
    differ(c, what, NULL, &want, &have);
}

static fd_str *room(comparison *c, uint32_t n)
{
    fd_str *names = fd_arena_alloc(c->t->arena, (n + 1) * sizeof *names);
    FD_ALLOCATED(names);
    return names;
}

static void compare_rules(comparison *c, const fd_test_names *expected)
{
    fd_str *names = room(c, c->v->n_hits);
    for (uint32_t i = 0; i < c->v->n_hits; i++)
        names[i] = c->v->hits[i].id;
    compare_names(c, "rules", expected, names, c->v->n_hits, false);
}

static void compare_flags(comparison *c, const fd_test_names *expected)
{
    fd_str names[FD_N_FLAGS];
    uint32_t n = 0;
    for (int f = 0; f < FD_N_FLAGS; f++) {
        if (c->v->flags & FD_FLAG_BIT(f))
            names[n++] = fd_str_from(fd_flag_name((fd_flag)f));
    }
    compare_names(c, "flags", expected, names, n, false);
}

/* ---- features ---- */

static void write_seconds(int64_t us, fd_strbuf *out)
{
    fd_strbuf_double(out, (double)us / 1e6);
    fd_strbuf_putc(out, 's');
}

static void write_value(fd_kind kind, const fd_test_feature *f, fd_strbuf *out)
{
    if (f->absent) {
        fd_strbuf_puts(out, "nothing");
        return;
    }
    switch (kind) {
    case FD_INT:
        fd_strbuf_int(out, f->v.i);
        return;
    case FD_BOOL:
        fd_strbuf_puts(out, f->v.i ? "true" : "false");
        return;
    case FD_DOUBLE:
        fd_strbuf_double(out, f->v.d);
        return;
    case FD_DURATION:
        write_seconds(f->v.i, out);
        return;
    case FD_TIMESTAMP:
        fd_testing_write_time(f->v.i, out);
        return;
    default:
        fd_strbuf_json(out, f->v.s);
        return;
    }
}

static fd_test_feature value_of(const fd_col *col, uint32_t feature)
{
    fd_test_feature f = {.feature = feature, .absent = !col->valid[0]};
    if (f.absent)
        return f;
    if (col->type->kind == FD_BOOL)
        f.v.i = col->v.b[0];
    else if (col->type->kind == FD_DOUBLE)
        f.v.d = col->v.d[0];
    else if (col->type->kind == FD_STRING || col->type->kind == FD_BYTES)
        f.v.s = col->v.s[0];
    else
        f.v.i = col->v.i[0];
    return f;
}

static bool same_value(fd_kind kind, const fd_test_feature *a, const fd_test_feature *b)
{
    if (a->absent || b->absent)
        return a->absent == b->absent;
    if (kind == FD_DOUBLE)
        return close_to(a->v.d, b->v.d);
    if (kind == FD_STRING || kind == FD_BYTES)
        return fd_str_eq(a->v.s, b->v.s);
    return a->v.i == b->v.i;
}

static void compare_feature(comparison *c, const fd_test_feature *expected)
{
    const fd_feature_info *info = fd_ruleset_feature(c->t->world.set, expected->feature);
    const fd_col *col = &c->t->world.features->root.children[info->column];
    fd_test_feature got = value_of(col, expected->feature);
    if (same_value(col->type->kind, expected, &got))
        return;
    fd_strbuf want = {0}, have = {0};
    write_value(col->type->kind, expected, &want);
    write_value(col->type->kind, &got, &have);
    differ(c, "feature", info->name, &want, &have);
}

/* ---- the rest ---- */

static void compare_message(comparison *c, const fd_test_message *expected)
{
    const fd_rule_hit *hit = NULL;
    for (uint32_t i = 0; i < c->v->n_hits; i++) {
        if (fd_str_eq(c->v->hits[i].id, expected->rule))
            hit = &c->v->hits[i];
    }
    if (hit != NULL && hit->message.p != NULL && fd_str_eq(hit->message, expected->text))
        return;
    fd_strbuf want = {0}, have = {0};
    fd_strbuf_json(&want, expected->text);
    if (hit == NULL)
        fd_strbuf_puts(&have, "nothing: the rule did not fire");
    else if (hit->message.p == NULL)
        fd_strbuf_puts(&have, "nothing");
    else
        fd_strbuf_json(&have, hit->message);
    differ(c, "message of", expected->rule.p, &want, &have);
}

static void compare_action(comparison *c, fd_action expected)
{
    fd_strbuf want = {0}, have = {0};
    if (c->v->action == expected)
        return;
    fd_strbuf_puts(&want, fd_action_name(expected));
    fd_strbuf_puts(&have, fd_action_name(c->v->action));
    differ(c, "action", NULL, &want, &have);
}

static void compare_score(comparison *c, double expected)
{
    fd_strbuf want = {0}, have = {0};
    if (close_to(c->v->score, expected))
        return;
    fd_strbuf_double(&want, expected);
    fd_strbuf_double(&have, c->v->score);
    differ(c, "score", NULL, &want, &have);
}

uint32_t fd_testing_compare(fd_testing *t, const fd_test_expect *expect, const fd_verdict *v,
                            fd_test_mismatch *out)
{
    comparison c = {.t = t, .v = v, .out = out};
    if (expect->has_action)
        compare_action(&c, expect->action);
    if (expect->has_score)
        compare_score(&c, expect->score);
    compare_rules(&c, &expect->rules);
    compare_names(&c, "reasons", &expect->reasons, v->reasons, v->n_reasons, true);
    for (uint32_t i = 0; i < expect->n_features; i++)
        compare_feature(&c, &expect->features[i]);
    compare_flags(&c, &expect->flags);
    for (uint32_t i = 0; i < expect->n_messages; i++)
        compare_message(&c, &expect->messages[i]);
    return c.n;
}

/* ---- why ---- */

static bool fired(const fd_verdict *v, fd_str id)
{
    for (uint32_t i = 0; i < v->n_hits; i++) {
        if (fd_str_eq(v->hits[i].id, id))
            return true;
    }
    return false;
}

/* Is what this rule did a part of the difference? */
static bool is_concerned(const fd_test_expect *e, const fd_verdict *v, fd_str id, bool by_name)
{
    bool hit = fired(v, id);
    if (!by_name)
        return hit;
    if (has(e->rules.exclude, e->rules.n_exclude, id))
        return hit;
    bool wanted = has(e->rules.items, e->rules.n, id);
    return wanted ? !hit : hit && e->rules.exact;
}

fd_str fd_testing_why(fd_testing *t, const fd_test_expect *expect, const fd_verdict *v)
{
    fd_test_world *w = &t->world;
    fd_strbuf out = {0};
    for (int by_name = 1; by_name >= 0 && out.n == 0; by_name--) {
        for (uint32_t i = 0; i < fd_ruleset_n_rules(w->set); i++) {
            fd_str id = fd_str_from(fd_ruleset_rule(w->set, i)->id);
            if (!is_concerned(expect, v, id, by_name != 0))
                continue;
            fd_ruleset_trace(w->run, w->batch, w->features, &w->time_us, i, 0, &out);
        }
    }
    return fd_testing_keep(t, &out);
}
