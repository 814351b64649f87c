/*
 * The functions and arithmetic operators of CEL: one table of overloads.
 *
 * An overload is chosen by the kinds of its arguments: by the checker where they are known, at
 * run time where they are dyn. Implementations are strict (no argument is an error value; an
 * argument that was not given has the kind of one), pure, and return errors as values. What they
 * build comes from the given arena: at most twice the size of its result and of its arguments.
 */
#ifndef FD_LANG_FUNCTION_H
#define FD_LANG_FUNCTION_H

#include "base/arena.h"
#include "lang/value.h"

typedef fd_cel_value (*fd_cel_fn)(fd_arena *arena, const fd_cel_value *args);

enum { FD_CEL_MAX_ARGS = 4 };

/* Results that follow from the arguments' types, beside the kinds. */
typedef enum fd_cel_result {
    FD_RESULT_SAME = FD_CEL_ABSTRACT + 1, /* as the first argument */
    FD_RESULT_JOIN,                       /* what holds both arguments */
    FD_RESULT_ELEM,                       /* what the first argument holds */
    FD_RESULT_ELEM_JOIN,                  /* that, or the second argument */
    FD_RESULT_OPTIONAL,                   /* an optional of the first argument */
    FD_RESULT_OPTIONAL_ELEM,              /* an optional of what the first argument holds */
    FD_RESULT_LIST_ELEM,                  /* a list of what the elements of the first hold */
    FD_RESULT_STRINGS,                    /* a list of strings */
    FD_RESULT_INTS,
} fd_cel_result;

typedef struct fd_cel_overload {
    const char *name; /* operators by their spelling */
    bool method;      /* args[0] stands before the dot */
    uint8_t n_args;
    uint8_t args[FD_CEL_MAX_ARGS]; /* fd_cel_kind; DYN takes any */
    uint8_t result;                /* fd_cel_kind or fd_cel_result */
    bool builds;   /* takes more than a few bytes of the arena, or looks at all a value holds */
    uint16_t cost; /* steps, as a bound with strings of ordinary length */
    fd_cel_fn fn;
} fd_cel_overload;

/* All overloads of one name in one call style, side by side in one table. */
typedef struct fd_cel_overloads {
    const fd_cel_overload *first;
    uint32_t n;
} fd_cel_overloads;

fd_cel_overloads fd_cel_find_overloads(fd_str name, bool method);
/* The extensions' part of the table. */
const fd_cel_overload *fd_cel_extensions(uint32_t *n);

/* The overload that takes these kinds, or NULL. */
const fd_cel_overload *fd_cel_match(fd_cel_overloads all, const uint8_t *kinds, uint32_t n);

/* The names of the table for "did you mean", at most cap of them; how many there are. */
enum { FD_CEL_NAMES_MAX = 160 };
uint32_t fd_cel_function_names(bool method, const char **names, uint32_t cap);

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
/* eval_regex.c: */
FD_CEL_FN(matches);
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
/* text.c: strings by characters */
FD_CEL_FN(char_at);
FD_CEL_FN(index_of);
FD_CEL_FN(last_index_of);
FD_CEL_FN(substring);
FD_CEL_FN(reverse_text);
/* text_build.c: strings made of strings */
FD_CEL_FN(join_texts);
FD_CEL_FN(replace);
FD_CEL_FN(split);
FD_CEL_FN(quote);
/* format.c: */
FD_CEL_FN(format);
/* math.c: */
FD_CEL_FN(greatest);
FD_CEL_FN(least);
FD_CEL_FN(bit_or_int);
FD_CEL_FN(bit_or_uint);
FD_CEL_FN(bit_and_int);
FD_CEL_FN(bit_and_uint);
FD_CEL_FN(bit_xor_int);
FD_CEL_FN(bit_xor_uint);
FD_CEL_FN(bit_not_int);
FD_CEL_FN(bit_not_uint);
FD_CEL_FN(shift_left_int);
FD_CEL_FN(shift_left_uint);
FD_CEL_FN(shift_right_int);
FD_CEL_FN(shift_right_uint);
FD_CEL_FN(ceil);
FD_CEL_FN(floor);
FD_CEL_FN(round);
FD_CEL_FN(trunc);
FD_CEL_FN(abs_int);
FD_CEL_FN(abs_double);
FD_CEL_FN(sign_int);
FD_CEL_FN(sign_uint);
FD_CEL_FN(sign_double);
FD_CEL_FN(is_nan);
FD_CEL_FN(is_inf);
FD_CEL_FN(is_finite);
FD_CEL_FN(sqrt_int);
FD_CEL_FN(sqrt_uint);
FD_CEL_FN(sqrt_double);
FD_CEL_FN(distance_km);
/* list.c: */
FD_CEL_FN(range);
FD_CEL_FN(distinct);
FD_CEL_FN(flatten);
FD_CEL_FN(reverse_list);
FD_CEL_FN(slice);
FD_CEL_FN(sort_list);
FD_CEL_FN(first);
FD_CEL_FN(last);
FD_CEL_FN(sets_contains);
FD_CEL_FN(sets_equivalent);
FD_CEL_FN(sets_intersects);
/* encode.c: */
FD_CEL_FN(base64_encode);
FD_CEL_FN(base64_decode);
/* network.c: */
FD_CEL_FN(ip);
FD_CEL_FN(is_ip);
FD_CEL_FN(ip_is_canonical);
FD_CEL_FN(ip_family);
FD_CEL_FN(ip_is_unspecified);
FD_CEL_FN(ip_is_loopback);
FD_CEL_FN(ip_is_global_unicast);
FD_CEL_FN(ip_is_link_local_multicast);
FD_CEL_FN(ip_is_link_local_unicast);
FD_CEL_FN(cidr);
FD_CEL_FN(is_cidr);
FD_CEL_FN(cidr_contains_ip);
FD_CEL_FN(cidr_contains_cidr);
FD_CEL_FN(cidr_ip);
FD_CEL_FN(cidr_masked);
FD_CEL_FN(cidr_prefix_length);
FD_CEL_FN(string_from_ip);
FD_CEL_FN(string_from_cidr);
/* optional.c: */
FD_CEL_FN(name_of_type);
FD_CEL_FN(optional_of);
FD_CEL_FN(optional_of_non_zero);
FD_CEL_FN(has_value);
FD_CEL_FN(optional_value);
FD_CEL_FN(optional_or);
FD_CEL_FN(optional_or_value);
FD_CEL_FN(unwrap);

#endif
