/*
 * tests/support/registry_server.py as a child process. One owner. The child ends with its
 * standard input, so also when the test dies.
 */
#ifndef FD_TEST_SERVER_PROCESS_H
#define FD_TEST_SERVER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct server_process {
    pid_t pid;
    int stdin_fd;
    int port;
} server_process;

/* `extra`: further arguments, NULL-terminated, at most 8; may be NULL. port 0: any. False when
 * there is no python3. */
bool server_start(server_process *s, int port, const char *const *extra);
void server_stop(server_process *s);
/* One request to a server without TLS; the answer's body into out. */
void server_request(int port, const char *method, const char *path, const char *body, char *out,
                    size_t max);
int server_requests(int port); /* registry requests so far */

#endif
