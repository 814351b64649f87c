/*
 * Regular expressions with the syntax of RE2, matched in time linear in the text.
 *
 * A pattern becomes an immutable program (any thread may read it), which is walked as a finite
 * automaton: never back-tracking, so no pattern and no text can make it slow. Each evaluating
 * thread has a fd_regex_run per program: the automaton's states are made there when they are first
 * needed, within a bound; when the bound does not do, sets of positions are followed one by one,
 * which takes more time for each byte and gives the same answers.
 *
 * Texts are UTF-8. A byte that is no part of a character matches \C only.
 */
#ifndef FD_LANG_REGEX_H
#define FD_LANG_REGEX_H

#include "base/arena.h"

enum {
    FD_REGEX_REPEAT_MAX = 1000,       /* of {n,m}, and of nested ones multiplied */
    FD_REGEX_DEPTH_MAX = 1000,        /* expressions inside one another */
    FD_REGEX_PROGRAM_MAX = 50 * 1000, /* instructions of 8 bytes */
    FD_REGEX_INST_BYTES = 8,
    FD_REGEX_CACHE_BYTES = 128 * 1024, /* of a run's automaton: what fd_cel_run gives it */
};

typedef struct fd_regex fd_regex;

/* Why a pattern was refused. The texts are static. */
typedef struct fd_regex_error {
    uint32_t at, width; /* bytes of the pattern */
    const char *text;
    const char *hint; /* NULL when there is none */
} fd_regex_error;

/* Into the arena; NULL after an error. The pattern need not outlive the call. At most max_program
 * (up to FD_REGEX_PROGRAM_MAX) instructions, and as many bytes of the pattern: time and memory of
 * the call are bounded by it. */
const fd_regex *fd_regex_compile(fd_str pattern, uint32_t max_program, fd_arena *arena,
                                 fd_regex_error *error);

/* Bytes that the program takes, and a mark of its content (not of its address). */
size_t fd_regex_bytes(const fd_regex *re);
uint64_t fd_regex_fingerprint(const fd_regex *re);

typedef struct fd_regex_run fd_regex_run;

/* One thread's memory for one program, which must outlive it. `cache_bytes` bounds the automaton;
 * 0 = follow sets only. Besides it a run takes some 10 bytes per instruction. */
fd_regex_run *fd_regex_run_new(const fd_regex *re, size_t cache_bytes);
void fd_regex_run_free(fd_regex_run *run); /* NULL is fine */

/* Whether the pattern matches anywhere in the text. */
bool fd_regex_match(fd_regex_run *run, fd_str text);

/* Work done so far: bytes looked at and instructions visited. Tests count with it. */
uint64_t fd_regex_run_steps(const fd_regex_run *run);
size_t fd_regex_run_bytes(const fd_regex_run *run); /* memory held */

#endif
