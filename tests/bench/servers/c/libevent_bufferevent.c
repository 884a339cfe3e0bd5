/* libevent with evconnlistener and bufferevents, like libevent's sample/hello-world.c. */

#include "harness.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

static void end(struct bufferevent *bev)
{
	bufferevent_free(bev);
	closed();
}

static void on_written(struct bufferevent *bev, void *arg)
{
	(void)arg;
	if (evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		end(bev);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	(void)arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	echoed(evbuffer_get_length(input));
	evbuffer_add_buffer(bufferevent_get_output(bev), input);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)arg;
	if (workload == HELLO)
		fail("a client closed before it received the greeting");
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		end(bev);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
		      int length, void *base)
{
	(void)listener, (void)peer, (void)length;
	struct bufferevent *bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL)
		fail("no memory for a connection");
	accepted();
	if (workload == HELLO) {
		bufferevent_setcb(bev, NULL, on_written, on_event, NULL);
		bufferevent_enable(bev, EV_WRITE);
		bufferevent_disable(bev, EV_READ);
		bufferevent_write(bev, greeting, sizeof greeting);
	} else {
		bufferevent_setcb(bev, on_readable, NULL, on_event, NULL);
		bufferevent_enable(bev, EV_READ | EV_WRITE);
	}
}

int main(int argc, char **argv)
{
	int fd = begin_harness(argc, argv);
	struct event_base *base = event_base_new();
	/* The backlog is 0, because the descriptor already listens. */
	if (base == NULL ||
	    evconnlistener_new(base, on_accept, base, LEV_OPT_CLOSE_ON_FREE, 0, fd) == NULL)
		fail("libevent cannot listen");
	listening();
	event_base_dispatch(base);
	fail("the loop has ended");
}
