/*
 * Models from manifest to decision: what rules see of them, what decisions record, and that neither
 * depends on how events are batched.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../manifest/models.h"
#include "../store/support.h"
#include "codec/container.h"
#include "engine/program.h"

enum { N = 8, TIMES = 150 };

#define FEATURES   \
    "version: 1\n" \
    "features:\n"  \
    "  - {name: card_txn_5m, key: card_id, op: count, window: 5m}\n"
#define RULES                                                                        \
    FEATURES                                                                         \
    "  - {name: shop_txn, key: merchant_id, op: count, window: 5m}\n"                \
    "rules:\n"                                                                       \
    "  - {id: model-high, condition: models.tree.score > 0.8, action: block, "       \
    "reason: MODEL}\n"                                                               \
    "  - {id: model-middle, condition: 'models.tree.score > 0.4', action: review}\n" \
    "  - {id: shop, condition: 'features.shop_txn > 1000', action: review}\n"

/* Card C1 four times within five minutes: small, then large. */
static const int64_t amounts[N] = {1000, 9000, 9000, 9000, 5000, 5001, 9000, 9000};
static const char *const cards[N] = {"C1", "C1", "C1", "C1", "C2", "C2", "C3", "C1"};

typedef struct rig {
    fd_schema *payment, *decision;
    fd_engine_source source;
    fd_engine_config config;
    fd_engine *engine;
    fd_strbuf bytes[N];
    fd_strbuf said; /* of loading */
} rig;

static void encode_payment(rig *r, uint32_t i, fd_diags *d)
{
    char json[512];
    int n = snprintf(json, sizeof json,
                     "{\"tx_id\": \"t%u\", \"event_time\": \"2026-01-01T10:00:%02uZ\", "
                     "\"card_id\": \"%s\", \"customer_id\": \"U1\", \"merchant_id\": \"M1\", "
                     "\"amount_minor\": %lld}",
                     i, i, cards[i], (long long)amounts[i]);
    assert_true(fd_json_to_avro(r->payment, json, (size_t)n, 1, &r->bytes[i], d));
}

static void open_rig(rig *r, fd_evidence evidence)
{
    fd_diags d;
    size_t n;
    *r = (rig){0};
    fd_diags_init(&d);
    const char *json = fd_embedded_payment_schema(&n);
    r->payment = fd_schema_parse(json, n, "payment.avsc", &d);
    json = fd_embedded_decision_schema(&n);
    r->decision = fd_schema_parse(json, n, "decision.avsc", &d);
    r->source = (fd_engine_source){.topic = "payments",
                                   .schema = r->payment,
                                   .framing = FD_FRAMING_RAW,
                                   .id_path = "tx_id",
                                   .time_path = "event_time",
                                   .key_path = "card_id"};
    r->config = (fd_engine_config){.n_sources = 1,
                                   .sources = &r->source,
                                   .decision_schema = r->decision,
                                   .rules_dir = "rules",
                                   .models_dir = "models",
                                   .max_events = 1000,
                                   .evidence = evidence,
                                   .future_us = INT64_C(1) << 60,
                                   .state_memory = 8 << 20,
                                   .lateness_us = 600000000,
                                   .max_skew_us = 3600000000,
                                   .max_events_per_key = 1000,
                                   .version = "t"};
    for (uint32_t i = 0; i < N; i++)
        encode_payment(r, i, &d);
    r->engine = fd_engine_new(&r->config, &d);
    fd_diags_render(&d, &r->said);
    fd_diags_free(&d);
}

static void close_rig(rig *r)
{
    fd_engine_free(r->engine);
    fd_schema_free(r->payment);
    fd_schema_free(r->decision);
    for (uint32_t i = 0; i < N; i++)
        fd_strbuf_free(&r->bytes[i]);
    fd_strbuf_free(&r->said);
}

/* Payment `at % N`, each round of them an hour later than the one before. */
static void scan(rig *r, uint32_t at, int64_t *merge_us, fd_event *ev)
{
    fd_msg m = {.tp = {0, 0},
                .offset = at,
                .value = {r->bytes[at % N].p, (uint32_t)r->bytes[at % N].n},
                .null_key = true};
    fd_engine_scan(r->engine, &m, ev);
    assert_int_equal(ev->poison, FD_POISON_NONE);
    *merge_us = ev->time_us > *merge_us ? ev->time_us : *merge_us;
    fd_engine_place(r->engine, ev, *merge_us);
}

/* Decides payments [0, n), `size` a batch; fn gets each decision as Avro. */
typedef void (*taker)(rig *r, uint32_t i, fd_str value, void *ctx);
static void decide(rig *r, uint32_t n, uint32_t size, taker fn, void *ctx)
{
    static fd_event events[1000];
    static fd_outcome outcomes[1000];
    fd_arena *arena = fd_arena_new(64 * 1024, 0);
    int64_t merge_us = INT64_MIN;
    for (uint32_t at = 0; at < n; at += size) {
        uint32_t k = n - at < size ? n - at : size;
        for (uint32_t i = 0; i < k; i++)
            scan(r, at + i, &merge_us, &events[i]);
        assert_true(fd_engine_room(r->engine, k));
        fd_engine_decode(r->engine, events, k);
        fd_engine_fold(r->engine, events, k);
        fd_engine_decide(r->engine, events, k);
        fd_engine_encode(r->engine, events, k, arena, outcomes);
        for (uint32_t i = 0; i < k; i++)
            fn(r, at + i, outcomes[i].value, ctx);
        fd_arena_reset(arena);
    }
    fd_arena_free(arena);
}

typedef struct expected {
    const char *const *parts; /* by payment */
    bool absent;
} expected;

static void expect_part(rig *r, uint32_t i, fd_str value, void *ctx)
{
    const expected *e = ctx;
    fd_strbuf json = {0};
    assert_int_equal(fd_avro_to_json(r->decision, value, &json), FD_POISON_NONE);
    if ((strstr(json.p, e->parts[i]) == NULL) != e->absent)
        fail_msg("payment %u: %s \"%s\" in\n%s", i, e->absent ? "found" : "no", e->parts[i],
                 json.p);
    fd_strbuf_free(&json);
}

static void expect(rig *r, const char *const parts[N])
{
    decide(r, N, 3, expect_part, &(expected){.parts = parts});
}

static void start(rig *r, const char *rules, fd_evidence evidence)
{
    write_text("rules/r.yaml", rules);
    open_rig(r, evidence);
    if (r->engine == NULL)
        fail_msg("%s", r->said.p);
}

#define SAID(score)                                                             \
    "\"models\":[{\"id\":\"tree\",\"version\":\"" VERSION "\",\"score\":" score \
    ",\"mode\":\"LIVE\"}]"

static void test_scores_reach_rules(void **state)
{
    (void)state;
    rig r;
    write_tree("");
    start(&r, RULES, FD_EVIDENCE_FIRED);
    char version[17], hash[64];
    snprintf(version, sizeof version, "%.16s", fd_sha256_of(tree_text, strlen(tree_text)).hex);
    snprintf(hash, sizeof hash, "\"models_hash\":\"%s\"", fd_engine_models_hash(r.engine));
    assert_int_equal(strlen(fd_engine_models_hash(r.engine)), FD_CONTENT_HASH_CHARS);
    static const char *const scores[N] = {"0.125", "0.5", "0.875", "0.875",
                                          "0.125", "0.5", "0.5",   "0.875"};
    char said[N][200];
    const char *parts[N], *hashes[N];
    for (int i = 0; i < N; i++) {
        snprintf(said[i], sizeof said[i],
                 "\"models\":[{\"id\":\"tree\",\"version\":\"%s\",\"score\":%s,\"mode\":\"LIVE\"}]",
                 version, scores[i]);
        parts[i] = said[i];
        hashes[i] = hash;
    }
    expect(&r, parts);
    fd_windows_drop(fd_engine_windows(r.engine), (fd_tp){0, 0});
    expect(&r, hashes);
    fd_windows_drop(fd_engine_windows(r.engine), (fd_tp){0, 0});
    expect(&r, (const char *const[N]){"\"action\":\"ALLOW\"", "\"action\":\"REVIEW\"",
                                      "\"action\":\"BLOCK\"", "\"action\":\"BLOCK\"",
                                      "\"action\":\"ALLOW\"", "\"action\":\"REVIEW\"",
                                      "\"action\":\"REVIEW\"", "\"action\":\"BLOCK\""});
    close_rig(&r);
}

/* What a score that a fired rule used stands on is evidence; columns of models are not. */
static void test_evidence(void **state)
{
    (void)state;
    static const fd_evidence settings[] = {FD_EVIDENCE_FIRED, FD_EVIDENCE_ALL};
    static const char *const parts[][N] = {
        {"\"features\":{}", "\"features\":{\"card_txn_5m\":2}", "\"features\":{\"card_txn_5m\":3}",
         "\"features\":{\"card_txn_5m\":4}", "\"features\":{}", "\"features\":{\"card_txn_5m\":2}",
         "\"features\":{\"card_txn_5m\":1}", "\"features\":{\"card_txn_5m\":5}"},
        {"\"features\":{\"card_txn_5m\":1,\"shop_txn\":1}",
         "\"features\":{\"card_txn_5m\":2,\"shop_txn\":2}",
         "\"features\":{\"card_txn_5m\":3,\"shop_txn\":3}",
         "\"features\":{\"card_txn_5m\":4,\"shop_txn\":4}",
         "\"features\":{\"card_txn_5m\":1,\"shop_txn\":5}",
         "\"features\":{\"card_txn_5m\":2,\"shop_txn\":6}",
         "\"features\":{\"card_txn_5m\":1,\"shop_txn\":7}",
         "\"features\":{\"card_txn_5m\":5,\"shop_txn\":8}"},
    };
    for (int i = 0; i < 2; i++) {
        rig r;
        write_tree("");
        start(&r, RULES, settings[i]);
        expect(&r, parts[i]);
        close_rig(&r);
    }
}

/* ---- what rules see ---- */

static void expect_refused(const char *rules, const char *part)
{
    rig r;
    write_text("rules/r.yaml", rules);
    open_rig(&r, FD_EVIDENCE_FIRED);
    if (r.engine != NULL || strstr(r.said.p, part) == NULL)
        fail_msg("expected\n%s\ngot\n%s", part, r.engine != NULL ? "an engine" : r.said.p);
    close_rig(&r);
}

#define RULE(condition) FEATURES "rules:\n  - {id: r, condition: '" condition "', action: block}\n"

static void test_names(void **state)
{
    (void)state;
    write_tree("");
    expect_refused(RULE("models.trees.score > 0.5"),
                   "error: there is no model 'trees'\n"
                   "    - {id: r, condition: 'models.trees.score > 0.5', action: block}\n"
                   "                                 ^~~~~\n  hint: did you mean tree?");
    expect_refused(RULE("models.tree > 0.5"), "error: a model alone is not a value");
    expect_refused(RULE("models.tree > 0.5"), "hint: write models.tree.score");
    expect_refused(RULE("models.tree.scores > 0.5"), "error: a model has no 'scores'");
    expect_refused(RULE("models.tree.value > 0.5"), "hint: write models.tree.value[0]");
    expect_refused(RULE("models.tree.value[1] > 0.5"),
                   "error: model 'tree' has 1 value, from 0 on");
    expect_refused(RULE("models.tree.value[-1] > 0.5"), "error: ");
    expect_refused(RULE("models.tree.value[event.amount_minor] > 0.5"),
                   "error: which value of a model is a whole number");
    expect_refused(RULE("models.tree.value.x > 0.5"), "error: a model");
    expect_refused(RULE("models.tree.value.size() > 0"), "error: a model");
    expect_refused(RULE("has(models.tree)"), "error: ");
    expect_refused(RULE("has(models.tree.value)"), "error: ");
    expect_refused(RULE("models.tree.score > 1"), "write 1.0");
    expect_refused(
        "version: 1\nfeatures:\n  - {name: card_txn_5m, key: card_id, op: count, window: "
        "5m, where: models.tree.score > 0.5}\n",
        "sees 'event' alone, not 'models'");
}

static void test_modes(void **state)
{
    (void)state;
    write_tree("mode: shadow\n");
    expect_refused(RULE("models.tree.score > 0.5"),
                   "error: model 'tree' is not live\n"
                   "    - {id: r, condition: 'models.tree.score > 0.5', action: block}\n"
                   "                                 ^~~~\n"
                   "  hint: rules see live models: set mode: live in its manifest");
    rig r;
    start(&r, FEATURES, FD_EVIDENCE_ALL);
    const char *shadow[N], *none[N];
    for (int i = 0; i < N; i++) {
        shadow[i] = "\"mode\":\"SHADOW\"}]";
        none[i] = "\"models\":[]";
    }
    expect(&r, shadow);
    close_rig(&r);
    write_tree("mode: off\n");
    expect_refused(RULE("models.tree.score > 0.5"), "error: model 'tree' is not live");
    start(&r, FEATURES, FD_EVIDENCE_ALL);
    expect(&r, none);
    assert_int_equal(strlen(fd_engine_models_hash(r.engine)), FD_CONTENT_HASH_CHARS);
    close_rig(&r);
}

/* Scored only for events for which `where` holds; elsewhere there is no score. */
static void test_where(void **state)
{
    (void)state;
    write_tree("where: event.card_id == \"C1\"\n");
    rig r;
    start(&r,
          FEATURES "rules:\n"
                   "  - {id: there, condition: 'has(models.tree.score)', action: review}\n"
                   "  - {id: high, condition: 'models.tree.score > 0.8', action: block}\n",
          FD_EVIDENCE_NONE);
    expect(&r,
           (const char *const[N]){"\"action\":\"REVIEW\"", "\"action\":\"REVIEW\"",
                                  "\"action\":\"BLOCK\"", "\"action\":\"BLOCK\"", "\"models\":[]",
                                  "\"models\":[]", "\"models\":[]", "\"action\":\"BLOCK\""});
    fd_windows_drop(fd_engine_windows(r.engine), (fd_tp){0, 0});
    expect(&r,
           (const char *const[N]){"\"flags\":[]", "\"flags\":[]", "\"flags\":[]", "\"flags\":[]",
                                  "RULE_ERROR", "RULE_ERROR", "RULE_ERROR", "\"flags\":[]"});
    close_rig(&r);
}

/* Absent, null and failing inputs are missing values; ints and bools are numbers. */
static void test_inputs(void **state)
{
    (void)state;
    static const struct {
        const char *amount, *n5, *score;
    } cases[] = {
        {"double(event.amount_minor)", "event.card_id == \"C1\"", "\"score\":0.5"},
        {"event.amount_minor", "event.amount_minor / 0", "\"score\":0.5"},
        {"event.amount_minor", "event.lat", "\"score\":0.5"},
        {"event.amount_minor", "3", "\"score\":0.875"},
        {"event.lat", "3", "\"score\":0.125"},
        {"variables.big", "3", "\"score\":0.875"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fd_strbuf manifest = {0};
        write_tree("");
        fd_strbuf_puts(&manifest, "id: tree\n");
        write_model("models", "tree.txt", tree_text, &manifest);
        fd_strbuf_printf(&manifest,
                         "self_test: tree.csv\ninputs:\n  - {name: amount, expression: '%s'}\n"
                         "  - {name: n5, expression: '%s'}\n",
                         cases[i].amount, cases[i].n5);
        write_text("models/tree.yaml", manifest.p);
        rig r;
        start(&r, FEATURES "variables:\n  - {name: big, expression: 'event.amount_minor * 2'}\n",
              FD_EVIDENCE_NONE);
        const char *parts[N];
        for (int k = 0; k < N; k++)
            parts[k] = cases[i].score;
        expect(&r, parts);
        close_rig(&r);
        fd_strbuf_free(&manifest);
    }
}

static void with_inputs(const char *n5)
{
    fd_strbuf manifest = {0};
    write_tree("");
    fd_strbuf_puts(&manifest, "id: tree\n");
    write_model("models", "tree.txt", tree_text, &manifest);
    fd_strbuf_printf(&manifest,
                     "self_test: tree.csv\ninputs:\n  - {name: amount, expression: '1.0'}\n"
                     "  - {name: n5, expression: '%s'}\n",
                     n5);
    write_text("models/tree.yaml", manifest.p);
    fd_strbuf_free(&manifest);
}

static void test_bad_inputs(void **state)
{
    (void)state;
    with_inputs("features.card_txn_6m");
    expect_refused(RULE("event.amount_minor > 5"),
                   "models/tree.yaml:7:38: error: there is no feature 'card_txn_6m'\n"
                   "    - {name: n5, expression: 'features.card_txn_6m'}\n"
                   "                                       ^~~~~~~~~~~\n"
                   "  hint: did you mean card_txn_5m?");
    with_inputs("event.card_id");
    expect_refused(RULE("event.amount_minor > 5"),
                   "error: a model's input is double, int or bool, this is string");
    with_inputs("models.tree.score");
    expect_refused(RULE("event.amount_minor > 5"),
                   "error: what a model is given cannot depend on what a model says");
    with_inputs("variables.v");
    expect_refused(FEATURES "variables:\n  - {name: v, expression: 'models.tree.score * 2.0'}\n",
                   "error: what a model is given cannot depend on what a model says");
    write_tree("where: event.amount_minor\n");
    expect_refused(RULE("event.amount_minor > 5"), "error: a model's where is of type int");
}

static void test_values(void **state)
{
    (void)state;
    fd_strbuf manifest = {0};
    fd_strbuf_puts(&manifest, "id: three\nscore: 2\nself_test: three.csv\n" TREE_INPUTS);
    write_model("models", "three.txt", three_classes_text, &manifest);
    write_text("models/three.yaml", manifest.p);
    write_text("models/three.csv", "amount,n5,expected\n1,1,0.6652409557748219\n");
    rig r;
    start(&r,
          FEATURES "rules:\n"
                   "  - {id: first, condition: 'models.three.value[0] > 0.6', action: block}\n"
                   "  - {id: same, condition: 'models.three.value[2] == models.three.score', "
                   "action: review}\n",
          FD_EVIDENCE_NONE);
    const char *const blocked = "\"action\":\"BLOCK\"", *const reviewed = "\"action\":\"REVIEW\"";
    expect(&r, (const char *const[N]){reviewed, blocked, blocked, blocked, reviewed, blocked,
                                      blocked, blocked});
    close_rig(&r);
    fd_strbuf_free(&manifest);
}

/* Behind the rules' own reasons, and not where the decision is to allow. */
static void test_reasons(void **state)
{
    (void)state;
    write_tree("reasons: {top: 2, codes: {amount: BIG_AMOUNT, n5: MODEL}}\n");
    rig r;
    start(&r, RULES, FD_EVIDENCE_NONE);
    expect(&r,
           (const char *const[N]){"\"reasons\":[]", "\"reasons\":[\"BIG_AMOUNT\"]",
                                  "\"reasons\":[\"MODEL\",\"BIG_AMOUNT\"]",
                                  "\"reasons\":[\"MODEL\",\"BIG_AMOUNT\"]", "\"reasons\":[]",
                                  "\"reasons\":[\"BIG_AMOUNT\"]", "\"reasons\":[\"BIG_AMOUNT\"]",
                                  "\"reasons\":[\"MODEL\",\"BIG_AMOUNT\"]"});
    close_rig(&r);
}

/* ---- batches, and loading ---- */

static void keep_bytes(rig *r, uint32_t i, fd_str value, void *ctx)
{
    (void)r;
    (void)i;
    fd_strbuf *all = ctx;
    fd_strbuf_printf(all, "%u:", value.n);
    fd_strbuf_add(all, value.p, value.n);
}

static void test_batches_do_not_matter(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 7, 1000};
    write_tree("where: event.amount_minor != 5001\nreasons: {top: 2}\n");
    fd_strbuf all[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        rig r;
        start(&r, RULES, FD_EVIDENCE_ALL);
        decide(&r, TIMES * N, sizes[i], keep_bytes, &all[i]);
        close_rig(&r);
        assert_int_equal(all[i].n, all[0].n);
        assert_memory_equal(all[i].p, all[0].p, all[0].n);
    }
    for (int i = 0; i < 3; i++)
        fd_strbuf_free(&all[i]);
}

/* ---- what is counted ---- */

static void ignore(rig *r, uint32_t i, fd_str value, void *ctx)
{
    (void)r;
    (void)i;
    (void)value;
    (void)ctx;
}

static void test_report(void **state)
{
    (void)state;
    fd_strbuf csv = {0};
    write_tree("");
    fd_strbuf_puts(&csv, "amount,n5,expected\n");
    for (int i = 0; i < 100; i++) /* as many of each as below: nothing has drifted */
        fd_strbuf_puts(&csv, i % 4 == 0  ? "1,1,0.125\n"
                             : i % 8 < 4 ? "99,1,0.5\n"
                                         : "99,9,0.875\n");
    write_text("models/tree.csv", csv.p);
    rig r;
    start(&r, RULES, FD_EVIDENCE_NONE);
    fd_model_report report;
    assert_int_equal(fd_engine_n_models(r.engine), 1);
    assert_true(fd_engine_model_report(r.engine, 0, &report));
    assert_int_equal(report.scored, 0);
    assert_true(isnan(report.psi));
    decide(&r, N, 3, ignore, NULL);
    assert_true(fd_engine_model_report(r.engine, 0, &report));
    assert_true(fd_str_eq_c(report.id, "tree"));
    assert_int_equal(report.n_inputs, 2);
    assert_true(fd_str_eq_c(report.inputs[1], "n5"));
    assert_int_equal(report.scored, N);
    assert_int_equal(report.buckets[2], 2); /* 0.125 */
    assert_int_equal(report.buckets[9], 3); /* 0.5 */
    assert_int_equal(report.buckets[17], 3);
    assert_int_equal(report.sum_ppm, 4375000);
    assert_int_equal(report.missing[0] + report.missing[1], 0);
    assert_true(isnan(report.psi)); /* too few */
    decide(&r, 1000, 1000, ignore, NULL);
    assert_true(fd_engine_model_report(r.engine, 0, &report));
    assert_true(report.psi > 0 && report.psi < 2);
    close_rig(&r);
    fd_strbuf_free(&csv);
}

/* What does not pass its self-test does not become a program; the engine goes on. */
static void test_bad_programs(void **state)
{
    (void)state;
    write_tree("");
    rig r;
    start(&r, RULES, FD_EVIDENCE_NONE);
    char hash[FD_CONTENT_HASH_CHARS + 1];
    snprintf(hash, sizeof hash, "%s", fd_engine_models_hash(r.engine));
    write_text("models/tree.csv", "amount,n5,expected\n50,9,0.25\n");
    fd_diags d;
    fd_diags_init(&d);
    assert_null(fd_program_load(&r.config, &d));
    assert_int_equal(d.errors, 1);
    write_tree("");
    write_bytes("models/tree.txt", tree_text, 100);
    assert_null(fd_program_load(&r.config, &d));
    write_tree("tolerance: 1e-7\n");
    fd_program *next = fd_program_load(&r.config, &d);
    assert_non_null(next);
    assert_string_not_equal(fd_program_models_hash(next), hash);
    assert_string_equal(fd_engine_models_hash(r.engine), hash);
    fd_retired retired;
    fd_engine_switch(r.engine, next, NULL, INT64_MIN, &retired);
    assert_string_not_equal(fd_engine_models_hash(r.engine), hash);
    fd_engine_free_retired(&retired);
    fd_diags_free(&d);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)
        T(test_scores_reach_rules),
        T(test_evidence),
        T(test_names),
        T(test_modes),
        T(test_where),
        T(test_inputs),
        T(test_bad_inputs),
        T(test_values),
        T(test_reasons),
        T(test_batches_do_not_matter),
        T(test_bad_programs),
        T(test_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
