/*
 * Hostile test files of rules: refused with places that exist, or run, and then the report is the
 * same again. Input: a test file, beside a fixed rule set with features, for an event of every kind
 * of field.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/status.h"
#include "testing/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"long\"},"
    "{\"name\":\"when\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
    "{\"name\":\"card\",\"type\":{\"type\":\"record\",\"name\":\"C\",\"fields\":["
    "{\"name\":\"bin\",\"type\":\"string\"},{\"name\":\"limit\",\"type\":[\"null\",\"long\"]},"
    "{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"K\",\"symbols\":[\"a\",\"b\"]}}]}},"
    "{\"name\":\"at\",\"type\":\"string\"},"
    "{\"name\":\"price\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,"
    "\"scale\":2}},"
    "{\"name\":\"day\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
    "{\"name\":\"more\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},"
    "{\"name\":\"any\",\"type\":[\"null\",\"string\",\"long\",{\"type\":\"array\",\"items\":"
    "\"int\"}]},"
    "{\"name\":\"ok\",\"type\":\"boolean\"},"
    "{\"name\":\"ratio\",\"type\":\"double\"}"
    "]}";

static const char rules_text[] =
    "version: 1\n"
    "features:\n"
    "  - {name: n, key: card.bin, op: count, window: 5m}\n"
    "  - {name: avg, key: card.bin, op: avg, value: event.ratio, window: 1h}\n"
    "  - {name: since, key: card.bin, op: time_since_last, window: 1h}\n"
    "  - {name: was, key: card.bin, op: last, value: event.at, window: 1h}\n"
    "  - {name: then, key: card.bin, op: last, value: event.when, window: 1h}\n"
    "  - {name: fresh, key: card.bin, op: is_new, value: event.at, window: 1h}\n"
    "variables: [{name: v, expression: event.ok && event.tags.size() > 1}]\n"
    "rules:\n"
    "  - {id: a, condition: features.n > 2, action: review, reason: A, explain: "
    "string(features.n)}\n"
    "  - {id: b, condition: 'variables.v || event.more.x > 1.0', action: block, mode: shadow}\n"
    "  - {id: c, condition: features.avg > 3.0, score: 5, rollout: {percent: 50, key: at}}\n";

static char dir[64];

static void path_of(const char *name, char path[96])
{
    snprintf(path, 96, "%s/%s", dir, name);
}

static void write_file(const char *name, const void *bytes, size_t n)
{
    char path[96];
    path_of(name, path);
    FILE *f = fopen(path, "we");
    FD_ASSERT(f != NULL);
    size_t written = fwrite(bytes, 1, n, f);
    FD_ASSERT(fclose(f) == 0 && written == n);
}

static void leave(void)
{
    char path[96];
    path_of("r.yaml", path);
    unlink(path);
    path_of("r.test.yaml", path);
    unlink(path);
    rmdir(dir);
}

static fd_schema *prepare(void)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_schema *schema = fd_schema_parse(schema_text, sizeof schema_text - 1, "e.avsc", &d);
    FD_ASSERT(schema != NULL);
    fd_diags_free(&d);
    snprintf(dir, sizeof dir, "/tmp/fraudd-fuzz-%s", "XXXXXX");
    char *made = mkdtemp(dir);
    FD_ASSERT(made != NULL);
    write_file("r.yaml", rules_text, sizeof rules_text - 1);
    atexit(leave);
    return schema;
}

/* A repetition of a million is what somebody may ask for, and no news to a fuzzer. */
static bool is_long(const uint8_t *data, size_t size)
{
    size_t digits = 0;
    for (size_t i = 0; i < size; i++) {
        digits = data[i] >= '0' && data[i] <= '9' ? digits + 1 : 0;
        if (digits == 5)
            return memmem(data, size, "repeat", 6) != NULL;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fd_schema *schema;
    if (schema == NULL)
        schema = prepare();
    if (is_long(data, size))
        return 0;
    write_file("r.test.yaml", data, size);
    fd_rules_test_options options = {.dir = dir, .schema = schema, .coverage = true};
    fd_rules_test_result result[2];
    fd_strbuf out[2] = {{0}, {0}}, junit[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        int code = fd_rules_test_run(&options, &result[i], &out[i], &junit[i]);
        FD_ASSERT(result[i].refused == (code == FD_EXIT_CONFIG));
        FD_ASSERT((code == FD_EXIT_CHECK) == (!result[i].refused && result[i].n_failed > 0));
        FD_ASSERT(result[i].n_failed <= result[i].n_tests);
    }
    FD_ASSERT(strcmp(out[0].p, out[1].p) == 0 && strcmp(junit[0].p, junit[1].p) == 0);
    fd_strbuf_reset(&out[0]);
    options.json = true;
    fd_rules_test_run(&options, &result[0], &out[0], NULL);
    FD_ASSERT(result[0].n_failed == result[1].n_failed);
    for (int i = 0; i < 2; i++) {
        fd_strbuf_free(&out[i]);
        fd_strbuf_free(&junit[i]);
    }
    return 0;
}
