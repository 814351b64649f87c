/*
 * Hostile rule files: refused with places that exist, or loaded to a set that gives the same
 * verdicts by columns as rule by rule and keeps their invariants. Input: a rule file, a NUL, the
 * list file
 * ./l.txt (or nothing), in a directory of its own.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/lang/sample.h"
#include "base/assert.h"
#include "base/hash.h"
#include "store/check.h"
#include "store/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 3 };

static char dir[64];

static void leave(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/r.yaml", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/l.txt", dir);
    unlink(path);
    rmdir(dir);
}

static void write_file(const char *name, const uint8_t *bytes, size_t n)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    FD_ASSERT(f != NULL);
    size_t written = fwrite(bytes, 1, n, f);
    FD_ASSERT(fclose(f) == 0 && written == n);
}

static void show(const fd_verdict *v, fd_strbuf *out)
{
    fd_strbuf_printf(out, "%d %.17g %u", v->action, v->score, v->flags);
    for (uint32_t i = 0; i < v->n_reasons; i++)
        fd_strbuf_printf(out, " " FD_STR_FMT, FD_STR_ARG(v->reasons[i]));
    for (uint32_t i = 0; i < v->n_hits; i++)
        fd_strbuf_printf(out, " %u " FD_STR_FMT " " FD_STR_FMT, v->hits[i].rule,
                         FD_STR_ARG(v->hits[i].id), FD_STR_ARG(v->hits[i].message));
}

static void check_verdict(const fd_verdict *v, const fd_ruleset *set)
{
    bool live = false, allowed = false;
    for (uint32_t i = 0; i < v->n_hits; i++) {
        const fd_rule_hit *h = &v->hits[i];
        FD_ASSERT(h->rule < fd_ruleset_n_rules(set) && h->mode != FD_MODE_OFF);
        FD_ASSERT(i == 0 || h->rule > v->hits[i - 1].rule);
        live = live || h->mode == FD_MODE_LIVE;
        allowed = allowed ||
                  (h->mode == FD_MODE_LIVE && h->has_action && h->action == FD_ACTION_ALLOW);
    }
    FD_ASSERT(v->n_features == fd_ruleset_n_features(set));
    FD_ASSERT(v->n_reasons <= v->n_hits);
    FD_ASSERT(live || (v->action == FD_ACTION_ALLOW && v->score == 0));
    FD_ASSERT(!allowed || v->action == FD_ACTION_ALLOW);
    for (uint32_t i = 0; i < v->n_reasons; i++) {
        for (uint32_t k = 0; k < i; k++)
            FD_ASSERT(!fd_str_eq(v->reasons[i], v->reasons[k]));
    }
}

/* Some value or none in every column: what windows could have read. */
static fd_batch *make_features(const fd_ruleset *set)
{
    const fd_window_layout *layout = fd_ruleset_layout(set);
    if (layout->n_features == 0)
        return NULL;
    fd_batch *b = fd_batch_new(layout->type, ROWS, 0);
    for (uint32_t row = 0; row < ROWS; row++) {
        fd_col_push_null(&b->root);
        b->root.valid[row] = 1;
        for (uint32_t i = 0; i < layout->n_features; i++)
            b->root.children[i].valid[row] = (row + i) % 3 != 0; /* the zero of its type */
    }
    return b;
}

/* Each key, bit and value is within the layout, and the same again. */
static void extract(fd_ruleset_run *run, const fd_ruleset *set, const fd_batch *batch)
{
    const fd_window_layout *layout = fd_ruleset_layout(set);
    uint64_t sums[2] = {0};
    for (int round = 0; round < 2; round++) {
        const fd_window_input *in = fd_ruleset_extract(run, batch);
        FD_ASSERT(in->n_rows == ROWS);
        for (uint16_t k = 0; k < layout->n_keys; k++) {
            for (uint32_t row = 0; row < ROWS; row++) {
                fd_str key = in->keys[k].key[row];
                FD_ASSERT(key.n == 0 || key.p != NULL);
                FD_ASSERT((uint64_t)in->keys[k].bits[row] >> layout->keys[k].n_conditions == 0);
                FD_ASSERT((uint64_t)in->keys[k].valid[row] >> layout->keys[k].n_tracks == 0);
                sums[round] = fd_hash64(key.p, key.n, sums[round] + in->keys[k].bits[row]);
            }
        }
    }
    FD_ASSERT(sums[0] == sums[1]);
}

static void judge(const fd_ruleset *set, const fd_batch *batch)
{
    static const int64_t times[ROWS] = {0, 1767225600000000, INT64_MAX};
    fd_batch *features = make_features(set);
    fd_ruleset_run *run = fd_ruleset_run_new(set, ROWS, FD_EVIDENCE_ALL);
    extract(run, set, batch);
    fd_verdict v[ROWS];
    fd_strbuf first = {0}, again = {0};
    for (int round = 0; round < 2; round++) {
        fd_ruleset_run_way(run, round == 0 ? FD_EVAL_BY_COLUMNS : FD_EVAL_BY_RULE);
        fd_ruleset_eval(run, batch, features, times, v);
        for (int row = 0; row < ROWS; row++) {
            check_verdict(&v[row], set);
            show(&v[row], round == 0 ? &first : &again);
        }
    }
    FD_ASSERT(strcmp(first.p, again.p) == 0);
    for (uint32_t i = 0; i < fd_ruleset_n_rules(set); i++) {
        FD_ASSERT(fd_ruleset_run_hits(run, i) <= fd_ruleset_run_evaluations(run, i));
        FD_ASSERT((fd_ruleset_run_errors(run, i) == 0) ==
                  (fd_ruleset_run_last_error(run, i) == NULL));
    }
    fd_strbuf_free(&first);
    fd_strbuf_free(&again);
    fd_ruleset_run_free(run);
    fd_batch_free(features);
}

static void check_places(const fd_diags *d)
{
    fd_strbuf out = {0};
    for (size_t i = 0; i < d->n; i++) {
        const fd_diag *item = &d->items[i];
        FD_ASSERT(item->file != NULL || item->line == 0);
        FD_ASSERT(item->source == NULL || (size_t)item->col <= strlen(item->source) + 1);
    }
    fd_diags_render(d, &out);
    fd_strbuf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fd_batch *batch;
    if (batch == NULL) {
        batch = sample_batch();
        snprintf(dir, sizeof dir, "/tmp/fraudd-fuzz-%s", "XXXXXX");
        char *made = mkdtemp(dir);
        FD_ASSERT(made != NULL);
        atexit(leave);
    }
    const uint8_t *nul = size == 0 ? NULL : memchr(data, 0, size);
    size_t n = nul == NULL ? size : (size_t)(nul - data);
    write_file("r.yaml", data, n);
    write_file("l.txt", data + n + (nul != NULL), size - n - (nul != NULL));
    fd_diags d;
    fd_diags_init(&d);
    const fd_ruleset_source source = {.topic = "events", .partitioned_by = "id"};
    fd_ruleset *set = fd_ruleset_load(dir, &source, &sample_event, false, &d);
    FD_ASSERT((set == NULL) == (d.errors > 0));
    check_places(&d);
    if (set != NULL)
        judge(set, batch);
    fd_strbuf out = {0};
    int code = fd_rules_check(dir, &(fd_ruleset_source){.topic = "events"}, &sample_event, true,
                              true, &out);
    FD_ASSERT(code == 0 ? set != NULL : set == NULL || d.warnings > 0);
    fd_strbuf_free(&out);
    fd_ruleset_free(set);
    fd_diags_free(&d);
    return 0;
}
