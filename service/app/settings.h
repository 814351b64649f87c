/*
 * From the configuration to the engine: what decides is the same in `run` and in `replay`, so that
 * one recomputes the other to the byte. Main thread.
 */
#ifndef FD_APP_SETTINGS_H
#define FD_APP_SETTINGS_H

#include "config/config.h"
#include "engine/engine.h"

/* Reader schemas, by source, and that of decisions; the caller frees them, also those that were
 * loaded before an error. */
bool fd_settings_schemas(const fd_config *c, fd_schema **readers, fd_schema **decision,
                         fd_diags *diags);

/* Fills sources[0 .. c->n_sources) and *out, which points to them. */
void fd_settings_engine(const fd_config *c, fd_schema *const *readers, const fd_schema *decision,
                        fd_engine_source *sources, fd_engine_config *out);

#endif
