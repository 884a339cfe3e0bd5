/* Bytes that a connection could not write yet, for servers whose library has no buffers.
 * If a client reads as fast as the server writes, there are no such bytes. */

#ifndef PENDING_H
#define PENDING_H

#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct pending {
	char *bytes;
	unsigned begin, end;
};

/* A buffer that all connections share. It is empty again before the next connection is served. */
static char shared[READ_SIZE];

/* The state of a connection after it was served. */
enum echo_result { DRAINED, WRITE_BLOCKED, CLOSED };

/* Writes the pending bytes. Returns whether no pending bytes are left. */
static inline int flush_pending(int fd, struct pending *pending)
{
	while (pending->begin < pending->end) {
		ssize_t sent = write(fd, pending->bytes + pending->begin, pending->end - pending->begin);
		if (sent < 0 && errno == EAGAIN)
			return 0;
		if (sent < 0)
			return 1;
		pending->begin += sent;
	}
	return 1;
}

/* Writes bytes. Stores the bytes that the system does not accept. Returns whether all bytes were written. */
static inline int write_or_keep(int fd, struct pending *pending, const char *bytes, size_t length)
{
	ssize_t sent = write(fd, bytes, length);
	if (sent == (ssize_t)length)
		return 1;
	if (sent < 0)
		sent = 0;
	if (pending->bytes == NULL && (pending->bytes = malloc(READ_SIZE)) == NULL)
		fail("no memory for pending bytes");
	memcpy(pending->bytes, bytes + sent, length - sent);
	pending->begin = 0;
	pending->end = length - sent;
	return 0;
}

/* Sends received bytes back. A read that does not fill the buffer has read everything. */
static inline enum echo_result echo(int fd, struct pending *pending)
{
	if (!flush_pending(fd, pending))
		return WRITE_BLOCKED;
	for (;;) {
		ssize_t got = read(fd, shared, sizeof shared);
		if (got < 0 && errno == EAGAIN)
			return DRAINED;
		if (got <= 0)
			return CLOSED;
		echoed(got);
		if (!write_or_keep(fd, pending, shared, got))
			return WRITE_BLOCKED;
		if (got < (ssize_t)sizeof shared)
			return DRAINED;
	}
}

#endif
