/* Decisions and rows of features into files; see sink.h. Main thread. */
#include "app/replay/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/replay/rows.h"
#include "app/tools/record_print.h"
#include "base/assert.h"
#include "codec/container.h"

enum { BUFFER_BYTES = 1 << 20, N_COLUMNS = 8 };

/* What a spreadsheet wants of a decision; the rest is in the other forms. */
static const char *const COLUMNS[N_COLUMNS] = {"id",    "event_id", "event_time", "action",
                                               "score", "reasons",  "rules",      "flags"};

struct fd_replay_sink {
    fd_replay_output output;
    const fd_schema *decision;
    const char *name; /* for errors */
    FILE *file;       /* not of a container */
    fd_container *container;
    fd_tap_printer printer;
    fd_type row; /* CSV: the chosen columns */
    fd_field fields[N_COLUMNS];
    bool in_rows; /* not decisions */
    fd_replay_rows rows;
    fd_strbuf line;
    fd_diags diags;
};

static fd_class file_error(const fd_replay_sink *s, fd_err *err)
{
    bool left = s->file == stdout && errno == EPIPE;
    return fd_fail(err, left ? FD_RETRY : FD_FATAL, FD_EXIT_CHECK, "%s: %s", s->name,
                   strerror(errno));
}

static fd_class write_line(fd_replay_sink *s, fd_err *err)
{
    bool ok = s->line.n == 0 || fwrite(s->line.p, 1, s->line.n, s->file) == s->line.n;
    return ok ? FD_OK : file_error(s, err);
}

static void choose_columns(fd_replay_sink *s)
{
    const fd_type *all = fd_schema_type(s->decision);
    for (uint32_t i = 0; i < N_COLUMNS; i++) {
        const fd_field *f = fd_type_field(all, fd_str_from(COLUMNS[i]), NULL);
        FD_ASSERT(f != NULL);
        s->fields[i] = *f;
    }
    s->row = (fd_type){.kind = FD_RECORD, .n_fields = N_COLUMNS, .fields = s->fields};
    s->printer = (fd_tap_printer){.output = FD_TAP_CSV, .columns = &s->row, .to = s->file};
}

fd_class fd_replay_sink_new(const fd_replay_sink_config *config, fd_replay_sink **out, fd_err *err)
{
    fd_replay_sink *s = calloc(1, sizeof *s);
    FD_ALLOCATED(s);
    s->output = config->output;
    s->decision = config->decision;
    s->in_rows = config->features || config->scores;
    s->name = config->path == NULL ? "standard output" : config->path;
    fd_diags_init(&s->diags);
    fd_class rc = FD_OK;
    if (s->output == FD_REPLAY_AVRO) {
        s->container = fd_container_create(config->path == NULL ? "-" : config->path, s->decision,
                                           FD_CODEC_NULL, &s->diags);
        if (s->container == NULL) {
            fd_cli_first_error(&s->diags, err);
            rc = FD_FATAL;
        }
    } else {
        s->file = config->path == NULL ? stdout : fopen(config->path, "we");
        if (s->file == NULL)
            rc = file_error(s, err);
        else
            setvbuf(s->file, NULL, _IOFBF, BUFFER_BYTES);
    }
    if (rc != FD_OK) {
        fd_diags_free(&s->diags);
        free(s);
        return rc;
    }
    *out = s;
    if (s->in_rows) {
        s->rows = (fd_replay_rows){.engine = config->engine,
                                   .topics = config->topics,
                                   .csv = s->output == FD_REPLAY_CSV,
                                   .features = config->features,
                                   .scores = config->scores};
        fd_replay_rows_head(&s->rows, &s->line);
        return write_line(s, err);
    }
    if (s->output == FD_REPLAY_CSV)
        choose_columns(s);
    return FD_OK;
}

static fd_class put_text(fd_replay_sink *s, fd_str value, fd_err *err)
{
    fd_strbuf_reset(&s->line);
    fd_poison poison = fd_avro_to_json(s->decision, value, &s->line);
    FD_ASSERT(poison == FD_POISON_NONE); /* these are our own bytes */
    if (s->output == FD_REPLAY_CSV) {
        fd_tap_record r = {.decoded = true, .json = {s->line.p, (uint32_t)s->line.n}};
        return fd_tap_print(&s->printer, &r) ? FD_OK : file_error(s, err);
    }
    fd_strbuf_putc(&s->line, '\n');
    return write_line(s, err);
}

static fd_class put_row(fd_replay_sink *s, const fd_event *events, uint32_t i, fd_flags flags,
                        fd_err *err)
{
    fd_strbuf_reset(&s->line);
    fd_replay_rows_add(&s->rows, events, i, flags, &s->line);
    return write_line(s, err);
}

fd_class fd_replay_sink_put(fd_replay_sink *s, const fd_event *events, const fd_outcome *outcomes,
                            uint32_t n, fd_err *err)
{
    fd_class rc = FD_OK;
    for (uint32_t i = 0; i < n && rc == FD_OK; i++) {
        if (s->in_rows) {
            rc = put_row(s, events, i, outcomes[i].flags, err);
            continue;
        }
        FD_ASSERT(outcomes[i].value.p != NULL); /* the arena has no limit */
        if (s->output != FD_REPLAY_AVRO) {
            rc = put_text(s, outcomes[i].value, err);
        } else if (!fd_container_append(s->container, outcomes[i].value, &s->diags)) {
            fd_cli_first_error(&s->diags, err);
            rc = FD_FATAL;
        }
    }
    return rc;
}

fd_class fd_replay_sink_close(fd_replay_sink *s, fd_err *err)
{
    if (s == NULL)
        return FD_OK;
    fd_class rc = FD_OK;
    if (s->output == FD_REPLAY_AVRO) {
        if (!fd_container_finish(s->container, &s->diags)) {
            fd_cli_first_error(&s->diags, err);
            rc = FD_FATAL;
        }
    } else if ((s->file == stdout ? fflush(stdout) : fclose(s->file)) != 0) {
        rc = file_error(s, err);
    }
    fd_strbuf_free(&s->printer.line);
    fd_strbuf_free(&s->line);
    fd_diags_free(&s->diags);
    free(s);
    return rc;
}
