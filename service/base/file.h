/*
 * Whole files into memory, for loaders. Any thread; never the engine's while it decides.
 */
#ifndef FD_BASE_FILE_H
#define FD_BASE_FILE_H

#include <stdbool.h>

#include "base/strbuf.h"

/* Appends a regular file of at most `max` bytes. False with *why set to a text that lives as long
 * as errno's. */
bool fd_file_read(const char *path, size_t max, fd_strbuf *out, const char **why);

#endif
