/*
 * `fraudd run`: the life of the service, as a list of phases.
 *
 * load -> serve HTTP -> wait for Kafka -> join -> step until stopped -> drain -> leave. The first
 * SIGTERM or SIGINT drains and commits within shutdown.timeout; the second ends the process at
 * once, which loses nothing either: what was not committed is decided again. Main thread.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/commands.h"
#include "app/configure.h"
#include "app/run.h"
#include "base/assert.h"

enum { STEP_WAIT_US = 100 * 1000 };
static const int64_t STATUS_EVERY_NS = 1000 * 1000 * 1000;

static volatile sig_atomic_t stop_signal;

static void on_stop(int sig)
{
    if (stop_signal != 0)
        _exit(128 + sig);
    stop_signal = sig;
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop};
    sigemptyset(&stop.sa_mask);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* SIGHUP is the reloader's */
}

bool fd_run_asked_to_stop(void)
{
    return stop_signal != 0;
}

static int64_t mono_ns(void *self)
{
    (void)self;
    return fd_cli_mono_ns();
}

static int64_t wall_ms(void *self)
{
    (void)self;
    return fd_cli_wall_ms();
}

const fd_clock fd_run_clock = {.mono_ns = mono_ns, .wall_ms = wall_ms};

/* One line below the log, for who watches. */
static void show_status(fd_run *r, fd_status_sample *before, int64_t now)
{
    if (now - before->mono_ns < STATUS_EVERY_NS)
        return;
    static fd_status_sample sample; /* large: two histograms do not belong on the stack */
    struct winsize size = {.ws_col = 0};
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    fd_status_take(r->metrics, now, &sample);
    fd_strbuf line = {0};
    fd_status_line(before, &sample, size.ws_col, &line);
    fd_log_set_status(r->log, line.p == NULL ? "" : line.p);
    fd_strbuf_free(&line);
    *before = sample;
}

/* True while there is reason to go on. */
static bool mind_the_stop(fd_run *r)
{
    if (stop_signal == 0)
        return true;
    int64_t now = fd_cli_mono_ns();
    if (r->stop_deadline_ns == 0) {
        r->stop_deadline_ns = now + r->config->shutdown.timeout_us * 1000;
        FD_LOG(r->log, FD_LOG_INFO, "stopping", fd_log_int("signal", stop_signal));
        fd_worker_stop(r->worker);
    }
    return now < r->stop_deadline_ns;
}

/* Lanes may hang in a broker call; at the limit the process ends without them. */
static void give_up(fd_run *r)
{
    FD_LOG(r->log, FD_LOG_ERROR, "not drained within shutdown.timeout",
           fd_log_str("text", "what was not committed will be decided again"));
    _exit(128 + stop_signal);
}

static int serve_until_stopped(fd_run *r)
{
    static fd_status_sample shown;
    bool terminal = isatty(STDERR_FILENO) && r->config->log.format == FD_LOG_FORMAT_TEXT;
    fd_status_take(r->metrics, fd_cli_mono_ns(), &shown);
    fd_run_start_lanes(r);
    fd_reloader_start(r->reloader, r->worker, r->archive);
    fd_worker_state state;
    do {
        state = fd_worker_step(r->worker, STEP_WAIT_US);
        if (terminal)
            show_status(r, &shown, fd_cli_mono_ns());
        if (!mind_the_stop(r) && state == FD_WORKER_RUNNING)
            give_up(r);
    } while (state == FD_WORKER_RUNNING);
    if (terminal)
        fd_log_set_status(r->log, "");
    fd_committer_stop(fd_worker_committer(r->worker));
    if (state == FD_WORKER_FAILED) {
        const fd_err *err = fd_worker_failure(r->worker);
        FD_LOG(r->log, FD_LOG_ERROR, "cannot go on", fd_log_str("text", err->text));
        fflush(stderr);
        /* A lane may wait for a broker that never answers: nothing of it is worth waiting for. */
        _exit(err->exit_code != 0 ? err->exit_code : FD_EXIT_UNAVAILABLE);
    }
    fd_run_join_lanes(r);
    fd_reloader_stop(r->reloader);
    FD_LOG(r->log, FD_LOG_INFO, "drained",
           fd_log_int("events", fd_metrics_sum(r->metrics, FD_M_EVENTS)),
           fd_log_int("dead_letters", fd_metrics_sum(r->metrics, FD_M_DEAD_LETTERS)));
    return FD_EXIT_OK;
}

static int phases(fd_run *r)
{
    int code = fd_run_load(r);
    if (code == FD_EXIT_OK)
        code = fd_run_serve(r);
    if (code == FD_EXIT_OK)
        code = fd_run_connect(r);
    if (code == FD_EXIT_OK && r->worker != NULL)
        code = serve_until_stopped(r);
    return code;
}

int fd_cmd_run(int argc, char **argv)
{
    static fd_run r;
    int code = fd_configure("run", "Decides events from Kafka, exactly once, until SIGTERM.", argc,
                            argv, &r.config);
    if (code != FD_CLI_GO_ON)
        return code;
    catch_signals();
    pthread_mutex_init(&r.consent_lock, NULL);
    r.metrics = fd_metrics_new();
    fd_log_setup setup = {.fd = STDERR_FILENO,
                          .level = r.config->log.level,
                          .format = r.config->log.format,
                          .wall_ms = wall_ms,
                          .metrics = r.metrics};
    r.log = fd_log_new(&setup);
    code = phases(&r);
    fd_admin_stop(r.admin);
    fd_run_disconnect(&r);
    fd_run_unload(&r);
    fd_log_free(r.log);
    fd_metrics_free(r.metrics);
    fd_config_free(r.config);
    return code;
}
