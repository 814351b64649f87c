/*
 * Hostile payloads through a schema that has one of everything, read by itself and by a changed
 * reader: scan and decode must agree, the batch must be as it was after a refusal, the JSON text
 * must be bounded. The first byte says which reader.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/container.h"
#include "codec/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WRITER                                                                                  \
    "{\"type\":\"record\",\"name\":\"E\",\"fields\":["                                          \
    "{\"name\":\"id\",\"type\":[\"null\",\"string\"]},"                                         \
    "{\"name\":\"ts\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"      \
    "{\"name\":\"b\",\"type\":\"boolean\"},{\"name\":\"i\",\"type\":\"int\"},"                  \
    "{\"name\":\"f\",\"type\":[\"float\",\"null\"]},{\"name\":\"d\",\"type\":\"double\"},"      \
    "{\"name\":\"by\",\"type\":\"bytes\"},"                                                     \
    "{\"name\":\"dec\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","               \
    "\"precision\":20,\"scale\":2}},"                                                           \
    "{\"name\":\"fx\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}},"                \
    "{\"name\":\"en\",\"type\":{\"type\":\"enum\",\"name\":\"N\",\"symbols\":[\"A\",\"B\"]}},"  \
    "{\"name\":\"list\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\","           \
    "\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":\"long\"},{\"name\":\"ys\","           \
    "\"type\":{\"type\":\"array\",\"items\":\"null\"}}]}}},"                                    \
    "{\"name\":\"map\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"string\",\"long\"]}}," \
    "{\"name\":\"u\",\"type\":[{\"type\":\"record\",\"name\":\"P\",\"fields\":"                 \
    "[{\"name\":\"a\",\"type\":\"int\"}]},{\"type\":\"record\",\"name\":\"Q\",\"fields\":"      \
    "[{\"name\":\"a\",\"type\":\"string\"},{\"name\":\"c\",\"type\":\"long\"}]}]},"             \
    "{\"name\":\"t\",\"type\":{\"type\":\"record\",\"name\":\"T\",\"fields\":"                  \
    "[{\"name\":\"v\",\"type\":\"int\"},{\"name\":\"kids\",\"type\":{\"type\":\"array\","       \
    "\"items\":\"T\"}}]}}]}"

#define READER                                                                                 \
    "{\"type\":\"record\",\"name\":\"E\",\"fields\":["                                         \
    "{\"name\":\"new\",\"type\":{\"type\":\"map\",\"values\":\"int\"},\"default\":{\"k\":1}}," \
    "{\"name\":\"ts\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":"                  \
    "\"timestamp-micros\"}]},{\"name\":\"ident\",\"aliases\":[\"id\"],\"type\":\"string\"},"   \
    "{\"name\":\"i\",\"type\":\"double\"},{\"name\":\"by\",\"type\":\"string\"},"              \
    "{\"name\":\"en\",\"type\":{\"type\":\"enum\",\"name\":\"N\",\"symbols\":[\"B\",\"Z\"],"   \
    "\"default\":\"Z\"}},{\"name\":\"list\",\"type\":{\"type\":\"array\",\"items\":"           \
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":\"float\"}]}}}]}"

typedef struct target {
    fd_schema *schema;
    fd_decoder *decoder;
    fd_plan *plan;
    fd_batch *batch;
} target;

static target targets[2];

static void setup(target *t, const char *reader, const char *id, const fd_schema *writer,
                  fd_diags *d)
{
    t->schema = fd_schema_parse(reader, strlen(reader), "fuzz", d);
    FD_ASSERT(t->schema != NULL);
    t->decoder = fd_decoder_new(t->schema, fd_str_from(id), FD_STR("ts"), d);
    FD_ASSERT(t->decoder != NULL);
    t->plan = fd_plan_new(t->decoder, writer, d);
    FD_ASSERT(t->plan != NULL);
    t->batch = fd_batch_new(fd_schema_type(t->schema), 4, 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (targets[0].schema == NULL) {
        fd_diags d;
        fd_diags_init(&d);
        setup(&targets[0], WRITER, "id", NULL, &d);
        setup(&targets[1], READER, "ident", targets[0].schema, &d);
        fd_diags_free(&d);
    }
    if (size == 0)
        return 0;
    target *t = &targets[data[0] & 1];
    fd_str payload = {(const char *)data + 1, (uint32_t)size - 1};
    fd_scan scan;
    fd_poison a = fd_plan_scan(t->plan, payload, &scan);
    fd_poison b = fd_plan_decode(t->plan, payload, t->batch);
    FD_ASSERT(a == b);
    FD_ASSERT(t->batch->root.n == (a == FD_POISON_NONE ? 1 : 0));
    if (a == FD_POISON_NONE) {
        FD_ASSERT(fd_decoder_time_us(t->decoder, t->batch, 0) == scan.time_us);
        FD_ASSERT(fd_decoder_id(t->decoder, t->batch, 0).n > 0);
    }
    for (uint32_t i = 0; i < t->batch->n_cols && a != FD_POISON_NONE; i++)
        FD_ASSERT(t->batch->cols[i]->n == 0);
    fd_batch_reset(t->batch);

    fd_strbuf text = {0};
    fd_poison c = fd_avro_to_json(targets[0].schema, payload, &text);
    bool identity = a == FD_POISON_NULL_ID || a == FD_POISON_NULL_TIME || a == FD_POISON_BAD_ID;
    if (t == &targets[0] && (a == FD_POISON_NONE || identity))
        FD_ASSERT(c == FD_POISON_NONE);
    if (c != FD_POISON_NONE)
        FD_ASSERT(text.n == 0);
    fd_strbuf_free(&text);
    return 0;
}
