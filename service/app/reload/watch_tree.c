/*
 * Looking: from the root of the file system down to every file, one name at a time, so that each
 * directory on the way is watched before it is read. One owner at a time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/reload/watch_int.h"
#include "base/assert.h"
#include "base/hash.h"

enum { LINKS_MAX = 40 };
static const off_t FILE_MAX = (off_t)512 * 1024 * 1024; /* as lists may be; larger ones by size */

static void add(fd_watch *w, const void *bytes, size_t n)
{
    w->hash = fd_hash64(bytes, n, w->hash);
}

static void add_int(fd_watch *w, int64_t v)
{
    add(w, &v, sizeof v);
}

/* ---- one path, link by link ---- */

typedef struct trail {
    char at[PATH_MAX];   /* where it has come to: a directory without links, "" is the root */
    char rest[PATH_MAX]; /* names still to go */
    int links;
} trail;

static bool replace_rest(trail *t, const char *target, const char *after)
{
    char rest[2 * PATH_MAX + 2];
    int n = snprintf(rest, sizeof rest, "%s/%s", target, after);
    if (n < 0 || (size_t)n >= sizeof t->rest || ++t->links > LINKS_MAX)
        return false;
    if (target[0] == '/')
        t->at[0] = '\0';
    memcpy(t->rest, rest, (size_t)n + 1);
    return true;
}

/* The next name of the rest; "" at its end. */
static void take_name(trail *t, char name[NAME_MAX + 1])
{
    const char *p = t->rest + strspn(t->rest, "/");
    size_t n = strcspn(p, "/");
    size_t kept = n > NAME_MAX ? NAME_MAX : n;
    memcpy(name, p, kept);
    name[kept] = '\0';
    memmove(t->rest, p + n, strlen(p + n) + 1);
}

static bool join(char out[PATH_MAX], const char *dir, const char *name)
{
    char whole[2 * PATH_MAX];
    int n = snprintf(whole, sizeof whole, "%s/%s", dir, name);
    if (n < 0 || n >= PATH_MAX)
        return false;
    memcpy(out, whole, (size_t)n + 1);
    return true;
}

/* Follows the trail to its end, watching for each name on it where that name is. False: it leads
 * nowhere now. */
static bool follow(fd_watch *w, trail *t, struct stat *st)
{
    char name[NAME_MAX + 1], path[PATH_MAX], target[PATH_MAX];
    for (take_name(t, name); name[0] != '\0'; take_name(t, name)) {
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(t->at, '/');
            if (slash != NULL)
                *slash = '\0';
            continue;
        }
        fd_watch_dir_add(w, t->at[0] == '\0' ? "/" : t->at, name);
        if (!join(path, t->at, name) || lstat(path, st) != 0)
            return false;
        if (S_ISLNK(st->st_mode)) {
            ssize_t n = readlink(path, target, sizeof target - 1);
            if (n < 0)
                return false;
            target[n] = '\0';
            char after[PATH_MAX];
            memcpy(after, t->rest, sizeof after);
            if (!replace_rest(t, target, after))
                return false;
            continue;
        }
        memcpy(t->at, path, sizeof t->at);
    }
    return lstat(t->at[0] == '\0' ? "/" : t->at, st) == 0;
}

/* ---- what is there ---- */

static void look_at_file(fd_watch *w, const char *path)
{
    char block[64 * 1024];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        add_int(w, fd < 0 ? errno : -1);
        if (fd >= 0)
            close(fd);
        return;
    }
    w->n_files++;
    add_int(w, st.st_size);
    ssize_t n = 0;
    while (st.st_size <= FILE_MAX && (n = read(fd, block, sizeof block)) > 0)
        add(w, block, (size_t)n);
    add_int(w, n);
    close(fd);
}

static void look_at_dir(fd_watch *w, const char *path, int depth);

static void look_at(fd_watch *w, trail *t, int depth)
{
    struct stat st;
    if (!follow(w, t, &st))
        add_int(w, -2);
    else if (S_ISDIR(st.st_mode))
        look_at_dir(w, t->at, depth);
    else if (S_ISREG(st.st_mode))
        look_at_file(w, t->at);
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void look_at_dir(fd_watch *w, const char *path, int depth)
{
    struct dirent **names = NULL;
    if (depth == FD_WATCH_MAX_DEPTH) {
        fd_watch_note(w, path, "too many directories in directories");
        return;
    }
    const char *dir = path[0] == '\0' ? "/" : path;
    fd_watch_dir_add(w, dir, NULL);
    int n = scandir(dir, &names, is_visible, by_name);
    add_int(w, n < 0 ? -errno : n);
    trail *t = malloc(sizeof *t);
    FD_ALLOCATED(t);
    for (int i = 0; i < n; i++) {
        if (w->n_seen++ >= FD_WATCH_MAX_FILES) {
            fd_watch_note(w, path, "more files than can be watched");
        } else {
            *t = (trail){.links = 0};
            snprintf(t->at, sizeof t->at, "%s", path);
            snprintf(t->rest, sizeof t->rest, "%s", names[i]->d_name);
            add(w, names[i]->d_name, strlen(names[i]->d_name) + 1);
            look_at(w, t, depth + 1);
        }
        free(names[i]);
    }
    free(names);
    free(t);
}

uint64_t fd_watch_look(fd_watch *w)
{
    w->look++;
    w->n_files = w->n_seen = 0;
    w->hash = 0;
    if (w->fd >= 0)
        w->trouble[0] = '\0';
    trail *t = malloc(sizeof *t);
    FD_ALLOCATED(t);
    for (size_t i = 0; i < w->n_roots; i++) {
        *t = (trail){.links = 0};
        snprintf(t->rest, sizeof t->rest, "%s", w->roots[i]);
        add_int(w, (int64_t)i);
        look_at(w, t, 0);
    }
    free(t);
    fd_watch_dir_sweep(w);
    return w->hash;
}
