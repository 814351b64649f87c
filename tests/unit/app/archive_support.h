/*
 * What the tests of the archive share: a rule set with a list and a model in the directory of the
 * moment (../store/support.h), loaded as the service loads it, and its archive.
 */
#ifndef TESTS_UNIT_APP_ARCHIVE_SUPPORT_H
#define TESTS_UNIT_APP_ARCHIVE_SUPPORT_H

#include "app/archive/archive.h"
#include "app/archive/find.h"

typedef struct archive_rig {
    fd_config *config;
    fd_schema *payment, *decision;
    const fd_schema *readers[1];
    fd_engine_source source;
    fd_program *program; /* NULL: not loaded */
    fd_archive *archive; /* NULL: not open */
} archive_rig;

/* Writes rules/, models/ and schema.avsc; `list` is where the rules look for their list. The
 * archive is in arch/. */
void archive_rig_new(archive_rig *r, const char *list);
void archive_rig_load(archive_rig *r);
void archive_rig_open(archive_rig *r);
void archive_rig_free(archive_rig *r);

/* From the beginning of a file, and over it. */
void read_file(const char *path, fd_strbuf *out);
/* The only entry of a directory that begins so; must be freed. */
char *only_entry(const char *dir, const char *head);
/* How many entries a directory has. */
int entries(const char *dir);

#endif
