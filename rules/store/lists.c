/* Lists by hash and by range; see lists.h. Loading has one owner, asking is for any thread. */
#include "store/lists.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "lang/function.h"

/* Open addressing, at most half full. Strings: n is the length and h the hash; numbers: bits. */
typedef struct slot {
    const char *p;
    uint64_t bits; /* string: its hash; int, double: the value */
    uint32_t n;
    bool used;
} slot;

struct fd_list {
    fd_list_type type;
    fd_cel_set set;
    fd_arena *arena; /* bytes of strings */
    slot *slots;
    size_t cap, n;
    fd_ip_range *ranges;
    size_t n_ranges, cap_ranges;
};

static const char *const type_names[] = {
#define X(name, text, kind) text,
    FD_LIST_TYPES(X)
#undef X
};
static const uint8_t type_kinds[] = {
#define X(name, text, kind) FD_CEL_##kind,
    FD_LIST_TYPES(X)
#undef X
};

const char *fd_list_type_name(fd_list_type t)
{
    FD_ASSERT(t < FD_N_LIST_TYPES);
    return type_names[t];
}

static size_t slot_of(const fd_list *l, const char *p, uint32_t n, uint64_t bits)
{
    uint64_t h = l->type == FD_LIST_STRING ? bits : fd_hash64(&bits, sizeof bits, 0);
    size_t i = h & (l->cap - 1);
    while (l->slots[i].used && (l->slots[i].bits != bits || l->slots[i].n != n ||
                                (n != 0 && memcmp(l->slots[i].p, p, n) != 0)))
        i = (i + 1) & (l->cap - 1);
    return i;
}

static void grow(fd_list *l)
{
    slot *old = l->slots;
    size_t old_cap = l->cap;
    l->cap = old_cap == 0 ? 16 : old_cap * 2;
    l->slots = calloc(l->cap, sizeof *l->slots);
    FD_ALLOCATED(l->slots);
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].used)
            l->slots[slot_of(l, old[i].p, old[i].n, old[i].bits)] = old[i];
    }
    free(old);
}

static void add_slot(fd_list *l, fd_str text, uint64_t bits)
{
    if (2 * (l->n + 1) > l->cap)
        grow(l);
    size_t i = slot_of(l, text.p, text.n, bits);
    if (l->slots[i].used)
        return;
    fd_str own = text.n == 0 ? text : fd_arena_str(l->arena, text);
    l->slots[i] = (slot){.p = own.p, .n = own.n, .bits = bits, .used = true};
    l->n++;
}

static bool has_slot(const fd_list *l, fd_str text, uint64_t bits)
{
    return l->n != 0 && l->slots[slot_of(l, text.p, text.n, bits)].used;
}

/* 0.0 and -0.0 are equal, and so have one form. */
static uint64_t double_bits(double d)
{
    uint64_t bits;
    if (d == 0)
        d = 0;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* A number of another type is a member when it is equal, as in any CEL list. */
static bool contains_number(const fd_list *l, const fd_cel_value *v)
{
    bool ints = l->type == FD_LIST_INT;
    fd_cel_value as = *v;
    if (ints && v->kind == FD_CEL_UINT)
        as = fd_cel_int_from_uint(NULL, v);
    else if (ints && v->kind == FD_CEL_DOUBLE)
        as = fd_cel_int_from_double(NULL, v);
    else if (!ints && v->kind == FD_CEL_INT)
        as = fd_cel_double_from_int(NULL, v);
    else if (!ints && v->kind == FD_CEL_UINT)
        as = fd_cel_double_from_uint(NULL, v);
    if (as.kind != l->set.elem || !fd_cel_equal(&as, v))
        return false;
    return has_slot(l, (fd_str){0}, ints ? (uint64_t)as.v.i : double_bits(as.v.d));
}

/* The checker knows the kind of what is looked up, unless it is dyn: then anything may come. */
static fd_cel_value contains(const void *owner, const fd_cel_value *v)
{
    const fd_list *l = owner;
    fd_ip_range ip;
    if (l->type == FD_LIST_INT || l->type == FD_LIST_DOUBLE)
        return fd_cel_bool(contains_number(l, v));
    if (l->type == FD_LIST_STRING)
        return fd_cel_bool(v->kind == FD_CEL_STRING &&
                           has_slot(l, fd_cel_text(v), fd_hash64(v->v.p, v->n, 0)));
    FD_ASSERT(l->type == FD_LIST_CIDR);
    if (v->kind != FD_CEL_STRING)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    if (v->n == 0 || memchr(v->v.p, '/', v->n) != NULL || !fd_cidr_parse(fd_cel_text(v), &ip))
        return fd_cel_error(FD_CEL_E_BAD_IP);
    return fd_cel_bool(fd_cidr_contains(l->ranges, l->n_ranges, ip.from));
}

fd_list *fd_list_new(const char *name, fd_list_type type)
{
    FD_ASSERT(type < FD_N_LIST_TYPES);
    fd_list *l = calloc(1, sizeof *l);
    FD_ALLOCATED(l);
    l->type = type;
    l->arena = fd_arena_new(16 * 1024, 0);
    l->set = (fd_cel_set){
        .elem = (fd_cel_kind)type_kinds[type], .name = name, .owner = l, .contains = contains};
    return l;
}

void fd_list_free(fd_list *l)
{
    if (l == NULL)
        return;
    fd_arena_free(l->arena);
    free(l->slots);
    free(l->ranges);
    free(l);
}

static const char *add_range(fd_list *l, fd_str entry)
{
    fd_ip_range r;
    if (!fd_cidr_parse(entry, &r))
        return "not an address or a network like 10.0.0.0/8 or 2001:db8::/32";
    if (l->n_ranges == l->cap_ranges) {
        l->cap_ranges = l->cap_ranges == 0 ? 16 : l->cap_ranges * 2;
        l->ranges = realloc(l->ranges, l->cap_ranges * sizeof *l->ranges);
        FD_ALLOCATED(l->ranges);
    }
    l->ranges[l->n_ranges++] = r;
    return NULL;
}

/* strtoll and strtod want an end; entries are short. */
static bool copy_number(fd_str entry, char buf[64])
{
    if (entry.n == 0 || entry.n >= 64 || memchr(entry.p, '\0', entry.n) != NULL)
        return false;
    memcpy(buf, entry.p, entry.n);
    buf[entry.n] = '\0';
    return true;
}

const char *fd_list_add(fd_list *l, fd_str entry)
{
    char buf[64];
    char *end;
    if (l->type == FD_LIST_STRING) {
        add_slot(l, entry, fd_hash64(entry.p, entry.n, 0));
        return NULL;
    }
    if (l->type == FD_LIST_CIDR)
        return add_range(l, entry);
    bool number = copy_number(entry, buf);
    errno = 0;
    if (l->type == FD_LIST_INT) {
        long long v = number ? strtoll(buf, &end, 10) : 0;
        if (!number || *end != '\0' || errno != 0)
            return "not a whole number";
        add_slot(l, (fd_str){0}, (uint64_t)v);
        return NULL;
    }
    double d = number ? strtod(buf, &end) : 0;
    if (!number || *end != '\0' || !isfinite(d))
        return "not a number";
    add_slot(l, (fd_str){0}, double_bits(d));
    return NULL;
}

void fd_list_seal(fd_list *l)
{
    if (l->type == FD_LIST_CIDR)
        l->n_ranges = fd_cidr_normalise(l->ranges, l->n_ranges);
    l->set.n_entries = fd_list_count(l);
}

fd_list_type fd_list_type_of(const fd_list *l)
{
    return l->type;
}

const fd_cel_set *fd_list_set(const fd_list *l)
{
    return &l->set;
}

uint64_t fd_list_count(const fd_list *l)
{
    return l->type == FD_LIST_CIDR ? l->n_ranges : l->n;
}

size_t fd_list_bytes(const fd_list *l)
{
    return sizeof *l + fd_arena_held(l->arena) + l->cap * sizeof *l->slots +
           l->cap_ranges * sizeof *l->ranges;
}

/* ---- against another list ---- */

typedef struct sample {
    fd_arena *arena;
    fd_str *items;
    uint32_t n, max;
} sample;

/* The least texts, in order. */
static void keep_least(sample *s, const char *p, size_t n)
{
    fd_str text = {p, (uint32_t)n};
    uint32_t at = s->n;
    while (at > 0 && fd_str_cmp(text, s->items[at - 1]) < 0)
        at--;
    if (at == s->max)
        return;
    if (s->n < s->max)
        s->n++;
    for (uint32_t i = s->n - 1; i > at; i--)
        s->items[i] = s->items[i - 1];
    s->items[at] = fd_arena_str(s->arena, text);
}

static void keep_slot(sample *s, const fd_list *l, const slot *e)
{
    fd_strbuf text = {0};
    if (l->type == FD_LIST_INT) {
        fd_strbuf_int(&text, (int64_t)e->bits);
    } else if (l->type == FD_LIST_DOUBLE) {
        double d;
        memcpy(&d, &e->bits, sizeof d);
        fd_strbuf_double(&text, d);
    } else {
        fd_strbuf_add(&text, e->p, e->n);
    }
    keep_least(s, text.p == NULL ? "" : text.p, text.n);
    fd_strbuf_free(&text);
}

static fd_str address(fd_arena *arena, const unsigned char ip[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    fd_cel_value v = {
        .kind = FD_CEL_IP, .n = memcmp(ip, mapped, sizeof mapped) == 0 ? 4 : 6, .v.address = ip};
    fd_cel_value text = fd_cel_string_from_ip(arena, &v);
    return fd_cel_text(&text);
}

static void keep_range(sample *s, const fd_ip_range *r)
{
    fd_str from = address(s->arena, r->from), to = address(s->arena, r->to);
    bool one = memcmp(r->from, r->to, sizeof r->from) == 0;
    char *text = one ? fd_arena_printf(s->arena, FD_STR_FMT, FD_STR_ARG(from))
                     : fd_arena_printf(s->arena, FD_STR_FMT "-" FD_STR_FMT, FD_STR_ARG(from),
                                       FD_STR_ARG(to));
    keep_least(s, text, strlen(text));
}

static bool has_range(const fd_list *l, const fd_ip_range *r)
{
    for (size_t i = 0; i < l->n_ranges; i++) {
        if (memcmp(&l->ranges[i], r, sizeof *r) == 0)
            return true;
    }
    return false;
}

uint64_t fd_list_only(const fd_list *a, const fd_list *b, fd_arena *arena, fd_str *some,
                      uint32_t max, uint32_t *n_some)
{
    FD_ASSERT(b == NULL || a->type == b->type);
    sample s = {.arena = arena, .items = some, .max = max};
    uint64_t count = 0;
    for (size_t i = 0; i < a->cap; i++) {
        const slot *e = &a->slots[i];
        if (!e->used || (b != NULL && has_slot(b, (fd_str){e->p, e->n}, e->bits)))
            continue;
        count++;
        keep_slot(&s, a, e);
    }
    for (size_t i = 0; i < a->n_ranges; i++) {
        if (b != NULL && has_range(b, &a->ranges[i]))
            continue;
        count++;
        keep_range(&s, &a->ranges[i]);
    }
    *n_some = s.n;
    return count;
}
