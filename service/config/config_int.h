/*
 * Inside the configuration module: rows of the table, places of values, and the loader that the
 * YAML file, the environment and --set feed. One owner at a time.
 */
#ifndef FD_CONFIG_CONFIG_INT_H
#define FD_CONFIG_CONFIG_INT_H

#include "config/config.h"
#include "config/config_table.h"

typedef enum fd_ctype {
    FD_C_STRING,
    FD_C_PATH,
    FD_C_INT,
    FD_C_DURATION,
    FD_C_BYTES,
    FD_C_PERCENT,
    FD_C_ENUM,
    FD_C_LISTEN,
    FD_C_START
} fd_ctype;

enum { FD_C_RELOAD = 1, FD_C_SECRET = 2, FD_C_DECIDES = 4 };

typedef struct fd_ckey {
    const char *name;
    fd_ctype type;
    size_t offset;      /* of the member in fd_config or fd_config_source */
    const char *preset; /* sources: NULL = required */
    const char *min, *max;
    const char *unit;
    const char *const *choices; /* FD_C_ENUM: names by value, ends with NULL */
    unsigned flags;
    const char *example; /* sources only */
    const char *doc;
} fd_ckey;

#define X(...) +1
enum {
    FD_N_CKEYS = 0 FD_CONFIG_KEYS(X),
    FD_N_SKEYS = 0 FD_SOURCE_KEYS(X),
    FD_N_SECTIONS = 0 FD_CONFIG_SECTIONS(X)
};
#undef X

typedef struct fd_csection {
    const char *name;
    const char *doc;
} fd_csection;

extern const fd_ckey fd_ckeys[FD_N_CKEYS];
extern const fd_ckey fd_skeys[FD_N_SKEYS];
extern const fd_csection fd_csections[FD_N_SECTIONS];

const fd_ckey *fd_ckey_find(fd_str name); /* NULL: none */
/* Why a key of a later version is not here; NULL: it is none. */
const char *fd_ckey_later(fd_str name);
const char *fd_ctype_name(fd_ctype t);

typedef enum fd_from { FD_FROM_DEFAULT, FD_FROM_FILE, FD_FROM_ENV, FD_FROM_SET } fd_from;

/* Where a value was given. */
typedef struct fd_place {
    fd_from from;
    const char *name;     /* the variable, the flag or the file */
    int line, col, width; /* file: bytes, from 1 */
} fd_place;

enum { FD_KV_MAX = 256, FD_SOURCES_MAX = 64, FD_CONFIG_FILE_MAX = 1 << 20 };

typedef enum fd_cmap { FD_MAP_KAFKA, FD_MAP_CONSUMER, FD_MAP_PRODUCER, FD_N_MAPS } fd_cmap;

typedef struct fd_given {
    const char *text; /* NULL: not given (yet) */
    fd_place place;
} fd_given;

struct fd_config_own {
    fd_arena *arena;
    const char *path; /* NULL: no file */
    fd_given key[FD_N_CKEYS];
    fd_given source[FD_SOURCES_MAX][FD_N_SKEYS];
    fd_place source_place[FD_SOURCES_MAX];
    fd_place map_place[FD_N_MAPS][FD_KV_MAX];
    fd_kv kv[FD_N_MAPS][FD_KV_MAX];
    fd_config_source sources[FD_SOURCES_MAX];
};

typedef struct fd_loader {
    const fd_config_inputs *in;
    fd_diags *diags;
    fd_config *c;
    struct fd_config_own *own;
    fd_strbuf file;  /* the YAML text, for carets */
    bool unreadable; /* what the file would have given is not known */
} fd_loader;

/* Errors and warnings at a place; hint may be NULL. `secret`: the line is not shown. */
void fd_cdiag(fd_loader *l, fd_severity severity, const fd_place *at, bool secret, const char *hint,
              const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* The text of a value: NULL, or what is wrong with it ("is not ..."). */
const char *fd_cvalue_int(const char *text, int64_t *out);
const char *fd_cvalue_listen(const char *text, fd_arena *arena, fd_listen *out);
const char *fd_cvalue_start(const char *text, fd_start *out);
/* Parses by the row's type, checks its range and writes the member below `base`. */
bool fd_cvalue_store(fd_loader *l, const fd_ckey *k, void *base, const char *text,
                     const fd_place *at);

/* ${NAME} and ${NAME:-text}; $${ is a literal ${. NULL after an error. */
const char *fd_config_expand(fd_loader *l, const char *text, const fd_place *at, bool secret);
/* A secret's file, without its last newline. NULL after an error. */
const char *fd_config_read_secret(fd_loader *l, const char *path, const fd_place *at);

/* What all three inputs end in. `from_file`: text names a file that holds the value. */
void fd_config_give(fd_loader *l, const fd_ckey *k, const char *text, bool from_file,
                    const fd_place *at);
void fd_config_give_property(fd_loader *l, fd_cmap map, const char *name, const char *text,
                             const fd_place *at);
void fd_config_unknown(fd_loader *l, const char *name, fd_str level, const fd_place *at);

void fd_config_read_yaml(fd_loader *l);
void fd_config_read_env(fd_loader *l);
void fd_config_read_set(fd_loader *l);
void fd_config_check(fd_loader *l);

bool fd_config_property_is_secret(const char *name);
const char *fd_config_map_name(fd_cmap map);
void fd_config_map_put(fd_config *c); /* the own maps into the public ones */

#endif
