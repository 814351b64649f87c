/* The checker's parts to each other: check*.c and type.c only. */
#ifndef FD_LANG_CHECK_INT_H
#define FD_LANG_CHECK_INT_H

#include "lang/ast.h"

/* A name that a macro gives. */
typedef struct fd_local {
    fd_str name;
    const fd_cel_type *type;
    uint32_t slot;
} fd_local;

typedef struct fd_checker {
    const fd_cel_scope *scope;
    const fd_cel_source *src;
    fd_arena *arena;
    fd_diags *diags;
    fd_local *locals;
    uint32_t n_locals, cap_locals;
    uint32_t next_slot, max_slot; /* the first that is free here; one past the highest taken */
} fd_checker;

/* type.c: simple types are shared, the others live in an arena. */
const fd_cel_type *fd_cel_simple_type(fd_cel_kind kind);
const fd_cel_type *fd_cel_list_of(fd_arena *arena, const fd_cel_type *elem);
const fd_cel_type *fd_cel_map_of(fd_arena *arena, const fd_cel_type *key, const fd_cel_type *value);
const fd_cel_type *fd_cel_type_of_schema(fd_arena *arena, const fd_type *t);
const fd_cel_type *fd_cel_optional_of_type(fd_arena *arena, const fd_cel_type *elem);
/* dyn for a type that was left open, else the type itself: for a value that is taken out. */
const fd_cel_type *fd_cel_settled(const fd_cel_type *t);
/* The type that holds values of both: their own when equal, else dyn. */
const fd_cel_type *fd_cel_join(fd_arena *arena, const fd_cel_type *a, const fd_cel_type *b);
/* Whether some value could be of both types: what == demands of its sides. */
bool fd_cel_comparable(const fd_cel_type *a, const fd_cel_type *b);
bool fd_cel_is_number(const fd_cel_type *t);
/* dyn, or already reported: anything may be expected of it. */
bool fd_cel_is_open(const fd_cel_type *t);

/* check.c */
const fd_cel_type *fd_check_expr(fd_checker *c, fd_ast *a);
/* The same, for where a value is needed: a namespace alone is an error. */
const fd_cel_type *fd_check_value(fd_checker *c, fd_ast *a);
/* Reports at the node's own place and gives the error type. */
const fd_cel_type *fd_check_fail(fd_checker *c, const fd_ast *a, const char *hint, const char *fmt,
                                 ...) __attribute__((format(printf, 4, 5)));
/* What the message about int and double says to write instead; NULL for other pairs. */
const char *fd_check_mixing_hint(fd_checker *c, const fd_ast *x, const fd_ast *y);
fd_str fd_check_text(const fd_checker *c, const fd_ast *a);

/* check_name.c */
const fd_cel_type *fd_check_ident(fd_checker *c, fd_ast *a);
const fd_cel_type *fd_check_select(fd_checker *c, fd_ast *a);
/* event, lists, ... where a value is needed: an error. */
const fd_cel_type *fd_check_namespace_alone(fd_checker *c, fd_ast *a);
const fd_cel_type *fd_check_has(fd_checker *c, fd_ast *a);
/* A macro's variable of that name; NULL when there is none. */
const fd_local *fd_check_local(const fd_checker *c, fd_str name);
/* Whether types are not checked here. */
bool fd_check_is_off(const fd_checker *c);
/* A name or function that nobody declared, where types are not checked: fails when it runs. */
const fd_cel_type *fd_check_undeclared(fd_checker *c, fd_ast *a);
/* Makes the node a constant. */
const fd_cel_type *fd_check_constant(fd_ast *a, fd_cel_value v, const fd_cel_type *type);
/* An error where `literal` is text that the enum `of` never holds. */
bool fd_check_enum(fd_checker *c, const fd_ast *of, const fd_ast *literal);

/* check_model.c */
const fd_cel_type *fd_check_select_model(fd_checker *c, fd_ast *a);
/* Of a node whose args[0] is a model. */
const fd_cel_type *fd_check_select_in_model(fd_checker *c, fd_ast *a);
/* models.x or models.x.value where a value is needed: an error. */
const fd_cel_type *fd_check_model_alone(fd_checker *c, const fd_ast *a);
/* models.x.value[i]; NULL when the index is of something else. */
const fd_cel_type *fd_check_model_index(fd_checker *c, fd_ast *a);

/* check_macro.c */
/* NULL when the call is no macro. */
const fd_cel_type *fd_check_macro(fd_checker *c, fd_ast *a);

/* How a macro of that name is written; NULL when there is none. */
const char *fd_check_macro_hint(fd_str name);
/* The macros' names for "did you mean", at most cap of them; how many there are. */
uint32_t fd_check_macro_names(const char **names, uint32_t cap);

/* check_call.c */
const fd_cel_type *fd_check_call(fd_checker *c, fd_ast *a);
const fd_cel_type *fd_check_method(fd_checker *c, fd_ast *a);
const fd_cel_type *fd_check_arithmetic(fd_checker *c, fd_ast *a);

#endif
