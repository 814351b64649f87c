/*
 * Where things stand in a YAML file: libyaml's marks to bytes, bytes to line and column, and
 * offsets of a decoded scalar back to the file. One owner at a time.
 */
#ifndef FD_TEXT_YAML_PLACE_H
#define FD_TEXT_YAML_PLACE_H

#include "text/yaml_file.h"

/* Must come first. */
void fd_yaml_index_lines(fd_yaml *y);
/* libyaml counts lines from 0 and columns in characters. */
size_t fd_yaml_byte_offset(const fd_yaml *y, size_t line, size_t column);
/* Fills line, col (bytes, from 1) and source. */
void fd_yaml_fill_place(fd_yaml *y, size_t offset, fd_diag *d);

#endif
