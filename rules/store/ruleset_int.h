/*
 * The rule set's inside, shared by the files of rules/store only.
 *
 * Loading: files.c finds and reads files, sections.c, feature.c and rule.c turn YAML into
 * definitions, lists.c reads lists, window.c checks features, layout.c makes the layout of them,
 * build.c compiles variables and conditions, model.c what models need, lint.c warns. extract.c,
 * score.c, eval.c, eval_plan.c and evidence.c work on batches.
 * Everything of a set lives in its arena. Loading has one owner; a loaded set is immutable.
 */
#ifndef FD_STORE_RULESET_INT_H
#define FD_STORE_RULESET_INT_H

#include "base/hash.h"
#include "lang/cel.h"
#include "lang/plan.h"
#include "store/lists.h"
#include "store/ruleset.h"
#include "text/yaml_file.h"

/* Where a definition stands, for messages about it. */
typedef struct fd_def_place {
    fd_yaml *y;
    fd_yaml_node *node;
} fd_def_place;

typedef enum fd_var_state { FD_VAR_NEW, FD_VAR_OPEN, FD_VAR_DONE, FD_VAR_BROKEN } fd_var_state;

typedef struct fd_var_def {
    fd_str name;
    fd_def_place place;
    fd_cel_source source;
    fd_var_state state;
    uint32_t height; /* of the pile of variables it stands on, itself included */
    bool used;
    uint64_t *features; /* that it refers to, as bits by number; NULL: none */
    uint64_t models;    /* that it refers to, as bits by number */
    const fd_cel_program *program;
} fd_var_def;

typedef struct fd_model_def {
    fd_ruleset_model info;
    const fd_cel_program *where; /* NULL: none */
    const fd_cel_program **inputs;
    uint64_t *features; /* that it refers to, as bits by number; NULL: none */
    uint32_t column;    /* of its first value among those of models; live ones have some */
} fd_model_def;

typedef struct fd_list_def {
    fd_str name;
    fd_def_place place;
    fd_list *list;    /* NULL: broken */
    const char *file; /* as it is written; NULL: items */
    fd_content_hash file_hash;
    bool used;
} fd_list_def;

typedef struct fd_rule_def {
    fd_rule_info info;
    fd_str id;
    fd_def_place place;
    fd_cel_source condition;
    fd_cel_source explain;                                     /* text.p == NULL: none */
    fd_yaml_node *condition_node, *rollout_node, *snooze_node; /* the latter two: of the key */
    const fd_cel_program *when;
    const fd_cel_program *message;
    fd_str rollout_path; /* n == 0: none */
    fd_str snooze_path;
    uint32_t n_snooze_keys;
    const fd_str *snooze_keys;
    uint64_t rollout_limit; /* fires for hashes below; UINT64_MAX: all */
    uint64_t *features;     /* that it refers to, through variables too, as bits by number */
} fd_rule_def;

enum { FD_FEATURE_VALUES = 2 };

typedef struct fd_feature_def {
    fd_feature_info info;
    fd_str name;
    fd_def_place place;
    uint32_t order;   /* in the files */
    uint32_t n_parts; /* of the key: paths of fields */
    fd_str parts[FD_RULES_MAX_KEY_FIELDS];
    const fd_yaml_node *part_nodes[FD_RULES_MAX_KEY_FIELDS];
    fd_cel_source where, of;                 /* text.p == NULL: not given */
    fd_cel_source values[FD_FEATURE_VALUES]; /* the second: travel_speed's longitude */
    fd_window_feature window;                /* but for what layout.c numbers */
    bool broken;                             /* it has errors, which are told */
    fd_kind kind;                            /* of the value */
    uint32_t where_expr, of_expr, value_exprs[FD_FEATURE_VALUES]; /* FD_NO_EXPR: none */
} fd_feature_def;

enum { FD_NO_EXPR = UINT32_MAX };

/* Where the values of an expression go: condition or track `at` of a key. */
typedef struct fd_expr_target {
    uint16_t key, at;
} fd_expr_target;

typedef struct fd_expr_targets {
    uint32_t n, cap;
    fd_expr_target *items;
} fd_expr_targets;

/* A distinct expression over the event. */
typedef struct fd_expr_def {
    fd_str canonical;
    const fd_cel_program *program;
    fd_expr_targets conditions, tracks;
} fd_expr_def;

/* A key of the layout as extract.c reads it. */
typedef struct fd_key_def {
    uint32_t n_parts;
    uint32_t columns[FD_RULES_MAX_KEY_FIELDS]; /* of the batch */
    fd_kind kinds[FD_RULES_MAX_KEY_FIELDS];
} fd_key_def;

typedef struct fd_decision_def {
    bool given;
    fd_def_place place;
    int severity[FD_N_ACTIONS]; /* rank of an action, -1 = not allowed */
    bool has_threshold[FD_N_ACTIONS];
    double threshold[FD_N_ACTIONS];
} fd_decision_def;

struct fd_ruleset {
    fd_arena *arena;
    const fd_type *event;
    fd_decision_def decision;
    int64_t activate_at_us;   /* INT64_MIN: at once */
    fd_def_place activate_at; /* y == NULL: not given */
    uint32_t n_rules, cap_rules;
    fd_rule_def *rules;
    uint32_t n_vars, cap_vars;
    fd_var_def *vars;
    const fd_cel_program **programs; /* by variable slot */
    fd_cel_plan *plan;               /* of the conditions of rules that are not off */
    uint32_t n_lists, cap_lists;
    fd_list_def *lists;
    uint32_t n_features, cap_features;
    fd_feature_def *features; /* sorted by name once layout.c is done */
    uint32_t n_exprs, cap_exprs;
    fd_expr_def *exprs;
    fd_key_def *keys; /* as the layout's */
    fd_window_layout layout;
    uint32_t n_models, n_model_columns;
    fd_model_def *models;
    const fd_type *seen; /* what conditions see: the layout's type, and the models' columns */
    fd_content_hash hash;
    fd_content_hash lists_hash;
};

/* Loading only. */
typedef struct fd_loading {
    fd_ruleset *set;
    const char *dir;
    fd_ruleset_source source;
    fd_diags *diags;
    uint32_t n_files;
    fd_yaml *files;
    fd_strbuf rules_bytes; /* what the hash is taken of */
    fd_strbuf lists_bytes;
} fd_loading;

/* files.c */
bool fd_store_read_files(fd_loading *l);

/* Whether a key is among those that fd_yaml_map() found. */
static inline bool fd_store_seen(uint64_t keys, int key)
{
    return (keys >> key & 1) != 0;
}

/* sections.c, rule.c */
void fd_store_read_sections(fd_loading *l, fd_yaml *y);
void fd_store_read_rule(fd_loading *l, fd_yaml *y, fd_yaml_node *node);
/* RFC 3339 with a zone; false after an error. */
bool fd_store_read_time(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t *out_us);
bool fd_store_action(fd_yaml *y, const fd_yaml_node *n, const char *what, fd_action *out);
/* Grows an arena array by one zeroed item. */
void *fd_store_push(fd_arena *arena, void *items, uint32_t *n, uint32_t *cap, size_t size);

/* feature.c */
void fd_store_read_feature(fd_loading *l, fd_yaml *y, fd_yaml_node *node);
/* window.c: types, keys, expressions. */
void fd_store_check_features(fd_loading *l);
/* layout.c: what all features together need; sorts them by name. */
void fd_store_lay_out(fd_loading *l);

/* build.c */
void fd_store_build(fd_loading *l);

/* What names mean, and what is noted of those that an expression refers to. */
typedef struct fd_build {
    fd_loading *l;
    fd_cel_scope scope;
    uint32_t depth;
    fd_var_def *open;    /* the variable being compiled, NULL: none */
    uint64_t **features; /* where the features of what is being compiled are noted */
    uint64_t *models;    /* the same for models */
} fd_build;
void fd_store_refer(fd_build *b, const uint64_t *features);
const fd_cel_program *fd_store_compile_as(fd_build *b, const fd_cel_source *src, fd_cel_kind want,
                                          const char *what, const char *hint);

/* model.c: what a scope says of a model; which one it is (NULL: not asked). */
fd_cel_lookup fd_store_find_model(const fd_ruleset *set, fd_str name, fd_cel_model *out,
                                  uint32_t *number);
/* The columns of models, before anything is compiled; then their inputs. */
void fd_store_declare_models(fd_build *b);
void fd_store_build_models(fd_build *b);
/* eval_plan.c: the plan of a set without errors. */
void fd_store_plan(fd_ruleset *set);
/* "did you mean card_id?" for a path that is no event field, or NULL. */
const char *fd_store_meant_field(const fd_loading *l, fd_str path);
/* check.c: what one key of the layout keeps. */
typedef struct fd_key_state {
    uint32_t features; /* distinct ones */
    int64_t reach_us;
} fd_key_state;
fd_key_state fd_store_state_of(const fd_window_layout *layout, uint16_t key);
/* In the largest unit that divides it. */
void fd_store_write_duration(int64_t us, fd_strbuf *out);
/* lint.c; lint_rules.c: rules that have no say or cost much, of a set with its plan. */
void fd_store_lint(fd_loading *l);
void fd_store_lint_rules(fd_loading *l);

#endif
