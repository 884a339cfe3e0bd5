/* The system's epoll alone, the lower bound of every loop. Compiled with -DEDGE, the server registers each
 * connection once, edge-triggered (EPOLLET). Compiled with -DORDERLY, the server closes a connection like
 * picoevent: the server ends its stream, and closes the socket when the client has ended its stream, too. */

#define _GNU_SOURCE
#include "harness.h"
#include "pending.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS 1024

struct conn {
	int fd;
	int waits;
	struct pending pending;
};

static int selector, listener;

static void watch(struct conn *conn, int operation, unsigned what)
{
	struct epoll_event event = {.events = what, .data.ptr = conn};
	if (epoll_ctl(selector, operation, conn ? conn->fd : listener, &event) < 0)
		fail("epoll_ctl failed");
}

/* Accepts one connection. Returns whether there was a connection. */
static int accept_one(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno == EAGAIN)
		return 0;
	if (fd < 0)
		fail("cannot accept a connection");
	accepted();
	if (workload == HELLO) {
		if (write(fd, greeting, sizeof greeting) != sizeof greeting)
			fail("cannot write the greeting");
#ifndef ORDERLY
		close(fd);
		closed();
		return 1;
#else
		if (shutdown(fd, SHUT_WR) < 0 && errno != ENOTCONN)
			fail("cannot end the stream");
#endif
	}
	struct conn *conn = calloc(1, sizeof *conn);
	if (conn == NULL)
		fail("no memory for a connection");
	conn->fd = fd;
#ifdef EDGE
	watch(conn, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
#else
	watch(conn, EPOLL_CTL_ADD, EPOLLIN);
#endif
	return 1;
}

#ifdef ORDERLY
/* Discards the data that the client sends. Closes the connection when the client has ended its stream, too. */
static void await_end(struct conn *conn)
{
	char bytes[512];
	if (read(conn->fd, bytes, sizeof bytes) > 0)
		return;
	close(conn->fd);
	free(conn);
	closed();
}
#endif

static void serve(struct conn *conn, unsigned what)
{
#ifdef EDGE
	/* The first report only means that the socket is writable. There is nothing to read yet. */
	if (what == EPOLLOUT && conn->pending.begin == conn->pending.end)
		return;
#endif
#ifdef ORDERLY
	if (workload == HELLO) {
		await_end(conn);
		return;
	}
#endif
	enum echo_result result = echo(conn->fd, &conn->pending);
	if (result == DRAINED && what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		result = CLOSED;
	if (result == CLOSED) {
		close(conn->fd);
		free(conn->pending.bytes);
		free(conn);
		closed();
		return;
	}
#ifndef EDGE
	int waits = result == WRITE_BLOCKED;
	if (waits != conn->waits)
		watch(conn, EPOLL_CTL_MOD, waits ? EPOLLOUT : EPOLLIN);
	conn->waits = waits;
#endif
}

int main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS];
	listener = begin_harness(argc, argv);
	selector = epoll_create1(EPOLL_CLOEXEC);
#ifdef EDGE
	watch(NULL, EPOLL_CTL_ADD, EPOLLIN | EPOLLET);
#else
	watch(NULL, EPOLL_CTL_ADD, EPOLLIN);
#endif
	listening();
	for (;;) {
		int count = epoll_wait(selector, events, EVENTS, -1);
		if (count < 0 && errno != EINTR)
			fail("epoll_wait failed");
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr != NULL)
				serve(events[i].data.ptr, events[i].events);
#ifdef EDGE
			else
				while (accept_one())
					;
#else
			else
				accept_one();
#endif
		}
	}
}
