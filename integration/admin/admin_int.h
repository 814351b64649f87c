/*
 * Inside the admin server: its object, shared by listening (admin.c) and answering (answer.c).
 */
#ifndef FD_ADMIN_ADMIN_INT_H
#define FD_ADMIN_ADMIN_INT_H

#include <microhttpd.h>

#include "admin/admin.h"

enum { FD_ADMIN_MAGIC = 0x4AD31173 };

struct fd_admin {
    uint32_t magic;
    struct MHD_Daemon *daemon;
    uint16_t port;
    fd_admin_ops ops;
    void *self;
};

/* Waits from suspend to resume; afterwards the server's thread sends what it holds. */
struct fd_admin_ticket {
    struct MHD_Connection *connection;
    int status; /* 0: not answered yet */
    fd_strbuf body;
};

/* MHD's access handler; cls is the fd_admin. */
enum MHD_Result fd_admin_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **request);
/* MHD's notice that a request is over: frees its ticket. */
void fd_admin_completed(void *cls, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode why);

#endif
