/* The rows of the configuration table and their look-up. Immutable, any thread. */
#include <stddef.h>

#include "config/config_int.h"

/* The C type of a member for each type of key: a row that does not fit does not compile.
 * (gcc and clang make enums compatible with unsigned.) */
#define MEMBER_STRING   const char *
#define MEMBER_PATH     const char *
#define MEMBER_INT      int64_t
#define MEMBER_DURATION int64_t
#define MEMBER_BYTES    int64_t
#define MEMBER_PERCENT  double
#define MEMBER_ENUM     unsigned
#define MEMBER_LISTEN   fd_listen
#define MEMBER_START    fd_start

#define X(member, name, type, preset, min, max, unit, choices, flags, doc)                \
    _Static_assert(_Generic(&((fd_config *)0)->member, MEMBER_##type * : 1, default : 0), \
                   "the member of " name " has another type than the table says");
FD_CONFIG_KEYS(X)
#undef X

static const char *const choices_REBUILD[] = {"wait", "flag", NULL};
static const char *const choices_SHORT_HISTORY[] = {"refuse", "flag", NULL};
static const char *const choices_RELOAD_TESTS[] = {"off", "required", NULL};
static const char *const choices_ROLE[] = {"decide", "observe", NULL};
#define X(name, text, bytes) text,
static const char *const choices_FRAMING[] = {FD_FRAMINGS(X) NULL};
#undef X
#define X(name, text) text,
static const char *const choices_EVIDENCE[] = {FD_EVIDENCES(X) NULL};
static const char *const choices_ACTION[] = {FD_ACTIONS(X) NULL};
static const char *const choices_LEVEL[] = {FD_LOG_LEVELS(X) NULL};
static const char *const choices_FORMAT[] = {FD_LOG_FORMATS(X) NULL};
#undef X
#define choices_NONE NULL

enum { RELOAD = FD_C_RELOAD, SECRET = FD_C_SECRET, DECIDES = FD_C_DECIDES };

const fd_ckey fd_ckeys[FD_N_CKEYS] = {
#define X(member, name, type, preset, min, max, unit, choices, flags, doc) \
    {name, FD_C_##type, offsetof(fd_config, member), preset, min,          \
     max,  unit,        choices_##choices,           flags,  NULL,         \
     doc},
    FD_CONFIG_KEYS(X)
#undef X
};

const fd_ckey fd_skeys[FD_N_SKEYS] = {
#define X(member, name, type, preset, choices, flags, example, doc) \
    {name,                                                          \
     FD_C_##type,                                                   \
     offsetof(fd_config_source, member),                            \
     preset,                                                        \
     NULL,                                                          \
     NULL,                                                          \
     "",                                                            \
     choices_##choices,                                             \
     flags,                                                         \
     example,                                                       \
     doc},
    FD_SOURCE_KEYS(X)
#undef X
};

const fd_csection fd_csections[FD_N_SECTIONS] = {
#define X(name, doc) {#name, doc},
    FD_CONFIG_SECTIONS(X)
#undef X
};

const fd_ckey *fd_ckey_find(fd_str name)
{
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        if (fd_str_eq_c(name, fd_ckeys[i].name))
            return &fd_ckeys[i];
    }
    return NULL;
}

const char *fd_ckey_later(fd_str name)
{
    static const struct {
        const char *name, *what;
    } later[] = {
#define X(name, what) {name, what},
        FD_CONFIG_LATER(X)
#undef X
    };
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        size_t n = strlen(later[i].name);
        if (name.n < n || memcmp(name.p, later[i].name, n) != 0)
            continue;
        if (name.n == n || name.p[n] == '.')
            return later[i].what;
    }
    return NULL;
}

const char *fd_ctype_name(fd_ctype t)
{
    static const char *const names[] = {
        [FD_C_STRING] = "string",   [FD_C_PATH] = "path",         [FD_C_INT] = "integer",
        [FD_C_BYTES] = "size",      [FD_C_DURATION] = "duration", [FD_C_ENUM] = "choice",
        [FD_C_PERCENT] = "percent", [FD_C_LISTEN] = "address",    [FD_C_START] = "start",
    };
    return names[t];
}
