/* libevent with an event for each descriptor, without bufferevents. */

#define _GNU_SOURCE
#include "harness.h"
#include "pending.h"

#include <event2/event.h>
#include <sys/socket.h>

struct conn {
	struct event *readable, *writable;
	struct pending pending;
};

static struct event_base *base;

static void serve(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	struct conn *conn = arg;
	switch (echo(fd, &conn->pending)) {
	case DRAINED:
		if (conn->writable != NULL && event_pending(conn->writable, EV_WRITE, NULL)) {
			event_del(conn->writable);
			event_add(conn->readable, NULL);
		}
		return;
	case WRITE_BLOCKED:
		if (conn->writable == NULL)
			conn->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, serve, conn);
		if (conn->writable == NULL)
			fail("no memory for an event");
		event_del(conn->readable);
		event_add(conn->writable, NULL);
		return;
	case CLOSED:
		event_free(conn->readable);
		if (conn->writable != NULL)
			event_free(conn->writable);
		close(fd);
		free(conn->pending.bytes);
		free(conn);
		closed();
	}
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
	(void)what, (void)arg;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		fail("cannot accept a connection");
	accepted();
	if (workload == HELLO) {
		if (write(fd, greeting, sizeof greeting) != sizeof greeting)
			fail("cannot write the greeting");
		close(fd);
		closed();
		return;
	}
	struct conn *conn = calloc(1, sizeof *conn);
	if (conn != NULL)
		conn->readable = event_new(base, fd, EV_READ | EV_PERSIST, serve, conn);
	if (conn == NULL || conn->readable == NULL || event_add(conn->readable, NULL) < 0)
		fail("no memory for a connection");
}

int main(int argc, char **argv)
{
	int fd = begin_harness(argc, argv);
	base = event_base_new();
	struct event *listener = event_new(base, fd, EV_READ | EV_PERSIST, on_accept, NULL);
	if (listener == NULL || event_add(listener, NULL) < 0)
		fail("libevent cannot listen");
	listening();
	event_base_dispatch(base);
	fail("the loop has ended");
}
