/*
 * Directories of files that people and machines change, watched.
 *
 * Watched are the directories, never the files (a file that is replaced takes its watch with it):
 * those given, with all below them, every directory that a symbolic link on the way leads through,
 * and those above, for the name that leads down. So it notices files edited in place, renamed over,
 * exchanged by a kubelet (a link named ..data is renamed), directories that are replaced, or
 * deleted and made again. What it hears is only a reason to look; the fingerprint of names and
 * bytes says whether anything is different: a file that is touched is not. Hidden names are passed
 * over, unless a link leads there. Bounded: beyond FD_WATCH_MAX_FILES files or FD_WATCH_MAX_DIRS
 * directories the rest is not seen, and fd_watch_trouble says so.
 *
 * Needs inotify; without it (its limits, some network file systems) only looking now and then
 * tells. One owner at a time.
 */
#ifndef FD_APP_RELOAD_WATCH_H
#define FD_APP_RELOAD_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FD_WATCH_MAX_FILES = 20000, FD_WATCH_MAX_DIRS = 4096, FD_WATCH_MAX_DEPTH = 16 };

typedef struct fd_watch fd_watch;

/* Paths, absolute or from the working directory of now; a file is watched as its directory is. They
 * need not exist. */
fd_watch *fd_watch_new(const char *const *roots, size_t n);
void fd_watch_free(fd_watch *w); /* NULL is fine */
/* Other paths from the next look on. False: they are the same. */
bool fd_watch_set_roots(fd_watch *w, const char *const *roots, size_t n);

/* Watches what is there now, and hashes it. Two looks give the same when nothing has changed
 * between them; what changes after a look began is heard. */
uint64_t fd_watch_look(fd_watch *w);
uint32_t fd_watch_n_files(const fd_watch *w); /* of the last look */

/* Readable when there is something to hear; -1: never. For poll(2). */
int fd_watch_fd(const fd_watch *w);
/* Takes in what there is to hear, without waiting. True: look again. */
bool fd_watch_hear(fd_watch *w);
/* Why some changes are found by looking only; "" when there is no reason. */
const char *fd_watch_trouble(const fd_watch *w);

#endif
