/*
 * The reloader's thread: waits for what may be a reason to read the rules again, and passes on what
 * the worker reports. See reloader.h for the threads.
 */
#include "app/reload/reloader.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/reload/reloader_int.h"
#include "base/assert.h"

static const int64_t MS = 1000000;
static const int64_t DEBOUNCE_MOST_NS = INT64_C(2000) * 1000000;
static const int64_t HEARD_OF_NS = INT64_C(5000) * 1000000; /* the worker steps every 100 ms */
static const int64_t PROGRESS_NS = INT64_C(5000) * 1000000;

static void wake(fd_reloader *r)
{
    uint64_t one = 1;
    ssize_t n = write(r->wake_fd, &one, sizeof one);
    FD_ASSERT(n == (ssize_t)sizeof one);
}

static sigset_t hangup_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    return set;
}

fd_reloader *fd_reloader_new(const fd_reloader_setup *setup, const fd_program *start)
{
    fd_reloader *r = calloc(1, sizeof *r);
    FD_ALLOCATED(r);
    r->setup = *setup;
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigset_t set = hangup_set();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    FD_ASSERT(r->wake_fd >= 0 && r->signal_fd >= 0);
    r->told_end = &r->told;
    pthread_mutex_init(&r->box_lock, NULL);
    pthread_mutex_init(&r->lock, NULL);
    int64_t now_ms = fd_cli_wall_ms();
    r->seen = setup->seen;
    fd_reloader_follow(r, start);
    fd_set_view *view = fd_set_view_new(start, FD_TRIGGER_START, now_ms);
    view->since_ms = now_ms;
    view->n_files = fd_watch_n_files(setup->watch);
    memcpy(view->config, setup->config_hash.hex, sizeof view->config);
    fd_standing_init(&r->standing, view);
    fd_metric_set(fd_metrics_get(setup->metrics, FD_M_RELOAD_OK), 1);
    return r;
}

static fd_told *take_told(fd_reloader *r)
{
    pthread_mutex_lock(&r->box_lock);
    fd_told *told = r->told;
    r->told = NULL;
    r->told_end = &r->told;
    pthread_mutex_unlock(&r->box_lock);
    return told;
}

void fd_reloader_free(fd_reloader *r)
{
    if (r == NULL)
        return;
    FD_ASSERT(!r->started);
    FD_ASSERT(r->n_tickets == 0);
    for (fd_told *told = take_told(r), *next; told != NULL; told = next) {
        next = told->next;
        free(told);
    }
    close(r->wake_fd);
    close(r->signal_fd);
    fd_standing_free(&r->standing);
    fd_watch_free(r->setup.watch);
    pthread_mutex_destroy(&r->box_lock);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- what others put in ---- */

static void refuse_ticket(fd_admin_ticket *ticket, int status, const char *why)
{
    fd_strbuf body = {0};
    fd_strbuf_printf(&body, "{\"error\": \"%s\"}\n", why);
    fd_admin_answer(ticket, status, &body);
}

void fd_reloader_request(fd_reloader *r, fd_admin_ticket *ticket)
{
    pthread_mutex_lock(&r->box_lock);
    bool started = r->worker != NULL, closed = r->closed;
    bool taken = started && !closed && r->n_tickets < FD_RELOAD_TICKETS;
    if (taken)
        r->tickets[r->n_tickets++] = ticket;
    pthread_mutex_unlock(&r->box_lock);
    if (taken)
        wake(r);
    else if (closed)
        refuse_ticket(ticket, 503, "stopping");
    else
        refuse_ticket(ticket, started ? 503 : 409,
                      started ? "too many requests" : "not started yet");
}

void fd_reloader_told(fd_reloader *r, const fd_program_report *report)
{
    fd_told *told = calloc(1, sizeof *told);
    FD_ALLOCATED(told);
    told->stage = report->stage;
    told->from_us = report->from_us;
    told->n_partitions = report->n;
    snprintf(told->ruleset, sizeof told->ruleset, "%s", report->ruleset);
    snprintf(told->lists, sizeof told->lists, "%s", report->lists);
    snprintf(told->models, sizeof told->models, "%s", report->models);
    snprintf(told->why, sizeof told->why, "%s", report->why == NULL ? "" : report->why);
    pthread_mutex_lock(&r->box_lock);
    *r->told_end = told;
    r->told_end = &told->next;
    pthread_mutex_unlock(&r->box_lock);
    wake(r);
}

/* ---- what the worker reports ---- */

static void say_decides(fd_reloader *r, const fd_told *told)
{
    const fd_reloader_setup *s = &r->setup;
    fd_strbuf from = {0};
    if (told->from_us != INT64_MIN)
        fd_strbuf_time(&from, told->from_us / 1000);
    fd_telemetry_set_ruleset(s->telemetry, told->ruleset, told->lists, s->config_hash.hex);
    fd_metric_add(fd_metrics_get(s->metrics, FD_M_SWITCHES), 1);
    FD_LOG(s->log, FD_LOG_INFO, "rules decide", fd_log_str("ruleset", told->ruleset),
           fd_log_str("lists_hash", told->lists), fd_log_str("models_hash", told->models),
           fd_log_str("activate_at", from.p), fd_log_uint("partitions", told->n_partitions));
    fd_strbuf_free(&from);
}

static void say(fd_reloader *r, const fd_told *told)
{
    const fd_reloader_setup *s = &r->setup;
    switch (told->stage) {
    case FD_PROGRAM_DECIDES:
        say_decides(r, told);
        break;
    case FD_PROGRAM_REBUILDING:
        r->progress_ns = fd_cli_mono_ns() + PROGRESS_NS;
        FD_LOG(s->log, FD_LOG_INFO, "rules wait for their windows",
               fd_log_str("ruleset", told->ruleset));
        break;
    case FD_PROGRAM_GIVEN_UP:
        fd_metric_add(fd_metrics_get(s->metrics, FD_M_GIVEN_UP), 1);
        FD_LOG(s->log, FD_LOG_WARN, "rules given up", fd_log_str("ruleset", told->ruleset),
               fd_log_str("text", told->why));
        break;
    }
}

static void hear_one(fd_reloader *r, const fd_told *told)
{
    const fd_program_report report = {.stage = told->stage,
                                      .ruleset = told->ruleset,
                                      .lists = told->lists,
                                      .models = told->models,
                                      .why = told->why,
                                      .from_us = told->from_us};
    say(r, told);
    r->told_ns = fd_cli_mono_ns();
    pthread_mutex_lock(&r->lock);
    fd_standing_told(&r->standing, &report, fd_cli_wall_ms());
    bool ok = !r->standing.refusal.stands;
    pthread_mutex_unlock(&r->lock);
    fd_metric_set(fd_metrics_get(r->setup.metrics, FD_M_RELOAD_OK), ok);
}

static void settle(fd_reloader *r, const fd_worker_status *s)
{
    pthread_mutex_lock(&r->lock);
    bool settled = r->standing.scheduled != NULL && s->switches_at_us == INT64_MIN &&
                   s->stepped_ns > r->told_ns;
    if (settled)
        fd_standing_settle(&r->standing);
    pthread_mutex_unlock(&r->lock);
    if (settled)
        FD_LOG(r->setup.log, FD_LOG_INFO, "rules decide alone, activate_at has passed");
}

static void say_progress(fd_reloader *r, const fd_worker_rebuild *b)
{
    int64_t now = fd_cli_mono_ns();
    if (!b->on || now < r->progress_ns)
        return;
    r->progress_ns = now + PROGRESS_NS;
    double rate = b->ns > 0 ? (double)b->events * 1e9 / (double)b->ns : 0;
    FD_LOG(r->setup.log, FD_LOG_INFO, "rules wait for their windows, progress",
           fd_log_str("ruleset", b->ruleset), fd_log_uint("events", b->events),
           fd_log_uint("left", b->left), fd_log_dbl("events_per_s", rate),
           fd_log_dbl("eta_s", rate > 0 ? (double)b->left / rate : 0));
}

void fd_reloader_hear(fd_reloader *r)
{
    uint64_t count;
    while (read(r->wake_fd, &count, sizeof count) > 0)
        ;
    fd_worker_status s;
    fd_worker_status_get(r->worker, &s);
    fd_told *told = take_told(r);
    if (told == NULL)
        settle(r, &s);
    for (fd_told *next; told != NULL; told = next) {
        next = told->next;
        hear_one(r, told);
        free(told);
    }
    say_progress(r, &s.rebuild);
    fd_worker_sweep(r->worker);
}

fd_place_of_set fd_reloader_wait(fd_reloader *r, uint64_t serial)
{
    int64_t until = fd_cli_mono_ns() + HEARD_OF_NS;
    for (;;) {
        fd_reloader_hear(r);
        pthread_mutex_lock(&r->lock);
        fd_place_of_set place = fd_standing_place(&r->standing, serial);
        pthread_mutex_unlock(&r->lock);
        if (place != FD_SET_OFFERED || atomic_load(&r->stopping) || fd_cli_mono_ns() >= until)
            return place;
        struct pollfd fd = {.fd = r->wake_fd, .events = POLLIN};
        poll(&fd, 1, 100);
    }
}

/* ---- reasons to look ---- */

static bool heard_hangup(fd_reloader *r)
{
    struct signalfd_siginfo info;
    bool heard = false;
    while (read(r->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        heard = true;
    return heard;
}

static void hear_watch(fd_reloader *r)
{
    if (!fd_watch_hear(r->setup.watch))
        return;
    r->last_heard_ns = fd_cli_mono_ns();
    if (r->heard_ns == 0)
        r->heard_ns = r->last_heard_ns;
}

/* When the files have been quiet for long enough, or restless for too long. */
static int64_t debounced_ns(const fd_reloader *r)
{
    int64_t quiet = r->setup.config->reload.debounce_us * 1000;
    int64_t most = quiet > DEBOUNCE_MOST_NS ? quiet : DEBOUNCE_MOST_NS;
    int64_t a = r->last_heard_ns + quiet, b = r->heard_ns + most;
    return a < b ? a : b;
}

static int64_t next_ns(const fd_reloader *r, int64_t now)
{
    int64_t next = r->poll_ns;
    if (r->heard_ns != 0 && debounced_ns(r) < next)
        next = debounced_ns(r);
    bool waits = r->standing.n_offered > 0 || r->standing.scheduled != NULL;
    if (waits && now + 1000 * MS < next)
        next = now + 1000 * MS;
    return next;
}

static void wait_for_a_reason(fd_reloader *r)
{
    int64_t now = fd_cli_mono_ns();
    int64_t ms = (next_ns(r, now) - now + MS - 1) / MS;
    struct pollfd fds[] = {{.fd = r->wake_fd, .events = POLLIN},
                           {.fd = r->signal_fd, .events = POLLIN},
                           {.fd = fd_watch_fd(r->setup.watch), .events = POLLIN}};
    poll(fds, sizeof fds / sizeof fds[0], ms < 0 ? 0 : (int)ms);
}

static uint32_t take_tickets(fd_reloader *r, fd_admin_ticket **tickets)
{
    pthread_mutex_lock(&r->box_lock);
    uint32_t n = r->n_tickets;
    memcpy(tickets, r->tickets, n * sizeof *tickets);
    r->n_tickets = 0;
    pthread_mutex_unlock(&r->box_lock);
    return n;
}

static void answer(fd_admin_ticket **tickets, uint32_t n, int status, const fd_strbuf *text)
{
    for (uint32_t i = 0; i < n; i++) {
        fd_strbuf body = {0};
        fd_strbuf_add(&body, text->p, text->n);
        fd_admin_answer(tickets[i], status, &body);
    }
}

/* The most explicit of the reasons names the attempt that all of them share. */
static void act(fd_reloader *r)
{
    fd_admin_ticket *tickets[FD_RELOAD_TICKETS];
    uint32_t n = take_tickets(r, tickets);
    bool hangup = heard_hangup(r);
    int64_t now = fd_cli_mono_ns();
    bool watched = r->heard_ns != 0 && now >= debounced_ns(r), polled = now >= r->poll_ns;
    if (n == 0 && !hangup && !watched && !polled)
        return;
    r->heard_ns = 0;
    fd_strbuf text = {0};
    fd_trigger trigger = n > 0     ? FD_TRIGGER_HTTP
                         : hangup  ? FD_TRIGGER_SIGHUP
                         : watched ? FD_TRIGGER_WATCH
                                   : FD_TRIGGER_POLL;
    int status = fd_reloader_attempt(r, trigger, n > 0 || hangup, &text);
    answer(tickets, n, status, &text);
    fd_strbuf_free(&text);
    r->poll_ns = fd_cli_mono_ns() + r->setup.config->reload.poll_interval_us * 1000;
}

static void say_trouble(fd_reloader *r)
{
    const char *now = fd_watch_trouble(r->setup.watch);
    char head[sizeof r->trouble];
    snprintf(head, sizeof head, "%.*s", (int)sizeof head - 1, now);
    if (strcmp(head, r->trouble) == 0)
        return;
    memcpy(r->trouble, head, sizeof head);
    if (head[0] != '\0')
        FD_LOG(r->setup.log, FD_LOG_WARN, "changes of rules are found by polling only",
               fd_log_str("text", head));
}

static void close_box(fd_reloader *r)
{
    pthread_mutex_lock(&r->box_lock);
    r->closed = true;
    pthread_mutex_unlock(&r->box_lock);
    fd_admin_ticket *tickets[FD_RELOAD_TICKETS];
    uint32_t n = take_tickets(r, tickets);
    for (uint32_t i = 0; i < n; i++)
        refuse_ticket(tickets[i], 503, "stopping");
}

static void *reloader_main(void *arg)
{
    fd_reloader *r = arg;
    while (!atomic_load(&r->stopping)) {
        fd_reloader_hear(r);
        hear_watch(r);
        act(r);
        say_trouble(r);
        wait_for_a_reason(r);
    }
    close_box(r);
    return NULL;
}

void fd_reloader_start(fd_reloader *r, fd_worker *worker, fd_archive *archive)
{
    FD_ASSERT(!r->started);
    r->archive = archive;
    pthread_mutex_lock(&r->box_lock);
    r->worker = worker;
    pthread_mutex_unlock(&r->box_lock);
    int rc = pthread_create(&r->thread, NULL, reloader_main, r);
    FD_ASSERT(rc == 0);
    r->started = true;
}

void fd_reloader_stop(fd_reloader *r)
{
    if (!r->started)
        return;
    atomic_store(&r->stopping, true);
    wake(r);
    pthread_join(r->thread, NULL);
    r->started = false;
}

/* ---- what others ask ---- */

void fd_reloader_rules_json(fd_reloader *r, const fd_worker_rebuild *rebuild, fd_strbuf *out)
{
    pthread_mutex_lock(&r->lock);
    fd_standing_json(&r->standing, rebuild, r->setup.metrics, out);
    pthread_mutex_unlock(&r->lock);
}

void fd_reloader_status_json(fd_reloader *r, fd_strbuf *out)
{
    pthread_mutex_lock(&r->lock);
    const fd_standing *s = &r->standing;
    const fd_set_view *newest = fd_standing_newest(s);
    fd_strbuf_printf(out, ", \"ruleset\": \"%s\", \"lists_hash\": \"%s\", \"candidate\": ",
                     s->deciding->ruleset, s->deciding->lists);
    if (newest == s->deciding)
        fd_strbuf_puts(out, "null");
    else
        fd_strbuf_printf(out, "\"%s\"", newest->ruleset);
    fd_strbuf_printf(out, ", \"last_reload_refused\": %s", s->refusal.stands ? "true" : "false");
    pthread_mutex_unlock(&r->lock);
}
