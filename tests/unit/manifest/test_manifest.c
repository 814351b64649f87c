/*
 * Manifests: what is read out of them, what is wrong with others, word for word where people will
 * need the words; self-tests; drift. The directory of the moment is an empty one.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../store/support.h"
#include "manifest/manifest.h"
#include "manifest/table.h"
#include "models.h"

static fd_models *load(fd_strbuf *said)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_models *m = fd_models_load("models", &d);
    assert_true((m == NULL) == (d.errors != 0));
    fd_diags_render(&d, said);
    fd_diags_free(&d);
    return m;
}

static fd_models *load_good(void)
{
    fd_strbuf said = {0};
    fd_models *m = load(&said);
    if (m == NULL)
        fail_msg("%s", said.p);
    fd_strbuf_free(&said);
    return m;
}

static void expect_refused(const char *part)
{
    fd_strbuf said = {0};
    fd_models *m = load(&said);
    if (m != NULL || strstr(said.p, part) == NULL)
        fail_msg("expected\n%s\ngot\n%s", part, m != NULL ? "a directory" : said.p);
    fd_strbuf_free(&said);
}

/* The manifest of tree_text with some text in place of another. */
static void with(const char *from, const char *to)
{
    char text[4096];
    write_tree("");
    FILE *f = fopen("models/tree.yaml", "re");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    char *at = strstr(text, from);
    assert_non_null(at);
    fd_strbuf out = {0};
    fd_strbuf_add(&out, text, (size_t)(at - text));
    fd_strbuf_puts(&out, to);
    fd_strbuf_puts(&out, at + strlen(from));
    write_text("models/tree.yaml", out.p);
    fd_strbuf_free(&out);
}

static double score(const fd_manifest *m, double amount, double n5)
{
    const double *columns[] = {&amount, &n5};
    double v, *out[] = {&v};
    fd_manifest_run *run = fd_manifest_run_new(m, 1);
    fd_manifest_score(run, columns, 1, out);
    fd_manifest_run_free(run);
    return v;
}

static void test_what_is_read(void **state)
{
    (void)state;
    write_tree("mode: shadow\nwhere: event.ok\nreasons: {top: 2, codes: {n5: MANY}}\n");
    fd_models *all = load_good();
    assert_int_equal(fd_models_n(all), 1);
    const fd_manifest *m = fd_models_at(all, 0);
    assert_string_equal(m->id.p, "tree");
    assert_string_equal(m->path, "models/tree.txt");
    assert_string_equal(m->sha256.hex, fd_sha256_of(tree_text, strlen(tree_text)).hex);
    assert_memory_equal(m->version.p, m->sha256.hex, FD_MODELS_VERSION_CHARS);
    assert_int_equal(m->version.n, FD_MODELS_VERSION_CHARS);
    assert_int_equal(m->mode, FD_MODE_SHADOW);
    assert_int_equal(m->n_inputs, 2);
    assert_string_equal(m->inputs[0].name.p, "amount");
    assert_true(isnan(m->inputs[0].missing));
    assert_int_equal(m->inputs[0].code.n, 0); /* there are codes, and none for it */
    assert_string_equal(m->inputs[1].code.p, "MANY");
    assert_true(fd_str_eq_c(m->where.text, "event.ok"));
    assert_int_equal(m->top_reasons, 2);
    assert_int_equal(m->n_self_test, 5);
    assert_true(score(m, 51, 3) == 0.875);
    assert_true(score(m, NAN, 3) == 0.125);
    fd_models_free(all);
}

static void test_no_models(void **state)
{
    (void)state;
    fd_diags d;
    fd_diags_init(&d);
    fd_models *all = fd_models_load(NULL, &d);
    assert_int_equal(fd_models_n(all), 0);
    assert_string_equal(fd_models_hash(all), "");
    fd_models_free(all);
    write_text("models/notes.txt", "nothing");
    all = fd_models_load("models", &d);
    assert_int_equal(fd_models_n(all), 0);
    fd_models_free(all);
    assert_null(fd_models_load("modles", &d));
    assert_int_equal(d.errors, 1);
    assert_non_null(strstr(d.items[0].text, "model directory modles: No such file"));
    fd_diags_free(&d);
}

/* Inputs come into the model's order by their names. */
static void test_order(void **state)
{
    (void)state;
    with(TREE_INPUTS, "inputs:\n  - {name: n5, expression: '1.0', missing: 2}\n"
                      "  - {name: amount, expression: '2.0'}\n");
    fd_models *all = load_good();
    const fd_manifest *m = fd_models_at(all, 0);
    assert_string_equal(m->inputs[0].name.p, "amount");
    assert_true(fd_str_eq_c(m->inputs[0].expression.text, "2.0"));
    assert_string_equal(m->inputs[1].name.p, "n5");
    assert_true(m->inputs[1].missing == 2);
    fd_models_free(all);
}

static const struct {
    const char *from, *to, *said;
} mistakes[] = {
    {"id: tree\n", "", "models/tree.yaml:1:1: error: a manifest needs id"},
    {"id: tree", "id: 1st", "models/tree.yaml:1:5: error: \"1st\" cannot be the name of a model"},
    {"id: tree", "id: [a]", "models/tree.yaml:1:5: error: id: expected one value, not a list"},
    {"file: tree.txt", "file: wood.txt",
     "models/tree.yaml:2:7: error: models/wood.txt: No such file or directory"},
    {"file: tree.txt", "file: .", "models/tree.yaml:2:7: error: models/.: not a file"},
    {"sha256: ", "sha256: 00", "models/tree.yaml:3:9: error: sha256: expected 64 hex digits"},
    {"self_test", "self_tset",
     "error: a manifest has no key \"self_tset\"\n  self_tset: tree.csv\n  ^~~~~~~~~\n"
     "  hint: did you mean \"self_test\"?"},
    {"self_test: tree.csv", "", "error: a live model needs a self-test"},
    {"self_test: tree.csv", "self_test: no.csv", "error: models/no.csv: No such file"},
    {"self_test: tree.csv", "format: pickle\nself_test: tree.csv",
     "error: \"pickle\" is not a format\n  format: pickle\n          ^~~~~~\n  hint: formats are "
     "xgboost-json"},
    {"self_test: tree.csv", "format: xgboost-ubj\nself_test: tree.csv", "error: models/tree.txt: "},
    {"self_test: tree.csv", "mode: on\nself_test: tree.csv",
     "error: mode: \"on\" is not one of them\n  mode: on\n        ^~\n  hint: modes are live, "
     "shadow and off"},
    {"self_test: tree.csv", "output: logit\nself_test: tree.csv",
     "hint: output is probability or raw"},
    {"self_test: tree.csv", "score: 1\nself_test: tree.csv", "error: the model has 1 outputs"},
    {"self_test: tree.csv", "transform: {platt: {a: 1}}\nself_test: tree.csv",
     "error: platt needs a and b"},
    {"self_test: tree.csv", "transform: isotonic\nself_test: tree.csv",
     "hint: transform is identity or {platt: {a: .., b: ..}}"},
    {"self_test: tree.csv", "tolerance: -1\nself_test: tree.csv",
     "error: tolerance: expected a number from 0 to 1"},
    {"self_test: tree.csv", "reasons: {codes: {n5: A}}\nself_test: tree.csv",
     "error: reasons needs how many there are at most (top)"},
    {"self_test: tree.csv", "reasons: {top: 1, codes: {n6: A}}\nself_test: tree.csv",
     "error: codes: there is no input \"n6\"\n  reasons: {top: 1, codes: {n6: A}}\n"
     "                            ^~\n  hint: did you mean n5?"},
    {"name: n5", "name: n6",
     "error: the model has no input \"n6\"\n    - {name: n6, expression: 'features.card_txn_5m'}\n"
     "             ^~\n  hint: did you mean n5?"},
    {"name: n5", "name: n6", "error: the model's input \"n5\" is not given"},
    {"name: n5", "name: amount", "error: input \"amount\" is given twice"},
    {"{name: n5, ", "{", "error: an input needs name and expression"},
    {TREE_INPUTS, "inputs: []\n", "error: a model has 1 to 4096 inputs"},
    {TREE_INPUTS, "inputs: amount\n", "error: inputs: expected a list, not a value"},
    {"id: tree", "id: tree\n\tx", "this is not YAML"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        with(mistakes[i].from, mistakes[i].to);
        expect_refused(mistakes[i].said);
    }
}

static void test_tampered_and_truncated(void **state)
{
    (void)state;
    write_tree("");
    fd_strbuf text = {0};
    fd_strbuf_puts(&text, tree_text);
    char *leaf = strstr(text.p, "0.875");
    *(leaf + 2) = '9';
    write_text("models/tree.txt", text.p);
    char said[400];
    snprintf(said, sizeof said, "models/tree.txt has the sha256 %s, not %s",
             fd_sha256_of(text.p, text.n).hex, fd_sha256_of(tree_text, strlen(tree_text)).hex);
    expect_refused(said);
    expect_refused("hint: the file is not the one that this manifest was written for");
    write_bytes("models/tree.txt", tree_text, strlen(tree_text) / 2);
    expect_refused("models/tree.txt has the sha256");
    /* With a hash that is right a half file is no model. */
    char half[2048];
    snprintf(half, sizeof half, "%.*s", (int)strlen(tree_text) / 2, tree_text);
    fd_strbuf manifest = {0};
    fd_strbuf_puts(&manifest, "id: tree\n");
    write_model("models", "tree.txt", half, &manifest);
    fd_strbuf_puts(&manifest, TREE_INPUTS "self_test: tree.csv\n");
    write_text("models/tree.yaml", manifest.p);
    expect_refused("models/tree.txt:");
    fd_strbuf_free(&manifest);
    fd_strbuf_free(&text);
}

static void test_missing_hash_is_told(void **state)
{
    (void)state;
    char said[200], line[100];
    const char *hex = fd_sha256_of(tree_text, strlen(tree_text)).hex;
    snprintf(line, sizeof line, "sha256: %s\n", hex);
    with(line, "");
    snprintf(said, sizeof said,
             "error: a manifest needs the file's sha256\n  id: tree\n  ^\n"
             "  hint: write sha256: %s",
             hex);
    expect_refused(said);
}

static void test_self_tests(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *said;
    } cases[] = {
        {"amount,n5,expected\n50,9,0.125\n51,3,0.8750011\n",
         "models/tree.csv: row 2 of the self-test: the model says 0.875, expected 0.875001"},
        {"amount,n5,expected\n", "models/tree.csv: the self-test has no rows"},
        {"", "models/tree.csv: the file is empty"},
        {"amount,n6,expected\n1,2,3\n",
         "models/tree.csv:1:1: error: there is no column 'n5'\n  hint: did you mean n6?"},
        {"amount,n5,score\n1,2,3\n", "models/tree.csv:1:1: error: there is no column 'expected'"},
        {"amount,n5,expected\n1,2\n",
         "models/tree.csv:2:1: error: the line has fewer cells than the header (3)"},
        {"amount,n5,expected\n1,2,3,4\n",
         "models/tree.csv:2:1: error: the line has more cells than the header (3)"},
        {"amount,n5,expected\n1,two,0.125\n",
         "models/tree.csv:2:3: error: column 'n5': 'two' is not a number"},
        {"amount,amount,expected\n1,2,3\n", "models/tree.csv:1:8: error: a second column of this"},
        {"amount,,expected\n1,2,3\n", "models/tree.csv:1:8: error: a column without a name"},
        {"amount,n5,expected\n1,2,nan\n", "the model says 0.125, expected nan"},
        {"amount,n5,expected\n1,2,inf\n", "the model says 0.125, expected inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_tree("");
        write_text("models/tree.csv", cases[i].csv);
        expect_refused(cases[i].said);
    }
    write_tree("tolerance: 0.001\n");
    write_text("models/tree.csv", "\"id\", amount ,n5,expected_0\r\nx,50,9,0.1255\r\n\r\n");
    fd_models_free(load_good());
}

static void test_several_outputs(void **state)
{
    (void)state;
    fd_strbuf manifest = {0};
    fd_strbuf_puts(&manifest, "id: three\n");
    write_model("models", "three.txt", three_classes_text, &manifest);
    fd_strbuf_puts(&manifest, TREE_INPUTS "self_test: three.csv\n");
    write_text("models/three.yaml", manifest.p);
    write_text("models/three.csv", "amount,n5,expected_0,expected_2\n"
                                   "1,1,0.09003057317038046,0.6652409557748219\n"
                                   "99,1,0.6652409557748219,0.09003057317038046\n");
    expect_refused("error: the model has 3 outputs: say which one is the score");
    fd_strbuf_puts(&manifest, "score: 2\n");
    write_text("models/three.yaml", manifest.p);
    fd_models *all = load_good();
    assert_int_equal(fd_models_at(all, 0)->score, 2);
    fd_models_free(all);
    fd_strbuf_free(&manifest);
}

static void test_platt(void **state)
{
    (void)state;
    write_tree("mode: shadow\ntransform: {platt: {a: -2, b: 0.5}}\noutput: raw\ntolerance: 1\n");
    fd_models *all = load_good();
    const fd_manifest *m = fd_models_at(all, 0);
    assert_true(m->output == FD_MODEL_RAW);
    assert_true(fabs(score(m, 51, 3) - 1 / (1 + exp(-2 * 0.875 + 0.5))) < 1e-15);
    fd_models_free(all);
}

/* The most raising first; what lowers a score is no reason for it. */
static void test_reasons(void **state)
{
    (void)state;
    write_tree("");
    fd_models *all = load_good();
    fd_arena *arena = fd_arena_new(4096, 0);
    fd_manifest_reasons why;
    assert_true(fd_manifest_explain(fd_models_at(all, 0), (const double[]){51, 3}, 5, arena, &why));
    assert_int_equal(why.n, 2);
    assert_int_equal(why.inputs[0], 0);
    assert_int_equal(why.inputs[1], 1);
    double sum = why.contributions[0] + why.contributions[1] + why.contributions[2];
    assert_true(fabs(sum - 0.875) < 1e-12);
    assert_true(fd_manifest_explain(fd_models_at(all, 0), (const double[]){51, 3}, 1, arena, &why));
    assert_int_equal(why.n, 1);
    assert_true(fd_manifest_explain(fd_models_at(all, 0), (const double[]){1, 1}, 5, arena, &why));
    assert_int_equal(why.n, 0);
    fd_arena_free(arena);
    fd_models_free(all);
}

static void test_directories(void **state)
{
    (void)state;
    write_tree("");
    fd_models *all = load_good();
    char hash[FD_CONTENT_HASH_CHARS + 1];
    snprintf(hash, sizeof hash, "%s", fd_models_hash(all));
    fd_models_free(all);
    write_tree("tolerance: 1e-5\n"); /* another manifest is another directory */
    all = load_good();
    assert_string_not_equal(hash, fd_models_hash(all));
    fd_models_free(all);
    write_tree("");
    write_text("models/.hidden.yaml", "id: [");
    write_text("models/other.yaml", "id: tree\nfile: tree.txt\n");
    expect_refused("a manifest needs inputs");
    remove_file("models/other.yaml");
    all = load_good();
    assert_string_equal(hash, fd_models_hash(all));
    fd_models_free(all);
    write_text("models/empty.yaml", "");
    expect_refused("models/empty.yaml: the file is empty");
}

static void test_same_id(void **state)
{
    (void)state;
    fd_strbuf manifest = {0};
    write_tree("");
    fd_strbuf_puts(&manifest, "id: tree\n");
    write_model("models", "tree.txt", tree_text, &manifest);
    fd_strbuf_puts(&manifest, TREE_INPUTS "self_test: tree.csv\n");
    write_text("models/a.yaml", manifest.p);
    expect_refused(
        "models/tree.yaml:1:5: error: model \"tree\" is already defined in models/a.yaml");
    fd_strbuf_free(&manifest);
}

/* A file that a manifest names is no manifest, whatever is in it. */
static void test_named_files(void **state)
{
    (void)state;
    write_tree("");
    fd_strbuf manifest = {0};
    fd_strbuf_puts(&manifest, "id: card\nmode: shadow\n");
    write_model("models", "points.yaml", "nonsense: [", &manifest);
    fd_strbuf_puts(&manifest, TREE_INPUTS);
    write_text("models/card.yaml", manifest.p);
    fd_strbuf said = {0};
    assert_null(load(&said));
    assert_null(strstr(said.p, "a manifest")); /* it is told of as a scorecard */
    assert_non_null(strstr(said.p, "models/points.yaml"));
    fd_strbuf_free(&said);
    fd_strbuf_free(&manifest);
}

static void test_drift(void **state)
{
    (void)state;
    static double scores[1000];
    fd_drift_reference r;
    for (int i = 0; i < 1000; i++)
        scores[i] = (999 - i) / 1000.0;
    fd_drift_refer(&r, scores, 99);
    assert_int_equal(r.n_bins, 0);
    fd_drift_refer(&r, scores, 1000);
    assert_int_equal(r.n_bins, FD_DRIFT_BINS);
    assert_int_equal(fd_drift_bin(&r, -5), 0);
    assert_int_equal(fd_drift_bin(&r, 0.099), 0);
    assert_int_equal(fd_drift_bin(&r, 0.1), 1);
    assert_int_equal(fd_drift_bin(&r, 5), 9);
    assert_int_equal(fd_drift_bin(&r, NAN), r.n_bins);
    uint64_t same[FD_DRIFT_BINS], few[FD_DRIFT_BINS] = {999}, moved[FD_DRIFT_BINS] = {0};
    for (int i = 0; i < FD_DRIFT_BINS; i++)
        same[i] = 500;
    moved[9] = 5000;
    double psi;
    assert_true(fd_drift_psi(&r, same, &psi));
    assert_true(fabs(psi) < 1e-12);
    assert_false(fd_drift_psi(&r, few, &psi));
    assert_true(fd_drift_psi(&r, moved, &psi));
    /* nine empty bins against a tenth each, and one that has all */
    double want = 9 * (1e-4 - 0.1) * log(1e-4 / 0.1) + 0.9 * log(10);
    assert_true(fabs(psi - want) < 1e-9);
    for (int i = 0; i < 1000; i++)
        scores[i] = i < 900 ? 0.5 : 0.75;
    fd_drift_refer(&r, scores, 1000);
    assert_int_equal(r.n_bins, 2);
    assert_true(r.share[0] == 0.9 && r.share[1] == 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)
        T(test_what_is_read),
        T(test_no_models),
        T(test_order),
        T(test_mistakes),
        T(test_tampered_and_truncated),
        T(test_missing_hash_is_told),
        T(test_self_tests),
        T(test_several_outputs),
        T(test_platt),
        T(test_reasons),
        T(test_directories),
        T(test_same_id),
        T(test_named_files),
        T(test_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
