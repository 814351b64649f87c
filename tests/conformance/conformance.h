/*
 * The parts of the conformance runner to each other. One case at a time; what a case makes lives
 * in its arena.
 */
#ifndef TESTS_CONFORMANCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_CONFORMANCE_H

#include "lang/cel.h"
#include "textproto.h"

/* ---- environment.c: what a case declares ---- */

enum { NAMES_MAX = 32, FUNCTIONS_MAX = 8 };

typedef struct declared_name {
    fd_str name;
    const fd_cel_type *type; /* dyn when it is only bound */
} declared_name;

typedef struct environment {
    fd_arena *arena;
    fd_str container;
    declared_name names[NAMES_MAX];
    const fd_cel_program *programs[NAMES_MAX]; /* what the names are bound to */
    uint32_t n_names;
    const textproto *functions[FUNCTIONS_MAX]; /* declarations: name, function { overloads } */
    uint32_t n_functions;
    fd_cel_environment lang; /* for fd_cel_scope; its ctx is this */
} environment;

/* NULL, or why the case needs a protobuf message. */
const char *environment_of(environment *e, const textproto *test, fd_arena *arena);

/* ---- expected.c ---- */

bool value_matches(const fd_cel_value *v, const textproto *want);
bool type_matches(const fd_cel_type *t, const textproto *want);
/* Whether the value is, or holds, a message or enum that this language has no type for. */
bool is_message_value(const textproto *value);
/* Whether the type is, or holds, a message type. */
bool is_message_type(const textproto *type);
/* The type that a declaration writes; type parameters by `bound` (name to type), may be NULL. */
typedef struct bindings {
    fd_str names[8];
    const fd_cel_type *types[8];
    uint32_t n;
} bindings;
const fd_cel_type *declared_type(const textproto *type, const bindings *bound, fd_arena *arena);

int64_t textproto_int(const textproto *scalar);
double textproto_double(fd_str text);
bool textproto_is_true(const textproto *m, const char *flag);

#endif
