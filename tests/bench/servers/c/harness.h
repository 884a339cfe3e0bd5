/* The harness: the part that all servers share. It defines the command line, the output, and what is
 * counted. A server is started with one of these command lines:
 *
 *     server hello CONNECTIONS        answers CONNECTIONS connections, and ends
 *     server echo WARM BYTES          echoes BYTES bytes; the first WARM bytes do not count
 *     server idle CONNECTIONS BYTES   holds CONNECTIONS connections, and echoes BYTES bytes
 *
 * The server listens on a free port of 127.0.0.1 and prints the port. At the end it prints which
 * resources it has used. A server that loses a byte or a connection, or has another error, prints the
 * reason and exits with status 1. Then the run has no figure. */

#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>

enum workload { HELLO, ECHO, IDLE };

/* The workload of this server. */
extern enum workload workload;

/* The greeting of HELLO. */
extern const char greeting[14];

/* The number of bytes that a server reads at once. If the library of a server determines this number, the
 * server does not use this constant. */
#define READ_SIZE 65536

/* Reads the command line and opens the listener. Returns the listener's descriptor, which is non-blocking. */
int begin_harness(int argc, char **argv);

/* Prints the server's address. The figures do not include what the process used before this call. */
void listening(void);

/* Counts an accepted connection. */
void accepted(void);

/* Counts bytes that were received and sent back. */
void echoed(size_t bytes);

/* Counts a closed connection. If this was the last connection, exits the process. */
void closed(void);

/* Exits with an error. Then the run has no figure. */
void fail(const char *why) __attribute__((noreturn));

#endif
