/* What every server here agrees on: its command line, its lines, and what it counts.
 *
 * A server is started as one of
 *
 *     server hello CONNECTIONS        answers so many connections, and ends
 *     server echo WARM BYTES          sends back so many bytes; those before WARM do not count
 *     server idle CONNECTIONS BYTES   holds so many connections, and sends back so many bytes
 *
 * It listens on a free port of 127.0.0.1 and says which. What it used goes to standard output when
 * it is done. A server that cannot keep this agreement says why and ends with status 1, so that a
 * figure is never had from one that lost a byte or a connection. */

#ifndef AGREEMENT_H
#define AGREEMENT_H

#include <stddef.h>

enum workload { HELLO, ECHO, IDLE };

/* What this server is to do. */
extern enum workload workload;

/* The answer of HELLO. */
extern const char greeting[14];

/* Bytes that a server reads at once, where its library leaves that to it. */
#define READ_SIZE 65536

/* Reads the command line and opens the listener. Returns its descriptor, which does not block. */
int agree(int argc, char **argv);

/* Says where the server listens. What was used up to here does not count. */
void listening(void);

/* A connection was accepted. */
void accepted(void);

/* So many bytes came and are on their way back. */
void moved(size_t bytes);

/* A connection is closed. Does not return from the last. */
void closed(void);

/* Ends the server, which is not to be measured. */
void fail(const char *why) __attribute__((noreturn));

#endif
