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

/* MHD's access handler; cls is the fd_admin. */
enum MHD_Result fd_admin_answer(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **request);

#endif
