/* Labels out of files; see labels.h. Main thread. */
#include "app/replay/labels.h"

#include <inttypes.h>
#include <jansson.h>

#include "app/cli.h"
#include "base/assert.h"
#include "base/strbuf.h"
#include "codec/container.h"

static fd_str text_of(const json_t *label, const char *name)
{
    const json_t *v = json_object_get(label, name);
    if (!json_is_string(v))
        return FD_STR("");
    return (fd_str){json_string_value(v), (uint32_t)json_string_length(v)};
}

/* Is it known as early as that? Without `known_at` nobody can say it is not. */
static bool in_time(const fd_replay_labels *l, const json_t *label)
{
    const json_t *v = json_object_get(label, "known_at");
    int64_t ms = INT64_MIN;
    if (json_is_integer(v))
        ms = json_integer_value(v);
    else if (json_is_string(v))
        fd_cli_parse_time(json_string_value(v), &ms);
    return ms <= l->as_of_ms;
}

static fd_class add(fd_replay_labels *l, const char *path, uint64_t n, const json_t *label,
                    fd_err *err)
{
    fd_str id = text_of(label, "tx_id");
    const json_t *fraud = json_object_get(label, "fraud");
    if (id.n == 0 || !json_is_boolean(fraud))
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK,
                       "%s: record %" PRIu64 " is no label: it needs a text tx_id and a boolean "
                       "fraud (fraudd schema print label)",
                       path, n);
    if (!in_time(l, label)) {
        l->later++;
        return FD_OK;
    }
    if (!fd_truth_add(l->truth, id, json_is_true(fraud), text_of(label, "pattern"),
                      text_of(label, "case_id")))
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: more than %d labels", path, FD_TRUTH_MAX);
    return FD_OK;
}

static fd_class read_all(fd_replay_labels *l, const char *path, fd_rows *rows, fd_diags *diags,
                         fd_err *err)
{
    fd_strbuf text = {0};
    fd_class rc = FD_OK;
    fd_str record;
    int got = 0;
    for (uint64_t n = 1; rc == FD_OK && (got = fd_rows_next(rows, &record, diags)) > 0; n++) {
        fd_strbuf_reset(&text);
        fd_poison poison = fd_avro_to_json(fd_rows_schema(rows), record, &text);
        json_t *label = poison == FD_POISON_NONE ? json_loadb(text.p, text.n, 0, NULL) : NULL;
        if (label == NULL)
            rc = fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: record %" PRIu64 ": %s", path, n,
                         fd_poison_text(poison));
        else
            rc = add(l, path, n, label, err);
        json_decref(label);
    }
    fd_strbuf_free(&text);
    if (rc != FD_OK || got == 0)
        return rc;
    fd_err why;
    fd_cli_first_error(diags, &why);
    return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: %s", path, why.text);
}

fd_class fd_replay_labels_read(fd_replay_labels *l, const char *path, fd_err *err)
{
    fd_diags diags;
    fd_diags_init(&diags);
    size_t n;
    const char *json = fd_embedded_label_schema(&n);
    fd_schema *schema = fd_schema_parse(json, n, "label.avsc", &diags);
    FD_ASSERT(schema != NULL);
    fd_class rc = FD_FATAL;
    fd_rows *rows = fd_rows_open(path, schema, FD_ROWS_AUTO, &diags);
    if (rows == NULL) {
        fd_cli_first_error(&diags, err);
        err->cls = FD_FATAL;
    } else {
        rc = read_all(l, path, rows, &diags, err);
    }
    fd_rows_close(rows);
    fd_schema_free(schema);
    fd_diags_free(&diags);
    return rc;
}
