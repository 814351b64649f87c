/*
 * Consents to pass over events of unknown schema, kept in archive.dir/consents.jsonl: one JSON
 * object a line, appended and synced before it takes effect, read at start.
 * Threads: load on main before the others, add on the HTTP server's.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/run.h"
#include "base/assert.h"

static void file_path(const fd_run *r, char *path, size_t n)
{
    snprintf(path, n, "%s/consents.jsonl", r->config->archive.dir);
}

int fd_run_topic(const fd_run *r, const char *topic)
{
    for (size_t i = 0; i < r->config->n_sources; i++) {
        if (strcmp(r->topics[i], topic) == 0)
            return (int)i;
    }
    return -1;
}

/* A line about a topic that is not configured now is somebody else's, or a former one. */
static bool apply(fd_run *r, const char *line)
{
    json_t *root = json_loads(line, 0, NULL);
    const char *topic;
    int partition;
    json_int_t through;
    bool ok = root != NULL && json_unpack(root, "{s:s, s:i, s:I}", "topic", &topic, "partition",
                                          &partition, "through", &through) == 0;
    if (ok) {
        int source = fd_run_topic(r, topic);
        if (source >= 0)
            fd_worker_consent(
                r->worker, (fd_consent){.tp = {(uint16_t)source, partition}, .through = through});
    }
    json_decref(root);
    return ok;
}

bool fd_run_consents_load(fd_run *r, fd_err *err)
{
    char path[4096];
    file_path(r, path, sizeof path);
    FILE *f = r->config->archive.dir[0] == '\0' ? NULL : fopen(path, "re");
    if (f == NULL)
        return true;
    char *line = NULL;
    size_t cap = 0;
    int number = 0;
    bool ok = true;
    while (ok && getline(&line, &cap, f) > 0) {
        number++;
        ok = apply(r, line);
    }
    free(line);
    fclose(f);
    if (!ok)
        fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                "%s:%d: not a consent ({\"topic\": ..., \"partition\": ..., \"through\": ...}): "
                "mend or remove the line",
                path, number);
    return ok;
}

static bool append(const fd_run *r, const char *line, fd_err *err)
{
    char path[4096];
    file_path(r, path, sizeof path);
    if (mkdir(r->config->archive.dir, 0755) != 0 && errno != EEXIST) {
        fd_fail(err, FD_RETRY, 0, "%s: %s", r->config->archive.dir, strerror(errno));
        return false;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    size_t n = strlen(line);
    bool ok = fd >= 0 && write(fd, line, n) == (ssize_t)n && fsync(fd) == 0;
    if (!ok)
        fd_fail(err, FD_RETRY, 0, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

bool fd_run_consents_add(fd_run *r, const char *topic, int32_t partition, int64_t through,
                         fd_err *err)
{
    int source = fd_run_topic(r, topic);
    fd_worker *w = atomic_load(&r->worker);
    if (source < 0 || partition < 0 || through < 0 || w == NULL) {
        fd_fail(err, FD_RETRY, 0, "no such source partition here: %s/%d", topic, partition);
        return false;
    }
    if (r->config->archive.dir[0] == '\0') {
        fd_fail(err, FD_RETRY, 0, "consents are kept in archive.dir, which is not configured");
        return false;
    }
    fd_strbuf line = {0};
    fd_strbuf_puts(&line, "{\"topic\": ");
    fd_strbuf_json(&line, fd_str_from(topic));
    fd_strbuf_printf(&line, ", \"partition\": %d, \"through\": %lld}\n", partition,
                     (long long)through);
    pthread_mutex_lock(&r->consent_lock);
    bool ok = append(r, line.p, err);
    pthread_mutex_unlock(&r->consent_lock);
    fd_strbuf_free(&line);
    if (ok && !fd_worker_consent(
                  w, (fd_consent){.tp = {(uint16_t)source, partition}, .through = through})) {
        fd_fail(err, FD_RETRY, 0, "more than %d consents", FD_CONSENTS_MAX);
        return false;
    }
    return ok;
}
