/* One HTTP GET at a time over libcurl; see fetch.h for threads. */
#include "registry/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"

enum { POLL_MS = 1000, URL_MAX = 2048 };

struct fd_fetch {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    char *address; /* ends without a slash */
    size_t max_bytes;
    atomic_bool interrupted;
    fd_strbuf *body; /* of the request at hand */
    bool too_large;
    char curl_text[CURL_ERROR_SIZE];
};

static void init_curl(void)
{
    CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
    FD_ASSERT(rc == CURLE_OK);
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    fd_fetch *f = arg;
    FD_ASSERT(size == 1 && f->body != NULL);
    if (f->body->n + n > f->max_bytes) {
        f->too_large = true;
        return 0;
    }
    fd_strbuf_add(f->body, bytes, n);
    return n;
}

static char *url_part(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(u, part, &text, CURLU_URLDECODE) == CURLUE_OK ? text : NULL;
}

static fd_class bad_url(CURLU *u, fd_err *err, const char *why)
{
    curl_url_cleanup(u);
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                   "registry.url: %s; it is written like http://host:8081", why);
}

/* Takes the address apart: credentials go to the handle, the rest becomes f->address. */
static fd_class set_address(fd_fetch *f, const fd_fetch_config *c, fd_err *err)
{
    CURLU *u = curl_url();
    FD_ALLOCATED(u);
    CURLUcode rc = curl_url_set(u, CURLUPART_URL, c->url, 0);
    if (rc != CURLUE_OK)
        return bad_url(u, err, curl_url_strerror(rc));
    char *scheme = url_part(u, CURLUPART_SCHEME);
    bool http = scheme != NULL && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    if (!http)
        return bad_url(u, err, "only http and https are supported");
    char *user = url_part(u, CURLUPART_USER);
    char *password = url_part(u, CURLUPART_PASSWORD);
    if (c->basic_auth != NULL && c->basic_auth[0] != '\0') {
        curl_easy_setopt(f->easy, CURLOPT_USERPWD, c->basic_auth);
    } else if (user != NULL) {
        curl_easy_setopt(f->easy, CURLOPT_USERNAME, user);
        curl_easy_setopt(f->easy, CURLOPT_PASSWORD, password == NULL ? "" : password);
    }
    curl_free(user);
    curl_free(password);
    curl_url_set(u, CURLUPART_USER, NULL, 0);
    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(u, CURLUPART_QUERY, NULL, 0);
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    char *address = NULL;
    rc = curl_url_get(u, CURLUPART_URL, &address, 0);
    if (rc != CURLUE_OK || strlen(address) > URL_MAX / 2) {
        curl_free(address);
        return bad_url(u, err, "it is too long");
    }
    f->address = strdup(address);
    FD_ALLOCATED(f->address);
    curl_free(address);
    curl_url_cleanup(u);
    for (size_t n = strlen(f->address); n > 0 && f->address[n - 1] == '/'; n--)
        f->address[n - 1] = '\0';
    return FD_OK;
}

static void set_options(fd_fetch *f, const fd_fetch_config *c)
{
    CURL *e = f->easy;
    long timeout_ms = (long)(c->timeout_us / 1000);
    f->headers = curl_slist_append(NULL, "Accept: application/vnd.schemaregistry.v1+json, "
                                         "application/json");
    FD_ALLOCATED(f->headers);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, f->headers);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "fraudd/" FD_VERSION);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->curl_text);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
    if (c->ca_file != NULL && c->ca_file[0] != '\0')
        curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
}

fd_fetch *fd_fetch_new(const fd_fetch_config *config, fd_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    FD_ASSERT(config->url != NULL && config->timeout_us > 0 && config->max_bytes > 0);
    if (config->ca_file != NULL && config->ca_file[0] != '\0' &&
        access(config->ca_file, R_OK) != 0) {
        fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "registry: cannot read the CA file %s",
                config->ca_file);
        return NULL;
    }
    fd_fetch *f = calloc(1, sizeof *f);
    FD_ALLOCATED(f);
    f->max_bytes = config->max_bytes;
    f->multi = curl_multi_init();
    FD_ALLOCATED(f->multi);
    f->easy = curl_easy_init();
    FD_ALLOCATED(f->easy);
    if (set_address(f, config, err) != FD_OK) {
        fd_fetch_free(f);
        return NULL;
    }
    set_options(f, config);
    return f;
}

void fd_fetch_free(fd_fetch *f)
{
    if (f == NULL)
        return;
    curl_easy_cleanup(f->easy);
    curl_multi_cleanup(f->multi);
    curl_slist_free_all(f->headers);
    free(f->address);
    free(f);
}

const char *fd_fetch_address(const fd_fetch *f)
{
    return f->address;
}

/* True when the transfer ended; false when it was interrupted. */
static bool run_transfer(fd_fetch *f, CURLcode *result)
{
    for (;;) {
        int running = 0;
        CURLMcode rc = curl_multi_perform(f->multi, &running);
        FD_ASSERT(rc == CURLM_OK);
        int left = 0;
        const CURLMsg *msg = curl_multi_info_read(f->multi, &left);
        if (msg != NULL && msg->msg == CURLMSG_DONE) {
            *result = msg->data.result;
            return true;
        }
        if (atomic_load(&f->interrupted))
            return false;
        curl_multi_poll(f->multi, NULL, 0, POLL_MS, NULL);
    }
}

fd_class fd_fetch_get(fd_fetch *f, const char *path, long *status, fd_strbuf *body, fd_err *err)
{
    char url[URL_MAX];
    int n = snprintf(url, sizeof url, "%s%s", f->address, path);
    FD_ASSERT(n > 0 && n < (int)sizeof url);
    fd_strbuf_reset(body);
    f->body = body;
    f->too_large = false;
    f->curl_text[0] = '\0';
    curl_easy_setopt(f->easy, CURLOPT_URL, url);
    CURLMcode added = curl_multi_add_handle(f->multi, f->easy);
    FD_ASSERT(added == CURLM_OK);
    CURLcode result = CURLE_OK;
    bool ended = run_transfer(f, &result);
    curl_multi_remove_handle(f->multi, f->easy);
    f->body = NULL;
    if (!ended)
        return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "interrupted");
    if (f->too_large)
        return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE,
                       "the schema registry %s: its answer is larger than %zu bytes", f->address,
                       f->max_bytes);
    if (result != CURLE_OK)
        return fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "the schema registry %s: %s", f->address,
                       f->curl_text[0] != '\0' ? f->curl_text : curl_easy_strerror(result));
    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, status);
    return FD_OK;
}

void fd_fetch_interrupt(fd_fetch *f)
{
    atomic_store(&f->interrupted, true);
    curl_multi_wakeup(f->multi);
}
