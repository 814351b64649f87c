/* Sockets and TLS; see link.h. One owner at a time. */
#include "redis/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

enum { CHUNK = 16384, TLS_PENDING_MAX = 1 << 18 };

struct fd_link_tls {
    SSL_CTX *ctx;
};

struct fd_link {
    int fd;
    bool connected; /* the socket is */
    bool secured;   /* the handshake is over; true without TLS */
    bool ended;     /* the other side has closed */
    SSL *ssl;
    BIO *in, *out; /* the ssl's, of encrypted bytes */
};

/* ---- TLS settings ---- */

static const char *tls_text(void)
{
    unsigned long code = ERR_get_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    return text == NULL ? "unknown error" : text;
}

fd_link_tls *fd_link_tls_new(const char *ca_file, fd_err *err)
{
    fd_link_tls *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    t->ctx = SSL_CTX_new(TLS_client_method());
    FD_ALLOCATED(t->ctx);
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    bool known = ca_file == NULL ? SSL_CTX_set_default_verify_paths(t->ctx) == 1
                                 : SSL_CTX_load_verify_file(t->ctx, ca_file) == 1;
    if (known)
        return t;
    fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "redis.ca_file: cannot use %s: %s",
            ca_file == NULL ? "the system's authorities" : ca_file, tls_text());
    fd_link_tls_free(t);
    return NULL;
}

void fd_link_tls_free(fd_link_tls *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->ctx);
    free(t);
}

static void start_tls(fd_link *l, fd_link_tls *tls, const char *host)
{
    l->ssl = SSL_new(tls->ctx);
    FD_ALLOCATED(l->ssl);
    l->in = BIO_new(BIO_s_mem());
    l->out = BIO_new(BIO_s_mem());
    FD_ALLOCATED(l->in);
    FD_ALLOCATED(l->out);
    SSL_set_bio(l->ssl, l->in, l->out);
    SSL_set_connect_state(l->ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(l->ssl), host) == 1)
        return;
    ERR_clear_error();
    /* The macro for the name to ask for casts its constness away. */
    void *name = (void *)(uintptr_t)host;
    int set = SSL_set1_host(l->ssl, host) == 1 && SSL_set_tlsext_host_name(l->ssl, name) == 1;
    FD_ASSERT(set);
}

/* ---- the socket ---- */

fd_link *fd_link_open(const struct sockaddr *to, socklen_t to_len, fd_link_tls *tls,
                      const char *host, fd_err *err)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "socket: %s", strerror(errno));
        return NULL;
    }
    if (to->sa_family != AF_UNIX) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    int rc = connect(fd, to, to_len);
    if (rc != 0 && errno != EINPROGRESS) {
        fd_fail(err, FD_RETRY, FD_EXIT_UNAVAILABLE, "%s", strerror(errno));
        close(fd);
        return NULL;
    }
    fd_link *l = calloc(1, sizeof *l);
    FD_ALLOCATED(l);
    l->fd = fd;
    l->connected = rc == 0;
    l->secured = tls == NULL;
    if (tls != NULL)
        start_tls(l, tls, host);
    return l;
}

void fd_link_close(fd_link *l)
{
    if (l == NULL)
        return;
    SSL_free(l->ssl);
    close(l->fd);
    free(l);
}

static fd_class broken(fd_err *err, const char *why)
{
    return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "%s", why);
}

static ssize_t socket_write(fd_link *l, const void *bytes, size_t n, fd_err *err)
{
    ssize_t sent = send(l->fd, bytes, n, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    broken(err, strerror(errno));
    return -1;
}

static ssize_t socket_read(fd_link *l, void *bytes, size_t n, fd_err *err)
{
    ssize_t got = recv(l->fd, bytes, n, 0);
    if (got > 0)
        return got;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    l->ended = got == 0;
    broken(err, got == 0 ? "the connection was closed" : strerror(errno));
    return -1;
}

/* ---- TLS over it ---- */

/* What TLS wants sent: as much as the socket takes. False: broken. */
static bool flush_tls(fd_link *l, fd_err *err)
{
    char *p;
    long n;
    while ((n = BIO_get_mem_data(l->out, &p)) > 0) {
        ssize_t sent = socket_write(l, p, (size_t)n, err);
        if (sent <= 0)
            return sent == 0;
        for (ssize_t gone = 0; gone < sent;) {
            char scratch[CHUNK];
            size_t left = (size_t)(sent - gone);
            int got = BIO_read(l->out, scratch, (int)(left < CHUNK ? left : CHUNK));
            FD_ASSERT(got > 0);
            gone += got;
        }
    }
    return true;
}

/* What has come for TLS. False: broken, but what came before is there. */
static bool fill_tls(fd_link *l, fd_err *err)
{
    char chunk[CHUNK];
    if (l->ended) {
        broken(err, "the connection was closed");
        return false;
    }
    ssize_t got = socket_read(l, chunk, sizeof chunk, err);
    if (got > 0) {
        int taken = BIO_write(l->in, chunk, (int)got);
        FD_ASSERT(taken == got);
    }
    return got >= 0;
}

static fd_class handshake(fd_link *l, fd_err *err)
{
    bool filled = fill_tls(l, err);
    int rc = SSL_do_handshake(l->ssl);
    int why = SSL_get_error(l->ssl, rc);
    fd_err ignored;
    bool flushed = flush_tls(l, rc == 1 || filled ? err : &ignored);
    if (rc == 1) {
        l->secured = true;
        return flushed ? FD_OK : FD_FATAL;
    }
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        long verdict = SSL_get_verify_result(l->ssl);
        const char *text = tls_text();
        return fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE, "TLS: %s",
                       verdict == X509_V_OK ? text : X509_verify_cert_error_string(verdict));
    }
    return filled && flushed ? FD_RETRY : FD_FATAL;
}

fd_class fd_link_connect(fd_link *l, fd_err *err)
{
    if (!l->connected) {
        struct pollfd p = {.fd = l->fd, .events = POLLOUT};
        if (poll(&p, 1, 0) <= 0)
            return FD_RETRY;
        int code = 0;
        socklen_t n = sizeof code;
        getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &code, &n);
        if (code != 0)
            return broken(err, strerror(code));
        l->connected = true;
    }
    return l->secured ? FD_OK : handshake(l, err);
}

ssize_t fd_link_write(fd_link *l, const void *bytes, size_t n, fd_err *err)
{
    if (l->ssl == NULL)
        return n == 0 ? 0 : socket_write(l, bytes, n, err);
    int taken = 0;
    if (n > 0 && BIO_ctrl_pending(l->out) < TLS_PENDING_MAX) {
        taken = SSL_write(l->ssl, bytes, (int)(n < TLS_PENDING_MAX ? n : TLS_PENDING_MAX));
        if (taken <= 0) {
            broken(err, tls_text());
            return -1;
        }
    }
    return flush_tls(l, err) ? taken : -1;
}

ssize_t fd_link_read(fd_link *l, void *bytes, size_t n, fd_err *err)
{
    if (l->ssl == NULL)
        return socket_read(l, bytes, n, err);
    bool filled = fill_tls(l, err);
    int got = SSL_read(l->ssl, bytes, (int)n);
    if (got > 0)
        return got;
    int why = SSL_get_error(l->ssl, got);
    if (why == SSL_ERROR_WANT_READ)
        return filled ? 0 : -1;
    broken(err, why == SSL_ERROR_ZERO_RETURN ? "the connection was closed" : tls_text());
    return -1;
}

int fd_link_fd(const fd_link *l)
{
    return l->fd;
}

short fd_link_events(const fd_link *l, int more)
{
    if (!l->connected)
        return POLLOUT;
    bool unsent = l->ssl != NULL && BIO_ctrl_pending(l->out) > 0;
    return (short)(POLLIN | (unsent || (more && l->secured) ? POLLOUT : 0));
}
