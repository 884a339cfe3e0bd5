/* libevent's HTTP server, for the workload W8. The server answers every request with 100 bytes. */

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char content[100];

/* Sets TCP_NODELAY, once for each descriptor. Without this option a small answer is not sent at once, and a
 * client would wait 40 ms for each answer. */
static void send_at_once(struct evhttp_request *request)
{
	static char is_set[1024];
	struct evhttp_connection *conn = evhttp_request_get_connection(request);
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(conn));
	int yes = 1;
	if (fd < 0 || fd >= (int)sizeof is_set || is_set[fd])
		return;
	is_set[fd] = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static void fail(const char *why)
{
	fprintf(stderr, "error: %s\n", why);
	exit(1);
}

static void page(struct evhttp_request *request, void *arg)
{
	(void)arg;
	send_at_once(request);
	struct evkeyvalq *fields = evhttp_request_get_output_headers(request);
	evhttp_add_header(fields, "Content-Type", "text/plain");
	struct evbuffer *out = evhttp_request_get_output_buffer(request);
	evbuffer_add_reference(out, content, sizeof content, NULL, NULL);
	evhttp_send_reply(request, 200, "OK", NULL);
}

int main(void)
{
	memset(content, 'x', sizeof content);
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;
	if (http == NULL)
		fail("no memory");
	evhttp_set_gencb(http, page, NULL);
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (bound == NULL)
		fail("cannot listen");
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length) != 0)
		fail("cannot read the listener's address");
	printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
	event_base_dispatch(base);
	return 0;
}
