/*
 * Some named files in memory, and their content hash: what the archive stores and gives back.
 *
 * A name is a path of at least one part, relative, without "." and ".." ("lists/cards.txt"). The
 * hash is over names and bytes in the order of the names, with the lengths of both: of the rule
 * files of a set it is the set's own hash. One owner at a time.
 */
#ifndef FD_APP_ARCHIVE_FILES_H
#define FD_APP_ARCHIVE_FILES_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/status.h"
#include "base/strbuf.h"

enum { FD_FILES_MAX = 65536, FD_FILE_NAME_MAX = 4096, FD_FILE_BYTES_MAX = 1 << 30 };

typedef struct fd_file {
    char *name;
    fd_strbuf bytes;
} fd_file;

typedef struct fd_files {
    fd_file *items;
    uint32_t n, cap;
} fd_files;

void fd_files_free(fd_files *f);
bool fd_file_name_ok(const char *name);
/* Takes the bytes over, whatever comes of it; the name is copied and must be a good one. One that
 * is there already must have the same bytes: else false. */
bool fd_files_take(fd_files *f, const char *name, fd_strbuf *bytes);
bool fd_files_add(fd_files *f, const char *name, const char *text);
const fd_file *fd_files_find(const fd_files *f, const char *name); /* NULL: none */
/* As one text: of each, in the order of the names, "LENGTH:name" and "LENGTH:bytes". Sorts them. */
void fd_files_pack(fd_files *f, fd_strbuf *out);
/* The reverse; false when it is no such text. */
bool fd_files_unpack(const char *bytes, size_t n, fd_files *out);
/* Of that text. Sorts them. */
fd_content_hash fd_files_hash(fd_files *f);
/* Reads one from a disc. RETRY with the reason, the path in it. */
fd_class fd_archive_read(const char *path, fd_strbuf *out, fd_err *err);

#endif
