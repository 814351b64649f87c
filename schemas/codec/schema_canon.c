/*
 * Canonical forms: the specification's Parsing Canonical Form, and the same with all that
 * decoding depends on (logical types, defaults, aliases). Pure functions, any thread.
 */
#include "base/assert.h"
#include "codec/schema_int.h"

typedef struct canon {
    fd_strbuf *out;
    bool full;
    const fd_node **seen; /* named types written already */
    size_t n_seen, cap_seen;
} canon;

static void write_type(canon *c, const fd_node *n);

static void put_name(canon *c, const char *key, const char *value)
{
    fd_strbuf_printf(c->out, "\"%s\":\"%s\"", key, value);
}

/* True the first time. */
static bool first_time(canon *c, const fd_node *n)
{
    for (size_t i = 0; i < c->n_seen; i++) {
        if (c->seen[i] == n)
            return false;
    }
    if (c->n_seen == c->cap_seen) {
        c->cap_seen = c->cap_seen == 0 ? 16 : c->cap_seen * 2;
        c->seen = realloc(c->seen, c->cap_seen * sizeof *c->seen);
        FD_ALLOCATED(c->seen);
    }
    c->seen[c->n_seen++] = n;
    return true;
}

static void put_aliases(canon *c, const char *const *aliases, uint32_t n)
{
    if (!c->full || n == 0)
        return;
    fd_strbuf_puts(c->out, ",\"aliases\":[");
    for (uint32_t i = 0; i < n; i++)
        fd_strbuf_printf(c->out, "%s\"%s\"", i == 0 ? "" : ",", aliases[i]);
    fd_strbuf_putc(c->out, ']');
}

static void put_logical(canon *c, const fd_node *n)
{
    fd_strbuf_printf(c->out, ",\"logicalType\":\"%s\"", fd_logical_name(n->logical));
    if (n->logical == FD_LOGICAL_DECIMAL)
        fd_strbuf_printf(c->out, ",\"precision\":%u,\"scale\":%u", n->precision, n->scale);
}

static void put_default(canon *c, const json_t *def)
{
    char *text = json_dumps(def, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    FD_ALLOCATED(text);
    fd_strbuf_puts(c->out, ",\"default\":");
    fd_strbuf_puts(c->out, text);
    free(text);
}

static void write_fields(canon *c, const fd_node *n)
{
    fd_strbuf_puts(c->out, ",\"fields\":[");
    for (uint32_t i = 0; i < n->n; i++) {
        const fd_node_field *f = &n->fields[i];
        fd_strbuf_puts(c->out, i == 0 ? "{" : ",{");
        put_name(c, "name", f->name);
        fd_strbuf_puts(c->out, ",\"type\":");
        write_type(c, f->node);
        put_aliases(c, f->aliases, f->n_aliases);
        if (c->full && f->def != NULL)
            put_default(c, f->def);
        fd_strbuf_putc(c->out, '}');
    }
    fd_strbuf_putc(c->out, ']');
}

static void write_named(canon *c, const fd_node *n)
{
    if (!first_time(c, n)) {
        fd_strbuf_printf(c->out, "\"%s\"", n->name);
        return;
    }
    fd_strbuf_putc(c->out, '{');
    put_name(c, "name", n->name);
    fd_strbuf_putc(c->out, ',');
    put_name(c, "type", fd_avro_name(n->kind));
    if (n->kind == FD_AVRO_RECORD) {
        write_fields(c, n);
    } else if (n->kind == FD_AVRO_ENUM) {
        fd_strbuf_puts(c->out, ",\"symbols\":[");
        for (uint32_t i = 0; i < n->n; i++)
            fd_strbuf_printf(c->out, "%s\"%s\"", i == 0 ? "" : ",", n->symbols[i].p);
        fd_strbuf_putc(c->out, ']');
        if (c->full && n->enum_default >= 0)
            fd_strbuf_printf(c->out, ",\"default\":\"%s\"", n->symbols[n->enum_default].p);
    } else {
        fd_strbuf_printf(c->out, ",\"size\":%u", n->size);
        if (c->full && n->logical != FD_LOGICAL_NONE)
            put_logical(c, n);
    }
    put_aliases(c, n->aliases, n->n_aliases);
    fd_strbuf_putc(c->out, '}');
}

static void write_type(canon *c, const fd_node *n)
{
    switch (n->kind) {
    case FD_AVRO_RECORD:
    case FD_AVRO_ENUM:
    case FD_AVRO_FIXED:
        write_named(c, n);
        break;
    case FD_AVRO_ARRAY:
    case FD_AVRO_MAP:
        fd_strbuf_puts(c->out, n->kind == FD_AVRO_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                        : "{\"type\":\"map\",\"values\":");
        write_type(c, n->item);
        fd_strbuf_putc(c->out, '}');
        break;
    case FD_AVRO_UNION:
        for (uint32_t i = 0; i < n->n; i++) {
            fd_strbuf_putc(c->out, i == 0 ? '[' : ',');
            write_type(c, n->branches[i]);
        }
        fd_strbuf_putc(c->out, ']');
        break;
    default:
        FD_ASSERT(n->kind < FD_AVRO_RECORD);
        if (c->full && n->logical != FD_LOGICAL_NONE) {
            fd_strbuf_printf(c->out, "{\"type\":\"%s\"", fd_avro_name(n->kind));
            put_logical(c, n);
            fd_strbuf_putc(c->out, '}');
        } else {
            fd_strbuf_printf(c->out, "\"%s\"", fd_avro_name(n->kind));
        }
    }
}

void fd_schema_canonical(fd_node *n, bool full, fd_strbuf *out)
{
    canon c = {.out = out, .full = full};
    write_type(&c, n);
    free(c.seen);
}

uint64_t fd_crc64_avro(const char *p, size_t n)
{
    const uint64_t empty = 0xc15d213aa4d7a795ULL;
    uint64_t crc = empty;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (empty & -(crc & 1));
    }
    return crc;
}
