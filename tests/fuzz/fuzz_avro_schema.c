/*
 * Hostile schemas: what parses must have a bounded catalogue, name itself, resolve with itself and
 * decode anything without harm. Input: a schema's text, a NUL, a second schema to read it by (or
 * nothing), a NUL, a payload.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/container.h"
#include "codec/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A decoder by the first fields that can be id and time. */
static fd_decoder *any_decoder(const fd_schema *s, fd_diags *d)
{
    const fd_type *t = fd_schema_type(s);
    const char *id = "id", *time = "ts";
    for (uint32_t i = 0; i < t->n_fields; i++) {
        fd_kind k = t->fields[i].type->kind;
        if (k == FD_STRING)
            id = t->fields[i].name;
        else if (k == FD_INT || k == FD_TIMESTAMP)
            time = t->fields[i].name;
    }
    return fd_decoder_new(s, fd_str_from(id), fd_str_from(time), d);
}

static void use(const fd_schema *reader, const fd_schema *writer, fd_str payload, fd_diags *d)
{
    fd_decoder *decoder = any_decoder(reader, d);
    fd_plan *plan = decoder == NULL ? NULL : fd_plan_new(decoder, writer, d);
    FD_ASSERT(plan != NULL || d->errors > 0);
    if (plan != NULL) {
        fd_batch *b = fd_batch_new(fd_schema_type(reader), 2, 1000);
        fd_scan scan;
        fd_poison why = fd_plan_scan(plan, payload, &scan);
        FD_ASSERT(fd_plan_decode(plan, payload, b) == why);
        fd_batch_free(b);
        fd_plan_free(plan);
    }
    fd_decoder_free(decoder);
}

static size_t part_of(const uint8_t *data, size_t size, size_t from)
{
    size_t at = from;
    while (at < size && data[at] != 0)
        at++;
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t a = part_of(data, size, 0);
    size_t b = part_of(data, size, a < size ? a + 1 : size);
    fd_str payload = {0};
    if (b < size)
        payload = (fd_str){text + b + 1, (uint32_t)(size - b - 1)};
    fd_diags d;
    fd_diags_init(&d);
    fd_schema *w = fd_schema_parse(text, a, "fuzz", &d);
    FD_ASSERT((w == NULL) == (d.errors > 0));
    fd_schema *r = w != NULL && b > a + 1 ? fd_schema_parse(text + a + 1, b - a - 1, "fuzz", &d)
                                          : NULL;
    if (w != NULL) {
        use(w, NULL, payload, &d);
        fd_strbuf out = {0};
        fd_avro_to_json(w, payload, &out);
        fd_strbuf_reset(&out);
        if (payload.n > 0)
            fd_json_to_avro(w, payload.p, payload.n, 1, &out, &d);
        fd_strbuf_free(&out);
    }
    if (r != NULL)
        use(r, w, payload, &d);
    fd_strbuf out = {0};
    fd_diags_render(&d, &out);
    fd_strbuf_free(&out);
    fd_schema_free(r);
    fd_schema_free(w);
    fd_diags_free(&d);
    return 0;
}
