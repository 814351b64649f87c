/* Errors as values. Any thread. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

fd_class fd_fail(fd_err *err, fd_class cls, int exit_code, const char *fmt, ...)
{
    if (err == NULL)
        return cls;
    err->cls = cls;
    err->exit_code = exit_code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return cls;
}

const char *fd_class_name(fd_class cls)
{
    switch (cls) {
    case FD_OK:
        return "ok";
    case FD_RETRY:
        return "retry";
    case FD_ABORT:
        return "abort";
    case FD_FATAL:
        break;
    }
    return "fatal";
}
