/* A proxy on the system's epoll alone. All connections share one buffer. Bytes that the other side does not accept
 * are stored, and nothing more is read until these bytes are written. With level-triggered descriptors, the proxy
 * reads once for each report, so that no connection waits long for others. Compiled with -DEDGE, the proxy registers
 * each connection once, edge-triggered (EPOLLET), and must read until no bytes are left. */

#define _GNU_SOURCE
#include "pending.h"
#include "proxy.h"

#include <sys/epoll.h>

#define EVENTS 1024

/* Whether to read again. `got` is the number of bytes of the last read. */
#ifdef EDGE
#define READS_ON(got) ((got) == (ssize_t)sizeof shared)
#else
#define READS_ON(got) 0
#endif

/* One of the two sides of a connection through the proxy: the client or the server. */
struct side {
	int fd;
	struct side *partner;
	/* Bytes that this side has not accepted yet. */
	struct pending pending;
	unsigned watched;
	int connecting, ended, sent_end;
	/* Freed pairs stay in memory until all events of an iteration are served. */
	struct side *next_freed;
};

static int selector;
static struct side *freed;

static void watch(struct side *side, int operation, unsigned what)
{
	struct epoll_event event = {.events = what, .data.ptr = side};
	if (epoll_ctl(selector, operation, side->fd, &event) < 0)
		fail("epoll_ctl failed");
	side->watched = what;
}

static void close_pair(struct side *side)
{
	struct side *both[2] = {side, side->partner};
	for (int i = 0; i < 2; i++) {
		close(both[i]->fd);
		both[i]->fd = -1;
		both[i]->next_freed = freed;
		freed = both[i];
	}
}

static void free_closed(void)
{
	while (freed != NULL) {
		struct side *side = freed;
		freed = side->next_freed;
		free(side->pending.bytes);
		free(side);
	}
}

/* Moves bytes from one side to its partner. Returns whether the pair is still open. */
static int move(struct side *from)
{
	struct side *to = from->partner;
	if (to->connecting || !flush_pending(to->fd, &to->pending))
		return 1;
	while (!from->ended) {
		ssize_t got = read(from->fd, shared, sizeof shared);
		if (got < 0 && errno == EAGAIN)
			return 1;
		if (got < 0)
			return 0;
		if (got == 0)
			from->ended = 1;
		else if (!write_or_keep(to->fd, &to->pending, shared, got) || !READS_ON(got))
			return 1;
	}
	if (!to->sent_end) {
		to->sent_end = 1;
		shutdown(to->fd, SHUT_WR);
	}
	return !(to->ended && from->sent_end);
}

#ifndef EDGE
/* Watches a side for input if its partner accepts bytes, and for output if bytes wait to be written to this side. */
static void watch_again(struct side *side)
{
	struct side *partner = side->partner;
	unsigned what = 0;
	if (side->connecting || side->pending.begin < side->pending.end)
		what |= EPOLLOUT;
	if (!side->ended && !partner->connecting && partner->pending.begin == partner->pending.end)
		what |= EPOLLIN;
	if (what != side->watched)
		watch(side, EPOLL_CTL_MOD, what);
}
#endif

static void serve(struct side *side, unsigned what)
{
	if (side->fd < 0)
		return;
	/* With edge-triggered descriptors, a report of input also contains EPOLLOUT, although usually no bytes wait. So
	 * EPOLLOUT is ignored, except if bytes were waiting or the side was connecting. */
	int was_waiting = side->connecting || side->pending.begin < side->pending.end;
	if (side->connecting && what & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
		int error = 0;
		socklen_t length = sizeof error;
		getsockopt(side->fd, SOL_SOCKET, SO_ERROR, &error, &length);
		side->connecting = 0;
		if (error != 0) {
			close_pair(side);
			return;
		}
	}
	if ((was_waiting && what & EPOLLOUT && !move(side->partner)) ||
	    (what & ~EPOLLOUT && !move(side))) {
		close_pair(side);
		return;
	}
#ifndef EDGE
	watch_again(side);
	watch_again(side->partner);
#endif
}

static struct side *side_of(int fd)
{
	struct side *side = calloc(1, sizeof *side);
	if (side == NULL)
		fail("no memory for a connection");
	side->fd = fd;
	return side;
}

/* Accepts one client. Returns whether there was a client. */
static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno == EAGAIN)
		return 0;
	if (fd < 0)
		fail("cannot accept a connection");
	struct side *client = side_of(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("cannot open a socket");
	set_no_delay(fd);
	struct side *to = side_of(fd);
	client->partner = to;
	to->partner = client;
	to->connecting = connect(fd, (struct sockaddr *)&server, sizeof server) < 0;
	if (to->connecting && errno != EINPROGRESS)
		fail("cannot connect to the server");
#ifdef EDGE
	watch(client, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	watch(to, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
#else
	watch(client, EPOLL_CTL_ADD, to->connecting ? 0 : EPOLLIN);
	watch(to, EPOLL_CTL_ADD, to->connecting ? EPOLLOUT | EPOLLIN : EPOLLIN);
#endif
	return 1;
}

int main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS];
	struct side listener = {.fd = listen_as_proxy(argc, argv)};
	selector = epoll_create1(EPOLL_CLOEXEC);
	watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
	for (;;) {
		int count = epoll_wait(selector, events, EVENTS, -1);
		if (count < 0 && errno != EINTR)
			fail("epoll_wait failed");
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == &listener)
				accept_one(listener.fd);
			else
				serve(events[i].data.ptr, events[i].events);
		}
		free_closed();
	}
}
