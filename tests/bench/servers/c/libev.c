/* libev with a watcher for each descriptor. */

#define _GNU_SOURCE
#include "harness.h"
#include "pending.h"

#include <ev.h>
#include <sys/socket.h>

struct conn {
	ev_io io; /* The first field, so that a pointer to the watcher is also a pointer to its connection. */
	struct pending pending;
};

static void watch(struct ev_loop *loop, struct conn *conn, int what)
{
	if (conn->io.events & what)
		return;
	int fd = conn->io.fd;
	ev_io_stop(loop, &conn->io);
	ev_io_set(&conn->io, fd, what);
	ev_io_start(loop, &conn->io);
}

static void serve(struct ev_loop *loop, ev_io *io, int what)
{
	(void)what;
	struct conn *conn = (struct conn *)io;
	switch (echo(io->fd, &conn->pending)) {
	case DRAINED:
		watch(loop, conn, EV_READ);
		return;
	case WRITE_BLOCKED:
		watch(loop, conn, EV_WRITE);
		return;
	case CLOSED:
		ev_io_stop(loop, io);
		close(io->fd);
		free(conn->pending.bytes);
		free(conn);
		closed();
	}
}

static void on_accept(struct ev_loop *loop, ev_io *io, int what)
{
	(void)what;
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
	if (conn == NULL)
		fail("no memory for a connection");
	ev_io_init(&conn->io, serve, fd, EV_READ);
	ev_io_start(loop, &conn->io);
}

int main(int argc, char **argv)
{
	int fd = begin_harness(argc, argv);
	struct ev_loop *loop = ev_default_loop(0);
	static ev_io listener;
	if (loop == NULL)
		fail("libev cannot make a loop");
	ev_io_init(&listener, on_accept, fd, EV_READ);
	ev_io_start(loop, &listener);
	listening();
	ev_run(loop, 0);
	fail("the loop has ended");
}
