/*
 * What windows need of a batch: keys as bytes, conditions as bits, values as 64 bits or texts, each
 * expression evaluated once and handed to every key that tracks it.
 *
 * Invariant: a key, bit or value depends on its row alone. Byte forms here are stored by others
 * and compared for years: they never change without another fold version. Thread: one per run.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "store/run_int.h"

void fd_run_open_extract(fd_ruleset_run *run)
{
    const fd_window_layout *layout = &run->set->layout;
    if (layout->n_features == 0)
        return;
    run->extract_cel = fd_cel_run_new(NULL, 0, run->max_rows);
    run->extract_value = fd_run_array(run->max_rows, sizeof *run->extract_value);
    run->input.keys = fd_run_array(layout->n_keys, sizeof *run->input.keys);
    for (uint16_t k = 0; k < layout->n_keys; k++) {
        const fd_window_key *key = &layout->keys[k];
        fd_window_input_key *in = &run->input.keys[k];
        in->key = fd_run_array(run->max_rows, sizeof *in->key);
        in->bits = fd_run_array(run->max_rows, sizeof *in->bits);
        in->valid = fd_run_array(run->max_rows, sizeof *in->valid);
        in->values = fd_run_array(key->n_tracks, sizeof *in->values);
        in->texts = fd_run_array(key->n_tracks, sizeof *in->texts);
        for (uint16_t t = 0; t < key->n_tracks; t++) {
            bool text = key->tracks[t].kind == FD_STRING || key->tracks[t].kind == FD_BYTES;
            if (text && !key->tracks[t].hashed)
                in->texts[t] = fd_run_array(run->max_rows, sizeof(fd_str));
            else
                in->values[t] = fd_run_array(run->max_rows, sizeof(uint64_t));
        }
    }
}

void fd_run_close_extract(fd_ruleset_run *run)
{
    const fd_window_layout *layout = &run->set->layout;
    if (layout->n_features == 0)
        return;
    for (uint16_t k = 0; k < layout->n_keys; k++) {
        fd_window_input_key *in = &run->input.keys[k];
        for (uint16_t t = 0; t < layout->keys[k].n_tracks; t++) {
            free(in->values[t]);
            free(in->texts[t]);
        }
        free(in->key);
        free(in->bits);
        free(in->valid);
        free(in->values);
        free(in->texts);
    }
    free(run->input.keys);
    free(run->extract_value);
    fd_cel_run_free(run->extract_cel);
}

/* ---- keys ---- */

static void *batch_room(fd_ruleset_run *run, size_t n)
{
    void *p = fd_arena_alloc(fd_cel_run_arena(run->extract_cel), n == 0 ? 1 : n);
    FD_ALLOCATED(p);
    return p;
}

static char *put_big_endian(char *to, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *to++ = (char)(v >> (8 * i) & 0xff);
    return to;
}

static uint32_t part_bytes(const fd_col *col, uint32_t row)
{
    switch (col->type->kind) {
    case FD_INT:
        return 8;
    case FD_BOOL:
        return 1;
    default:
        return col->v.s[row].n;
    }
}

static char *put_part(const fd_col *col, uint32_t row, char *to)
{
    switch (col->type->kind) {
    case FD_INT:
        return put_big_endian(to, (uint64_t)col->v.i[row], 8);
    case FD_BOOL:
        *to = (char)(col->v.b[row] != 0);
        return to + 1;
    default:
        if (col->v.s[row].n != 0)
            memcpy(to, col->v.s[row].p, col->v.s[row].n);
        return to + col->v.s[row].n;
    }
}

/* Of one field, or with lengths of several. */
static fd_str built_key(fd_ruleset_run *run, const fd_col *const *cols, uint32_t n, uint32_t row)
{
    size_t room = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!cols[i]->valid[row])
            return (fd_str){NULL, 0};
        room += (size_t)part_bytes(cols[i], row) + 4;
    }
    char *bytes = batch_room(run, room);
    char *to = bytes;
    for (uint32_t i = 0; i < n; i++) {
        if (n > 1)
            to = put_big_endian(to, part_bytes(cols[i], row), 4);
        to = put_part(cols[i], row, to);
    }
    return (fd_str){bytes, (uint32_t)(to - bytes)};
}

/* NULL says that there is none, so an empty text points somewhere. */
static fd_str there(fd_str s)
{
    return s.n == 0 ? FD_STR("") : s;
}

static void extract_key(fd_ruleset_run *run, uint16_t k, const fd_batch *batch)
{
    const fd_key_def *def = &run->set->keys[k];
    const fd_col *cols[FD_RULES_MAX_KEY_FIELDS];
    fd_str *out = run->input.keys[k].key;
    for (uint32_t i = 0; i < def->n_parts; i++)
        cols[i] = batch->cols[def->columns[i]];
    bool text = def->n_parts == 1 && (def->kinds[0] == FD_STRING || def->kinds[0] == FD_BYTES);
    for (uint32_t row = 0; row < batch->root.n; row++) {
        if (!text)
            out[row] = built_key(run, cols, def->n_parts, row);
        else if (cols[0]->valid[row])
            out[row] = there(cols[0]->v.s[row]);
        else
            out[row] = (fd_str){NULL, 0};
    }
}

/* ---- values ---- */

static int64_t micros(const fd_cel_value *v)
{
    int32_t nanos = fd_cel_nanos(v);
    int64_t below = nanos >= 0 ? nanos / 1000 : -((999 - nanos) / 1000); /* towards the past */
    return v->v.i * 1000000 + below;
}

/* 64 bits that are equal for equal values; false: it is none. */
static bool as_bits(const fd_cel_value *v, uint64_t *out)
{
    double d;
    switch (v->kind) {
    case FD_CEL_BOOL:
        *out = v->v.b;
        return true;
    case FD_CEL_INT:
        *out = (uint64_t)v->v.i;
        return true;
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
        *out = (uint64_t)micros(v);
        return true;
    case FD_CEL_DOUBLE:
        d = v->v.d == 0 ? 0.0 : v->v.d; /* one zero */
        memcpy(out, &d, sizeof *out);
        return !isnan(d);
    default:
        return false;
    }
}

static bool as_hash(const fd_cel_value *v, fd_kind kind, uint64_t *out)
{
    uint64_t bits;
    if (v->kind == FD_CEL_STRING || v->kind == FD_CEL_BYTES) {
        *out = fd_hash64(v->v.p, v->n, (uint64_t)kind);
        return true;
    }
    if (!as_bits(v, &bits))
        return false;
    char bytes[8];
    put_big_endian(bytes, bits, 8); /* the same on every machine */
    *out = fd_hash64(bytes, sizeof bytes, (uint64_t)kind);
    return true;
}

static bool as_text(const fd_cel_value *v, fd_str *out)
{
    if (v->kind != FD_CEL_STRING && v->kind != FD_CEL_BYTES)
        return false;
    *out = there(fd_cel_text(v));
    return true;
}

static void put_track(fd_ruleset_run *run, fd_expr_target to, uint32_t n)
{
    fd_window_input_key *in = &run->input.keys[to.key];
    const fd_window_track *t = &run->set->layout.keys[to.key].tracks[to.at];
    const fd_cel_value *v = run->extract_value;
    uint32_t bit = UINT32_C(1) << to.at;
    for (uint32_t row = 0; row < n; row++) {
        bool ok;
        if (in->texts[to.at] != NULL)
            ok = as_text(&v[row], &in->texts[to.at][row]);
        else if (t->hashed)
            ok = as_hash(&v[row], t->kind, &in->values[to.at][row]);
        else
            ok = as_bits(&v[row], &in->values[to.at][row]);
        in->valid[row] |= ok ? bit : 0;
    }
}

static void put_condition(fd_ruleset_run *run, fd_expr_target to, uint32_t n)
{
    uint32_t *bits = run->input.keys[to.key].bits;
    for (uint32_t row = 0; row < n; row++)
        bits[row] |= (uint32_t)(run->results[row] == FD_CEL_TRUE) << to.at;
}

static void extract_expr(fd_ruleset_run *run, const fd_expr_def *e, uint32_t n)
{
    const uint32_t *rows = fd_cel_run_all(run->extract_cel);
    if (e->conditions.n != 0)
        fd_cel_test(run->extract_cel, e->program, rows, n, run->results);
    for (uint32_t i = 0; i < e->conditions.n; i++)
        put_condition(run, e->conditions.items[i], n);
    if (e->tracks.n != 0)
        fd_cel_eval(run->extract_cel, e->program, rows, n, run->extract_value);
    for (uint32_t i = 0; i < e->tracks.n; i++)
        put_track(run, e->tracks.items[i], n);
}

const fd_window_input *fd_ruleset_extract(fd_ruleset_run *run, const fd_batch *batch)
{
    const fd_ruleset *set = run->set;
    uint32_t n = batch->root.n;
    FD_ASSERT(batch->root.type == set->event);
    FD_ASSERT(n <= run->max_rows);
    run->input.n_rows = n;
    if (set->layout.n_features == 0)
        return &run->input;
    fd_cel_run_begin(run->extract_cel, batch, NULL);
    for (uint16_t k = 0; k < set->layout.n_keys; k++) {
        memset(run->input.keys[k].bits, 0, n * sizeof(uint32_t));
        memset(run->input.keys[k].valid, 0, n * sizeof(uint32_t));
        extract_key(run, k, batch);
    }
    for (uint32_t i = 0; i < set->n_exprs; i++)
        extract_expr(run, &set->exprs[i], n);
    return &run->input;
}
