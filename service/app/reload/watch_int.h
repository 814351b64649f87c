/* Inside the watch: what watch.c hears and watch_tree.c looks at. One owner at a time. */
#ifndef FD_APP_RELOAD_WATCH_INT_H
#define FD_APP_RELOAD_WATCH_INT_H

#include <limits.h>

#include "app/reload/watch.h"

/* One watched directory. */
typedef struct fd_watch_dir {
    int wd;
    char *path;    /* without links */
    uint64_t look; /* the latest that came by */
    bool all;      /* every name in it matters; else those below */
    char **names;
    size_t n_names;
} fd_watch_dir;

struct fd_watch {
    int fd; /* of inotify; -1: none */
    char **roots;
    size_t n_roots;
    fd_watch_dir *dirs;
    size_t n_dirs;
    uint64_t look;
    uint32_t n_files, n_seen; /* of this look: files; names in directories */
    uint64_t hash;
    char trouble[PATH_MAX + 200];
};

/* `name` in the directory matters, NULL: every name. The path has no links. */
void fd_watch_dir_add(fd_watch *w, const char *path, const char *name);
/* Forgets the directories that this look did not come by. */
void fd_watch_dir_sweep(fd_watch *w);
void fd_watch_note(fd_watch *w, const char *path, const char *what);

#endif
