/* Hearing of changes; see watch.h. One owner at a time. */
#include "app/reload/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/reload/watch_int.h"
#include "base/assert.h"

enum { SELF_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW };
enum {
    EVENTS = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
             IN_DELETE_SELF | IN_MOVE_SELF
};

static char *copy(const char *text)
{
    char *own = strdup(text);
    FD_ALLOCATED(own);
    return own;
}

static char *absolute(const char *path)
{
    char cwd[PATH_MAX], whole[2 * PATH_MAX];
    if (path[0] == '/' || getcwd(cwd, sizeof cwd) == NULL)
        return copy(path);
    snprintf(whole, sizeof whole, "%s/%s", cwd, path);
    return copy(whole);
}

static void free_paths(char **paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
}

bool fd_watch_set_roots(fd_watch *w, const char *const *roots, size_t n)
{
    char **paths = calloc(n + 1, sizeof *paths);
    FD_ALLOCATED(paths);
    bool same = n == w->n_roots;
    for (size_t i = 0; i < n; i++) {
        paths[i] = absolute(roots[i]);
        same = same && strcmp(paths[i], w->roots[i]) == 0;
    }
    free_paths(w->roots, w->n_roots);
    w->roots = paths;
    w->n_roots = n;
    return !same;
}

fd_watch *fd_watch_new(const char *const *roots, size_t n)
{
    fd_watch *w = calloc(1, sizeof *w);
    FD_ALLOCATED(w);
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0)
        fd_watch_note(w, "inotify", strerror(errno));
    fd_watch_set_roots(w, roots, n);
    return w;
}

static void forget_names(fd_watch_dir *d)
{
    for (size_t i = 0; i < d->n_names; i++)
        free(d->names[i]);
    free(d->names);
    d->names = NULL;
    d->n_names = 0;
}

static void free_dir(fd_watch_dir *d)
{
    forget_names(d);
    free(d->path);
}

void fd_watch_free(fd_watch *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->n_dirs; i++)
        free_dir(&w->dirs[i]);
    free(w->dirs);
    free_paths(w->roots, w->n_roots);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}

int fd_watch_fd(const fd_watch *w)
{
    return w->fd;
}

const char *fd_watch_trouble(const fd_watch *w)
{
    return w->trouble;
}

uint32_t fd_watch_n_files(const fd_watch *w)
{
    return w->n_files;
}

void fd_watch_note(fd_watch *w, const char *path, const char *what)
{
    if (w->trouble[0] == '\0')
        snprintf(w->trouble, sizeof w->trouble, "%s: %s", path, what);
}

static fd_watch_dir *by_path(fd_watch *w, const char *path)
{
    for (size_t i = 0; i < w->n_dirs; i++) {
        if (w->dirs[i].look == w->look && strcmp(w->dirs[i].path, path) == 0)
            return &w->dirs[i];
    }
    return NULL;
}

static fd_watch_dir *by_wd(fd_watch *w, int wd)
{
    for (size_t i = 0; i < w->n_dirs; i++) {
        if (w->dirs[i].wd == wd)
            return &w->dirs[i];
    }
    return NULL;
}

/* The kernel knows directories by what they are: one that was replaced gets another number. */
static fd_watch_dir *watch_dir(fd_watch *w, const char *path)
{
    int wd = inotify_add_watch(w->fd, path, EVENTS | IN_ONLYDIR);
    if (wd < 0) {
        if (errno == ENOSPC)
            fd_watch_note(w, path, "fs.inotify.max_user_watches is used up");
        return NULL; /* it is gone, or not to be looked into: looking now and then has to do */
    }
    fd_watch_dir *d = by_wd(w, wd);
    if (d == NULL) {
        w->dirs = realloc(w->dirs, (w->n_dirs + 1) * sizeof *w->dirs);
        FD_ALLOCATED(w->dirs);
        d = &w->dirs[w->n_dirs++];
        *d = (fd_watch_dir){.wd = wd};
    }
    if (d->look != w->look) {
        forget_names(d);
        d->all = false;
    }
    free(d->path);
    d->path = copy(path);
    d->look = w->look;
    return d;
}

static bool has_name(const fd_watch_dir *d, const char *name)
{
    for (size_t i = 0; i < d->n_names; i++) {
        if (strcmp(d->names[i], name) == 0)
            return true;
    }
    return false;
}

void fd_watch_dir_add(fd_watch *w, const char *path, const char *name)
{
    if (w->fd < 0)
        return;
    fd_watch_dir *d = by_path(w, path);
    if (d == NULL && w->n_dirs == FD_WATCH_MAX_DIRS) {
        fd_watch_note(w, path, "more directories than can be watched");
        return;
    }
    if (d == NULL)
        d = watch_dir(w, path);
    if (d == NULL)
        return;
    if (name == NULL) {
        d->all = true;
    } else if (!has_name(d, name)) {
        d->names = realloc(d->names, (d->n_names + 1) * sizeof *d->names);
        FD_ALLOCATED(d->names);
        d->names[d->n_names++] = copy(name);
    }
}

void fd_watch_dir_sweep(fd_watch *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->n_dirs; i++) {
        if (w->dirs[i].look == w->look) {
            w->dirs[kept++] = w->dirs[i];
            continue;
        }
        inotify_rm_watch(w->fd, w->dirs[i].wd);
        free_dir(&w->dirs[i]);
    }
    w->n_dirs = kept;
}

/* A file that is being written says so again when it is closed. */
static bool comes_again(const fd_watch_dir *d, const char *name)
{
    char path[2 * PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", d->path, name);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static bool matters(fd_watch *w, const struct inotify_event *e)
{
    if ((e->mask & IN_Q_OVERFLOW) != 0)
        return true;
    const fd_watch_dir *d = by_wd(w, e->wd);
    if (d == NULL)
        return false;
    if ((e->mask & SELF_EVENTS) != 0)
        return true;
    if (e->len == 0 || !(d->all || has_name(d, e->name)))
        return false;
    return !((e->mask & IN_CREATE) != 0 && comes_again(d, e->name));
}

bool fd_watch_hear(fd_watch *w)
{
    _Alignas(struct inotify_event) char block[16 * 1024];
    bool heard = false;
    ssize_t n;
    while (w->fd >= 0 && (n = read(w->fd, block, sizeof block)) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const void *)(block + at);
            heard = matters(w, e) || heard;
            at += (ssize_t)(sizeof *e + e->len);
        }
    }
    return heard;
}
