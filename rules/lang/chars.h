/* Strings by characters: positions of the string functions. Pure functions, any thread. */
#ifndef FD_LANG_CHARS_H
#define FD_LANG_CHARS_H

#include "lang/value.h"

/* Bytes of the character at byte `at`: one that is not UTF-8 counts as a character of one byte. */
uint32_t fd_cel_char_bytes(fd_str s, uint32_t at);
uint32_t fd_cel_char_count(fd_str s);
/* The byte where character `index` starts (the end for the number of characters); false beyond. */
bool fd_cel_char_offset(fd_str s, int64_t index, uint32_t *at);

/* The first `part` in s, which is not empty, from byte `from` on; -1 when there is none. Linear. */
int64_t fd_cel_find(fd_str s, fd_str part, uint32_t from);

/* Digits of a double without an exponent, as few as read back the same; NaN and infinities. */
fd_str fd_cel_plain_double(double d, char *buf, size_t cap);

#endif
