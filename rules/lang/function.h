/*
 * The functions and arithmetic operators of CEL: one table of overloads.
 *
 * An overload is chosen by the kinds of its arguments: by the checker where they are known, at
 * run time where they are dyn. Implementations are strict (no argument is an error value), pure,
 * and return errors as values. Strings they build come from the given arena.
 */
#ifndef FD_LANG_FUNCTION_H
#define FD_LANG_FUNCTION_H

#include "base/arena.h"
#include "lang/value.h"

typedef fd_cel_value (*fd_cel_fn)(fd_arena *arena, const fd_cel_value *args);

enum { FD_CEL_MAX_ARGS = 3 };

typedef struct fd_cel_overload {
    const char *name; /* operators by their spelling */
    bool method;      /* args[0] stands before the dot */
    uint8_t n_args;
    uint8_t args[FD_CEL_MAX_ARGS]; /* fd_cel_kind; DYN takes any */
    uint8_t result;
    uint16_t cost; /* steps, as a bound with strings of ordinary length */
    fd_cel_fn fn;
} fd_cel_overload;

/* All overloads of one name in one call style, side by side in the table. */
typedef struct fd_cel_overloads {
    const fd_cel_overload *first;
    uint32_t n;
} fd_cel_overloads;

fd_cel_overloads fd_cel_find_overloads(fd_str name, bool method);

/* The overload that takes these kinds, or NULL. */
const fd_cel_overload *fd_cel_match(fd_cel_overloads all, const uint8_t *kinds, uint32_t n);

/* What CEL has and this version does not: how to do without, or NULL for an unknown name. */
const char *fd_cel_not_yet(fd_str name);

/* The names of the table for "did you mean"; *n gets how many. Repeats are harmless. */
const char *const *fd_cel_function_names(bool method, uint32_t *n);

/* Implementations, by file. arithmetic.c: */
#define FD_CEL_FN(name) fd_cel_value fd_cel_##name(fd_arena *arena, const fd_cel_value *args)
FD_CEL_FN(neg_int);
FD_CEL_FN(neg_double);
FD_CEL_FN(add_int);
FD_CEL_FN(add_uint);
FD_CEL_FN(add_double);
FD_CEL_FN(add_text);
FD_CEL_FN(add_list);
FD_CEL_FN(sub_int);
FD_CEL_FN(sub_uint);
FD_CEL_FN(sub_double);
FD_CEL_FN(mul_int);
FD_CEL_FN(mul_uint);
FD_CEL_FN(mul_double);
FD_CEL_FN(div_int);
FD_CEL_FN(div_uint);
FD_CEL_FN(div_double);
FD_CEL_FN(mod_int);
FD_CEL_FN(mod_uint);
/* strings.c: */
FD_CEL_FN(size_string);
FD_CEL_FN(size_bytes);
FD_CEL_FN(size_container);
FD_CEL_FN(size_set);
FD_CEL_FN(contains);
FD_CEL_FN(starts_with);
FD_CEL_FN(ends_with);
FD_CEL_FN(lower_ascii);
FD_CEL_FN(upper_ascii);
FD_CEL_FN(trim);
/* convert.c: */
FD_CEL_FN(same);
FD_CEL_FN(int_from_uint);
FD_CEL_FN(int_from_double);
FD_CEL_FN(int_from_string);
FD_CEL_FN(int_from_timestamp);
FD_CEL_FN(uint_from_int);
FD_CEL_FN(uint_from_double);
FD_CEL_FN(uint_from_string);
FD_CEL_FN(double_from_int);
FD_CEL_FN(double_from_uint);
FD_CEL_FN(double_from_string);
FD_CEL_FN(bool_from_string);
FD_CEL_FN(bytes_from_string);
FD_CEL_FN(string_from_int);
FD_CEL_FN(string_from_uint);
FD_CEL_FN(string_from_double);
FD_CEL_FN(string_from_bool);
FD_CEL_FN(string_from_bytes);
FD_CEL_FN(string_from_timestamp);
FD_CEL_FN(string_from_duration);
FD_CEL_FN(timestamp_from_string);
FD_CEL_FN(timestamp_from_int);
FD_CEL_FN(duration_from_string);
/* time.c: */
FD_CEL_FN(add_time_duration);
FD_CEL_FN(add_duration_time);
FD_CEL_FN(add_durations);
FD_CEL_FN(sub_times);
FD_CEL_FN(sub_time_duration);
FD_CEL_FN(sub_durations);
FD_CEL_FN(neg_duration);
FD_CEL_FN(get_full_year);
FD_CEL_FN(get_month);
FD_CEL_FN(get_date);
FD_CEL_FN(get_day_of_month);
FD_CEL_FN(get_day_of_week);
FD_CEL_FN(get_day_of_year);
FD_CEL_FN(get_hours);
FD_CEL_FN(get_minutes);
FD_CEL_FN(get_seconds);
FD_CEL_FN(get_milliseconds);
FD_CEL_FN(duration_hours);
FD_CEL_FN(duration_minutes);
FD_CEL_FN(duration_seconds);
FD_CEL_FN(duration_milliseconds);

#endif
