/* Schemas as the tools name them; see schemas.h. Main thread. */
#include "app/tools/schemas.h"

#include <stdlib.h>

#include "base/assert.h"
#include "registry/registry.h"

enum { MAX_WRITERS = 1000 };
static const int64_t ASK_SLICE_US = 200000;
static const int64_t ASK_LIMIT_US = 10000000;

#define X(name, text, bytes) text,
const char *const FD_TOOL_FRAMINGS[] = {FD_FRAMINGS(X) NULL};
#undef X

fd_schema *fd_tool_schema(const char *name, fd_diags *diags)
{
    static const struct {
        const char *name, *file;
        const char *(*json)(size_t *n);
    } BUILT_IN[] = {{"payment", "payment.avsc", fd_embedded_payment_schema},
                    {"label", "label.avsc", fd_embedded_label_schema},
                    {"decision", "decision.avsc", fd_embedded_decision_schema}};
    for (size_t i = 0; i < sizeof BUILT_IN / sizeof BUILT_IN[0]; i++) {
        size_t n;
        const char *json = BUILT_IN[i].json(&n);
        if (strcmp(name, BUILT_IN[i].name) == 0)
            return fd_schema_parse(json, n, BUILT_IN[i].file, diags);
    }
    return fd_schema_load(name, diags);
}

typedef struct writer {
    uint32_t id;
    fd_schema *schema; /* NULL: cannot be read */
} writer;

struct fd_writers {
    fd_framing framing;
    const fd_schema *given;
    fd_registry *registry;
    uint32_t n;
    writer items[MAX_WRITERS];
};

fd_writers *fd_writers_new(fd_framing framing, const fd_schema *given,
                           const fd_registry_options *registry, fd_err *err)
{
    fd_writers *w = calloc(1, sizeof *w);
    FD_ALLOCATED(w);
    w->framing = framing;
    w->given = given;
    if (registry->url == NULL)
        return w;
    fd_registry_config config = {
        .url = registry->url, .basic_auth = registry->auth, .ca_file = registry->ca_file};
    w->registry = fd_registry_new(&config, NULL, NULL, err);
    if (w->registry == NULL) {
        fd_writers_free(w);
        return NULL;
    }
    return w;
}

void fd_writers_free(fd_writers *w)
{
    if (w == NULL)
        return;
    for (uint32_t i = 0; i < w->n; i++)
        fd_schema_free(w->items[i].schema);
    fd_registry_free(w->registry);
    free(w);
}

/* Waits for a registry that does not answer, but not for one that says no. */
static fd_class ask(fd_writers *w, uint32_t id, fd_str *json, fd_err *err)
{
    fd_schema_answer answer = FD_SCHEMA_PENDING;
    for (int64_t waited = 0; waited < ASK_LIMIT_US; waited += ASK_SLICE_US) {
        fd_schemas port = fd_registry_port(w->registry);
        answer = port.ops->lookup(port.self, id, json, err);
        if (answer == FD_SCHEMA_KNOWN)
            return FD_OK;
        if (answer == FD_SCHEMA_UNKNOWN)
            return FD_RETRY;
        if (fd_cli_stop_signal() != 0)
            break;
        answer = fd_registry_wait(w->registry, id, ASK_SLICE_US, json, err);
        if (answer == FD_SCHEMA_KNOWN)
            return FD_OK;
    }
    err->exit_code = FD_EXIT_UNAVAILABLE;
    return FD_FATAL;
}

fd_class fd_writers_by_id(fd_writers *w, uint32_t id, const fd_schema **schema, fd_err *err)
{
    *schema = NULL;
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->items[i].id != id)
            continue;
        *schema = w->items[i].schema;
        if (*schema != NULL)
            return FD_OK;
        return fd_fail(err, FD_RETRY, FD_EXIT_CONFIG, "schema id %u cannot be read (said above)",
                       id);
    }
    if (w->registry == NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_USAGE, "schema ids need --registry URL");
    if (w->n == MAX_WRITERS)
        return fd_fail(err, FD_RETRY, FD_EXIT_CONFIG,
                       "schema id %u: more than %d different schemas in one topic", id,
                       MAX_WRITERS);
    fd_str json;
    fd_class rc = ask(w, id, &json, err);
    if (rc != FD_OK)
        return rc;
    fd_diags diags;
    fd_diags_init(&diags);
    fd_schema *parsed = fd_schema_parse(json.p, json.n, NULL, &diags);
    w->items[w->n++] = (writer){id, parsed};
    *schema = parsed;
    if (parsed == NULL)
        fd_fail(err, FD_RETRY, FD_EXIT_CONFIG, "schema id %u: %s", id,
                diags.n > 0 ? diags.items[0].text : "it is no Avro record schema");
    fd_diags_free(&diags);
    return parsed != NULL ? FD_OK : FD_RETRY;
}

fd_class fd_writers_open(fd_writers *w, fd_str value, fd_str *payload, const fd_schema **schema,
                         fd_err *err)
{
    fd_frame frame;
    fd_poison poison = fd_frame_parse(w->framing, value, &frame);
    if (poison != FD_POISON_NONE)
        return fd_fail(err, FD_RETRY, FD_EXIT_CHECK, "%s: %s", fd_poison_name(poison),
                       fd_poison_text(poison));
    *payload = frame.payload;
    *schema = w->given;
    if (w->framing == FD_FRAMING_CONFLUENT && w->registry != NULL)
        return fd_writers_by_id(w, frame.schema_id, schema, err);
    FD_ASSERT(w->given != NULL);
    if (w->framing == FD_FRAMING_SINGLE_OBJECT &&
        frame.fingerprint != fd_schema_fingerprint(w->given))
        return fd_fail(err, FD_RETRY, FD_EXIT_CHECK,
                       "UNKNOWN_SCHEMA: the value is in the schema with fingerprint %016llx, "
                       "%s has %016llx",
                       (unsigned long long)frame.fingerprint, fd_schema_name(w->given),
                       (unsigned long long)fd_schema_fingerprint(w->given));
    return FD_OK;
}
