/*
 * Why a rule fired or not; see trace.h. Parts of a condition are cut out of its text, compiled by
 * themselves and evaluated in a run of their own, so that nothing of the set is touched. Thread:
 * the run's.
 */
#include "store/trace.h"

#include <stdlib.h>

#include "base/assert.h"
#include "lang/ast.h"
#include "lang/time.h"
#include "store/run_int.h"

enum { MAX_REFERENCES = 16, SHOWN_BYTES = 120 };

typedef struct tracer {
    const fd_ruleset *set;
    fd_arena *arena;
    fd_diags none; /* parts of what compiled compile; what is warned of was told */
    fd_cel_scope scope;
    fd_cel_run *run;
    uint32_t row;
    uint8_t *told; /* by variable: its parts are written */
    fd_strbuf *out;
} tracer;

/* ---- names, of a set that is complete ---- */

static fd_cel_lookup find_variable(void *ctx, fd_str name, const fd_cel_type **type, uint32_t *slot)
{
    const fd_ruleset *set = ctx;
    for (uint32_t i = 0; i < set->n_vars; i++) {
        if (!fd_str_eq(set->vars[i].name, name))
            continue;
        *type = fd_cel_program_type(set->vars[i].program);
        *slot = i;
        return FD_CEL_FOUND;
    }
    return FD_CEL_UNKNOWN;
}

static fd_cel_lookup find_feature(void *ctx, fd_str name, const fd_type **type, uint32_t *column)
{
    const fd_ruleset *set = ctx;
    for (uint32_t i = 0; i < set->n_features; i++) {
        if (!fd_str_eq(set->features[i].name, name))
            continue;
        *type = set->layout.type->fields[set->features[i].info.column].type;
        *column = set->features[i].info.column + 1U;
        return FD_CEL_FOUND;
    }
    return FD_CEL_UNKNOWN;
}

static const fd_cel_set *find_list(void *ctx, fd_str name)
{
    const fd_ruleset *set = ctx;
    for (uint32_t i = 0; i < set->n_lists; i++) {
        if (fd_str_eq(set->lists[i].name, name))
            return fd_list_set(set->lists[i].list);
    }
    return NULL;
}

static fd_cel_lookup find_model(void *ctx, fd_str name, fd_cel_model *out)
{
    return fd_store_find_model(ctx, name, out, NULL);
}

/* ---- values ---- */

/* False: this text is no expression by itself. */
static bool evaluate(tracer *t, fd_str text, fd_cel_value *out)
{
    const fd_cel_source src = {.text = text};
    const fd_cel_program *p = fd_cel_compile(&t->scope, &src, t->arena, &t->none);
    if (p == NULL)
        return false;
    fd_cel_eval(t->run, p, &t->row, 1, out);
    return true;
}

static fd_str shortened(fd_str s)
{
    if (s.n <= SHOWN_BYTES)
        return s;
    uint32_t n = SHOWN_BYTES;
    while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return (fd_str){s.p, n};
}

static void write_value(tracer *t, const fd_cel_value *v)
{
    if (v->kind == FD_CEL_ERROR) {
        bool absent = v->n == FD_CEL_E_ABSENT;
        fd_strbuf_printf(t->out, absent ? "absent" : "failed: %s", v->v.text);
    } else if (v->kind == FD_CEL_STRING) {
        fd_strbuf_json(t->out, shortened(fd_cel_text(v)));
    } else {
        const fd_cel_value args[] = {fd_cel_string(FD_STR("%s")), fd_cel_list(v, 1)};
        fd_cel_value text = fd_cel_format(t->arena, args);
        fd_str shown = text.kind == FD_CEL_STRING ? shortened(fd_cel_text(&text)) : FD_STR("...");
        fd_strbuf_add(t->out, shown.p, shown.n);
    }
}

/* A piece of the text on one line. */
static void write_text(fd_str s, fd_strbuf *out)
{
    for (uint32_t i = 0; i < s.n; i++) {
        uint32_t end = i;
        bool breaks = false;
        for (; end < s.n && (s.p[end] == ' ' || s.p[end] == '\n' || s.p[end] == '\t'); end++)
            breaks = breaks || s.p[end] == '\n';
        if (breaks) {
            fd_strbuf_putc(out, ' ');
            i = end - 1;
        } else {
            fd_strbuf_putc(out, s.p[i]);
        }
    }
}

/* ---- what a part looked at ---- */

typedef struct references {
    uint32_t n;
    fd_str texts[MAX_REFERENCES];
    bool variable[MAX_REFERENCES];
} references;

/* Is this a field of the event, a feature or a variable, as it is written? */
static bool is_reference(const fd_ast *a, const fd_ast **root)
{
    if (a->kind != FD_AST_SELECT)
        return false;
    while (a->kind == FD_AST_SELECT && !a->optional)
        a = a->args[0];
    *root = a;
    return a->kind == FD_AST_IDENT &&
           (fd_str_eq_c(a->name, "event") || fd_str_eq_c(a->name, "features") ||
            fd_str_eq_c(a->name, "variables") || fd_str_eq_c(a->name, "models"));
}

static void refer(fd_str text, const fd_ast *a, references *to)
{
    const fd_ast *root;
    if (!is_reference(a, &root)) {
        for (uint32_t i = 0; i < a->n_args; i++)
            refer(text, a->args[i], to);
        return;
    }
    fd_str piece = {text.p + a->from, a->to - a->from};
    for (uint32_t i = 0; i < to->n; i++) {
        if (fd_str_eq(to->texts[i], piece))
            return;
    }
    if (to->n == MAX_REFERENCES)
        return;
    to->variable[to->n] = fd_str_eq_c(root->name, "variables");
    to->texts[to->n++] = piece;
}

/* ---- parts ---- */

static void write_parts(tracer *t, fd_str text, const fd_ast *a, int indent);

/* A variable's own parts, once. */
static void write_variable(tracer *t, fd_str reference, int indent)
{
    const char *dot = memchr(reference.p, '.', reference.n);
    fd_str name = {dot + 1, reference.n - (uint32_t)(dot + 1 - reference.p)};
    const fd_cel_type *type;
    uint32_t slot;
    if (find_variable((void *)(uintptr_t)t->set, name, &type, &slot) != FD_CEL_FOUND ||
        type->kind != FD_CEL_BOOL || t->told[slot])
        return;
    t->told[slot] = 1;
    const fd_cel_source src = {.text = t->set->vars[slot].source.text};
    const fd_ast *root = fd_cel_parse(&src, t->arena, &t->none);
    FD_ASSERT(root != NULL); /* as when the set was loaded */
    fd_strbuf_printf(t->out, "%*s" FD_STR_FMT ":\n", indent, "", FD_STR_ARG(reference));
    write_parts(t, src.text, root, indent + 2);
}

static void write_outcome(tracer *t, fd_str piece, int indent)
{
    fd_cel_value v;
    bool known = evaluate(t, piece, &v);
    const char *word = !known ? "?" : v.kind == FD_CEL_BOOL ? (v.v.b ? "true" : "false") : "failed";
    fd_strbuf_printf(t->out, "%*s%-7s", indent, "", word);
}

static void write_leaf(tracer *t, fd_str text, const fd_ast *a, int indent)
{
    fd_str piece = {text.p + a->from, a->to - a->from};
    references refs = {0};
    refer(text, a, &refs);
    write_outcome(t, piece, indent);
    write_text(piece, t->out);
    for (uint32_t i = 0; i < refs.n; i++) {
        fd_cel_value v;
        if (fd_str_eq(refs.texts[i], piece) || !evaluate(t, refs.texts[i], &v))
            continue;
        fd_strbuf_puts(t->out, i == 0 ? "    (" : ", ");
        fd_strbuf_printf(t->out, FD_STR_FMT " is ", FD_STR_ARG(refs.texts[i]));
        write_value(t, &v);
        fd_strbuf_puts(t->out, i + 1 == refs.n ? ")" : "");
    }
    fd_strbuf_putc(t->out, '\n');
    for (uint32_t i = 0; i < refs.n; i++) {
        if (refs.variable[i])
            write_variable(t, refs.texts[i], indent + 7);
    }
}

static bool joins(const fd_ast *a)
{
    return a->kind == FD_AST_AND || a->kind == FD_AST_OR;
}

static void write_parts(tracer *t, fd_str text, const fd_ast *a, int indent)
{
    bool negates = a->kind == FD_AST_OP && a->op == FD_OP_NOT && joins(a->args[0]);
    if (!joins(a) && !negates) {
        write_leaf(t, text, a, indent);
        return;
    }
    write_outcome(t, (fd_str){text.p + a->from, a->to - a->from}, indent);
    fd_strbuf_puts(t->out, negates ? "not:\n" : a->kind == FD_AST_AND ? "all of:\n" : "any of:\n");
    for (uint32_t i = 0; i < a->n_args; i++)
        write_parts(t, text, a->args[i], indent + 2);
}

/* ---- the rule ---- */

/* What keeps a rule from being evaluated; false: nothing does. */
static bool write_exempt(tracer *t, const fd_rule_def *r, const fd_batch *batch, int64_t time_us)
{
    const fd_col *rollout = r->rollout_path.n == 0 ? NULL : fd_batch_path(batch, r->rollout_path);
    const fd_col *snooze = r->snooze_path.n == 0 ? NULL : fd_batch_path(batch, r->snooze_path);
    if (r->info.mode == FD_MODE_OFF) {
        fd_strbuf_puts(t->out, " did not fire: its mode is off\n");
        return true;
    }
    if (!fd_run_rolled_out(r, rollout, t->row)) {
        fd_strbuf_printf(t->out, " did not fire: the event is not in its rollout (%g %% by %s)\n",
                         r->info.rollout_percent, r->info.rollout_key);
        return true;
    }
    if (!fd_run_snoozed(r, snooze, t->row, time_us))
        return false;
    fd_cel_value until = fd_cel_make_timestamp(r->info.snooze_until_us / 1000000, 0);
    fd_strbuf_puts(t->out, " did not fire: it is snoozed until ");
    write_value(t, &until);
    fd_strbuf_putc(t->out, '\n');
    return true;
}

static void write_rule(tracer *t, const fd_rule_def *r)
{
    const fd_cel_source src = {.text = r->condition.text};
    fd_cel_value v;
    fd_cel_eval(t->run, r->when, &t->row, 1, &v);
    if (v.kind == FD_CEL_ERROR)
        fd_strbuf_printf(t->out, " failed, and so did not fire (%s):\n", v.v.text);
    else
        fd_strbuf_printf(t->out, " %s%s:\n", v.v.b ? "fired" : "did not fire",
                         r->info.mode == FD_MODE_SHADOW ? " (shadow)" : "");
    const fd_ast *root = fd_cel_parse(&src, t->arena, &t->none);
    FD_ASSERT(root != NULL);
    write_parts(t, src.text, root, 2);
}

void fd_ruleset_trace(fd_ruleset_run *run, const fd_batch *batch, const fd_batch *features,
                      const int64_t *event_time_us, uint32_t rule, uint32_t row, fd_strbuf *out)
{
    const fd_ruleset *set = run->set;
    FD_ASSERT(rule < set->n_rules && row < batch->root.n);
    const fd_rule_def *r = &set->rules[rule];
    tracer t = {.set = set,
                .arena = fd_arena_new(16 * 1024, 0),
                .scope = {.event = set->event,
                          .ctx = (void *)(uintptr_t)set, /* only read */
                          .variable = find_variable,
                          .list = find_list,
                          .feature = find_feature,
                          .model = find_model},
                .run = fd_cel_run_new(set->programs, set->n_vars, row + 1),
                .row = row,
                .told = fd_run_array(set->n_vars, 1),
                .out = out};
    fd_diags_init(&t.none);
    fd_cel_run_begin(t.run, batch, fd_run_seen(run, batch, features));
    fd_strbuf_add(out, r->id.p, r->id.n);
    if (!write_exempt(&t, r, batch, event_time_us[row]))
        write_rule(&t, r);
    fd_cel_run_free(t.run);
    fd_diags_free(&t.none);
    fd_arena_free(t.arena);
    free(t.told);
}
