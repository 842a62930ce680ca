/* drill_matrix.h -- bulkhead drill --matrix: who touches whom, measured. */
#ifndef CLI_DRILL_MATRIX_H
#define CLI_DRILL_MATRIX_H

#include "charter/charter.h"

/*
 * Measure and print the matrix of a charter; each cell that was predicted otherwise goes to
 * standard error. The exit status.
 */
int drill_matrix(const struct charter *c, const char *libexec, const char *drill_libexec, bool json,
                 bool progress);

#endif
