/* Names of the closed families; see enums.h. Any thread. */
#include "domain/enums.h"

#include "base/assert.h"
#include "domain/input.h"

const char *fd_action_name(fd_action a)
{
    static const char *const names[] = {
#define X(name, text) text,
        FD_ACTIONS(X)
#undef X
    };
    FD_ASSERT(a < FD_N_ACTIONS);
    return names[a];
}

const char *fd_action_symbol(fd_action a)
{
    static const char *const names[] = {
#define X(name, text) #name,
        FD_ACTIONS(X)
#undef X
    };
    FD_ASSERT(a < FD_N_ACTIONS);
    return names[a];
}

bool fd_action_parse(fd_str text, fd_action *out)
{
    for (int a = 0; a < FD_N_ACTIONS; a++) {
        if (!fd_str_eq_c(text, fd_action_name((fd_action)a)))
            continue;
        *out = (fd_action)a;
        return true;
    }
    return false;
}

const char *fd_flag_name(fd_flag f)
{
    static const char *const names[] = {
#define X(name) #name,
        FD_FLAGS(X)
#undef X
    };
    FD_ASSERT(f < FD_N_FLAGS);
    return names[f];
}

struct poison_row {
    const char *name, *stage, *text;
};

static const struct poison_row *poison_row(fd_poison p)
{
    static const struct poison_row rows[] = {
#define X(name, stage, text) {#name, stage, text},
        FD_POISONS(X)
#undef X
    };
    FD_ASSERT(p > FD_POISON_NONE && p < FD_N_POISONS);
    return &rows[p - 1];
}

const char *fd_poison_name(fd_poison p)
{
    return poison_row(p)->name;
}

const char *fd_poison_stage(fd_poison p)
{
    return poison_row(p)->stage;
}

const char *fd_poison_text(fd_poison p)
{
    return poison_row(p)->text;
}

static const char *const framing_names[] = {
#define X(name, text, bytes) text,
    FD_FRAMINGS(X)
#undef X
};

const char *fd_framing_name(fd_framing f)
{
    FD_ASSERT(f < FD_N_FRAMINGS);
    return framing_names[f];
}

bool fd_framing_parse(fd_str text, fd_framing *out)
{
    for (int f = 0; f < FD_N_FRAMINGS; f++) {
        if (!fd_str_eq_c(text, framing_names[f]))
            continue;
        *out = (fd_framing)f;
        return true;
    }
    return false;
}
