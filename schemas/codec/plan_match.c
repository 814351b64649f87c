/* Which types of a writer fit which of a reader: Avro's rules of resolution. Pure functions. */
#include <stdio.h>

#include "base/assert.h"
#include "codec/plan_compile_int.h"

static fd_match_level match_names(const fd_node *w, const fd_node *r)
{
    if (strcmp(w->name, r->name) == 0)
        return FD_MATCH_EXACT;
    for (uint32_t i = 0; i < r->n_aliases; i++) {
        if (strcmp(w->name, r->aliases[i]) == 0)
            return FD_MATCH_EXACT;
    }
    const char *name = fd_short_name(w->name);
    if (strcmp(name, fd_short_name(r->name)) == 0)
        return FD_MATCH_SHORT;
    for (uint32_t i = 0; i < r->n_aliases; i++) {
        if (strcmp(name, fd_short_name(r->aliases[i])) == 0)
            return FD_MATCH_SHORT;
    }
    return FD_MATCH_NONE;
}

static bool promotes(fd_avro w, fd_avro r)
{
    switch (w) {
    case FD_AVRO_INT:
        return r == FD_AVRO_LONG || r == FD_AVRO_FLOAT || r == FD_AVRO_DOUBLE;
    case FD_AVRO_LONG:
        return r == FD_AVRO_FLOAT || r == FD_AVRO_DOUBLE;
    case FD_AVRO_FLOAT:
        return r == FD_AVRO_DOUBLE;
    case FD_AVRO_STRING:
        return r == FD_AVRO_BYTES;
    case FD_AVRO_BYTES:
        return r == FD_AVRO_STRING;
    default:
        return false;
    }
}

fd_match_level fd_match(const fd_node *w, const fd_node *r)
{
    FD_ASSERT(w->kind != FD_AVRO_UNION);
    if (w->kind != r->kind)
        return promotes(w->kind, r->kind) ? FD_MATCH_PROMOTED : FD_MATCH_NONE;
    if (w->kind == FD_AVRO_FIXED && w->size != r->size)
        return FD_MATCH_NONE;
    return w->name == NULL ? FD_MATCH_EXACT : match_names(w, r);
}

int fd_match_branch(const fd_node *w, const fd_node *r_union)
{
    FD_ASSERT(r_union->kind == FD_AVRO_UNION);
    int best = -1;
    fd_match_level level = FD_MATCH_NONE;
    for (uint32_t i = 0; i < r_union->n; i++) {
        fd_match_level one = fd_match(w, r_union->branches[i]);
        if (one > level) {
            level = one;
            best = (int)i;
        }
    }
    return best;
}

/* "string", "record card.Card", "a union of null, long". */
static void describe(const fd_node *n, char *to, size_t cap)
{
    if (n->kind != FD_AVRO_UNION) {
        snprintf(to, cap, "%s%s%s", fd_avro_name(n->kind), n->name == NULL ? "" : " ",
                 n->name == NULL ? "" : n->name);
        return;
    }
    size_t at = (size_t)snprintf(to, cap, "a union of");
    for (uint32_t i = 0; i < n->n && at < cap; i++) {
        const fd_node *b = n->branches[i];
        at += (size_t)snprintf(to + at, cap - at, "%s %s", i == 0 ? "" : ",",
                               b->name == NULL ? fd_avro_name(b->kind) : b->name);
    }
}

bool fd_compile_mismatch(fd_compiler *c, const fd_node *w, const fd_node *r)
{
    char from[200], to[200], hint[300] = "";
    describe(w, from, sizeof from);
    describe(r, to, sizeof to);
    if (w->name != NULL && w->kind == r->kind && match_names(w, r) == FD_MATCH_NONE)
        snprintf(hint, sizeof hint, "give %s in the reader schema \"aliases\": [\"%s\"]", r->name,
                 w->name);
    else if (w->kind == FD_AVRO_FIXED && r->kind == FD_AVRO_FIXED)
        snprintf(hint, sizeof hint, "their sizes are %u and %u", w->size, r->size);
    return fd_compile_fail(c, hint[0] == '\0' ? NULL : hint,
                           "the writer has %s, which cannot be read as %s", from, to);
}
