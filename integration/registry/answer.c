/* What an HTTP answer of a Schema Registry means; see answer.h. Any thread. */
#include "registry/answer.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/assert.h"

enum {
    HTTP_OK = 200,
    HTTP_UNAUTHORIZED = 401,
    HTTP_FORBIDDEN = 403,
    HTTP_NOT_FOUND = 404,
    ERROR_SCHEMA_NOT_FOUND = 40403, /* of the registry's own error_code */
    ERROR_SUBJECT_NOT_FOUND = 40401,
};

static fd_schema_answer unavailable(fd_err *err, uint32_t id, const char *what, long status)
{
    fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "schema id %u: %s (HTTP %ld)", id, what, status);
    return FD_SCHEMA_UNAVAILABLE;
}

static fd_schema_answer unusable(fd_err *err, uint32_t id, const char *what, const char *detail)
{
    fd_fail(err, FD_RETRY, FD_EXIT_CONFIG, "schema id %u: %s%s", id, what, detail);
    return FD_SCHEMA_UNKNOWN;
}

static fd_schema_answer read_error(uint32_t id, long status, const json_t *root, fd_err *err)
{
    if (status == HTTP_UNAUTHORIZED)
        return unavailable(err, id,
                           "the registry wants a user and password it accepts: "
                           "set registry.basic_auth",
                           status);
    if (status == HTTP_FORBIDDEN)
        return unavailable(err, id, "the registry forbids this user to read schemas", status);
    json_int_t code = json_integer_value(json_object_get(root, "error_code"));
    if (status == HTTP_NOT_FOUND &&
        (code == ERROR_SCHEMA_NOT_FOUND || code == ERROR_SUBJECT_NOT_FOUND))
        return unusable(err, id, "the registry has no such schema (yet)", "");
    if (status == HTTP_NOT_FOUND)
        return unavailable(err, id,
                           "the server does not answer as a Schema Registry: "
                           "check the path in registry.url",
                           status);
    if (status >= 300 && status < 400)
        return unavailable(err, id,
                           "the server redirects, which is not followed: "
                           "give the final address in registry.url",
                           status);
    return unavailable(err, id, "the registry failed", status);
}

/* Registries leave schemaType out for Avro. */
static fd_schema_answer read_schema(uint32_t id, const json_t *root, char **json, uint32_t *json_n,
                                    fd_err *err)
{
    const json_t *schema = json_object_get(root, "schema");
    const json_t *type = json_object_get(root, "schemaType");
    if (!json_is_string(schema) || (type != NULL && !json_is_string(type)))
        return unavailable(err, id, "the answer holds no schema: is this a Schema Registry?",
                           HTTP_OK);
    if (type != NULL && strcmp(json_string_value(type), "AVRO") != 0)
        return unusable(err, id, "only Avro schemas can be read, this one is ",
                        json_string_value(type));
    if (json_array_size(json_object_get(root, "references")) != 0)
        return unusable(err, id,
                        "schemas with references are not supported: "
                        "register one that holds all its types",
                        "");
    size_t n = json_string_length(schema);
    FD_ASSERT(n < UINT32_MAX);
    *json = malloc(n + 1);
    FD_ALLOCATED(*json);
    memcpy(*json, json_string_value(schema), n + 1);
    *json_n = (uint32_t)n;
    return FD_SCHEMA_KNOWN;
}

fd_schema_answer fd_registry_read_answer(uint32_t schema_id, long http_status, fd_str body,
                                         char **json, uint32_t *json_n, fd_err *err)
{
    FD_ASSERT(json != NULL && json_n != NULL);
    *json = NULL;
    *json_n = 0;
    json_error_t bad;
    json_t *root = json_loadb(body.p == NULL ? "" : body.p, body.n, 0, &bad);
    fd_schema_answer answer;
    if (http_status != HTTP_OK)
        answer = read_error(schema_id, http_status, root, err);
    else if (!json_is_object(root))
        answer = unavailable(err, schema_id, "the answer is not the JSON of a Schema Registry",
                             http_status);
    else
        answer = read_schema(schema_id, root, json, json_n, err);
    json_decref(root);
    return answer;
}
