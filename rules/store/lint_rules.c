/*
 * Rules that are legal and hardly meant: that never fire, or always do, that have no say because a
 * rule that allows fires whenever they do, that run for each event at a price. Warnings. Loading.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/ast.h"
#include "store/ruleset_int.h"
#include "store/run_int.h"

/* Nanoseconds of an event, as `rules explain` estimates them, where nothing cheap stands before
 * what runs on rows: a regular expression, a macro. Two thousand such rules cost a core a
 * millisecond for each event. */
static const double dear_ns = 500;
enum { MANY_STEPS = 20000 }; /* of one event: loops in loops */
enum { MAX_ALLOWING = 64 };  /* rules that others are held against */

static void warn(const fd_rule_def *r, const fd_yaml_node *at, const char *hint, const char *text)
{
    fd_yaml_report(r->place.y, at, FD_WARNING, hint, "rule \"%s\" %s", r->id.p, text);
}

/* ---- never, always ---- */

/* Does it have the last word on every event that it fires for? */
static bool allows(const fd_rule_def *r)
{
    return r->info.mode == FD_MODE_LIVE && r->info.has_action &&
           r->info.action == FD_ACTION_ALLOW && fd_run_whole(r);
}

static void constants(const fd_rule_def *r)
{
    fd_cel_value v;
    if (r->info.mode == FD_MODE_OFF) {
        warn(r, r->place.node, "a snooze ends by itself, a rollout of 0 does not",
             "can never fire: its mode is off");
        return;
    }
    if (r->rollout_limit == 0)
        warn(r, r->rollout_node != NULL ? r->rollout_node : r->place.node, NULL,
             "can never fire: its rollout is 0 per cent");
    if (!fd_cel_program_constant(r->when, &v))
        return;
    bool fires = v.kind == FD_CEL_BOOL && v.v.b;
    if (fires && allows(r))
        warn(r, r->condition_node, "write a condition, or make it shadow",
             "allows every event: no other rule has a say");
    else
        warn(r, r->condition_node, NULL, fires ? "always fires" : "can never fire");
}

/* ---- no say ---- */

/* The parts that must all be true, each in its one spelling. */
typedef struct parts {
    uint32_t rule;
    uint32_t n;
    fd_str *texts;
} parts;

static parts parts_of(const fd_ruleset *set, uint32_t rule, fd_arena *arena, fd_diags *none)
{
    const fd_str text = set->rules[rule].condition.text;
    const fd_cel_source src = {.text = text};
    const fd_ast *root = fd_cel_parse(&src, arena, none);
    FD_ASSERT(root != NULL); /* it compiled */
    bool all = root->kind == FD_AST_AND;
    parts p = {.rule = rule, .n = all ? root->n_args : 1};
    p.texts = fd_arena_alloc(arena, p.n * sizeof *p.texts);
    FD_ALLOCATED(p.texts);
    for (uint32_t i = 0; i < p.n; i++) {
        const fd_ast *a = all ? root->args[i] : root;
        const fd_cel_source part = {.text = {text.p + a->from, a->to - a->from}};
        p.texts[i] = fd_cel_canonical(&part, arena);
    }
    return p;
}

static bool has_part(const parts *p, fd_str text)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (fd_str_eq(p->texts[i], text))
            return true;
    }
    return false;
}

/* Is whoever has `more` true sure to have `less` true? */
static bool implies(const parts *more, const parts *less)
{
    bool all = true;
    for (uint32_t i = 0; i < less->n && all; i++)
        all = has_part(more, less->texts[i]);
    return all;
}

static void no_say(const fd_rule_def *r, const fd_rule_def *allowing)
{
    char text[400];
    snprintf(text, sizeof text, "has no say: \"%.128s\" allows whenever it fires", allowing->id.p);
    warn(r, r->condition_node, NULL, text);
}

static void shadowed(const fd_loading *l)
{
    const fd_ruleset *set = l->set;
    fd_arena *arena = fd_arena_new(64 * 1024, 0);
    fd_diags none;
    fd_diags_init(&none);
    parts allowing[MAX_ALLOWING];
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->n_rules && n < MAX_ALLOWING; i++) {
        if (allows(&set->rules[i]))
            allowing[n++] = parts_of(set, i, arena, &none);
    }
    for (uint32_t i = 0; i < set->n_rules && n > 0; i++) {
        const fd_rule_def *r = &set->rules[i];
        if (r->info.mode != FD_MODE_LIVE || allows(r))
            continue;
        fd_arena_mark mark = fd_arena_marked(arena);
        parts p = parts_of(set, i, arena, &none);
        uint32_t a = 0;
        while (a < n && !implies(&p, &allowing[a]))
            a++;
        if (a < n)
            no_say(r, &set->rules[allowing[a].rule]);
        fd_arena_rewind(arena, mark);
    }
    fd_diags_free(&none);
    fd_arena_free(arena);
}

/* ---- dear ---- */

static void dear(const fd_rule_def *r, const fd_cel_root_stats *s, const fd_strbuf *why)
{
    static const char hint[] = "begin with what is cheap and seldom true; see fraudd rules explain";
    char text[400];
    uint32_t steps = fd_cel_program_cost(r->when);
    if (steps >= MANY_STEPS)
        snprintf(text, sizeof text, "may take %u steps for an event with lists of %d elements",
                 steps, FD_CEL_ASSUMED_LENGTH);
    else if (s->n_row_nodes != 0 && s->n_nodes == s->n_row_nodes && s->row_ns >= dear_ns)
        snprintf(text, sizeof text, "runs row by row for every event, about %.0f ns each (%.200s)",
                 s->row_ns, why->p == NULL ? "" : why->p);
    else
        return;
    warn(r, r->condition_node, steps >= MANY_STEPS ? NULL : hint, text);
}

static void costs(const fd_loading *l)
{
    const fd_ruleset *set = l->set;
    fd_cel_root_stats *stats = fd_run_array(set->n_rules, sizeof *stats);
    fd_strbuf *whys = fd_run_array(set->n_rules, sizeof *whys);
    fd_cel_plan_describe(set->plan, stats, whys);
    for (uint32_t i = 0; i < set->n_rules; i++) {
        if (set->rules[i].info.mode != FD_MODE_OFF)
            dear(&set->rules[i], &stats[i], &whys[i]);
        fd_strbuf_free(&whys[i]);
    }
    free(stats);
    free(whys);
}

void fd_store_lint_rules(fd_loading *l)
{
    for (uint32_t i = 0; i < l->set->n_rules; i++)
        constants(&l->set->rules[i]);
    shadowed(l);
    costs(l);
}
