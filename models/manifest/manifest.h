/*
 * A directory of models: manifests, the files that they name, and what makes these fit for rules.
 *
 * Every *.yaml directly in the directory is a manifest, but for the files that manifests name
 * (scorecards are YAML too). A directory is loaded whole or not at all: a model's file has the
 * hash that its manifest says, its inputs are those that the manifest gives it, and its self-test
 * comes out as it should. What inputs mean is the rule set's business (store/ruleset.h).
 *
 * Loaded, it never changes: any thread may read it, each scoring one has runs of its own. Loading
 * reads files and allocates; not for the engine thread while it decides.
 */
#ifndef FD_MANIFEST_MANIFEST_H
#define FD_MANIFEST_MANIFEST_H

#include "base/hash.h"
#include "domain/decision.h"
#include "manifest/drift.h"
#include "score/model.h"
#include "text/source.h"

/* Bounds of a directory; beyond them a load error. */
enum {
    FD_MODELS_MAX = 64,
    FD_MODELS_MAX_FILES = 1000, /* *.yaml */
    FD_MODELS_MAX_YAML_BYTES = 8 * 1024 * 1024,
    FD_MODELS_MAX_TABLE_BYTES = 64 * 1024 * 1024, /* of a self-test */
    FD_MODELS_VERSION_CHARS = 16,
};

typedef struct fd_models fd_models;

typedef struct fd_manifest_input {
    fd_str name;
    fd_cel_source expression;
    double missing; /* what the model gets where there is no value; NaN: its own missing value */
    fd_str code;    /* the reason it gives; n == 0: none */
} fd_manifest_input;

/* One model as its manifest has it. Everything lives as long as the directory. */
typedef struct fd_manifest {
    fd_str id;
    fd_str version;    /* the first hex digits of the file's SHA-256 */
    const char *yaml;  /* the manifest's path, as messages show it */
    const char *path;  /* the model file's */
    fd_sha256 sha256;  /* of it */
    fd_rule_mode mode; /* those that are off are checked and never asked */
    const fd_model *model;
    uint32_t n_inputs;
    const fd_manifest_input *inputs; /* in the order of the model's own */
    fd_cel_source where;             /* text.p == NULL: it scores every event */
    fd_model_output output;
    bool platt; /* 1 / (1 + exp(a x + b)) of every output (J. Platt, 1999) */
    double a, b;
    uint32_t score;        /* which output is the score */
    uint32_t top_reasons;  /* how many a decision gets at most */
    const char *self_test; /* path, NULL: none */
    double tolerance;
    uint32_t n_self_test;         /* its rows */
    fd_drift_reference reference; /* the self-test's scores */
} fd_manifest;

/* NULL after errors in diags. dir NULL or "": a directory without models. */
fd_models *fd_models_load(const char *dir, fd_diags *diags);
void fd_models_free(fd_models *m); /* NULL is fine */

/* Sorted by id. */
uint32_t fd_models_n(const fd_models *m);
const fd_manifest *fd_models_at(const fd_models *m, uint32_t i);
/* Content address over the manifests' names and bytes and the model files' hashes; "" where there
 * are none. */
const char *fd_models_hash(const fd_models *m);

/* What the hash of a directory is of, model by model: of this one, whose manifest has these bytes.
 */
void fd_manifest_hashed(const fd_manifest *m, fd_str yaml, fd_strbuf *out);

/* ---- scoring ---- */

/* One thread's scratch for batches of at most max_rows rows. */
typedef struct fd_manifest_run fd_manifest_run;
fd_manifest_run *fd_manifest_run_new(const fd_manifest *m, uint32_t max_rows);
void fd_manifest_run_free(fd_manifest_run *run); /* NULL is fine */
/* scores[output][row] of columns[input][row], with `missing` put in and the transforms done. */
void fd_manifest_score(fd_manifest_run *run, const double *const *columns, uint32_t n,
                       double *const *scores);

/* What each input added to the score of one row, before transforms; and which inputs raise it
 * most. Positive contributions are those that raise what rules see. */
typedef struct fd_manifest_reasons {
    double *contributions; /* n_inputs + 1, the last is the bias */
    uint32_t n;
    uint32_t *inputs; /* at most top_reasons with a code, the strongest first; ties by place */
} fd_manifest_reasons;
/* Into the arena. False: this kind of model cannot say. */
bool fd_manifest_explain(const fd_manifest *m, const double *row, uint32_t top, fd_arena *arena,
                         fd_manifest_reasons *out);

#endif
