/*
 * The rule set's inside, shared by the files of rules/store only.
 *
 * Loading: files.c finds and reads files, sections.c and rule.c turn YAML into definitions,
 * lists.c reads lists, build.c compiles variables and conditions, lint.c warns. eval.c evaluates.
 * Everything of a set lives in its arena. Loading has one owner; a loaded set is immutable.
 */
#ifndef FD_STORE_RULESET_INT_H
#define FD_STORE_RULESET_INT_H

#include "base/hash.h"
#include "lang/cel.h"
#include "store/lists.h"
#include "store/ruleset.h"
#include "store/yaml_file.h"

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
    const fd_cel_program *program;
} fd_var_def;

typedef struct fd_list_def {
    fd_str name;
    fd_def_place place;
    fd_list *list; /* NULL: broken */
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
} fd_rule_def;

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
    uint32_t n_rules, cap_rules;
    fd_rule_def *rules;
    uint32_t n_vars, cap_vars;
    fd_var_def *vars;
    const fd_cel_program **programs; /* by variable slot */
    uint32_t n_lists, cap_lists;
    fd_list_def *lists;
    fd_content_hash hash;
    fd_content_hash lists_hash;
};

/* Loading only. */
typedef struct fd_loading {
    fd_ruleset *set;
    const char *dir;
    fd_diags *diags;
    bool features_told; /* the section was refused: what needs it is not told as well */
    uint32_t n_files;
    fd_yaml *files;
    fd_strbuf rules_bytes; /* what the hash is taken of */
    fd_strbuf lists_bytes;
} fd_loading;

/* files.c */
bool fd_store_read_files(fd_loading *l);
/* A whole file; false with *why set to a text that lives as long as errno's. */
bool fd_store_read(const char *path, size_t max, fd_strbuf *out, const char **why);

/* Whether a key is among those that fd_yaml_map() found. */
static inline bool fd_store_seen(uint64_t keys, int key)
{
    return (keys >> key & 1) != 0;
}

/* sections.c, rule.c */
void fd_store_read_sections(fd_loading *l, fd_yaml *y);
void fd_store_read_rule(fd_loading *l, fd_yaml *y, fd_yaml_node *node);
bool fd_store_action(fd_yaml *y, const fd_yaml_node *n, const char *what, fd_action *out);
/* Grows an arena array by one zeroed item. */
void *fd_store_push(fd_arena *arena, void *items, uint32_t *n, uint32_t *cap, size_t size);

/* build.c */
void fd_store_build(fd_loading *l);
/* lint.c */
void fd_store_lint(fd_loading *l);

#endif
