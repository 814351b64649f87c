/*
 * What a configuration decides, as a hash; and what a reload cannot change. Any thread.
 *
 * The hash is over a canonical text of typed values (60s and 1m are equal), one line each, whose
 * first line names its layout.
 */
#include <stdio.h>

#include "base/assert.h"
#include "config/config_int.h"

static void put_value(fd_strbuf *out, const fd_ckey *k, const void *base)
{
    const char *member = (const char *)base + k->offset;
    fd_strbuf_printf(out, "%s=", k->name);
    switch (k->type) {
    case FD_C_STRING:
    case FD_C_PATH: {
        const char *s;
        memcpy(&s, member, sizeof s);
        fd_strbuf_json(out, fd_str_from(s));
        break;
    }
    case FD_C_INT:
    case FD_C_BYTES:
    case FD_C_DURATION: {
        int64_t i;
        memcpy(&i, member, sizeof i);
        fd_strbuf_printf(out, "%lld", (long long)i);
        break;
    }
    case FD_C_ENUM: {
        unsigned u;
        memcpy(&u, member, sizeof u);
        fd_strbuf_puts(out, k->choices[u]);
        break;
    }
    case FD_C_PERCENT: {
        double d;
        memcpy(&d, member, sizeof d);
        fd_strbuf_printf(out, "%.17g", d);
        break;
    }
    case FD_C_LISTEN: {
        fd_listen listen;
        memcpy(&listen, member, sizeof listen);
        fd_strbuf_printf(out, "%d %s %u", listen.on, listen.host, listen.port);
        break;
    }
    case FD_C_START: {
        fd_start start;
        memcpy(&start, member, sizeof start);
        fd_strbuf_printf(out, "%d %lld", (int)start.kind, (long long)start.time_ms);
        break;
    }
    }
    fd_strbuf_putc(out, '\n');
}

void fd_config_decides(const fd_config *c, size_t n_schemas, const fd_content_hash *schemas,
                       fd_strbuf *out)
{
    FD_ASSERT(n_schemas == c->n_sources);
    fd_strbuf_puts(out, "fraudd configuration 1\n");
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        if ((fd_ckeys[i].flags & FD_C_DECIDES) != 0)
            put_value(out, &fd_ckeys[i], c);
    }
    for (size_t s = 0; s < c->n_sources; s++) {
        for (size_t i = 0; i < FD_N_SKEYS; i++) {
            if ((fd_skeys[i].flags & FD_C_DECIDES) != 0)
                put_value(out, &fd_skeys[i], &c->sources[s]);
        }
        fd_strbuf_printf(out, "schema=%s\n", schemas[s].hex);
    }
}

fd_content_hash fd_config_hash(const fd_config *c, size_t n_schemas, const fd_content_hash *schemas)
{
    fd_strbuf text = {0};
    fd_config_decides(c, n_schemas, schemas, &text);
    fd_content_hash h = fd_content_hash_of(text.p, text.n);
    fd_strbuf_free(&text);
    return h;
}

static bool same_value(const fd_ckey *k, const void *a, const void *b)
{
    fd_strbuf left = {0}, right = {0};
    put_value(&left, k, a);
    put_value(&right, k, b);
    bool same = strcmp(left.p, right.p) == 0;
    fd_strbuf_free(&left);
    fd_strbuf_free(&right);
    return same;
}

static void warn(fd_diags *diags, const char *what)
{
    char text[256];
    snprintf(text, sizeof text, "%s differs from what runs: restart to apply it", what);
    fd_diags_add(diags, &(fd_diag){.severity = FD_WARNING, .text = text});
}

static bool same_map(const fd_kvs *a, const fd_kvs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        size_t j = 0;
        while (j < b->n && strcmp(a->items[i].key, b->items[j].key) != 0)
            j++;
        if (j == b->n || strcmp(a->items[i].value, b->items[j].value) != 0)
            return false;
    }
    return true;
}

static bool same_sources(const fd_config *a, const fd_config *b)
{
    if (a->n_sources != b->n_sources)
        return false;
    for (size_t s = 0; s < a->n_sources; s++) {
        for (size_t i = 0; i < FD_N_SKEYS; i++) {
            if (!same_value(&fd_skeys[i], &a->sources[s], &b->sources[s]))
                return false;
        }
    }
    return true;
}

void fd_config_check_reload(const fd_config *running, const fd_config *fresh, fd_diags *diags)
{
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        if ((fd_ckeys[i].flags & FD_C_RELOAD) == 0 && !same_value(&fd_ckeys[i], running, fresh))
            warn(diags, fd_ckeys[i].name);
    }
    if (!same_sources(running, fresh))
        warn(diags, "sources");
    if (!same_map(&running->kafka, &fresh->kafka))
        warn(diags, "kafka");
    if (!same_map(&running->consumer, &fresh->consumer))
        warn(diags, "consumer");
    if (!same_map(&running->producer, &fresh->producer))
        warn(diags, "producer");
}
