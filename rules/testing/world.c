/*
 * What the service does with an event between its bytes and its decision, one event at a time:
 * decode, extract, fold and read windows, evaluate. One owner.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "testing/testing_int.h"

/* The defaults of the service's settings of the same names; memory is taken as it is needed. */
static const size_t state_memory = (size_t)256 << 20;
static const int64_t state_lateness_us = INT64_C(600) * 1000000;
static const int64_t merge_max_skew_us = INT64_C(3600) * 1000000;
enum { STATE_MAX_EVENTS_PER_KEY = 10000 };

static const fd_tp tp = {.source = 0, .partition = 0};

/* ---- which fields are id and time ---- */

static bool is_time(const fd_type *t)
{
    return (t->kind == FD_TIMESTAMP && t->per_second != 0) || (t->kind == FD_INT && t->scale == 0);
}

static bool is_id(const fd_type *t)
{
    return (t->kind == FD_STRING && !t->is_enum) || (t->kind == FD_INT && t->scale == 0);
}

static bool named(fd_testing *t, const char *path, const char *what, bool (*fits)(const fd_type *),
                  const fd_type **type)
{
    const fd_type *event = fd_schema_type(t->world.schema);
    *type = fd_type_path(event, fd_str_from(path));
    if (*type == NULL)
        fd_diags_error(t->diags, "%s: %s has no field %s", what, fd_schema_name(t->world.schema),
                       path);
    else if (!fits(*type))
        fd_diags_error(t->diags, "%s: %s cannot be it: it is %s", what, path,
                       fd_kind_name((*type)->kind));
    return *type != NULL && fits(*type);
}

static bool find_time(fd_testing *t)
{
    fd_test_world *w = &t->world;
    const fd_type *event = fd_schema_type(w->schema);
    const char *name = t->options->time;
    if (name == NULL && fd_type_field(event, FD_STR("event_time"), NULL) != NULL)
        name = "event_time";
    uint32_t found = 0;
    for (uint32_t i = 0; i < event->n_fields && t->options->time == NULL; i++) {
        const fd_type *f = event->fields[i].type;
        if (f->kind != FD_TIMESTAMP || f->per_second == 0)
            continue;
        if (name == NULL || found == 0)
            name = name == NULL ? event->fields[i].name : name;
        found++;
    }
    bool clear = name != NULL &&
                 (t->options->time != NULL || found == 1 || strcmp(name, "event_time") == 0);
    if (!clear) {
        fd_diags_error(t->diags, "which field of %s is an event's time? say --time FIELD",
                       fd_schema_name(w->schema));
        return false;
    }
    w->time = fd_str_from(name);
    return named(t, name, "--time", is_time, &w->time_type);
}

/* An id matters to no rule by itself, so there may be none. */
static bool find_id(fd_testing *t)
{
    static const char *const usual[] = {"tx_id", "id", "event_id"};
    fd_test_world *w = &t->world;
    const fd_type *event = fd_schema_type(w->schema);
    const char *name = t->options->id;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && name == NULL; i++) {
        const fd_field *f = fd_type_field(event, fd_str_from(usual[i]), NULL);
        if (f != NULL && is_id(f->type))
            name = usual[i];
    }
    w->id = fd_str_from(name);
    return name == NULL || named(t, name, "--id", is_id, &w->id_type);
}

/* ---- opening ---- */

static bool open_windows(fd_testing *t)
{
    fd_test_world *w = &t->world;
    const fd_window_layout *layout = fd_ruleset_layout(w->set);
    if (layout->n_features == 0)
        return true;
    fd_windows_config config = {.n_layouts = 1,
                                .layouts = &layout,
                                .memory = state_memory,
                                .lateness_us = state_lateness_us,
                                .max_skew_us = merge_max_skew_us,
                                .max_events_per_key = STATE_MAX_EVENTS_PER_KEY,
                                .lazy = true};
    w->windows = fd_windows_new(&config);
    w->features = fd_batch_new(layout->type, 1, 0);
    if (w->windows == NULL)
        fd_diags_error(t->diags, "there is no memory for windows");
    return w->windows != NULL;
}

/* What a set is warned of is the business of `rules check`. */
static fd_ruleset *load_rules(fd_testing *t, const fd_type *event)
{
    const fd_rules_test_options *o = t->options;
    const fd_ruleset_source source = {
        .topic = o->topic, .n_models = o->n_models, .models = o->models};
    fd_diags d;
    fd_diags_init(&d);
    fd_ruleset *set = fd_ruleset_load(o->dir, &source, event, false, &d);
    for (size_t i = 0; i < d.n && set == NULL; i++)
        fd_diags_add(t->diags, &d.items[i]);
    fd_diags_free(&d);
    return set;
}

bool fd_testing_open_world(fd_testing *t)
{
    const fd_rules_test_options *o = t->options;
    fd_test_world *w = &t->world;
    w->schema = o->schema;
    w->options = o;
    if (o->n_models != 0) {
        w->model_rows = calloc(o->n_models, sizeof *w->model_rows);
        FD_ALLOCATED(w->model_rows);
    }
    const fd_type *event = fd_schema_type(o->schema);
    w->set = load_rules(t, event);
    bool ok = find_time(t);
    ok = find_id(t) && ok;
    if (w->set == NULL || !ok)
        return false;
    w->run = fd_ruleset_run_new(w->set, 1, FD_EVIDENCE_ALL);
    w->decoder = fd_decoder_new(o->schema, (fd_str){NULL, 0}, (fd_str){NULL, 0}, t->diags);
    w->plan = w->decoder == NULL ? NULL : fd_plan_new(w->decoder, NULL, t->diags);
    w->batch = fd_batch_new(event, 1, FD_DECODE_MAX_ELEMS);
    return w->plan != NULL && open_windows(t);
}

void fd_testing_close_world(fd_test_world *w)
{
    fd_windows_free(w->windows);
    fd_batch_free(w->features);
    fd_ruleset_run_free(w->run);
    fd_batch_free(w->batch);
    fd_plan_free(w->plan);
    fd_decoder_free(w->decoder);
    fd_ruleset_free(w->set);
    free(w->model_rows);
    fd_strbuf_free(&w->json);
    fd_strbuf_free(&w->avro);
    fd_strbuf_free(&w->why);
}

void fd_testing_new_day(fd_test_world *w)
{
    w->merge_us = INT64_MIN;
    w->offset = 0;
    if (w->windows == NULL)
        return;
    fd_windows_drop(w->windows, tp);
    fd_windows_set_merge_time(w->windows, tp, INT64_MIN);
}

/* ---- an event ---- */

static bool fold(fd_test_world *w, int64_t time_us, fd_flags *flags)
{
    if (!fd_windows_room(w->windows, 1))
        return false;
    bool late = time_us < w->merge_us - state_lateness_us;
    fd_batch_reset(w->features);
    fd_col_push_null(&w->features->root);
    w->features->root.valid[0] = 1;
    fd_window_input input = *fd_ruleset_extract(w->run, w->batch);
    const fd_window_event event = {.tp = tp,
                                   .row = 0,
                                   .offset = w->offset,
                                   .time_us = time_us,
                                   .merge_us = w->merge_us,
                                   .folded = !late};
    *flags = 0;
    if (!fd_windows_run(w->windows, &event, 1, &input, &w->features, flags))
        return false;
    *flags |= late ? FD_FLAG_BIT(FD_FLAG_LATE) : 0;
    return true;
}

static void score(fd_test_world *w)
{
    const fd_rules_test_options *o = w->options;
    fd_ruleset_model_rows(w->run, w->batch, w->features, w->model_rows);
    for (uint32_t m = 0; m < o->n_models; m++) {
        if (o->models[m].mode != FD_MODE_OFF)
            o->score(o->score_ctx, m, &w->model_rows[m]);
    }
}

bool fd_testing_decide(fd_test_world *w, int64_t time_us, fd_verdict *out)
{
    fd_flags flags = 0;
    fd_batch_reset(w->batch);
    fd_poison p = fd_plan_decode(w->plan, (fd_str){w->avro.p, (uint32_t)w->avro.n}, w->batch);
    FD_ASSERT(p == FD_POISON_NONE); /* these are bytes of our own */
    w->merge_us = time_us > w->merge_us ? time_us : w->merge_us;
    w->time_us = time_us;
    if (w->windows != NULL && !fold(w, time_us, &flags))
        return false;
    w->offset++;
    if (w->model_rows != NULL)
        score(w);
    fd_ruleset_eval(w->run, w->batch, w->features, &w->time_us, out);
    out->flags |= flags;
    return true;
}
