/*
 * What all features of a set need together, as one window layout: keys, per key the tracks and
 * conditions of its events, and the distinct features.
 *
 * Invariant: the order of everything is that of its canonical text, so the layout and its
 * descriptor depend on what is kept and read, not on names, files or the order of definitions.
 * Loading.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"
#include "store/ruleset_int.h"

typedef struct track_plan {
    uint32_t expr;
    fd_window_track track;
} track_plan;

typedef struct key_plan {
    const fd_feature_def *first; /* that has this key */
    uint32_t n_tracks, n_conditions;
    track_plan tracks[FD_WINDOW_MAX_TRACKS];
    uint32_t conditions[FD_WINDOW_MAX_CONDITIONS];
} key_plan;

typedef struct planner {
    fd_loading *l;
    fd_ruleset *set;
    uint32_t n_keys;
    key_plan *keys;
} planner;

/* A distinct feature on its way to a column. */
typedef struct feature_line {
    fd_str text;
    fd_feature_def *f;
} feature_line;

static void *room_for(fd_ruleset *set, size_t n, size_t size)
{
    void *p = fd_arena_zalloc(set->arena, (n + 1) * size);
    FD_ALLOCATED(p);
    return p;
}

static int by_name(const void *a, const void *b)
{
    const fd_feature_def *x = a, *y = b;
    return fd_str_cmp(x->name, y->name);
}

/* ---- what is needed ---- */

static void too_many(const planner *p, fd_feature_def *f, int max, const char *what)
{
    f->broken = true;
    fd_yaml_report(f->place.y, f->place.node, FD_ERROR, NULL, "feature \"%s\": more than %d %s",
                   f->name.p, max, what);
    FD_ASSERT(p->l->diags->errors > 0);
}

static key_plan *plan_key(planner *p, fd_feature_def *f)
{
    for (uint32_t k = 0; k < p->n_keys; k++) {
        if (strcmp(p->keys[k].first->info.key, f->info.key) == 0)
            return &p->keys[k];
    }
    if (p->n_keys == FD_WINDOW_MAX_KEYS) {
        too_many(p, f, FD_WINDOW_MAX_KEYS, "keys in a rule set");
        return NULL;
    }
    key_plan *k = &p->keys[p->n_keys++];
    k->first = f;
    return k;
}

static bool is_hashed(fd_feature_op op)
{
    return op == FD_OP_DISTINCT || op == FD_OP_IS_NEW;
}

static void plan_track(planner *p, key_plan *k, fd_feature_def *f, uint32_t expr)
{
    bool hashed = is_hashed(f->window.op);
    if (expr == FD_NO_EXPR)
        return;
    for (uint32_t t = 0; t < k->n_tracks; t++) {
        if (k->tracks[t].expr == expr && k->tracks[t].track.hashed == hashed)
            return;
    }
    if (k->n_tracks == FD_WINDOW_MAX_TRACKS)
        too_many(p, f, FD_WINDOW_MAX_TRACKS, "different values under one key");
    else
        k->tracks[k->n_tracks++] = (track_plan){expr, {.kind = f->kind, .hashed = hashed}};
}

static void plan_condition(planner *p, key_plan *k, fd_feature_def *f, uint32_t expr)
{
    if (expr == FD_NO_EXPR)
        return;
    for (uint32_t c = 0; c < k->n_conditions; c++) {
        if (k->conditions[c] == expr)
            return;
    }
    if (k->n_conditions == FD_WINDOW_MAX_CONDITIONS)
        too_many(p, f, FD_WINDOW_MAX_CONDITIONS, "different conditions under one key");
    else
        k->conditions[k->n_conditions++] = expr;
}

static void plan_features(planner *p)
{
    for (uint32_t i = 0; i < p->set->n_features; i++) {
        fd_feature_def *f = &p->set->features[i];
        key_plan *k = f->broken ? NULL : plan_key(p, f);
        if (k == NULL)
            continue;
        plan_condition(p, k, f, f->where_expr);
        plan_condition(p, k, f, f->of_expr);
        for (int v = 0; v < FD_FEATURE_VALUES; v++)
            plan_track(p, k, f, f->value_exprs[v]);
    }
}

/* ---- in order ---- */

static int compare_exprs(const fd_ruleset *set, uint32_t a, uint32_t b)
{
    return fd_str_cmp(set->exprs[a].canonical, set->exprs[b].canonical);
}

static int by_key(const void *a, const void *b)
{
    const key_plan *x = a, *y = b;
    return strcmp(x->first->info.key, y->first->info.key);
}

/* A few items: insertion. */
static void sort_key(const fd_ruleset *set, key_plan *k)
{
    for (uint32_t i = 1; i < k->n_tracks; i++) {
        track_plan t = k->tracks[i];
        uint32_t at = i;
        for (; at > 0; at--) {
            const track_plan *before = &k->tracks[at - 1];
            int c = compare_exprs(set, before->expr, t.expr);
            if (c < 0 || (c == 0 && before->track.hashed < t.track.hashed))
                break;
            k->tracks[at] = *before;
        }
        k->tracks[at] = t;
    }
    for (uint32_t i = 1; i < k->n_conditions; i++) {
        uint32_t c = k->conditions[i];
        uint32_t at = i;
        for (; at > 0 && compare_exprs(set, k->conditions[at - 1], c) > 0; at--)
            k->conditions[at] = k->conditions[at - 1];
        k->conditions[at] = c;
    }
}

static void add_target(fd_ruleset *set, fd_expr_targets *to, uint32_t key, uint32_t at)
{
    to->items = fd_store_push(set->arena, to->items, &to->n, &to->cap, sizeof *to->items);
    to->items[to->n - 1] = (fd_expr_target){(uint16_t)key, (uint16_t)at};
}

/* Events of an entity are in one partition when a part of its key says which. */
static bool is_local(const planner *p, const fd_feature_def *f)
{
    const char *by = p->l->source.partitioned_by;
    bool local = false;
    for (uint32_t i = 0; i < f->n_parts; i++)
        local = local || (by != NULL && fd_str_eq_c(f->parts[i], by));
    return local;
}

static void make_key(planner *p, uint32_t at, fd_window_key *out)
{
    fd_ruleset *set = p->set;
    const key_plan *k = &p->keys[at];
    fd_key_def *def = &set->keys[at];
    def->n_parts = k->first->n_parts;
    for (uint32_t i = 0; i < def->n_parts; i++) {
        fd_str path = k->first->parts[i];
        bool found = fd_type_column(set->event, path, &def->columns[i]);
        FD_ASSERT(found);
        def->kinds[i] = fd_type_path(set->event, path)->kind;
    }
    fd_window_track *tracks = room_for(set, k->n_tracks, sizeof *tracks);
    for (uint32_t t = 0; t < k->n_tracks; t++) {
        tracks[t] = k->tracks[t].track;
        add_target(set, &set->exprs[k->tracks[t].expr].tracks, at, t);
    }
    for (uint32_t c = 0; c < k->n_conditions; c++)
        add_target(set, &set->exprs[k->conditions[c]].conditions, at, c);
    *out = (fd_window_key){.name = fd_str_from(k->first->info.key),
                           .n_tracks = (uint16_t)k->n_tracks,
                           .n_conditions = (uint16_t)k->n_conditions,
                           .tracks = tracks,
                           .local = is_local(p, k->first)};
}

static void make_keys(planner *p)
{
    fd_ruleset *set = p->set;
    fd_window_key *keys = room_for(set, p->n_keys, sizeof *keys);
    set->keys = room_for(set, p->n_keys, sizeof *set->keys);
    qsort(p->keys, p->n_keys, sizeof *p->keys, by_key);
    for (uint32_t k = 0; k < p->n_keys; k++) {
        sort_key(set, &p->keys[k]);
        make_key(p, k, &keys[k]);
    }
    set->layout.n_keys = (uint16_t)p->n_keys;
    set->layout.keys = keys;
}

/* ---- features by number ---- */

static uint16_t condition_of(const key_plan *k, uint32_t expr)
{
    for (uint32_t c = 0; c < k->n_conditions; c++) {
        if (k->conditions[c] == expr)
            return (uint16_t)c;
    }
    return FD_WINDOW_NONE;
}

static uint16_t track_of(const key_plan *k, uint32_t expr, bool hashed)
{
    for (uint32_t t = 0; t < k->n_tracks; t++) {
        if (k->tracks[t].expr == expr && k->tracks[t].track.hashed == hashed)
            return (uint16_t)t;
    }
    return FD_WINDOW_NONE;
}

static void number(const planner *p, fd_feature_def *f)
{
    uint32_t at = 0;
    while (strcmp(p->keys[at].first->info.key, f->info.key) != 0)
        at++;
    const key_plan *k = &p->keys[at];
    fd_window_feature *w = &f->window;
    w->key = (uint16_t)at;
    w->where = condition_of(k, f->where_expr);
    w->of = condition_of(k, f->of_expr);
    w->value = track_of(k, f->value_exprs[0], is_hashed(w->op));
    w->value2 = track_of(k, f->value_exprs[1], is_hashed(w->op));
}

static fd_str arena_text(fd_ruleset *set, fd_strbuf *b)
{
    fd_str s = fd_arena_str(set->arena, (fd_str){b->p, (uint32_t)b->n});
    FD_ALLOCATED(s.p);
    fd_strbuf_free(b);
    return s;
}

static void add_expr(const fd_ruleset *set, const char *name, uint32_t expr, fd_strbuf *out)
{
    if (expr != FD_NO_EXPR)
        fd_strbuf_printf(out, " %s=" FD_STR_FMT, name, FD_STR_ARG(set->exprs[expr].canonical));
}

static fd_str line_of(fd_ruleset *set, const fd_feature_def *f)
{
    const fd_window_feature *w = &f->window;
    fd_strbuf b = {0};
    fd_strbuf_printf(&b, "feature %s %s window=%" PRId64 " delay=%" PRId64 " current=%d exact=%d",
                     fd_feature_op_name(w->op), f->info.key, w->window_us, w->delay_us,
                     w->include_current, w->exact);
    if (w->op == FD_OP_PERCENTILE)
        fd_strbuf_printf(&b, " p=%.17g", w->p);
    add_expr(set, "where", f->where_expr, &b);
    add_expr(set, "of", f->of_expr, &b);
    add_expr(set, "value", f->value_exprs[0], &b);
    add_expr(set, "value2", f->value_exprs[1], &b);
    return arena_text(set, &b);
}

/* Equal lines by name: the first one names the column. */
static int by_line(const void *a, const void *b)
{
    const feature_line *x = a, *y = b;
    int c = fd_str_cmp(x->text, y->text);
    return c != 0 ? c : fd_str_cmp(x->f->name, y->f->name);
}

static const fd_type *type_of(fd_ruleset *set, const fd_feature_def *f)
{
    fd_type *t = room_for(set, 1, sizeof *t);
    *t = (fd_type){.kind = f->window.result, .nullable = true};
    if (t->kind == FD_TIMESTAMP || t->kind == FD_DURATION)
        t->per_second = 1000000;
    if (t->kind != FD_STRING)
        return t;
    const fd_type *e = fd_cel_program_type(set->exprs[f->value_exprs[0]].program)->schema;
    if (e != NULL && e->is_enum) {
        t->is_enum = true;
        t->n_symbols = e->n_symbols;
        t->symbols = e->symbols;
    }
    return t;
}

/* Gives out columns; lines become distinct. Returns how many there are. */
static uint32_t make_features(planner *p, feature_line *lines, uint32_t n)
{
    fd_ruleset *set = p->set;
    fd_window_feature *features = room_for(set, n, sizeof *features);
    fd_str *texts = room_for(set, n, sizeof *texts);
    fd_field *fields = room_for(set, n, sizeof *fields);
    qsort(lines, n, sizeof *lines, by_line);
    uint32_t columns = 0;
    for (uint32_t i = 0; i < n; i++) {
        fd_feature_def *f = lines[i].f;
        if (columns == 0 || !fd_str_eq(lines[i].text, lines[columns - 1].text)) {
            lines[columns] = lines[i];
            features[columns] = f->window;
            texts[columns] = lines[i].text;
            fields[columns] = (fd_field){f->name.p, type_of(set, f)};
            columns++;
        }
        f->info.column = (uint16_t)(columns - 1);
        if (f->window.window_us + f->window.delay_us > set->layout.reach_us)
            set->layout.reach_us = f->window.window_us + f->window.delay_us;
    }
    fd_type *record = room_for(set, 1, sizeof *record);
    *record = (fd_type){
        .kind = FD_RECORD, .name = "features", .n_fields = columns, .fields = fields};
    set->layout.type = record;
    set->layout.n_features = (uint16_t)columns;
    set->layout.features = features;
    set->layout.lines = texts;
    return columns;
}

static void describe_key(planner *p, const key_plan *k, fd_strbuf *out)
{
    const fd_ruleset *set = p->set;
    const char *name = k->first->info.key;
    fd_strbuf_printf(out, "key %s ", name);
    const fd_key_def *def = &set->keys[k - p->keys];
    for (uint32_t i = 0; i < def->n_parts; i++)
        fd_strbuf_printf(out, "%s%s", i == 0 ? "" : ",", fd_kind_name(def->kinds[i]));
    for (uint32_t t = 0; t < k->n_tracks; t++) {
        const track_plan *plan = &k->tracks[t];
        fd_strbuf_printf(out, "\ntrack %s %s%s " FD_STR_FMT, name,
                         plan->track.hashed ? "hash " : "", fd_kind_name(plan->track.kind),
                         FD_STR_ARG(set->exprs[plan->expr].canonical));
    }
    for (uint32_t c = 0; c < k->n_conditions; c++)
        fd_strbuf_printf(out, "\ncondition %s " FD_STR_FMT, name,
                         FD_STR_ARG(set->exprs[k->conditions[c]].canonical));
    fd_strbuf_putc(out, '\n');
}

static void describe(planner *p, const feature_line *lines, uint32_t n)
{
    fd_strbuf out = {0};
    for (uint32_t k = 0; k < p->n_keys; k++)
        describe_key(p, &p->keys[k], &out);
    for (uint32_t i = 0; i < n; i++)
        fd_strbuf_printf(&out, FD_STR_FMT "\n", FD_STR_ARG(lines[i].text));
    p->set->layout.descriptor = arena_text(p->set, &out);
}

void fd_store_lay_out(fd_loading *l)
{
    fd_ruleset *set = l->set;
    if (set->n_features != 0)
        qsort(set->features, set->n_features, sizeof *set->features, by_name);
    planner p = {.l = l, .set = set, .keys = calloc(FD_WINDOW_MAX_KEYS, sizeof *p.keys)};
    feature_line *lines = calloc(set->n_features + 1, sizeof *lines);
    FD_ALLOCATED(p.keys);
    FD_ALLOCATED(lines);
    plan_features(&p);
    make_keys(&p);
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->n_features; i++) {
        fd_feature_def *f = &set->features[i];
        if (f->broken)
            continue;
        number(&p, f);
        lines[n++] = (feature_line){line_of(set, f), f};
    }
    n = make_features(&p, lines, n);
    describe(&p, lines, n);
    free(lines);
    free(p.keys);
}
