/*
 * Looking things up in an archive: the set of a hash, its files, the activation log. For tools.
 * One owner at a time.
 */
#ifndef FD_APP_ARCHIVE_FIND_H
#define FD_APP_ARCHIVE_FIND_H

#include "app/archive/activations.h"
#include "app/archive/set.h"

typedef struct fd_archive_finder {
    fd_place place;
    fd_archive_set *sets; /* sorted: rule set, then the one stored last first */
    size_t n_sets;
    size_t broken_sets; /* records that are none */
    fd_activations log;
} fd_archive_finder;

/* Reads what `place` has, and takes it over. */
fd_class fd_archive_finder_open(fd_place place, fd_archive_finder *out, fd_err *err);
void fd_archive_finder_close(fd_archive_finder *f);

/* What is looked for: beginnings of hashes, of at least FD_ARCHIVE_PREFIX digits, or NULL. */
enum { FD_ARCHIVE_PREFIX = 4 };
typedef struct fd_archive_wanted {
    const char *ruleset, *lists, *models, *config;
} fd_archive_wanted;

/* The set; of several of one rule set (its lists or settings have changed) the one stored last,
 * and *others says how many more there are. FATAL with FD_EXIT_CHECK: there is none, or the
 * beginning fits several rule sets. */
fd_class fd_archive_find(const fd_archive_finder *f, const fd_archive_wanted *wanted,
                         const fd_archive_set **out, size_t *others, fd_err *err);

/* All files of a set, checked, by the names they have when they are taken out. */
fd_class fd_archive_files(const fd_archive_finder *f, const fd_archive_set *set, fd_files *out,
                          fd_err *err);
/* Writes them below a directory, which must be new or empty. */
fd_class fd_archive_extract(const fd_files *files, const char *dir, fd_err *err);
/* Is what was taken out into `dir` what decided? Loads rules, lists and models, and compares their
 * hashes. */
fd_class fd_archive_verify(const fd_archive_set *set, const fd_files *files, const char *dir,
                           fd_err *err);

#endif
