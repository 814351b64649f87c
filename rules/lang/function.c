/* The overload table; see function.h. Immutable, any thread. */
#include "lang/function.h"

#include "base/assert.h"
#include "lang/function_table.h"

#define GETTER(name, fn) M1(name, T, I, 2, fn), M2(name, T, S, I, 4, fn)

/* One name in one style stands together: fd_cel_find_overloads() relies on it. */
static const fd_cel_overload table[] = {
    F1("-", I, I, 1, neg_int),
    F1("-", D, D, 1, neg_double),
    F1("-", P, P, 1, neg_duration),
    F2("-", I, I, I, 1, sub_int),
    F2("-", U, U, U, 1, sub_uint),
    F2("-", D, D, D, 1, sub_double),
    F2("-", T, T, P, 1, sub_times),
    F2("-", T, P, T, 1, sub_time_duration),
    F2("-", P, P, P, 1, sub_durations),
    F2("+", I, I, I, 1, add_int),
    F2("+", U, U, U, 1, add_uint),
    F2("+", D, D, D, 1, add_double),
    F2("+", S, S, S, 8 | BUILDS, add_text),
    F2("+", Y, Y, Y, 8 | BUILDS, add_text),
    F2("+", L, L, FD_RESULT_JOIN, 16 | BUILDS, add_list),
    F2("+", T, P, T, 1, add_time_duration),
    F2("+", P, T, T, 1, add_duration_time),
    F2("+", P, P, P, 1, add_durations),
    F2("*", I, I, I, 1, mul_int),
    F2("*", U, U, U, 1, mul_uint),
    F2("*", D, D, D, 1, mul_double),
    F2("/", I, I, I, 1, div_int),
    F2("/", U, U, U, 1, div_uint),
    F2("/", D, D, D, 1, div_double),
    F2("%", I, I, I, 1, mod_int),
    F2("%", U, U, U, 1, mod_uint),

    F1("size", S, I, 8, size_string),
    F1("size", Y, I, 1, size_bytes),
    F1("size", L, I, 1, size_container),
    F1("size", M, I, 1, size_container),
    F1("size", Z, I, 1, size_set),
    M1("size", S, I, 8, size_string),
    M1("size", Y, I, 1, size_bytes),
    M1("size", L, I, 1, size_container),
    M1("size", M, I, 1, size_container),
    M1("size", Z, I, 1, size_set),
    M2("contains", S, S, B, 16, contains),
    M2("startsWith", S, S, B, 4, starts_with),
    M2("endsWith", S, S, B, 4, ends_with),
    F2("matches", S, S, B, 64, matches),
    M2("matches", S, S, B, 64, matches),
    M1("lowerAscii", S, S, 8 | BUILDS, lower_ascii),
    M1("upperAscii", S, S, 8 | BUILDS, upper_ascii),
    M1("trim", S, S, 8, trim),

    F1("dyn", ANY, ANY, 1, same),
    F1("type", ANY, FD_CEL_TYPE, 1, name_of_type),
    F1("int", I, I, 1, same),
    F1("int", U, I, 1, int_from_uint),
    F1("int", D, I, 1, int_from_double),
    F1("int", S, I, 8, int_from_string),
    F1("int", T, I, 1, int_from_timestamp),
    F1("uint", U, U, 1, same),
    F1("uint", I, U, 1, uint_from_int),
    F1("uint", D, U, 1, uint_from_double),
    F1("uint", S, U, 8, uint_from_string),
    F1("double", D, D, 1, same),
    F1("double", I, D, 1, double_from_int),
    F1("double", U, D, 1, double_from_uint),
    F1("double", S, D, 16, double_from_string),
    F1("bool", B, B, 1, same),
    F1("bool", S, B, 4, bool_from_string),
    F1("bytes", Y, Y, 1, same),
    F1("bytes", S, Y, 1, bytes_from_string),
    F1("string", S, S, 1, same),
    F1("string", I, S, 16, string_from_int),
    F1("string", U, S, 16, string_from_uint),
    F1("string", D, S, 64, string_from_double),
    F1("string", B, S, 1, string_from_bool),
    F1("string", Y, S, 8, string_from_bytes),
    F1("string", T, S, 32, string_from_timestamp),
    F1("string", P, S, 32, string_from_duration),
    F1("string", A, S, 32, string_from_ip),
    F1("string", R, S, 32, string_from_cidr),
    F1("timestamp", T, T, 1, same),
    F1("timestamp", S, T, 32, timestamp_from_string),
    F1("timestamp", I, T, 1, timestamp_from_int),
    F1("duration", P, P, 1, same),
    F1("duration", S, P, 32, duration_from_string),

    GETTER("getFullYear", get_full_year),
    GETTER("getMonth", get_month),
    GETTER("getDate", get_date),
    GETTER("getDayOfMonth", get_day_of_month),
    GETTER("getDayOfWeek", get_day_of_week),
    GETTER("getDayOfYear", get_day_of_year),
    GETTER("getHours", get_hours),
    M1("getHours", P, I, 1, duration_hours),
    GETTER("getMinutes", get_minutes),
    M1("getMinutes", P, I, 1, duration_minutes),
    GETTER("getSeconds", get_seconds),
    M1("getSeconds", P, I, 1, duration_seconds),
    GETTER("getMilliseconds", get_milliseconds),
    M1("getMilliseconds", P, I, 1, duration_milliseconds),
};

enum { N_TABLE = sizeof table / sizeof *table };

static fd_cel_overloads find_in(const fd_cel_overload *rows, uint32_t n, fd_str name, bool method)
{
    fd_cel_overloads all = {NULL, 0};
    for (uint32_t i = 0; i < n; i++) {
        if (rows[i].method == method && fd_str_eq_c(name, rows[i].name)) {
            if (all.n == 0)
                all.first = &rows[i];
            all.n++;
        } else if (all.n != 0) {
            break;
        }
    }
    return all;
}

fd_cel_overloads fd_cel_find_overloads(fd_str name, bool method)
{
    uint32_t n;
    const fd_cel_overload *extensions = fd_cel_extensions(&n);
    fd_cel_overloads all = find_in(table, N_TABLE, name, method);
    return all.n != 0 ? all : find_in(extensions, n, name, method);
}

const fd_cel_overload *fd_cel_match(fd_cel_overloads all, const uint8_t *kinds, uint32_t n)
{
    for (uint32_t i = 0; i < all.n; i++) {
        const fd_cel_overload *o = &all.first[i];
        bool fits = o->n_args == n;
        for (uint32_t a = 0; fits && a < n; a++)
            fits = o->args[a] == kinds[a] || o->args[a] == FD_CEL_DYN;
        if (fits)
            return o;
    }
    return NULL;
}

static uint32_t collect(const fd_cel_overload *rows, uint32_t n, bool method, const char **names,
                        uint32_t cap)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n && found < cap; i++) {
        bool first = i == 0 || rows[i].method != rows[i - 1].method ||
                     strcmp(rows[i].name, rows[i - 1].name) != 0;
        if (rows[i].method == method && first)
            names[found++] = rows[i].name;
    }
    return found;
}

uint32_t fd_cel_function_names(bool method, const char **names, uint32_t cap)
{
    uint32_t n;
    const fd_cel_overload *extensions = fd_cel_extensions(&n);
    uint32_t found = collect(table, N_TABLE, method, names, cap);
    return found + collect(extensions, n, method, names + found, cap - found);
}
