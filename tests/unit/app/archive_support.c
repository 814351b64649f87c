/* A program and its archive; see archive_support.h. */
#include "archive_support.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../manifest/models.h"
#include "../store/support.h"
#include "base/file.h"

void read_file(const char *path, fd_strbuf *out)
{
    const char *why;
    if (!fd_file_read(path, 1 << 20, out, &why))
        fail_msg("%s: %s", path, why);
}

int entries(const char *dir)
{
    DIR *at = opendir(dir);
    assert_non_null(at);
    int n = -2;
    while (readdir(at) != NULL)
        n++;
    closedir(at);
    return n;
}

char *only_entry(const char *dir, const char *head)
{
    DIR *at = opendir(dir);
    assert_non_null(at);
    char *found = NULL;
    for (struct dirent *e = readdir(at); e != NULL; e = readdir(at)) {
        if (e->d_name[0] == '.' || strncmp(e->d_name, head, strlen(head)) != 0)
            continue;
        assert_null(found);
        found = strdup(e->d_name);
    }
    closedir(at);
    assert_non_null(found);
    return found;
}

static void load_config(archive_rig *r)
{
    static const char *const env[] = {"HOSTNAME=h", NULL};
    fd_diags d;
    fd_diags_init(&d);
    write_text("f.yaml", "kafka: {bootstrap.servers: 'localhost:1', sasl.password: hush}\n"
                         "sources:\n"
                         "  - {topic: payments, schema: schema.avsc, id: tx_id, time: event_time}\n"
                         "rules: rules\nmodels: models\narchive: {dir: arch/deep}\n"
                         "redis: {password: hush}\n");
    fd_config_inputs in = {.path = "f.yaml", .env = env};
    r->config = fd_config_load(&in, &d);
    assert_non_null(r->config);
    fd_diags_free(&d);
}

void archive_rig_new(archive_rig *r, const char *list)
{
    *r = (archive_rig){0};
    fd_strbuf text = {0};
    fd_diags d;
    size_t n;
    fd_diags_init(&d);
    const char *json = fd_embedded_payment_schema(&n);
    write_bytes("schema.avsc", json, n);
    r->payment = fd_schema_parse(json, n, "schema.avsc", &d);
    json = fd_embedded_decision_schema(&n);
    r->decision = fd_schema_parse(json, n, "decision.avsc", &d);
    r->readers[0] = r->payment;
    fd_strbuf_printf(&text,
                     "version: 1\n"
                     "lists:\n  bad: {type: string, file: '%s'}\n"
                     "features:\n"
                     "  - {name: card_txn_5m, key: card_id, op: count, window: 5m}\n"
                     "rules:\n"
                     "  - {id: listed, condition: event.card_id in lists.bad, action: block}\n"
                     "  - {id: high, condition: models.tree.score > 0.8, action: review}\n",
                     list);
    write_text("rules/a.yaml", text.p);
    fd_strbuf_free(&text);
    write_text("rules/a.test.yaml", "tests: []\n");
    write_tree("");
    load_config(r);
    fd_diags_free(&d);
}

void archive_rig_load(archive_rig *r)
{
    fd_diags d;
    fd_diags_init(&d);
    r->source = (fd_engine_source){.topic = "payments",
                                   .schema = r->payment,
                                   .framing = FD_FRAMING_RAW,
                                   .id_path = "tx_id",
                                   .time_path = "event_time"};
    fd_engine_config config = {.n_sources = 1,
                               .sources = &r->source,
                               .decision_schema = r->decision,
                               .rules_dir = r->config->rules,
                               .models_dir = r->config->models,
                               .max_events = 10};
    fd_program_free(r->program);
    r->program = fd_program_load(&config, &d);
    if (r->program == NULL) {
        fd_strbuf text = {0};
        fd_diags_render(&d, &text);
        fail_msg("%s", text.p);
    }
    fd_diags_free(&d);
}

void archive_rig_open(archive_rig *r)
{
    fd_err err = {0};
    fd_archive_config config = {.config = r->config, .readers = r->readers, .who = "g-h"};
    if (fd_archive_open(&config, &r->archive, &err) != FD_OK)
        fail_msg("%s", err.text);
}

void archive_rig_free(archive_rig *r)
{
    fd_archive_close(r->archive);
    fd_program_free(r->program);
    fd_schema_free(r->payment);
    fd_schema_free(r->decision);
    fd_config_free(r->config);
}
