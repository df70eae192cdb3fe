/* lines.h — files of lines that are only ever added to. */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <sys/types.h>

/* Where the last line ends that has its newline before `end`, a place in the file: behind that newline; 0: none has. -1: it can't be read,
 * errno says why. From any thread. */
off_t lines_whole(int fd, off_t end);

#endif
