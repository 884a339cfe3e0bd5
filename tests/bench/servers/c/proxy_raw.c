/* A proxy on the system's epoll alone. All connections share one buffer; what the other side does not take is
 * kept, and nothing more is read until it is written. Level-triggered it reads once for each report, so that no
 * connection waits long for others. Compiled with -DEDGE it registers each connection once, edge-triggered
 * (EPOLLET), and has to read until nothing is left. */

#define _GNU_SOURCE
#include "pending.h"
#include "proxy.h"

#include <sys/epoll.h>

#define EVENTS 1024

/* Whether to read again, given the number of bytes of the last read. */
#ifdef EDGE
#define READS_ON(got) ((got) == (ssize_t)sizeof shared)
#else
#define READS_ON(got) 0
#endif

/* One of two partners. */
struct side {
	int fd;
	struct side *partner;
	/* What this side has not taken yet. */
	struct pending pending;
	unsigned watched;
	int connecting, ended, told_end;
	/* Freed pairs stay in memory until all events of a turn are served. */
	struct side *next_freed;
};

static int selector;
static struct side *freed;

static void watch(struct side *side, int operation, unsigned what)
{
	struct epoll_event event = {.events = what, .data.ptr = side};
	if (epoll_ctl(selector, operation, side->fd, &event) < 0)
		fail("epoll does not watch a descriptor");
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

/* Moves what one side sends to its partner. Returns whether the pair is still open. */
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
	if (!to->told_end) {
		to->told_end = 1;
		shutdown(to->fd, SHUT_WR);
	}
	return !(to->ended && from->told_end);
}

#ifndef EDGE
/* Watches what can be done: reading when the partner takes bytes, writing when something waits. */
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
	/* Edge-triggered, a report of input also says that there is room. Usually nothing waited for room. */
	int had_to_wait = side->connecting || side->pending.begin < side->pending.end;
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
	if ((had_to_wait && what & EPOLLOUT && !move(side->partner)) ||
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

/* Accepts one client. Returns whether there was one. */
static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno == EAGAIN)
		return 0;
	if (fd < 0)
		fail("a connection is not accepted");
	struct side *client = side_of(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("there is no socket");
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
			fail("epoll does not wait");
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == &listener)
				accept_one(listener.fd);
			else
				serve(events[i].data.ptr, events[i].events);
		}
		free_closed();
	}
}
