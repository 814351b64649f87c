/* The inside of models/manifest: a directory on its way in. Loading; one owner. */
#ifndef FD_MANIFEST_MANIFEST_INT_H
#define FD_MANIFEST_MANIFEST_INT_H

#include "manifest/manifest.h"
#include "text/yaml_file.h"

/* A manifest as its YAML has it, before the model is looked at. */
typedef struct fd_manifest_def {
    fd_manifest m; /* inputs in the manifest's order */
    fd_yaml *y;
    fd_model *model;
    fd_yaml_node *root, *id_node, *file_node, *sha_node, *inputs_node, *score_node, *test_node;
    fd_yaml_node *reasons_node, *transform_node;
    const fd_yaml_node **input_nodes; /* of their names */
    fd_str format, sha256;
    fd_yaml_node *format_node;
    bool has_score, has_codes;
} fd_manifest_def;

struct fd_models {
    fd_arena *arena;
    uint32_t n_files;
    fd_yaml *files;
    char **names; /* of the files, sorted */
    uint32_t n;
    fd_manifest_def *defs; /* sorted by id */
    fd_content_hash hash;
};

/* define.c: what the YAML says. False after errors. */
bool fd_manifest_define(fd_models *all, const char *dir, fd_yaml *y, fd_manifest_def *d);
/* bind.c: the file, the model in it, and its inputs. False after errors. */
bool fd_manifest_bind(fd_models *all, fd_manifest_def *d, fd_diags *diags);
/* self_test.c. False after errors. */
bool fd_manifest_self_test(fd_manifest_def *d, fd_diags *diags);

#endif
