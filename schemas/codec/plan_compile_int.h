/* The compiler's state, between plan.c (which owns it), plan_compile.c and plan_match.c. */
#ifndef FD_CODEC_PLAN_COMPILE_INT_H
#define FD_CODEC_PLAN_COMPILE_INT_H

#include <stdarg.h>

#include "codec/plan_int.h"

/* A recursive record of the writer's that is skipped: code behind the plan's END. */
typedef struct fd_sub {
    const fd_node *node;
    uint32_t pc;
} fd_sub;

typedef struct fd_compiler {
    fd_arena *arena;
    fd_diags *diags;
    const fd_decoder *decoder; /* NULL: no identity */
    fd_strbuf path;
    int quiet; /* above 0: errors are not reported, a branch is being tried */
    bool too_large;
    bool in_const;
    fd_op *ops;
    uint32_t n_ops, cap_ops;
    uint32_t *jumps;
    uint32_t n_jumps;
    fd_str *strs;
    uint32_t n_strs;
    fd_strbuf consts;
    fd_sub *subs;
    uint32_t n_subs;
} fd_compiler;

/* How well a writer's type fits a reader's, both no unions. */
typedef enum fd_match_level {
    FD_MATCH_NONE,
    FD_MATCH_PROMOTED, /* int to long, string to bytes ... */
    FD_MATCH_SHORT,    /* named alike, in another namespace */
    FD_MATCH_EXACT
} fd_match_level;

fd_match_level fd_match(const fd_node *w, const fd_node *r);
/* The best branch of the reader's union, the first of equals; -1: none. */
int fd_match_branch(const fd_node *w, const fd_node *r_union);
/* Reports that `w` cannot be read as `r`. Always false. */
bool fd_compile_mismatch(fd_compiler *c, const fd_node *w, const fd_node *r);

fd_op *fd_compile_emit(fd_compiler *c, fd_op_code code, uint32_t col);
bool fd_compile_fail(fd_compiler *c, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool fd_compile_value(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                      uint32_t col);
/* Skips `record` (NULL: nothing), ends the plan and adds the subroutines. */
void fd_compile_skips(fd_compiler *c, const fd_node *record);

#endif
