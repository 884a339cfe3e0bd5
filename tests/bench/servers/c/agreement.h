/* The agreement of all servers: the command line, the output, and the counts.
 *
 * A server is started with one of
 *
 *     server hello CONNECTIONS        answers CONNECTIONS connections, and ends
 *     server echo WARM BYTES          echoes BYTES bytes; the first WARM bytes do not count
 *     server idle CONNECTIONS BYTES   holds CONNECTIONS connections, and echoes BYTES bytes
 *
 * It listens on a free port of 127.0.0.1 and prints the port. When it is done, it prints what it
 * used. A server that cannot keep this agreement prints the reason and exits with status 1, so no
 * figure comes from a run that lost a byte or a connection. */

#ifndef AGREEMENT_H
#define AGREEMENT_H

#include <stddef.h>

enum workload { HELLO, ECHO, IDLE };

/* The workload of this server. */
extern enum workload workload;

/* The greeting of HELLO. */
extern const char greeting[14];

/* Bytes that a server reads at once, if its library does not decide that. */
#define READ_SIZE 65536

/* Reads the command line and opens the listener. Returns its descriptor, which is non-blocking. */
int agree(int argc, char **argv);

/* Prints the server's address. Nothing used before counts. */
void listening(void);

/* Counts an accepted connection. */
void accepted(void);

/* Counts bytes that were received and sent back. */
void moved(size_t bytes);

/* Counts a closed connection. Does not return from the last one. */
void closed(void);

/* Exits with an error; there is no figure then. */
void fail(const char *why) __attribute__((noreturn));

#endif
