/* Rule directories and payments for the tests; see support.h. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

static const fd_type t_string = {.kind = FD_STRING};
static const fd_type t_maybe_string = {.kind = FD_STRING, .nullable = true};
static const fd_type t_int = {.kind = FD_INT};
static const fd_type t_maybe_int = {.kind = FD_INT, .nullable = true};
static const fd_type t_double = {.kind = FD_DOUBLE};
static const fd_type t_bool = {.kind = FD_BOOL};
static const fd_str symbols[] = {{"approved", 8}, {"declined", 8}};
static const fd_type t_status = {
    .kind = FD_STRING, .is_enum = true, .n_symbols = 2, .symbols = symbols};
static const fd_field card_fields[] = {{"bin", &t_string}, {"limit", &t_maybe_int}};
static const fd_type t_card = {
    .kind = FD_RECORD, .nullable = true, .name = "test.Card", .n_fields = 2, .fields = card_fields};
static const fd_type t_tags = {.kind = FD_LIST, .elem = &t_string};

enum { CARD_ID, AMOUNT, PRICE, OK, STATUS, IP, CARD, TAGS, N_FIELDS };
static const fd_field fields[N_FIELDS] = {
    [CARD_ID] = {"card_id", &t_string}, [AMOUNT] = {"amount", &t_int},
    [PRICE] = {"price", &t_double},     [OK] = {"ok", &t_bool},
    [STATUS] = {"status", &t_status},   [IP] = {"ip", &t_maybe_string},
    [CARD] = {"card", &t_card},         [TAGS] = {"tags", &t_tags},
};
const fd_type payment = {
    .kind = FD_RECORD, .name = "test.Payment", .n_fields = N_FIELDS, .fields = fields};

const fd_ruleset_source decided = {.topic = "payments", .partitioned_by = "card_id"};

static uint32_t grow(fd_col *c)
{
    c->valid[c->n] = 1;
    return c->n++;
}

static void put_text(fd_col *c, const char *text)
{
    if (text == NULL) {
        fd_col_push_null(c);
        return;
    }
    uint32_t row = grow(c);
    c->v.s[row] = fd_str_from(text);
}

static void put(fd_col *c, const payment_row *p)
{
    uint32_t row;
    put_text(&c[CARD_ID], p->card_id);
    row = grow(&c[AMOUNT]);
    c[AMOUNT].v.i[row] = p->amount;
    row = grow(&c[PRICE]);
    c[PRICE].v.d[row] = (double)p->amount / 10;
    row = grow(&c[OK]);
    c[OK].v.b[row] = p->amount > 0;
    put_text(&c[STATUS], p->amount % 2 != 0 ? "declined" : "approved");
    put_text(&c[IP], p->ip);
    if (p->bin == NULL) {
        fd_col_push_null(&c[CARD]);
    } else {
        grow(&c[CARD]);
        put_text(&c[CARD].children[0], p->bin);
        fd_col_push_null(&c[CARD].children[1]);
    }
    row = grow(&c[TAGS]);
    c[TAGS].v.off[row + 1] = c[TAGS].children[0].n;
}

fd_batch *payments(const payment_row *rows, uint32_t n)
{
    fd_batch *b = fd_batch_new(&payment, n == 0 ? 1 : n, 1000);
    for (uint32_t i = 0; i < n; i++) {
        put(b->root.children, &rows[i]);
        grow(&b->root);
    }
    return b;
}

static char home[4096], directory[64];

int enter_directory(void **state)
{
    (void)state;
    assert_non_null(getcwd(home, sizeof home));
    snprintf(directory, sizeof directory, "/tmp/fraudd-rules-%s", "XXXXXX");
    assert_non_null(mkdtemp(directory));
    return chdir(directory);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int leave_directory(void **state)
{
    (void)state;
    assert_int_equal(chdir(home), 0);
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void write_bytes(const char *name, const void *bytes, size_t n)
{
    char folder[256];
    const char *slash = strchr(name, '/');
    if (slash != NULL) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
        assert_true(mkdir(folder, 0700) == 0 || errno == EEXIST);
    }
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

void remove_file(const char *name)
{
    assert_int_equal(remove(name), 0);
}
