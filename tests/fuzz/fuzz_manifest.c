/*
 * Manifests and the CSV files beside them: any text is a model or a list of errors, never both.
 * The first byte chooses what the rest is: a manifest, a self-test of a good one, or a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "manifest/manifest.h"
#include "manifest/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char card[] = "version: 1\ntype: logistic\nintercept: -1\ninputs:\n"
                           "  - {name: amount, weight: 2, missing: 1}\n"
                           "  - {name: n5, weight: -0.5, missing: 0}\n";

static const char *folder(void)
{
    static char name[64];
    if (name[0] == '\0') {
        snprintf(name, sizeof name, "/tmp/fraudd-manifest-XXXXXX");
        FD_ASSERT(mkdtemp(name) != NULL);
    }
    return name;
}

static void put(const char *name, const void *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *f = fopen(path, "we");
    FD_ASSERT(f != NULL && fwrite(bytes, 1, n, f) == n);
    fclose(f);
}

static void load(void)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_models *m = fd_models_load(folder(), &d);
    FD_ASSERT((m == NULL) == (d.errors != 0));
    fd_strbuf text = {0};
    fd_diags_render(&d, &text);
    fd_strbuf_free(&text);
    fd_models_free(m);
    fd_diags_free(&d);
}

static void read_table(const uint8_t *data, size_t size)
{
    fd_diags d;
    fd_table t;
    char *exact = malloc(size + 1); /* nothing behind it for a reader to run into */
    FD_ALLOCATED(exact);
    memcpy(exact, data, size);
    fd_diags_init(&d);
    bool ok = fd_table_parse(&t, "t.csv", (fd_str){exact, (uint32_t)size}, &d);
    FD_ASSERT(ok == (d.errors == 0));
    free(exact);
    const double *column;
    for (uint32_t c = 0; ok && c < t.n_columns; c++) {
        size_t errors = d.errors;
        bool numbers = fd_table_numbers(&t, t.columns[c].name, &d, &column);
        FD_ASSERT(numbers == (d.errors == errors));
    }
    fd_table_free(&t);
    fd_diags_free(&d);
}

static void clean_up(void)
{
    static const char *const names[] = {"m.yaml", "card.yaml", "t.csv"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder(), names[i]);
        unlink(path);
    }
    rmdir(folder());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool registered;
    if (!registered)
        atexit(clean_up);
    registered = true;
    if (size < 1 || size > 65536)
        return 0;
    if (data[0] % 3 == 2) {
        read_table(data + 1, size - 1);
        return 0;
    }
    put("card.yaml", card, sizeof card - 1);
    char good[512];
    int n = snprintf(good, sizeof good,
                     "id: m\nfile: card.yaml\nsha256: %s\nself_test: t.csv\ninputs:\n"
                     "  - {name: n5, expression: '1'}\n  - {name: amount, expression: '2'}\n",
                     fd_sha256_of(card, sizeof card - 1).hex);
    bool is_test = data[0] % 3 == 1;
    put("m.yaml", is_test ? (const void *)good : data + 1, is_test ? (size_t)n : size - 1);
    put("t.csv", is_test ? data + 1 : (const uint8_t *)"amount,n5,expected\n",
        is_test ? size - 1 : 19);
    load();
    return 0;
}
