/* The virtual sockets of connections: the bytes in transit from the peer and to the peer.
 *
 * The functions at the end of this file replace the functions of libc with the same names, also for libevent.
 * In each stream, the bytes have the values 0, 1, 2 and so on (modulo 256), so their order can be checked. */
#define _GNU_SOURCE
#include "oracle.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct socket {
	/* The number of bytes that the peer has sent and the connection has not read, and the number of bytes that
	 * the connection has written and the peer has not taken. */
	long inbox, outbox;
	int ended, is_reset;
	/* The value of the next byte of each stream. */
	unsigned char next_read, next_written;
};

static struct socket sockets[CONNS];

void sockets_begin(void)
{
	memset(sockets, 0, sizeof(sockets));
}

int socket_of(int descriptor)
{
	int socket = descriptor - world_descriptor(SOURCES);
	return socket >= 0 && socket < CONNS ? socket : NONE;
}

void socket_peer(int id, enum peer_action action, long amount)
{
	struct socket *socket = &sockets[id - FIRST_CONN];
	if (socket->is_reset)
		return;
	switch (action) {
	case PEER_SEND:
		if (!socket->ended)
			socket->inbox += amount;
		break;
	case PEER_TAKE:
		socket->outbox -= amount < socket->outbox ? amount : socket->outbox;
		break;
	case PEER_END:
		socket->ended = 1;
		break;
	case PEER_RESET:
		socket->inbox = socket->outbox = 0;
		socket->is_reset = 1;
		break;
	case PEER_ACTIONS:
		break;
	}
}

uint32_t socket_ready(int number)
{
	const struct socket *socket = &sockets[number];
	int can_read = socket->inbox > 0 || socket->ended || socket->is_reset;
	int can_write = socket->outbox < SEND_BUFFER || socket->is_reset;
	return (can_read ? EPOLLIN : 0u) | (can_write ? EPOLLOUT : 0u);
}

int ioctl(int descriptor, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	int number = socket_of(descriptor);
	if (number == NONE || request != FIONREAD)
		return (int)syscall(SYS_ioctl, descriptor, request, argument);
	*(int *)argument = (int)sockets[number].inbox;
	return 0;
}

ssize_t readv(int descriptor, const struct iovec *parts, int count)
{
	int number = socket_of(descriptor);
	if (number == NONE)
		return syscall(SYS_readv, descriptor, parts, count);
	struct socket *socket = &sockets[number];
	if (socket->inbox == 0) {
		errno = socket->is_reset ? ECONNRESET : EAGAIN;
		return socket->ended && !socket->is_reset ? 0 : -1;
	}
	ssize_t sum = 0;
	for (int part = 0; part < count; part++) {
		unsigned char *bytes = parts[part].iov_base;
		for (size_t at = 0; at < parts[part].iov_len && socket->inbox > 0; at++) {
			bytes[at] = socket->next_read++;
			socket->inbox--;
			sum++;
		}
	}
	return sum;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
	int number = socket_of(descriptor);
	if (number == NONE)
		return syscall(SYS_writev, descriptor, parts, count);
	struct socket *socket = &sockets[number];
	if (socket->is_reset || socket->outbox == SEND_BUFFER) {
		errno = socket->is_reset ? ECONNRESET : EAGAIN;
		return -1;
	}
	ssize_t sum = 0;
	for (int part = 0; part < count; part++) {
		const unsigned char *bytes = parts[part].iov_base;
		for (size_t at = 0; at < parts[part].iov_len && socket->outbox < SEND_BUFFER; at++) {
			if (bytes[at] != socket->next_written++)
				write_trace("wrong bytes\n");
			socket->outbox++;
			sum++;
		}
	}
	return sum;
}
