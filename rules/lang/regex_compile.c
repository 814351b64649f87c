/*
 * From the tree to the program: instructions over bytes, built from the end to the beginning, and
 * what a search can look for with memmem() before it walks. See regex_int.h. One owner at a time.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "lang/regex_int.h"

enum { TREE_BYTES = 640 }; /* for tree and sets while compiling, times the instructions */
enum { LITERAL_MAX = 64 }; /* bytes that are looked for */

uint16_t fd_regex_emit(fd_regex_builder *b, fd_regex_inst inst)
{
    if (b->n >= b->max)
        b->failed = true;
    if (b->failed)
        return 0;
    if (b->n == b->cap) {
        b->cap *= 2;
        b->insts = realloc(b->insts, b->cap * sizeof *b->insts);
        FD_ALLOCATED(b->insts);
    }
    b->insts[b->n] = inst;
    return (uint16_t)b->n++;
}

static uint32_t slot_of(const fd_regex_builder *b, const fd_regex_inst *x)
{
    uint64_t key = (uint64_t)x->lo << 40 | (uint64_t)x->hi << 32 | (uint32_t)x->out << 16 | x->alt;
    return (uint32_t)(key * 0x9E3779B97F4A7C15u >> 40) & (b->table_cap - 1);
}

static bool same_inst(const fd_regex_inst *x, const fd_regex_inst *y)
{
    return x->lo == y->lo && x->hi == y->hi && x->out == y->out && x->alt == y->alt;
}

static void enter(fd_regex_builder *b, uint16_t id)
{
    uint32_t at = slot_of(b, &b->insts[id]);
    while (b->table[at] != 0)
        at = (at + 1) & (b->table_cap - 1);
    b->table[at] = id;
    b->n_table++;
}

static void grow_table(fd_regex_builder *b)
{
    uint16_t *old = b->table;
    uint32_t old_cap = b->table_cap;
    b->table_cap *= 2;
    b->n_table = 0;
    b->table = calloc(b->table_cap, sizeof *b->table);
    FD_ALLOCATED(b->table);
    for (uint32_t i = 0; i < old_cap; i++) {
        if (old[i] != 0)
            enter(b, old[i]);
    }
    free(old);
}

uint16_t fd_regex_emit_byte(fd_regex_builder *b, uint32_t lo, uint32_t hi, uint16_t out,
                            uint16_t alt)
{
    fd_regex_inst x = {FD_REGEX_I_BYTE, (uint8_t)lo, (uint8_t)hi, 0, out, alt};
    uint32_t at = slot_of(b, &x);
    for (; b->table[at] != 0; at = (at + 1) & (b->table_cap - 1)) {
        if (same_inst(&b->insts[b->table[at]], &x))
            return b->table[at];
    }
    uint16_t id = fd_regex_emit(b, x);
    if (id != 0) {
        if (2 * (b->n_table + 1) > b->table_cap)
            grow_table(b);
        enter(b, id);
    }
    return id;
}

static uint16_t split(fd_regex_builder *b, uint16_t out, uint16_t alt)
{
    return fd_regex_emit(b, (fd_regex_inst){.op = FD_REGEX_I_SPLIT, .out = out, .alt = alt});
}

static uint16_t emit(fd_regex_builder *b, const fd_regex_node *x, uint16_t next);

/* x{min,max} then next: the copies from the last to the first. */
static uint16_t emit_repeat(fd_regex_builder *b, const fd_regex_node *x, uint16_t next)
{
    const fd_regex_node *part = x->v.part;
    uint16_t at = next;
    uint32_t copies = x->min;
    if (x->max == FD_REGEX_ENDLESS) {
        uint16_t loop = split(b, 0, next);
        uint16_t body = emit(b, part, loop);
        b->insts[loop].out = body;
        at = x->min == 0 ? loop : body;
        copies -= x->min != 0;
    } else {
        for (uint32_t i = x->min; i < x->max && !b->failed; i++)
            at = split(b, emit(b, part, at), next);
    }
    for (uint32_t i = 0; i < copies && !b->failed; i++)
        at = emit(b, part, at);
    return at;
}

/* The instruction from which x, then next, matches. 0: no text can. */
static uint16_t emit(fd_regex_builder *b, const fd_regex_node *x, uint16_t next)
{
    if (b->failed)
        return 0;
    switch ((fd_regex_op)x->op) {
    case FD_REGEX_NOTHING:
        return 0;
    case FD_REGEX_EMPTY:
        return next;
    case FD_REGEX_RUNE:
        return fd_regex_emit_set(b, &(fd_regex_range){x->v.rune, x->v.rune}, 1, next);
    case FD_REGEX_SET:
        return fd_regex_emit_set(b, x->v.ranges, x->n, next);
    case FD_REGEX_BYTE:
        return fd_regex_emit_byte(b, 0, 255, next, 0);
    case FD_REGEX_ASSERT:
        return fd_regex_emit(
            b, (fd_regex_inst){.op = FD_REGEX_I_ASSERT, .lo = x->assertion, .out = next});
    case FD_REGEX_CAT:
        for (uint32_t i = x->n; i-- > 0;)
            next = emit(b, x->v.parts[i], next);
        return next;
    case FD_REGEX_ALT: {
        uint16_t at = emit(b, x->v.parts[x->n - 1], next);
        for (uint32_t i = x->n - 1; i-- > 0;)
            at = split(b, emit(b, x->v.parts[i], next), at);
        return at;
    }
    case FD_REGEX_REPEAT:
        return emit_repeat(b, x, next);
    }
    FD_UNREACHABLE();
}

static uint32_t put_utf8(char *to, uint32_t c)
{
    static const uint32_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    uint32_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (uint32_t i = len; i-- > 0; c >>= 6)
        to[i] = (char)(i == 0 ? marks[len] | c : 0x80 | (c & 0x3F));
    return len;
}

typedef struct literal {
    char bytes[LITERAL_MAX];
    uint32_t n;
} literal;

/* The run of fixed characters from part `from` on; *end is behind it. */
static literal literal_at(const fd_regex_node *const *parts, uint32_t n, uint32_t from,
                          uint32_t *end)
{
    literal l = {.n = 0};
    uint32_t i = from;
    while (i < n && parts[i]->op == FD_REGEX_RUNE && l.n + 4 <= LITERAL_MAX &&
           (parts[i]->v.rune < 0xD800 || parts[i]->v.rune > 0xDFFF))
        l.n += put_utf8(l.bytes + l.n, parts[i++]->v.rune);
    *end = i;
    return l;
}

/* The longest text that must occur in every match. */
static literal longest_literal(const fd_regex_node *x)
{
    while (x->op == FD_REGEX_REPEAT && x->min != 0)
        x = x->v.part;
    const fd_regex_node *const *parts = x->op == FD_REGEX_CAT ? x->v.parts : &x;
    uint32_t n = x->op == FD_REGEX_CAT ? x->n : 1;
    literal best = {.n = 0};
    for (uint32_t i = 0, end; i<n; i = end> i ? end : i + 1) {
        literal l = literal_at(parts, n, i, &end);
        if (end == i && parts[i]->op == FD_REGEX_REPEAT && parts[i]->min != 0)
            l = longest_literal(parts[i]);
        if (l.n > best.n)
            best = l;
    }
    return best;
}

/* Whether every match begins at the beginning of the text. */
static bool is_anchored(const fd_regex_node *x)
{
    if (x->op == FD_REGEX_CAT)
        x = x->v.parts[0];
    if (x->op == FD_REGEX_ALT) {
        for (uint32_t i = 0; i < x->n; i++) {
            if (!is_anchored(x->v.parts[i]))
                return false;
        }
        return true;
    }
    return x->op == FD_REGEX_ASSERT && x->assertion == FD_REGEX_BEGIN_TEXT;
}

static void find_literals(fd_regex *re, const fd_regex_node *x, fd_arena *arena)
{
    const fd_regex_node *const *parts = x->op == FD_REGEX_CAT ? x->v.parts : &x;
    uint32_t n = x->op == FD_REGEX_CAT ? x->n : 1, end;
    literal prefix = literal_at(parts, n, 0, &end);
    /* where only the beginning can match, looking for more would look too far */
    literal longest = {.n = 0};
    if (!is_anchored(x))
        longest = longest_literal(x);
    re->only_literal = end == n && prefix.n != 0;
    re->prefix = fd_arena_str(arena, (fd_str){prefix.bytes, prefix.n});
    FD_ALLOCATED(re->prefix.p);
    re->literal = fd_arena_str(arena, (fd_str){longest.bytes, longest.n});
    FD_ALLOCATED(re->literal.p);
}

/* Bytes that no instruction tells apart are one class. */
static void find_classes(fd_regex *re)
{
    bool begins[257] = {false};
    for (uint32_t i = 0; i < re->n_insts; i++) {
        const fd_regex_inst *x = &re->insts[i];
        if (x->op == FD_REGEX_I_BYTE)
            begins[x->lo] = begins[x->hi + 1] = true;
        if (x->op == FD_REGEX_I_ASSERT)
            re->assertions |= x->lo;
    }
    if ((re->assertions & (FD_REGEX_BEGIN_LINE | FD_REGEX_END_LINE)) != 0)
        begins['\n'] = begins['\n' + 1] = true;
    if ((re->assertions & (FD_REGEX_WORD_EDGE | FD_REGEX_NO_WORD_EDGE)) != 0) {
        static const char edges[] = {'0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1};
        for (size_t i = 0; i < sizeof edges; i++)
            begins[(unsigned char)edges[i]] = true;
    }
    uint32_t class = 0;
    for (uint32_t c = 0; c < 256; c++) {
        class += c != 0 && begins[c];
        re->classes[c] = (uint8_t) class;
    }
    re->n_classes = class + 1;
}

/* In front of what may match anywhere: any bytes. */
static uint16_t emit_search(fd_regex_builder *b, uint16_t start)
{
    uint16_t loop = split(b, start, 0);
    uint16_t skip = fd_regex_emit_byte(b, 0, 255, loop, 0);
    b->insts[loop].alt = skip;
    return loop;
}

static fd_regex *build(const fd_regex_node *x, uint32_t max_program, fd_arena *arena)
{
    fd_regex_builder b = {.cap = 32, .max = max_program, .table_cap = 64};
    b.insts = malloc(b.cap * sizeof *b.insts);
    b.table = calloc(b.table_cap, sizeof *b.table);
    FD_ALLOCATED(b.insts);
    FD_ALLOCATED(b.table);
    fd_regex_emit(&b, (fd_regex_inst){.op = FD_REGEX_I_NONE});
    uint16_t match = fd_regex_emit(&b, (fd_regex_inst){.op = FD_REGEX_I_MATCH});
    uint16_t start = emit(&b, x, match);
    if (start != 0 && !is_anchored(x))
        start = emit_search(&b, start);
    fd_regex *re = NULL;
    if (!b.failed) {
        re = fd_arena_zalloc(arena, sizeof *re);
        FD_ALLOCATED(re);
        fd_regex_inst *insts = fd_arena_alloc(arena, b.n * sizeof *insts);
        FD_ALLOCATED(insts);
        memcpy(insts, b.insts, b.n * sizeof *insts);
        re->insts = insts;
        re->n_insts = b.n;
        re->start = start;
        find_classes(re);
    }
    free(b.insts);
    free(b.table);
    return re;
}

const fd_regex *fd_regex_compile(fd_str pattern, uint32_t max_program, fd_arena *arena,
                                 fd_regex_error *error)
{
    FD_ASSERT(max_program <= FD_REGEX_PROGRAM_MAX);
    *error = (fd_regex_error){0};
    fd_arena *temporary = fd_arena_new(4 * 1024, (size_t)max_program * TREE_BYTES);
    fd_regex *re = NULL;
    const fd_regex_node *x = NULL;
    if (pattern.n <= max_program)
        x = fd_regex_parse(pattern, temporary, error);
    if (x != NULL)
        x = fd_regex_node_trim(temporary, x);
    if (x != NULL)
        re = build(x, max_program, arena);
    if (re != NULL) {
        find_literals(re, x, arena);
        re->fingerprint = fd_hash64(re->insts, re->n_insts * sizeof *re->insts, re->start);
    } else if (error->text == NULL) {
        fd_regex_parser p = {.src = pattern, .error = error};
        fd_regex_too_large(&p);
    }
    fd_arena_free(temporary);
    return re;
}

size_t fd_regex_bytes(const fd_regex *re)
{
    return sizeof *re + re->n_insts * sizeof *re->insts + re->prefix.n + re->literal.n;
}

uint64_t fd_regex_fingerprint(const fd_regex *re)
{
    return re->fingerprint;
}
