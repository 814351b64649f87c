/*
 * What the HTTP server answers (INTERFACE §7). On the server's thread; reads snapshots only.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/run.h"

/* The engine thread steps at least every 100 ms; a call into a broker may take a few seconds. */
static const int64_t ALIVE_NS = INT64_C(30) * 1000 * 1000 * 1000;

static int64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long pages = 0, resident = 0;
    if (f != NULL && fscanf(f, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (f != NULL)
        fclose(f);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static int64_t open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t n = -3; /* ".", ".." and the directory itself */
    while (dir != NULL && readdir(dir) != NULL)
        n++;
    if (dir != NULL)
        closedir(dir);
    return n;
}

static bool snapshot(fd_run *r, fd_worker_status *s)
{
    fd_worker *w = atomic_load(&r->worker);
    *s = (fd_worker_status){0};
    if (w != NULL)
        fd_worker_status_get(w, s);
    return w != NULL;
}

static void set_rebuild(fd_run *r)
{
    fd_worker_status s;
    snapshot(r, &s);
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_REBUILDING), s.rebuild.on);
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_REBUILD_EVENTS), (int64_t)s.rebuild.events);
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_REBUILD_LEFT), (int64_t)s.rebuild.left);
}

static int serve_metrics(void *self, fd_strbuf *out)
{
    fd_run *r = self;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    int64_t cpu_us = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * INT64_C(1000000) +
                     use.ru_utime.tv_usec + use.ru_stime.tv_usec;
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_CPU), cpu_us);
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_RSS), resident_bytes());
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_FDS), open_fds());
    set_rebuild(r);
    fd_metrics_render(r->metrics, out);
    return 200;
}

static int serve_health(void *self, fd_strbuf *out)
{
    fd_worker_status s;
    bool connected = snapshot(self, &s);
    int64_t age_ns = fd_cli_mono_ns() - s.stepped_ns;
    bool alive = !connected || s.stepped_ns == 0 || age_ns < ALIVE_NS;
    fd_strbuf_printf(out, "{\"alive\": %s, \"last_step_ms\": %lld}\n", alive ? "true" : "false",
                     connected && s.stepped_ns != 0 ? (long long)(age_ns / 1000000) : -1LL);
    return alive ? 200 : 503;
}

struct missing {
    bool is;
    const char *text;
};

static int serve_ready(void *self, fd_strbuf *out)
{
    fd_worker_status s;
    bool connected = snapshot(self, &s);
    char redo[160];
    double rate = s.redo_ns > 0 ? (double)s.redo_events * 1e9 / (double)s.redo_ns : 0;
    snprintf(redo, sizeof redo,
             "window state is being redone: %llu events, %.0f/s, %llu records left, %.0f s to go",
             (unsigned long long)s.redo_events, rate, (unsigned long long)s.redo_left,
             rate > 0 ? (double)s.redo_left / rate : 0.0);
    const struct missing list[] = {
        {!connected, "kafka cannot be reached yet"},
        {connected && !s.opened, "transactional producers are not open yet"},
        {connected && !s.joined, "no partitions assigned by the group yet"},
        {s.assigned != s.live && s.redo_left == 0, "some partitions are being started"},
        {s.redo_left > 0 && s.assigned != s.live, redo},
        {s.store_down, s.store_text[0] != '\0' ? s.store_text : "the state store does not answer"},
        {s.memory_full, "the memory for windows is full (state.memory): decisions wait"},
        {s.recovering, "a transaction is being recovered"},
        {s.breaker, "too many invalid events: intake paused (POST /-/resume)"},
        {s.waiting_schema > 0, s.schema_text},
    };
    bool ready = true;
    fd_strbuf_puts(out, "{\"missing\": [");
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (!list[i].is)
            continue;
        if (!ready)
            fd_strbuf_puts(out, ", ");
        fd_strbuf_json(out, fd_str_from(list[i].text));
        ready = false;
    }
    fd_strbuf_printf(out, "], \"ready\": %s}\n", ready ? "true" : "false");
    return ready ? 200 : 503;
}

static int serve_status(void *self, fd_strbuf *out)
{
    fd_run *r = self;
    fd_worker_status s;
    snapshot(r, &s);
    fd_status_sample now;
    fd_status_take(r->metrics, fd_cli_mono_ns(), &now);
    fd_strbuf_printf(out,
                     "{\"version\": \"%s\", \"config_hash\": \"%s\", "
                     "\"assigned\": %u, \"live\": %u, \"in_flight\": %u, \"queued\": %u, "
                     "\"recovering\": %s",
                     FD_VERSION, r->config_hash.hex, s.assigned, s.live, s.in_flight, s.queued,
                     s.recovering ? "true" : "false");
    fd_reloader_status_json(r->reloader, out);
    fd_strbuf_puts(out, ", \"since_start\": ");
    fd_status_json(&r->first_sample, &now, out);
    fd_strbuf_puts(out, ", \"rule_anomalies\": ");
    fd_telemetry_anomalies_json(r->telemetry, out);
    fd_strbuf_puts(out, "}\n");
    return 200;
}

static int serve_rules(void *self, fd_strbuf *out)
{
    fd_run *r = self;
    fd_worker_status s;
    snapshot(r, &s);
    fd_reloader_rules_json(r->reloader, &s.rebuild, out);
    return 200;
}

static void serve_reload(void *self, fd_admin_ticket *ticket)
{
    fd_run *r = self;
    fd_reloader_request(r->reloader, ticket);
}

static int serve_resume(void *self, fd_strbuf *out)
{
    fd_run *r = self;
    fd_worker *w = atomic_load(&r->worker);
    if (w == NULL) {
        fd_strbuf_puts(out, "{\"error\": \"not started yet\"}\n");
        return 409;
    }
    fd_worker_resume(w);
    FD_LOG(r->log, FD_LOG_WARN, "poison breaker closed by an operator");
    fd_strbuf_puts(out, "{\"resumed\": true}\n");
    return 200;
}

static int serve_consent(void *self, const char *topic, int32_t partition, int64_t through,
                         fd_strbuf *out)
{
    fd_run *r = self;
    fd_err err = {0};
    if (!fd_run_consents_add(r, topic, partition, through, &err)) {
        fd_strbuf_puts(out, "{\"error\": ");
        fd_strbuf_json(out, fd_str_from(err.text));
        fd_strbuf_puts(out, "}\n");
        return 409;
    }
    FD_LOG(r->log, FD_LOG_WARN, "unknown schema consented", fd_log_str("topic", topic),
           fd_log_int("partition", partition), fd_log_int("through", through));
    fd_strbuf_puts(out, "{\"consented\": true}\n");
    return 200;
}

int fd_run_serve(fd_run *r)
{
    static const fd_admin_ops ops = {
        .metrics = serve_metrics,
        .health = serve_health,
        .ready = serve_ready,
        .status = serve_status,
        .rules = serve_rules,
        .reload = serve_reload,
        .resume = serve_resume,
        .consent = serve_consent,
    };
    fd_metric_set(fd_metrics_get(r->metrics, FD_M_STARTED), fd_cli_wall_ms());
    const char *build[] = {FD_VERSION};
    fd_metric_set(fd_metrics_series(r->metrics, FD_M_BUILD, build), 1);
    fd_status_take(r->metrics, fd_cli_mono_ns(), &r->first_sample);
    const fd_listen *listen = &r->config->http.listen;
    if (!listen->on)
        return FD_EXIT_OK;
    fd_admin_setup setup = {.host = listen->host, .port = listen->port, .ops = &ops, .self = r};
    fd_err err = {0};
    if (fd_admin_start(&setup, &r->admin, &err) != FD_OK)
        return fd_cli_fail(&err);
    FD_LOG(r->log, FD_LOG_INFO, "http listening", fd_log_str("host", listen->host),
           fd_log_int("port", fd_admin_port(r->admin)));
    return FD_EXIT_OK;
}
