/*
 * The archive in a directory:
 *
 *   files/HASH/...       files whose content hash is HASH
 *   sets/RULESET.ID.json what decided together with the rule set
 *   activations.jsonl    the activation log
 *
 * Files and sets are written under a temporary name beside these (".tmp-..."), synced, and renamed:
 * what has its name is whole. A crash leaves temporary names, which a later start removes. Lines
 * are appended under a lock, so that workers may share the directory; one that a crash cut short is
 * ended by the next. Thread: one owner at a time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/archive/place.h"
#include "base/assert.h"

enum { PATH_BYTES = 8192, STALE_S = 3600, OPEN_DIRS = 16, SET_BYTES_MAX = 1 << 16 };

typedef struct dir {
    char *path;
    unsigned temporary; /* names handed out */
} dir;

static fd_class fail(fd_err *err, const char *path)
{
    const char *hint = errno == EACCES || errno == EROFS ? " (is the archive on a volume that may "
                                                           "be written?)"
                                                         : "";
    return fd_fail(err, FD_RETRY, FD_EXIT_CONFIG, "archive: %s: %s%s", path, strerror(errno), hint);
}

static void path_of(const dir *d, char out[PATH_BYTES], const char *kind, const char *name,
                    const char *end)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s%s%s%s", d->path, kind, name[0] == '\0' ? "" : "/",
                     name, end);
    FD_ASSERT(n > 0 && n < PATH_BYTES);
}

static const char *dir_name(void *self)
{
    return ((const dir *)self)->path;
}

/* ---- durable writing ---- */

static fd_class sync_dir(const char *path, fd_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    fd_class cls = ok ? FD_OK : fail(err, path);
    if (fd >= 0)
        close(fd);
    return cls;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static fd_class write_file(const char *path, const char *bytes, size_t n, fd_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && write_all(fd, bytes, n) && fsync(fd) == 0;
    fd_class cls = ok ? FD_OK : fail(err, path);
    if (fd >= 0)
        close(fd);
    return cls;
}

/* The directories above path's last part, below the first `from` characters. */
static fd_class make_parents(char *path, size_t from, fd_err *err)
{
    for (char *p = strchr(path + from, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        bool ok = mkdir(path, 0755) == 0 || errno == EEXIST;
        fd_class cls = ok ? FD_OK : fail(err, path);
        *p = '/';
        if (cls != FD_OK)
            return cls;
    }
    return FD_OK;
}

static int sync_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    return type == FTW_DP && sync_dir(path, NULL) != FD_OK ? -1 : 0;
}

static fd_class write_files(const char *root, const fd_files *files, fd_err *err)
{
    if (mkdir(root, 0755) != 0)
        return fail(err, root);
    for (uint32_t i = 0; i < files->n; i++) {
        const fd_file *file = &files->items[i];
        char path[PATH_BYTES];
        int n = snprintf(path, sizeof path, "%s/%s", root, file->name);
        FD_ASSERT(n > 0 && n < PATH_BYTES);
        fd_class cls = make_parents(path, strlen(root) + 1, err);
        if (cls == FD_OK)
            cls = write_file(path, file->bytes.p, file->bytes.n, err);
        if (cls != FD_OK)
            return cls;
    }
    return nftw(root, sync_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS) == 0 ? FD_OK : fail(err, root);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void fd_place_remove_tree(const char *path)
{
    nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

static void temporary_name(dir *d, char out[PATH_BYTES])
{
    char name[64];
    snprintf(name, sizeof name, ".tmp-%ld-%lld-%u", (long)getpid(), (long long)time(NULL),
             d->temporary++);
    path_of(d, out, name, "", "");
}

/* Gives what was written its name. Another worker may have been faster. */
static fd_class rename_in(const dir *d, const char *temporary, const char *final, const char *kind,
                          fd_err *err)
{
    bool taken = false;
    if (rename(temporary, final) != 0) {
        taken = errno == ENOTEMPTY || errno == EEXIST;
        if (!taken)
            return fail(err, final);
        fd_place_remove_tree(temporary);
    }
    char parent[PATH_BYTES];
    path_of(d, parent, kind, "", "");
    return sync_dir(parent, err);
}

/* ---- reading ---- */

static fd_class read_tree(const char *root, const char *below, fd_files *out, fd_err *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s%s%s", root, below[0] == '\0' ? "" : "/", below);
    DIR *at = opendir(path);
    if (at == NULL)
        return fail(err, path);
    fd_class cls = FD_OK;
    for (struct dirent *e = readdir(at); e != NULL && cls == FD_OK; e = readdir(at)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char name[PATH_BYTES], full[2 * PATH_BYTES];
        int n = snprintf(name, sizeof name, "%s%s%s", below, below[0] == '\0' ? "" : "/",
                         e->d_name);
        snprintf(full, sizeof full, "%s/%s", root, name);
        struct stat st;
        if (n >= FD_FILE_NAME_MAX || lstat(full, &st) != 0) {
            cls = fail(err, full);
        } else if (S_ISDIR(st.st_mode)) {
            cls = read_tree(root, name, out, err);
        } else {
            fd_strbuf bytes = {0};
            cls = fd_archive_read(full, &bytes, err);
            if (cls != FD_OK)
                fd_strbuf_free(&bytes);
            else if (!fd_files_take(out, name, &bytes))
                cls = fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "archive: %s: too many files", root);
        }
    }
    closedir(at);
    return cls;
}

static fd_class read_files(void *self, const char *id, fd_files *out, fd_err *err)
{
    const dir *d = self;
    char path[PATH_BYTES];
    path_of(d, path, "files", id, "");
    if (access(path, F_OK) != 0)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "archive: %s is not there", path);
    fd_class cls = read_tree(path, "", out, err);
    if (cls == FD_OK && strcmp(fd_files_hash(out).hex, id) != 0)
        cls = fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                      "archive: %s holds other bytes than its name says: its content hash is %s; "
                      "take it from a backup, or move it away",
                      path, fd_files_hash(out).hex);
    if (cls != FD_OK)
        fd_files_free(out);
    return cls;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static fd_class read_sets(const dir *d, fd_archive_index *out, fd_err *err)
{
    char path[PATH_BYTES];
    path_of(d, path, "sets", "", "");
    DIR *at = opendir(path);
    if (at == NULL)
        return errno == ENOENT ? FD_OK : fail(err, path);
    fd_class cls = FD_OK;
    for (struct dirent *e = readdir(at); e != NULL && cls == FD_OK; e = readdir(at)) {
        if (!ends_with(e->d_name, ".json") || e->d_name[0] == '.')
            continue;
        fd_strbuf bytes = {0};
        path_of(d, path, "sets", e->d_name, "");
        cls = fd_archive_read(path, &bytes, err);
        fd_str name = {e->d_name, (uint32_t)(strlen(e->d_name) - strlen(".json"))};
        if (cls == FD_OK && bytes.n < SET_BYTES_MAX)
            fd_archive_index_add(out, name, (fd_str){bytes.p, (uint32_t)bytes.n});
        fd_strbuf_free(&bytes);
    }
    closedir(at);
    return cls;
}

static fd_class read_index(void *self, fd_archive_index *out, fd_err *err)
{
    const dir *d = self;
    fd_class cls = read_sets(d, out, err);
    char path[PATH_BYTES];
    path_of(d, path, "activations.jsonl", "", "");
    if (cls == FD_OK && access(path, F_OK) == 0)
        cls = fd_archive_read(path, &out->log, err);
    return cls;
}

/* ---- putting ---- */

static fd_class put_files(void *self, const char *id, fd_files *files, fd_err *err)
{
    dir *d = self;
    char final[PATH_BYTES], temporary[PATH_BYTES];
    path_of(d, final, "files", id, "");
    if (access(final, F_OK) == 0) {
        fd_files there = {0};
        fd_class cls = read_files(self, id, &there, err);
        fd_files_free(&there);
        return cls;
    }
    temporary_name(d, temporary);
    fd_class cls = write_files(temporary, files, err);
    if (cls == FD_OK)
        cls = rename_in(d, temporary, final, "files", err);
    if (cls != FD_OK)
        fd_place_remove_tree(temporary);
    return cls;
}

static fd_class put_set(void *self, const char *name, fd_str json, fd_err *err)
{
    dir *d = self;
    char final[PATH_BYTES], temporary[PATH_BYTES];
    path_of(d, final, "sets", name, ".json");
    if (access(final, F_OK) == 0)
        return FD_OK;
    temporary_name(d, temporary);
    fd_class cls = write_file(temporary, json.p, json.n, err);
    if (cls == FD_OK)
        cls = rename_in(d, temporary, final, "sets", err);
    if (cls != FD_OK)
        unlink(temporary);
    return cls;
}

/* Behind what is there; a line without its end gets one first. */
static bool append(int fd, fd_str line)
{
    struct stat st;
    char last = '\n';
    if (flock(fd, LOCK_EX) != 0 || fstat(fd, &st) != 0)
        return false;
    if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1)
        return false;
    bool ok = (last == '\n' || write_all(fd, "\n", 1)) && write_all(fd, line.p, line.n) &&
              fsync(fd) == 0;
    int why = errno;
    if (!ok && ftruncate(fd, st.st_size) != 0)
        why = errno;
    errno = why;
    return ok;
}

static fd_class put_line(void *self, const char *key, fd_str line, fd_err *err)
{
    (void)key;
    dir *d = self;
    char path[PATH_BYTES];
    path_of(d, path, "activations.jsonl", "", "");
    bool fresh = access(path, F_OK) != 0;
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    fd_class cls = fd >= 0 && append(fd, line) ? FD_OK : fail(err, path);
    if (fd >= 0)
        close(fd);
    return cls == FD_OK && fresh ? sync_dir(d->path, err) : cls;
}

/* ---- opening ---- */

static void dir_close(void *self)
{
    dir *d = self;
    free(d->path);
    free(d);
}

/* What a crash left; not what another worker is writing now. */
static void clear_stale(const dir *d)
{
    DIR *at = opendir(d->path);
    if (at == NULL)
        return;
    time_t now = time(NULL);
    for (struct dirent *e = readdir(at); e != NULL; e = readdir(at)) {
        char path[PATH_BYTES];
        struct stat st;
        if (strncmp(e->d_name, ".tmp-", 5) != 0)
            continue;
        path_of(d, path, e->d_name, "", "");
        if (lstat(path, &st) == 0 && now - st.st_mtime > STALE_S)
            fd_place_remove_tree(path);
    }
    closedir(at);
}

static fd_class prepare(const dir *d, fd_err *err)
{
    static const char *const kinds[] = {"files", "sets"};
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/", d->path);
    fd_class cls = make_parents(path, 1, err);
    for (int i = 0; i < 2 && cls == FD_OK; i++) {
        path_of(d, path, kinds[i], "", "");
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            cls = fail(err, path);
        else if (access(path, W_OK | X_OK) != 0)
            cls = fail(err, path);
    }
    if (cls == FD_OK)
        cls = sync_dir(d->path, err);
    clear_stale(d);
    return cls;
}

fd_class fd_place_dir(const char *path, bool write, fd_place *out, fd_err *err)
{
    static const fd_place_ops ops = {
        .name = dir_name,
        .put_files = put_files,
        .put_set = put_set,
        .put_line = put_line,
        .read_index = read_index,
        .read_files = read_files,
        .close = dir_close,
    };
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n == 0 || n > PATH_BYTES / 4)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "archive: '%s' is no directory's name", path);
    dir *d = calloc(1, sizeof *d);
    FD_ALLOCATED(d);
    d->path = strndup(path, n);
    FD_ALLOCATED(d->path);
    *out = (fd_place){.ops = &ops, .self = d};
    fd_class cls = FD_OK;
    if (write)
        cls = prepare(d, err);
    else if (access(d->path, R_OK | X_OK) != 0)
        cls = fail(err, d->path);
    if (cls != FD_OK)
        dir_close(d);
    return cls;
}
