/* What lmsfs-sandbox says of its options. */
#ifndef SANDBOX_HELP_H
#define SANDBOX_HELP_H

#include <stdbool.h>

/* On stdout: the options by what they are for, which fits a terminal of 80 columns and 24 lines; or all of them, each
 * with a line of its own. */
void sb_print_help(bool all);

#endif
