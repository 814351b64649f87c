/* How two rule sets differ; see diff.h. Any thread. */
#include "store/diff.h"

#include <stdlib.h>

#include "base/assert.h"
#include "lang/function.h"
#include "lang/time.h"
#include "store/diff_int.h"

/* ---- collecting ---- */

static fd_change *note(fd_changes *all, const char *what, fd_str name, fd_change_kind kind)
{
    fd_change *c = fd_arena_zalloc(all->arena, sizeof *c);
    FD_ALLOCATED(c);
    *c = (fd_change){.what = what, .name = name, .kind = kind};
    *all->end = c;
    all->end = &c->next;
    return c;
}

/* What changes at one thing; it becomes a change with its first detail. */
typedef struct changing {
    fd_changes *all;
    const char *what;
    fd_str name;
    fd_change *change;
    fd_change_detail **end;
} changing;

static void differ(changing *c, const char *of, fd_str from, fd_str to)
{
    if (fd_str_eq(from, to))
        return;
    if (c->change == NULL) {
        c->change = note(c->all, c->what, c->name, FD_CHANGED);
        c->end = &c->change->details;
    }
    fd_change_detail *d = fd_arena_zalloc(c->all->arena, sizeof *d);
    FD_ALLOCATED(d);
    *d = (fd_change_detail){.of = of, .from = from, .to = to};
    *c->end = d;
    c->end = &d->next;
}

static fd_str keep(fd_changes *all, fd_strbuf *b)
{
    fd_str s = fd_arena_str(all->arena, (fd_str){b->p == NULL ? "" : b->p, (uint32_t)b->n});
    FD_ALLOCATED(s.p);
    fd_strbuf_free(b);
    return s;
}

static fd_str number(fd_changes *all, double d)
{
    fd_strbuf b = {0};
    fd_strbuf_double(&b, d);
    return keep(all, &b);
}

/* "" where it is not given. */
static fd_str text_or_none(const char *text)
{
    return text == NULL ? FD_STR("") : fd_str_from(text);
}

/* ---- expressions ---- */

/* The writer's text where the meaning differs; else both sides are equal. */
static void differ_in_expression(changing *c, const char *of, const fd_cel_source *a,
                                 const fd_cel_source *b)
{
    fd_str from = a->text.p == NULL ? FD_STR("") : a->text;
    fd_str to = b->text.p == NULL ? FD_STR("") : b->text;
    if (from.n != 0 && to.n != 0) {
        const fd_cel_source x = {.text = from}, y = {.text = to};
        if (fd_str_eq(fd_cel_canonical(&x, c->all->arena), fd_cel_canonical(&y, c->all->arena)))
            return;
    }
    differ(c, of, from, to);
}

/* ---- rules ---- */

static fd_str action_of(const fd_rule_info *r)
{
    return r->has_action ? fd_str_from(fd_action_name(r->action)) : FD_STR("");
}

static fd_str mode_of(const fd_rule_info *r)
{
    return r->mode == FD_MODE_OFF      ? FD_STR("off")
           : r->mode == FD_MODE_SHADOW ? FD_STR("shadow")
                                       : FD_STR("live");
}

static fd_str rollout_of(fd_changes *all, const fd_rule_info *r)
{
    fd_strbuf b = {0};
    if (r->rollout_key != NULL)
        fd_strbuf_printf(&b, "%g %% by %s", r->rollout_percent, r->rollout_key);
    return keep(all, &b);
}

static void add_time(fd_changes *all, int64_t us, fd_strbuf *out)
{
    fd_cel_value t = fd_cel_make_timestamp(us / 1000000, (int32_t)(us % 1000000) * 1000);
    fd_cel_value text = fd_cel_string_from_timestamp(all->arena, &t);
    fd_strbuf_add(out, text.v.p, text.n);
}

static fd_str snooze_of(fd_changes *all, const fd_rule_def *r)
{
    fd_strbuf b = {0};
    if (r->info.snooze_until_us == 0)
        return FD_STR("");
    add_time(all, r->info.snooze_from_us, &b);
    fd_strbuf_puts(&b, " to ");
    add_time(all, r->info.snooze_until_us, &b);
    for (uint32_t i = 0; i < r->n_snooze_keys; i++)
        fd_strbuf_printf(&b, "%s" FD_STR_FMT, i == 0 ? " for " : ", ",
                         FD_STR_ARG(r->snooze_keys[i]));
    if (r->n_snooze_keys != 0)
        fd_strbuf_printf(&b, " (%s)", r->info.snooze_key);
    return keep(all, &b);
}

static fd_str tags_of(fd_changes *all, const fd_rule_info *r)
{
    fd_strbuf b = {0};
    for (uint32_t i = 0; i < r->n_tags; i++)
        fd_strbuf_printf(&b, "%s%s", i == 0 ? "" : ", ", r->tags[i]);
    return keep(all, &b);
}

static void compare_rule(fd_changes *all, const fd_rule_def *a, const fd_rule_def *b)
{
    changing c = {.all = all, .what = "rule", .name = b->id};
    differ_in_expression(&c, "condition", &a->condition, &b->condition);
    differ(&c, "action", action_of(&a->info), action_of(&b->info));
    differ(&c, "score", number(all, a->info.score), number(all, b->info.score));
    differ(&c, "mode", mode_of(&a->info), mode_of(&b->info));
    differ(&c, "rollout", rollout_of(all, &a->info), rollout_of(all, &b->info));
    differ(&c, "snooze", snooze_of(all, a), snooze_of(all, b));
    differ(&c, "reason", text_or_none(a->info.reason), text_or_none(b->info.reason));
    differ_in_expression(&c, "explain", &a->explain, &b->explain);
    differ(&c, "tags", tags_of(all, &a->info), tags_of(all, &b->info));
    differ(&c, "owner", text_or_none(a->info.owner), text_or_none(b->info.owner));
}

/* "block, score 80, shadow: condition" */
static void sketch_rule(fd_changes *all, const fd_rule_def *r, fd_change_kind kind)
{
    fd_strbuf b = {0};
    if (r->info.has_action)
        fd_strbuf_puts(&b, fd_action_name(r->info.action));
    if (r->info.score != 0)
        fd_strbuf_printf(&b, "%sscore %g", b.n == 0 ? "" : ", ", r->info.score);
    if (r->info.mode != FD_MODE_LIVE)
        fd_strbuf_printf(&b, ", %s", mode_of(&r->info).p);
    fd_strbuf_printf(&b, ": " FD_STR_FMT, FD_STR_ARG(r->condition.text));
    note(all, "rule", r->id, kind)->text = keep(all, &b);
}

static int by_id(const void *a, const void *b)
{
    const fd_rule_def *const *x = a, *const *y = b;
    return fd_str_cmp((*x)->id, (*y)->id);
}

static const fd_rule_def **sorted_rules(fd_changes *all, const fd_ruleset *set)
{
    const fd_rule_def **rules = fd_arena_alloc(all->arena, (set->n_rules + 1) * sizeof *rules);
    FD_ALLOCATED(rules);
    for (uint32_t i = 0; i < set->n_rules; i++)
        rules[i] = &set->rules[i];
    qsort(rules, set->n_rules, sizeof *rules, by_id);
    return rules;
}

static void compare_rules(fd_changes *all, const fd_ruleset *a, const fd_ruleset *b)
{
    const fd_rule_def **x = sorted_rules(all, a), **y = sorted_rules(all, b);
    uint32_t i = 0, j = 0;
    while (i < a->n_rules || j < b->n_rules) {
        int c = i == a->n_rules ? 1 : j == b->n_rules ? -1 : fd_str_cmp(x[i]->id, y[j]->id);
        if (c < 0)
            sketch_rule(all, x[i], FD_REMOVED);
        else if (c > 0)
            sketch_rule(all, y[j], FD_ADDED);
        else
            compare_rule(all, x[i], y[j]);
        i += c <= 0;
        j += c >= 0;
    }
}

/* ---- features ---- */

static fd_str duration(fd_changes *all, int64_t us)
{
    fd_strbuf b = {0};
    if (us != 0)
        fd_store_write_duration(us, &b);
    return keep(all, &b);
}

static void compare_feature(fd_changes *all, const fd_feature_def *a, const fd_feature_def *b)
{
    changing c = {.all = all, .what = "feature", .name = b->name};
    const fd_window_feature *x = &a->window, *y = &b->window;
    differ(&c, "op", fd_str_from(fd_feature_op_name(x->op)),
           fd_str_from(fd_feature_op_name(y->op)));
    differ(&c, "key", fd_str_from(a->info.key), fd_str_from(b->info.key));
    differ(&c, "window", duration(all, x->window_us), duration(all, y->window_us));
    differ(&c, "delay", duration(all, x->delay_us), duration(all, y->delay_us));
    differ(&c, "include_current", fd_str_from(x->include_current ? "true" : "false"),
           fd_str_from(y->include_current ? "true" : "false"));
    differ(&c, "accuracy", fd_str_from(x->exact ? "exact" : "approx"),
           fd_str_from(y->exact ? "exact" : "approx"));
    differ(&c, "p", number(all, x->p), number(all, y->p));
    differ_in_expression(&c, "value", &a->values[0], &b->values[0]);
    differ_in_expression(&c, "longitude", &a->values[1], &b->values[1]);
    differ_in_expression(&c, "of", &a->of, &b->of);
    differ_in_expression(&c, "where", &a->where, &b->where);
}

/* "count by card_id over 5m" */
static void sketch_feature(fd_changes *all, const fd_feature_def *f, fd_change_kind kind)
{
    fd_strbuf b = {0};
    fd_strbuf_puts(&b, fd_feature_op_name(f->window.op));
    if (f->values[0].text.p != NULL)
        fd_strbuf_printf(&b, " of " FD_STR_FMT, FD_STR_ARG(f->values[0].text));
    fd_strbuf_printf(&b, " by %s over ", f->info.key);
    fd_store_write_duration(f->window.window_us, &b);
    if (f->where.text.p != NULL)
        fd_strbuf_printf(&b, " where " FD_STR_FMT, FD_STR_ARG(f->where.text));
    note(all, "feature", f->name, kind)->text = keep(all, &b);
}

/* Sorted by name on both sides. */
static void compare_features(fd_changes *all, const fd_ruleset *a, const fd_ruleset *b)
{
    uint32_t i = 0, j = 0;
    while (i < a->n_features || j < b->n_features) {
        int c = i == a->n_features   ? 1
                : j == b->n_features ? -1
                                     : fd_str_cmp(a->features[i].name, b->features[j].name);
        if (c < 0)
            sketch_feature(all, &a->features[i], FD_REMOVED);
        else if (c > 0)
            sketch_feature(all, &b->features[j], FD_ADDED);
        else
            compare_feature(all, &a->features[i], &b->features[j]);
        i += c <= 0;
        j += c >= 0;
    }
}

/* ---- lists ---- */

enum { SAMPLES = 3 };

static fd_str some_of(fd_changes *all, const fd_list *a, const fd_list *b)
{
    fd_str some[SAMPLES];
    uint32_t n;
    fd_strbuf out = {0};
    uint64_t count = fd_list_only(a, b, all->arena, some, SAMPLES, &n);
    if (count == 0)
        return FD_STR("");
    fd_strbuf_printf(&out, "%llu (", (unsigned long long)count);
    for (uint32_t i = 0; i < n; i++)
        fd_strbuf_printf(&out, "%s" FD_STR_FMT, i == 0 ? "" : ", ", FD_STR_ARG(some[i]));
    fd_strbuf_puts(&out, count > n ? ", ...)" : ")");
    return keep(all, &out);
}

static void compare_list(fd_changes *all, const fd_list_def *a, const fd_list_def *b)
{
    changing c = {.all = all, .what = "list", .name = b->name};
    fd_list_type was = fd_list_type_of(a->list), is = fd_list_type_of(b->list);
    if (was != is) {
        differ(&c, "type", fd_str_from(fd_list_type_name(was)), fd_str_from(fd_list_type_name(is)));
        return;
    }
    differ(&c, "entries added", FD_STR(""), some_of(all, b->list, a->list));
    differ(&c, "entries removed", some_of(all, a->list, b->list), FD_STR(""));
}

static void sketch_list(fd_changes *all, const fd_list_def *d, fd_change_kind kind)
{
    fd_strbuf b = {0};
    fd_strbuf_printf(&b, "%s, %llu entries", fd_list_type_name(fd_list_type_of(d->list)),
                     (unsigned long long)fd_list_count(d->list));
    note(all, "list", d->name, kind)->text = keep(all, &b);
}

static const fd_list_def *list_of(const fd_ruleset *set, fd_str name)
{
    for (uint32_t i = 0; i < set->n_lists; i++) {
        if (fd_str_eq(set->lists[i].name, name))
            return &set->lists[i];
    }
    return NULL;
}

static void compare_lists(fd_changes *all, const fd_ruleset *a, const fd_ruleset *b)
{
    for (uint32_t i = 0; i < a->n_lists; i++) {
        if (list_of(b, a->lists[i].name) == NULL)
            sketch_list(all, &a->lists[i], FD_REMOVED);
    }
    for (uint32_t i = 0; i < b->n_lists; i++) {
        const fd_list_def *was = list_of(a, b->lists[i].name);
        if (was == NULL)
            sketch_list(all, &b->lists[i], FD_ADDED);
        else
            compare_list(all, was, &b->lists[i]);
    }
}

/* ---- variables ---- */

static const fd_var_def *variable_of(const fd_ruleset *set, fd_str name)
{
    for (uint32_t i = 0; i < set->n_vars; i++) {
        if (fd_str_eq(set->vars[i].name, name))
            return &set->vars[i];
    }
    return NULL;
}

static void compare_variables(fd_changes *all, const fd_ruleset *a, const fd_ruleset *b)
{
    for (uint32_t i = 0; i < a->n_vars; i++) {
        if (variable_of(b, a->vars[i].name) == NULL)
            note(all, "variable", a->vars[i].name, FD_REMOVED)->text = a->vars[i].source.text;
    }
    for (uint32_t i = 0; i < b->n_vars; i++) {
        const fd_var_def *is = &b->vars[i], *was = variable_of(a, is->name);
        changing c = {.all = all, .what = "variable", .name = is->name};
        if (was == NULL)
            note(all, "variable", is->name, FD_ADDED)->text = is->source.text;
        else
            differ_in_expression(&c, "expression", &was->source, &is->source);
    }
}

/* ---- the decision ---- */

static fd_str actions_of(fd_changes *all, const fd_decision_def *d)
{
    fd_strbuf b = {0};
    for (int rank = 0; rank < FD_N_ACTIONS; rank++) {
        for (int a = 0; a < FD_N_ACTIONS; a++) {
            if (d->severity[a] == rank)
                fd_strbuf_printf(&b, "%s%s", rank == 0 ? "" : ", ", fd_action_name((fd_action)a));
        }
    }
    return keep(all, &b);
}

static void compare_decisions(fd_changes *all, const fd_ruleset *a, const fd_ruleset *b)
{
    const fd_decision_def *x = &a->decision, *y = &b->decision;
    changing c = {.all = all, .what = "decision", .name = FD_STR("decision")};
    differ(&c, "actions", actions_of(all, x), actions_of(all, y));
    for (int i = 1; i < FD_N_ACTIONS; i++) {
        fd_str from = x->has_threshold[i] ? number(all, x->threshold[i]) : FD_STR("");
        fd_str to = y->has_threshold[i] ? number(all, y->threshold[i]) : FD_STR("");
        differ(&c, fd_arena_printf(all->arena, "threshold of %s", fd_action_name((fd_action)i)),
               from, to);
    }
    fd_strbuf from = {0}, to = {0};
    if (a->activate_at_us != INT64_MIN)
        add_time(all, a->activate_at_us, &from);
    if (b->activate_at_us != INT64_MIN)
        add_time(all, b->activate_at_us, &to);
    fd_str was = keep(all, &from);
    differ(&c, "activate_at", was, keep(all, &to));
}

bool fd_rules_diff(const fd_rules_diff_input *in, bool json, fd_strbuf *out)
{
    fd_changes all = {.arena = fd_arena_new(64 * 1024, 0)};
    all.end = &all.first;
    compare_decisions(&all, in->a, in->b);
    compare_lists(&all, in->a, in->b);
    compare_features(&all, in->a, in->b);
    compare_variables(&all, in->a, in->b);
    compare_rules(&all, in->a, in->b);
    fd_store_write_changes(in, &all, json, out);
    bool differs = all.first != NULL;
    fd_arena_free(all.arena);
    return differs;
}
