/*
 * Assertions that stay on in release builds.
 *
 * Why: a service that decides payments must stop rather than go on from a state that cannot be.
 * Input (events, rules, configuration, answers of servers) is never asserted on: it is data.
 * Any thread.
 */
#ifndef FD_BASE_ASSERT_H
#define FD_BASE_ASSERT_H

/* Prints where and what, then aborts. Never returns. */
_Noreturn void fd_panic(const char *file, int line, const char *what);

#define FD_ASSERT(cond)                          \
    do {                                         \
        if (__builtin_expect(!(cond), 0))        \
            fd_panic(__FILE__, __LINE__, #cond); \
    } while (0)

#define FD_UNREACHABLE() fd_panic(__FILE__, __LINE__, "unreachable")

/* Memory that start-up needs and cannot have: no caller could do better than stop. */
#define FD_ALLOCATED(ptr)                                         \
    do {                                                          \
        if (__builtin_expect((ptr) == NULL, 0))                   \
            fd_panic(__FILE__, __LINE__, "out of memory: " #ptr); \
    } while (0)

/* A magic number in a heap object, checked where it comes back as a void pointer. */
#define FD_CHECK_MAGIC(obj, number) FD_ASSERT((obj) != NULL && (obj)->magic == (number))

#endif
