/* The test registry as a child process; see server_process.h. */
#include "server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"

static void run_child(int in, int out, int port, const char *const *extra)
{
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    const char *words[20] = {"python3",      "tests/support/registry_server.py",
                             "--print-port", "--until-eof",
                             "--port",       port_text};
    size_t n = 6;
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
        words[n++] = extra[i];
    char *argv[20] = {0};
    for (size_t i = 0; i < n; i++) {
        argv[i] = strdup(words[i]);
        FD_ALLOCATED(argv[i]);
    }
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execvp("python3", argv);
    _exit(127);
}

bool server_start(server_process *s, int port, const char *const *extra)
{
    int in[2], out[2];
    FD_ASSERT(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    s->pid = fork();
    FD_ASSERT(s->pid >= 0);
    if (s->pid == 0)
        run_child(in[0], out[1], port, extra);
    close(in[0]);
    close(out[1]);
    s->stdin_fd = in[1];
    char line[32] = {0};
    size_t got = 0;
    while (got < sizeof line - 1 && strchr(line, '\n') == NULL) {
        ssize_t n = read(out[0], line + got, sizeof line - 1 - got);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    close(out[0]);
    s->port = (int)strtol(line, NULL, 10);
    if (s->port == 0)
        server_stop(s);
    return s->port != 0;
}

void server_stop(server_process *s)
{
    close(s->stdin_fd);
    int status;
    waitpid(s->pid, &status, 0);
    s->pid = 0;
}

void server_request(int port, const char *method, const char *path, const char *body, char *out,
                    size_t max)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    FD_ASSERT(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    dprintf(fd, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
            method, path, strlen(body), body);
    char answer[4096];
    size_t got = 0;
    ssize_t n;
    while (got < sizeof answer - 1 && (n = read(fd, answer + got, sizeof answer - 1 - got)) > 0)
        got += (size_t)n;
    answer[got] = '\0';
    close(fd);
    const char *begin = strstr(answer, "\r\n\r\n");
    FD_ASSERT(strncmp(answer, "HTTP/1.1 200", 12) == 0 && begin != NULL);
    if (out != NULL)
        snprintf(out, max, "%s", begin + 4);
}

int server_requests(int port)
{
    char body[4096];
    server_request(port, "GET", "/_test/requests", "", body, sizeof body);
    const char *number = strstr(body, "\"requests\": ");
    FD_ASSERT(number != NULL);
    return (int)strtol(number + strlen("\"requests\": "), NULL, 10);
}
