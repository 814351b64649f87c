/*
 * Options and configuration that `run`, `config` and `rules` share: --config FILE, --set k=v, the
 * environment. Main thread.
 */
#ifndef FD_APP_CONFIGURE_H
#define FD_APP_CONFIGURE_H

#include "config/config.h"

/* FD_CLI_GO_ON: *out is loaded (the caller frees it). Else the exit code, all has been said. */
int fd_configure(const char *command, const char *summary, int argc, char **argv, fd_config **out);
/* The same without command line parsing; path may be NULL. */
int fd_configure_from(const char *path, const char *const *set, size_t n_set, fd_config **out);

#endif
