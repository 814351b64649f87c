/*
 * The inside of the regular expressions: sets of code points, the parsed tree, the program.
 *
 * Way of a pattern: regex_parse.c (with regex_class.c) -> tree, simplified as it is built by
 * regex_node.c -> regex_compile.c (regex_utf8.c for sets) -> program over bytes -> regex_match.c.
 * Only whether there is a match is asked, never where: captures and laziness leave no trace, and
 * alternatives may be put in any order.
 */
#ifndef FD_LANG_REGEX_INT_H
#define FD_LANG_REGEX_INT_H

#include "lang/regex.h"

enum { FD_REGEX_RUNE_MAX = 0x10FFFF };

/* A set of code points: after fd_regex_set_tidy() sorted, disjoint, not touching. */
typedef struct fd_regex_range {
    uint32_t lo, hi;
} fd_regex_range;

typedef struct fd_regex_set {
    fd_arena *arena;
    fd_regex_range *r;
    uint32_t n, cap;
    uint32_t tidied; /* how many there were when it was last tidy */
    bool failed;     /* the arena is at its limit */
} fd_regex_set;

void fd_regex_set_add(fd_regex_set *s, uint32_t lo, uint32_t hi);
void fd_regex_set_add_all(fd_regex_set *s, const fd_regex_set *other);
void fd_regex_set_tidy(fd_regex_set *s);
void fd_regex_set_negate(fd_regex_set *s); /* leaves it tidy */
void fd_regex_set_fold(fd_regex_set *s);   /* what differs in case only comes in; leaves it tidy */
/* The next code point that differs in case only, round in a circle; c itself if it is alone. */
uint32_t fd_regex_fold_next(uint32_t c);
/* Adds a class by its name; false when there is none: "d", "s", "w"; "alpha"; "Lu", "Greek". */
bool fd_regex_set_add_perl(fd_regex_set *s, char name);
bool fd_regex_set_add_posix(fd_regex_set *s, fd_str name);
bool fd_regex_set_add_unicode(fd_regex_set *s, fd_str name);

typedef enum fd_regex_op {
    FD_REGEX_NOTHING, /* matches nowhere */
    FD_REGEX_EMPTY,   /* matches everywhere */
    FD_REGEX_RUNE,
    FD_REGEX_SET,  /* tidy, not empty */
    FD_REGEX_BYTE, /* any byte */
    FD_REGEX_ASSERT,
    FD_REGEX_CAT, /* two or more */
    FD_REGEX_ALT, /* two or more */
    FD_REGEX_REPEAT,
} fd_regex_op;

/* What an assertion asks of a place between two bytes; bits. */
enum {
    FD_REGEX_BEGIN_TEXT = 1,
    FD_REGEX_BEGIN_LINE = 2,
    FD_REGEX_END_TEXT = 4,
    FD_REGEX_END_LINE = 8,
    FD_REGEX_WORD_EDGE = 16,
    FD_REGEX_NO_WORD_EDGE = 32,
};

#define FD_REGEX_ENDLESS UINT32_MAX /* as max of a repetition */

typedef struct fd_regex_node {
    uint8_t op;
    uint8_t assertion;
    uint16_t height; /* 1 for leaves */
    uint32_t copies; /* the repetitions of the most repeated leaf, multiplied */
    uint32_t n;      /* parts, or ranges */
    uint32_t min, max;
    union {
        uint32_t rune;
        const fd_regex_range *ranges;
        const struct fd_regex_node *const *parts; /* CAT, ALT */
        const struct fd_regex_node *part;         /* REPEAT */
    } v;
} fd_regex_node;

/* All of these simplify; NULL when the arena is at its limit. */
const fd_regex_node *fd_regex_node_rune(fd_arena *arena, uint32_t rune, bool fold);
const fd_regex_node *fd_regex_node_set(fd_regex_set *set);
const fd_regex_node *fd_regex_node_simple(fd_arena *arena, fd_regex_op op, uint8_t assertion);
const fd_regex_node *fd_regex_node_cat(fd_arena *arena, const fd_regex_node *const *parts,
                                       uint32_t n);
const fd_regex_node *fd_regex_node_alt(fd_arena *arena, const fd_regex_node *const *parts,
                                       uint32_t n);
const fd_regex_node *fd_regex_node_repeat(fd_arena *arena, const fd_regex_node *part, uint32_t min,
                                          uint32_t max);
/* Without what a search anywhere in the text does not need at the pattern's ends. */
const fd_regex_node *fd_regex_node_trim(fd_arena *arena, const fd_regex_node *x);

/* NULL after an error. */
const fd_regex_node *fd_regex_parse(fd_str pattern, fd_arena *arena, fd_regex_error *error);

/* Parsing, shared by regex_parse.c and regex_class.c. */
enum { FD_REGEX_FOLD = 1, FD_REGEX_DOT_NL = 2, FD_REGEX_LINES = 4 };

typedef struct fd_regex_parser {
    fd_str src;
    uint32_t at;
    uint32_t flags;
    fd_arena *arena;
    fd_regex_error *error;
    bool failed;
} fd_regex_parser;

/* Both return false, so that failing reads well. at..to is what the message is about. */
bool fd_regex_refuse(fd_regex_parser *p, uint32_t at, uint32_t to, const char *text,
                     const char *hint);
bool fd_regex_too_large(fd_regex_parser *p);
bool fd_regex_looking_at(const fd_regex_parser *p, const char *text);
bool fd_regex_take_rune(fd_regex_parser *p, uint32_t *rune); /* one character as it stands */
bool fd_regex_take_escape(fd_regex_parser *p, uint32_t *rune);
bool fd_regex_take_class(fd_regex_parser *p, fd_regex_set *set); /* [...] */
/* \d \pL and their like; false without an error when there is none. */
bool fd_regex_take_class_escape(fd_regex_parser *p, fd_regex_set *set);

/* One instruction. Number 0 is never reached: it stands for "no more". */
typedef enum fd_regex_inst_op {
    FD_REGEX_I_NONE,
    FD_REGEX_I_BYTE,   /* a byte in lo..hi: go on at out; otherwise try the BYTE at alt */
    FD_REGEX_I_SPLIT,  /* both out and alt */
    FD_REGEX_I_ASSERT, /* out, where the assertion in lo holds */
    FD_REGEX_I_MATCH,
} fd_regex_inst_op;

typedef struct fd_regex_inst {
    uint8_t op, lo, hi;
    uint8_t zero; /* no gap: programs are hashed */
    uint16_t out, alt;
} fd_regex_inst;

struct fd_regex {
    const fd_regex_inst *insts;
    uint32_t n_insts;
    uint16_t start;
    uint8_t assertions;   /* all that occur */
    bool only_literal;    /* `literal` is the whole pattern */
    uint32_t n_classes;   /* bytes of one class are the same to every instruction */
    uint8_t classes[256]; /* byte -> class */
    fd_str prefix;        /* what every match begins with; may be empty */
    fd_str literal;       /* what every match contains; may be empty */
    uint64_t fingerprint;
};

/* Under construction. BYTE instructions are made once for each content: shared tails. */
typedef struct fd_regex_builder {
    fd_regex_inst *insts;
    uint32_t n, cap, max;
    uint16_t *table; /* hash of a BYTE's content -> its number */
    uint32_t table_cap, n_table;
    bool failed; /* too large */
} fd_regex_builder;

uint16_t fd_regex_emit(fd_regex_builder *b, fd_regex_inst inst);
uint16_t fd_regex_emit_byte(fd_regex_builder *b, uint32_t lo, uint32_t hi, uint16_t out,
                            uint16_t alt);
/* A character of a tidy set, as UTF-8, then next. 0 when no text can hold one. */
uint16_t fd_regex_emit_set(fd_regex_builder *b, const fd_regex_range *r, uint32_t n, uint16_t next);

#endif
