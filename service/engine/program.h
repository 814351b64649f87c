/*
 * A program: the rule sets and models that decide, loaded and compiled as one thing that an engine
 * can exchange while it runs. What it needs of the past (windows) is a fold, and another thing.
 *
 * Loaded on any thread, then owned by the engine it is given to. Rule sets and models are
 * immutable; their runs are the engine thread's.
 */
#ifndef FD_ENGINE_PROGRAM_H
#define FD_ENGINE_PROGRAM_H

#include "engine/engine.h"
#include "manifest/manifest.h"
#include "store/ruleset.h"

/* As the configuration says; NULL after errors in diags. */
fd_program *fd_program_load(const fd_engine_config *config, fd_diags *diags);
void fd_program_free(fd_program *p); /* NULL is fine; of one that no engine has */

const char *fd_program_ruleset_hash(const fd_program *p);
const char *fd_program_lists_hash(const fd_program *p);
/* Do the windows of the one serve the other to the bit? */
bool fd_program_covers(const fd_program *wide, const fd_program *narrow);
const char *fd_program_models_hash(const fd_program *p); /* "": there are none */
const fd_models *fd_program_models(const fd_program *p);
/* A directory of models as rule sets are told of it, by model; `m` must outlive it. */
fd_ruleset_model *fd_models_declare(const fd_models *m);
void fd_models_declared_free(fd_ruleset_model *declared, uint32_t n);
/* With several sources the set is compiled once per source. */
const fd_ruleset *fd_program_rules(const fd_program *p, uint16_t source);

#endif
