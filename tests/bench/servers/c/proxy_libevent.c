/* A proxy on libevent's bufferevents, like libevent's sample le-proxy.c. While one side does not accept bytes, the
 * proxy does not read from the other side. */

#include "proxy.h"

#include <event2/bufferevent.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/listener.h>

/* The maximum number of bytes that wait to be sent to one side, as in le-proxy.c. When this number is reached, the
 * proxy does not read from the other side. */
#define MAX_OUTPUT (512 * 1024)

static struct event_base *base;

static void on_drained(struct bufferevent *to, void *partner);
static void on_event(struct bufferevent *side, short what, void *partner);

static void on_readable(struct bufferevent *from, void *partner)
{
	struct bufferevent *to = partner;
	struct evbuffer *output = bufferevent_get_output(to);
	bufferevent_read_buffer(from, output);
	if (evbuffer_get_length(output) >= MAX_OUTPUT) {
		bufferevent_setcb(to, on_readable, on_drained, on_event, from);
		bufferevent_setwatermark(to, EV_WRITE, MAX_OUTPUT / 2, MAX_OUTPUT);
		bufferevent_disable(from, EV_READ);
	}
}

/* Called when half of the waiting output is sent. The proxy reads from the other side again. */
static void on_drained(struct bufferevent *to, void *partner)
{
	bufferevent_setcb(to, on_readable, NULL, on_event, partner);
	bufferevent_setwatermark(to, EV_WRITE, 0, 0);
	bufferevent_enable(partner, EV_READ);
}

static void on_event(struct bufferevent *side, short what, void *partner)
{
	if (what & BEV_EVENT_CONNECTED)
		return;
	bufferevent_free(side);
	bufferevent_free(partner);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int length,
			 void *nothing)
{
	(void)listener, (void)from, (void)length, (void)nothing;
	struct bufferevent *client = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	struct bufferevent *to = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (client == NULL || to == NULL ||
	    bufferevent_socket_connect(to, (struct sockaddr *)&server, sizeof server) < 0)
		fail("cannot connect to the server");
	set_no_delay(bufferevent_getfd(to));
	bufferevent_setcb(client, on_readable, NULL, on_event, to);
	bufferevent_setcb(to, on_readable, NULL, on_event, client);
	bufferevent_enable(client, EV_READ | EV_WRITE);
	bufferevent_enable(to, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
	int fd = listen_as_proxy(argc, argv);
	base = event_base_new();
	if (base == NULL || evconnlistener_new(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd) == NULL)
		fail("libevent cannot listen");
	event_base_dispatch(base);
	fail("the loop has ended");
}
