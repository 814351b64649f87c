/* Whole files; see file.h. Any thread. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

bool fd_file_read(const char *path, size_t max, fd_strbuf *out, const char **why)
{
    /* without waiting for a writer, should it be a pipe */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    struct stat st;
    *why = NULL;
    if (f == NULL || fstat(fd, &st) != 0)
        *why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        *why = "not a file";
    else if ((size_t)st.st_size > max)
        *why = "larger than the bound";
    char buf[64 * 1024];
    for (size_t n = 1; *why == NULL && n > 0;) {
        n = fread(buf, 1, sizeof buf, f);
        fd_strbuf_add(out, buf, n);
        if (out->n > max)
            *why = "larger than the bound";
        else if (ferror(f))
            *why = strerror(errno);
    }
    if (f != NULL)
        fclose(f);
    return *why == NULL;
}
