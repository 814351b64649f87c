/* The subcommands of `fraudd rules` that read the archive; argv[0] is their name. Main thread. */
#ifndef FD_APP_CMD_RULES_ARCHIVE_H
#define FD_APP_CMD_RULES_ARCHIVE_H

int fd_rules_show(int argc, char **argv);
int fd_rules_history(int argc, char **argv);

#endif
