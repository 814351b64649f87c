/*
 * A set: everything that decides together, as files and as the hashes that decisions carry.
 *
 * Its parts are stored apart, so that what did not change is stored once: a part has its content
 * hash as its name. Taken apart from a loaded program and its configuration, or read from a place.
 * One owner at a time.
 */
#ifndef FD_APP_ARCHIVE_SET_H
#define FD_APP_ARCHIVE_SET_H

#include "app/archive/place.h"
#include "codec/schema.h"
#include "config/config.h"
#include "engine/program.h"

/* X(id, name in the JSON of a set, where the files go when they are taken out). Of the others the
 * names say it: lists and models may be outside of their directories. */
#define FD_ARCHIVE_PARTS(X)     \
    X(RULES, "rules", "rules/") \
    X(LISTS, "lists", "")       \
    X(MODELS, "models", "")     \
    X(CONFIG, "config", "")

typedef enum fd_archive_part {
#define X(id, name, folder) FD_PART_OF_##id,
    FD_ARCHIVE_PARTS(X)
#undef X
        FD_N_ARCHIVE_PARTS
} fd_archive_part;

/* The hashes of a decision; the set of rules is first. "" where there is nothing. */
typedef struct fd_archive_hashes {
    char ruleset[FD_CONTENT_HASH_CHARS + 1];
    char lists[FD_CONTENT_HASH_CHARS + 1];
    char models[FD_CONTENT_HASH_CHARS + 1];
    char config[FD_CONTENT_HASH_CHARS + 1];
} fd_archive_hashes;

typedef struct fd_archive_set {
    fd_archive_hashes hashes;
    char parts[FD_N_ARCHIVE_PARTS][FD_CONTENT_HASH_CHARS + 1]; /* "": it has no files */
    char stored[32]; /* when it was stored first, ISO 8601 */
    char engine[64]; /* by which version */
} fd_archive_set;

/* The name of a set in a place: RULESET.ID, where ID is the hash of all its hashes. */
void fd_archive_set_name(const fd_archive_hashes *hashes, fd_strbuf *out);
void fd_archive_set_json(const fd_archive_set *set, fd_strbuf *out);
/* False: it is none, or not the one of that name. */
bool fd_archive_set_parse(const char *name, const char *json, fd_archive_set *out);

/* The parts of a program, read from where it was loaded from; checked against what it has loaded.
 * `out` has FD_N_ARCHIVE_PARTS. RETRY: the files have changed since, or cannot be read. */
fd_class fd_archive_collect(const fd_config *config, const fd_program *p, fd_files *out,
                            fd_err *err);
/* The configuration's part: what config_hash is of, the schemas, a file for `fraudd replay`, and
 * the effective configuration with its secrets masked. */
fd_class fd_archive_collect_config(const fd_config *config, const fd_schema *const *readers,
                                   fd_files *out, fd_content_hash *config_hash, fd_err *err);

/* "2026-11-26T07:30:00.123Z" */
void fd_archive_time(int64_t wall_ms, char out[32]);

#endif
