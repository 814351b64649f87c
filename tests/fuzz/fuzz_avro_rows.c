/*
 * Hostile files: containers, JSON lines, CSV. What is given as a record must be one of the schema,
 * reading must end, and go on after a bad line. The first byte says which format.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "codec/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ROWS = 1000 }; /* of records without bytes there may be any number */

static const char text[] =
    "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"string\"},"
    "{\"name\":\"n\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"x\",\"type\":\"float\",\"default\":0},"
    "{\"name\":\"ok\",\"type\":\"boolean\",\"default\":false},"
    "{\"name\":\"at\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"},"
    "\"default\":0},"
    "{\"name\":\"day\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}]},"
    "{\"name\":\"price\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":5,\"logicalType\":"
    "\"decimal\",\"precision\":9,\"scale\":2},\"default\":\"\\u0000\\u0000\\u0000\\u0000\\u0000\"},"
    "{\"name\":\"k\",\"type\":{\"type\":\"enum\",\"name\":\"K\",\"symbols\":[\"A\",\"B\"]},"
    "\"default\":\"A\"},"
    "{\"name\":\"u\",\"type\":[\"bytes\",\"int\",{\"type\":\"map\",\"values\":\"string\"}],"
    "\"default\":\"\"},"
    "{\"name\":\"card\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"C\",\"fields\":["
    "{\"name\":\"bin\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"next\",\"type\":[\"null\",\"C\"]}]}]}]}";

static fd_schema *schema;
static int file = -1;
static char path[64];

static void setup(void)
{
    fd_diags d;
    fd_diags_init(&d);
    schema = fd_schema_parse(text, sizeof text - 1, "fuzz", &d);
    FD_ASSERT(schema != NULL && d.n == 0);
    fd_diags_free(&d);
    file = memfd_create("rows", 0);
    FD_ASSERT(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fd_rows_format formats[] = {FD_ROWS_AVRO, FD_ROWS_JSONL, FD_ROWS_CSV};
    if (schema == NULL)
        setup();
    if (size == 0)
        return 0;
    FD_ASSERT(ftruncate(file, 0) == 0);
    FD_ASSERT(pwrite(file, data + 1, size - 1, 0) == (ssize_t)size - 1);
    fd_diags d;
    fd_diags_init(&d);
    fd_rows *r = fd_rows_open(path, schema, formats[data[0] % 3], &d);
    FD_ASSERT((r == NULL) == (d.errors > 0));
    fd_str row;
    int got = 1;
    for (int i = 0; r != NULL && got != 0 && i < MAX_ROWS; i++) {
        size_t errors = d.errors;
        got = fd_rows_next(r, &row, &d);
        FD_ASSERT(d.errors == errors + (got < 0));
        if (got <= 0)
            continue;
        fd_strbuf out = {0};
        fd_poison why = fd_avro_to_json(fd_rows_schema(r), row, &out);
        /* a container's records are only found, not looked into: their numbers may be anything */
        FD_ASSERT(why == FD_POISON_NONE || formats[data[0] % 3] == FD_ROWS_AVRO);
        fd_strbuf_free(&out);
    }
    fd_rows_close(r);
    fd_diags_free(&d);
    return 0;
}
