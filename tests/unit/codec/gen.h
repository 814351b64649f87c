/*
 * Random Avro schemas, values and compatible changes of schemas, for the property tests.
 *
 * Values are made, encoded and decoded again by Avro C, which is the oracle; what a reader should
 * then see is worked out from the changes themselves (each type remembers what it came from),
 * not from names as the code under test does. Deterministic by seed.
 */
#ifndef TEST_CODEC_GEN_H
#define TEST_CODEC_GEN_H

#include <avro.h>

#include "codec/decode.h"

enum { GEN_MAX = 10 };

typedef struct gen_rng {
    uint64_t s;
} gen_rng;

uint64_t gen_next(gen_rng *r);
uint32_t gen_below(gen_rng *r, uint32_t n);
bool gen_chance(gen_rng *r, uint32_t percent);

typedef enum gen_kind {
    GEN_PLAIN, /* a primitive, by its name */
    GEN_FIXED,
    GEN_ENUM,
    GEN_ARRAY,
    GEN_MAP,
    GEN_RECORD,
    GEN_UNION,
    GEN_REF,
} gen_kind;

typedef struct gen_type gen_type;

typedef struct gen_field {
    char name[24];
    gen_type *type;
    char alias[24]; /* "" = none */
    int added;      /* -1: from the writer; else which row of the table of added fields */
    int from;       /* index in the writer's record */
} gen_field;

struct gen_type {
    gen_kind kind;
    const char *plain;   /* "long" */
    const char *logical; /* NULL = none */
    int precision, scale;
    char name[24];
    char alias[24];
    int n;
    gen_field fields[GEN_MAX];
    gen_type *branches[GEN_MAX];
    char symbols[GEN_MAX][16];
    int enum_default; /* -1 = none */
    int size;
    gen_type *item;   /* array, map; REF: the target */
    int wrapped;      /* UNION made around a type of the writer's: which branch it is; else -1 */
    gen_type *from;   /* the writer's type this was made of; NULL in the writer's own */
    gen_type *became; /* during a change: the reader's type made of this one */
};

typedef struct gen {
    gen_rng rng;
    gen_type **types; /* all of them, to be freed */
    int n_types;
    int names;
    gen_type *named[64];
    int n_named;
    gen_type *open[8]; /* records being made: what recursion may refer to */
    int n_open;
    bool simple_changes; /* only those that Avro C's resolver knows */
} gen;

void gen_begin(gen *g, uint64_t seed);
void gen_end(gen *g);

/* A record with `id` (string) and `ts` (timestamp-millis) among random fields. */
gen_type *gen_schema(gen *g);
/* A reader's schema that the writer's values can be read with. */
gen_type *gen_change(gen *g, gen_type *writer);
void gen_json(const gen_type *t, fd_strbuf *out);

void gen_fill(gen *g, const gen_type *t, avro_value_t *v, int depth);

/* Fails the test when the row does not hold the value. `t` is the type the batch was made of:
 * the writer's own, or one that came out of gen_change. */
void gen_check(const gen_type *t, avro_value_t *v, const fd_col *c, uint32_t row);

#endif
