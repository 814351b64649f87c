/*
 * What an archive gives back is read by tools: any bytes as a log of activations, as the record of
 * a set and as the text of many files. What is taken must come out the same when it is written
 * again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "app/archive/activations.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lines(const fd_strbuf *bytes)
{
    fd_activations a;
    fd_activations_parse(bytes, &a);
    for (uint32_t i = 0; i < a.n; i++) {
        fd_strbuf line = {0};
        fd_activations again;
        fd_activation_line(&a.items[i], &line);
        fd_activations_parse(&line, &again);
        FD_ASSERT(again.n == 1 && again.broken == 0 && !again.torn);
        FD_ASSERT(again.items[0].n_first == a.items[i].n_first ||
                  a.items[i].kind != FD_ACTIVATION_DECIDES);
        fd_activations_free(&again);
        fd_strbuf_free(&line);
    }
    fd_activations_free(&a);
}

static void files(const fd_strbuf *bytes)
{
    fd_files f = {0};
    fd_strbuf text = {0};
    if (fd_files_unpack(bytes->p, bytes->n, &f)) {
        fd_files again = {0};
        fd_files_pack(&f, &text);
        FD_ASSERT(fd_files_unpack(text.p, text.n, &again) && again.n == f.n);
        fd_files_free(&again);
    }
    fd_strbuf_free(&text);
    fd_files_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fd_strbuf bytes = {0};
    fd_archive_set set;
    fd_strbuf_add(&bytes, data, size);
    fd_strbuf_putc(&bytes, '\0');
    bytes.n--;
    lines(&bytes);
    files(&bytes);
    (void)fd_archive_set_parse("", bytes.p, &set);
    fd_strbuf_free(&bytes);
    return 0;
}
