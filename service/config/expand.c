/* ${NAME} in values, and secrets that live in files of their own. One owner at a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config_int.h"

enum { SECRET_MAX = 64 * 1024 };

static const char *variable(const fd_loader *l, fd_str name)
{
    for (const char *const *e = l->in->env; e != NULL && *e != NULL; e++) {
        if (strncmp(*e, name.p, name.n) == 0 && (*e)[name.n] == '=')
            return *e + name.n + 1;
    }
    return fd_str_eq_c(name, "HOSTNAME") ? l->in->hostname : NULL;
}

/* text points behind "${"; appends the value and returns what follows "}", or NULL. */
static const char *expand_one(fd_loader *l, const char *text, const fd_place *at, bool secret,
                              fd_strbuf *out)
{
    const char *end = strchr(text, '}');
    if (end == NULL) {
        fd_cdiag(l, FD_ERROR, at, secret, "a literal ${ is written $${", "${ without }");
        return NULL;
    }
    fd_str name = {text, (uint32_t)(end - text)};
    fd_str fallback = {0};
    for (uint32_t i = 0; i + 1 < name.n; i++) {
        if (text[i] != ':' || text[i + 1] != '-')
            continue;
        fallback = (fd_str){text + i + 2, name.n - i - 2};
        name.n = i;
        break;
    }
    const char *value = variable(l, name);
    if (value != NULL && (value[0] != '\0' || fallback.p == NULL)) {
        fd_strbuf_puts(out, value);
    } else if (fallback.p != NULL) {
        fd_strbuf_add(out, fallback.p, fallback.n);
    } else {
        fd_cdiag(l, FD_ERROR, at, secret, "set it, or write ${NAME:-default}",
                 "${" FD_STR_FMT "} is not in the environment", FD_STR_ARG(name));
        return NULL;
    }
    return end + 1;
}

const char *fd_config_expand(fd_loader *l, const char *text, const fd_place *at, bool secret)
{
    fd_strbuf out = {0};
    const char *p = text;
    while (p != NULL && *p != '\0') {
        if (strncmp(p, "$${", 3) == 0) {
            fd_strbuf_puts(&out, "${");
            p += 3;
        } else if (strncmp(p, "${", 2) == 0) {
            p = expand_one(l, p + 2, at, secret, &out);
        } else {
            fd_strbuf_putc(&out, *p++);
        }
    }
    const char *done = p == NULL ? NULL : fd_arena_cstr(l->own->arena, out.n == 0 ? "" : out.p);
    fd_strbuf_free(&out);
    return done;
}

const char *fd_config_read_secret(fd_loader *l, const char *path, const fd_place *at)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fd_cdiag(l, FD_ERROR, at, false, NULL, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = fd_arena_alloc(l->own->arena, SECRET_MAX + 1);
    size_t n = fread(text, 1, SECRET_MAX + 1, f);
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed || n > SECRET_MAX) {
        fd_cdiag(l, FD_ERROR, at, false, NULL,
                 failed ? "cannot read %s" : "%s is longer than 64 KiB: not a secret", path);
        return NULL;
    }
    if (n > 0 && text[n - 1] == '\n')
        n--;
    if (n > 0 && text[n - 1] == '\r')
        n--;
    text[n] = '\0';
    if (memchr(text, '\0', n) == NULL)
        return text;
    fd_cdiag(l, FD_ERROR, at, false, NULL, "%s holds a NUL byte: not a secret", path);
    return NULL;
}
