/* Named files in memory; see files.h. One owner at a time. */
#include "app/archive/files.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/file.h"

void fd_files_free(fd_files *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        free(f->items[i].name);
        fd_strbuf_free(&f->items[i].bytes);
    }
    free(f->items);
    *f = (fd_files){0};
}

static bool is_dots(const char *part, size_t n)
{
    return n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.');
}

bool fd_file_name_ok(const char *name)
{
    if (strlen(name) >= FD_FILE_NAME_MAX)
        return false;
    for (const char *part = name;; part++) {
        size_t n = strcspn(part, "/");
        if (is_dots(part, n))
            return false;
        part += n;
        if (*part == '\0')
            return true;
    }
}

const fd_file *fd_files_find(const fd_files *f, const char *name)
{
    for (uint32_t i = 0; i < f->n; i++) {
        if (strcmp(f->items[i].name, name) == 0)
            return &f->items[i];
    }
    return NULL;
}

static bool same_bytes(const fd_strbuf *a, const fd_strbuf *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

bool fd_files_take(fd_files *f, const char *name, fd_strbuf *bytes)
{
    FD_ASSERT(fd_file_name_ok(name));
    const fd_file *there = fd_files_find(f, name);
    if (there != NULL || f->n == FD_FILES_MAX) {
        bool same = there != NULL && same_bytes(&there->bytes, bytes);
        fd_strbuf_free(bytes);
        return same;
    }
    if (f->n == f->cap) {
        f->cap = f->cap == 0 ? 16 : f->cap * 2;
        f->items = realloc(f->items, f->cap * sizeof *f->items);
        FD_ALLOCATED(f->items);
    }
    fd_file *file = &f->items[f->n++];
    *file = (fd_file){.name = strdup(name), .bytes = *bytes};
    FD_ALLOCATED(file->name);
    *bytes = (fd_strbuf){0};
    return true;
}

bool fd_files_add(fd_files *f, const char *name, const char *text)
{
    fd_strbuf bytes = {0};
    fd_strbuf_puts(&bytes, text);
    return fd_files_take(f, name, &bytes);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fd_file *)a)->name, ((const fd_file *)b)->name);
}

void fd_files_pack(fd_files *f, fd_strbuf *out)
{
    if (f->n > 1)
        qsort(f->items, f->n, sizeof *f->items, by_name);
    for (uint32_t i = 0; i < f->n; i++) {
        const fd_file *file = &f->items[i];
        fd_strbuf_printf(out, "%zu:%s%zu:", strlen(file->name), file->name, file->bytes.n);
        fd_strbuf_add(out, file->bytes.p, file->bytes.n);
    }
}

/* "12:" and what it counts. */
static bool unpack_part(const char **at, const char *end, fd_strbuf *out)
{
    size_t n = 0;
    const char *p = *at;
    for (; p < end && *p >= '0' && *p <= '9' && n <= SIZE_MAX / 16; p++)
        n = n * 10 + (size_t)(*p - '0');
    if (p == *at || p == end || *p != ':' || n > (size_t)(end - p - 1))
        return false;
    fd_strbuf_add(out, p + 1, n);
    *at = p + 1 + n;
    return true;
}

bool fd_files_unpack(const char *bytes, size_t n, fd_files *out)
{
    const char *at = bytes, *end = n == 0 ? bytes : bytes + n;
    bool ok = true;
    while (ok && at < end) {
        fd_strbuf name = {0}, content = {0};
        ok = unpack_part(&at, end, &name) && unpack_part(&at, end, &content) && name.n != 0 &&
             strlen(name.p) == name.n && fd_file_name_ok(name.p);
        if (ok)
            ok = fd_files_take(out, name.p, &content);
        fd_strbuf_free(&name);
        fd_strbuf_free(&content);
    }
    if (!ok)
        fd_files_free(out);
    return ok;
}

fd_content_hash fd_files_hash(fd_files *f)
{
    fd_strbuf all = {0};
    fd_files_pack(f, &all);
    fd_content_hash hash = fd_content_hash_of(all.p, all.n);
    fd_strbuf_free(&all);
    return hash;
}

fd_class fd_archive_read(const char *path, fd_strbuf *out, fd_err *err)
{
    const char *why;
    if (fd_file_read(path, FD_FILE_BYTES_MAX, out, &why))
        return FD_OK;
    return fd_fail(err, FD_RETRY, FD_EXIT_CONFIG, "%s: %s", path, why);
}
