/*
 * Answering: routes, methods, arguments. One thread, the library's. Requests carry no state: what
 * is needed is in the path and its arguments, bodies are refused.
 */
#include <errno.h>
#include <stdlib.h>

#include "admin/admin_int.h"
#include "base/assert.h"

/* path, GET or POST, op, what it is. The order is that of the page at "/". */
#define ROUTES(X)                                                                             \
    X("/metrics", GET, metrics, "metrics, as Prometheus reads them")                          \
    X("/healthz", GET, health, "is the process alive?")                                       \
    X("/readyz", GET, ready, "is it deciding, and if not, what is missing?")                  \
    X("/api/v1/status", GET, status, "rates, latency, lag, partitions")                       \
    X("/api/v1/rules", GET, rules,                                                            \
      "the rules that decide, those that wait, why some were refused")                        \
    X("/-/reload", POST, reload, "load the rules again")                                      \
    X("/-/resume", POST, resume, "go on after too many invalid events")                       \
    X("/-/consent", POST, consent,                                                            \
      "topic=, partition=, through=: let events with an unknown schema up to that offset be " \
      "invalid")

typedef enum verb { GET, POST } verb;

typedef enum route_op {
#define X(path, verb, op, text) OP_##op,
    ROUTES(X)
#undef X
        OP_index
} route_op;

typedef struct route {
    const char *path;
    verb verb;
    route_op op;
} route;

static const char json_type[] = "application/json";
static const char text_type[] = "text/plain; version=0.0.4; charset=utf-8";
static const char page_type[] = "text/html; charset=utf-8";

/* Takes the buffer. */
static enum MHD_Result reply(struct MHD_Connection *c, int status, const char *type,
                             const char *allow, fd_strbuf *body)
{
    if (body->p == NULL)
        fd_strbuf_puts(body, "");
    struct MHD_Response *r = MHD_create_response_from_buffer(body->n, body->p,
                                                             MHD_RESPMEM_MUST_FREE);
    *body = (fd_strbuf){0};
    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (allow != NULL)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, allow);
    enum MHD_Result queued = MHD_queue_response(c, (unsigned)status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *c, int status, const char *allow,
                              const char *why)
{
    fd_strbuf body = {0};
    fd_strbuf_puts(&body, "{\"error\":");
    fd_strbuf_json(&body, fd_str_from(why));
    fd_strbuf_puts(&body, "}\n");
    return reply(c, status, json_type, allow, &body);
}

/* Only what this process offers is listed. */
static enum MHD_Result index_page(const fd_admin *a, struct MHD_Connection *c)
{
    fd_strbuf body = {0};
    fd_strbuf_puts(&body, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                          "<title>fraudd</title><h1>fraudd " FD_VERSION "</h1>\n<ul>\n");
#define X(path, verb, op, text)                                                                \
    if (a->ops.op != NULL)                                                                     \
        fd_strbuf_puts(&body, verb == GET ? "<li><a href=\"" path "\">GET " path "</a>: " text \
                                            "\n"                                               \
                                          : "<li>POST " path ": " text "\n");
    ROUTES(X)
#undef X
    fd_strbuf_puts(&body, "</ul></html>\n");
    return reply(c, MHD_HTTP_OK, page_type, NULL, &body);
}

static bool whole_number(const char *text, int64_t max, int64_t *out)
{
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && *out <= max;
}

static enum MHD_Result consent(const fd_admin *a, struct MHD_Connection *c)
{
    const char *topic = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "topic");
    const char *partition = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "partition");
    const char *through = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "through");
    int64_t p, t;
    if (topic == NULL || topic[0] == '\0' || strlen(topic) > 249)
        return refuse(c, MHD_HTTP_BAD_REQUEST, NULL, "topic= is missing or no name of a topic");
    if (!whole_number(partition, INT32_MAX, &p))
        return refuse(c, MHD_HTTP_BAD_REQUEST, NULL, "partition= is missing or no partition");
    if (!whole_number(through, INT64_MAX, &t))
        return refuse(c, MHD_HTTP_BAD_REQUEST, NULL, "through= is missing or no offset");
    fd_strbuf body = {0};
    int status = a->ops.consent(a->self, topic, (int32_t)p, t, &body);
    return reply(c, status, json_type, NULL, &body);
}

/* A page of another site that makes a browser post here must not reload or resume anything. */
static bool is_cross_site(struct MHD_Connection *c)
{
    const char *origin = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Origin");
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
    if (origin == NULL)
        return false;
    const char *authority = strstr(origin, "://");
    return host == NULL || authority == NULL || strcmp(authority + 3, host) != 0;
}

static bool has_body(struct MHD_Connection *c)
{
    const char *n = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
    return (n != NULL && strcmp(n, "0") != 0) ||
           MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Transfer-Encoding") != NULL;
}

typedef int plain_op(void *self, fd_strbuf *out);

static enum MHD_Result call(const fd_admin *a, struct MHD_Connection *c, plain_op *op,
                            const char *type)
{
    if (op == NULL)
        return refuse(c, MHD_HTTP_NOT_FOUND, NULL, "not offered by this process");
    fd_strbuf body = {0};
    int status = op(a->self, &body);
    FD_ASSERT(status >= 200 && status <= 599);
    return reply(c, status, type, NULL, &body);
}

/* The connection is suspended before anybody can answer. */
static enum MHD_Result later(const fd_admin *a, struct MHD_Connection *c, void **request)
{
    fd_admin_ticket *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    t->connection = c;
    *request = t;
    MHD_suspend_connection(c);
    a->ops.reload(a->self, t);
    return MHD_YES;
}

void fd_admin_answer(fd_admin_ticket *ticket, int status, fd_strbuf *body)
{
    FD_ASSERT(ticket->status == 0);
    FD_ASSERT(status >= 200 && status <= 599);
    struct MHD_Connection *c = ticket->connection;
    ticket->status = status;
    ticket->body = *body;
    *body = (fd_strbuf){0};
    MHD_resume_connection(c);
}

void fd_admin_completed(void *cls, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode why)
{
    (void)cls, (void)connection, (void)why;
    fd_admin_ticket *t = *request;
    if (t == NULL)
        return;
    FD_ASSERT(t->status != 0);
    fd_strbuf_free(&t->body);
    free(t);
    *request = NULL;
}

static enum MHD_Result dispatch(const fd_admin *a, struct MHD_Connection *c, const route *r,
                                void **request)
{
    if (r->op == OP_reload && a->ops.reload != NULL)
        return later(a, c, request);
    if (r->op == OP_index)
        return index_page(a, c);
    if (r->op == OP_consent)
        return a->ops.consent == NULL ? call(a, c, NULL, json_type) : consent(a, c);
    plain_op *const ops[] = {
        [OP_metrics] = a->ops.metrics, [OP_health] = a->ops.health, [OP_ready] = a->ops.ready,
        [OP_status] = a->ops.status,   [OP_rules] = a->ops.rules,   [OP_resume] = a->ops.resume,
    };
    return call(a, c, ops[r->op], r->op == OP_metrics ? text_type : json_type);
}

static const route *route_of(const char *url)
{
    static const route routes[] = {{"/", GET, OP_index},
#define X(path, verb, op, text) {path, verb, OP_##op},
                                   ROUTES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(url, routes[i].path) == 0)
            return &routes[i];
    }
    return NULL;
}

enum MHD_Result fd_admin_handle(void *cls, struct MHD_Connection *c, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **request)
{
    (void)version, (void)upload, (void)upload_size;
    fd_admin_ticket *answered = *request;
    if (answered != NULL)
        return reply(c, answered->status, json_type, NULL, &answered->body);
    const fd_admin *a = cls;
    FD_CHECK_MAGIC(a, FD_ADMIN_MAGIC);
    const route *r = route_of(url);
    if (r == NULL)
        return refuse(c, MHD_HTTP_NOT_FOUND, NULL, "no such path; GET / lists them");
    bool is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (r->verb == GET ? !is_get : strcmp(method, "POST") != 0)
        return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, r->verb == GET ? "GET, HEAD" : "POST",
                      "another method is needed here, see Allow");
    if (has_body(c))
        return refuse(c, MHD_HTTP_CONTENT_TOO_LARGE, NULL, "requests here have no body");
    if (r->verb == POST && is_cross_site(c))
        return refuse(c, MHD_HTTP_FORBIDDEN, NULL, "posted by a page of another site");
    return dispatch(a, c, r, request);
}
