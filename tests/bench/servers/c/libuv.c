/* libuv with its streams. Bytes are written at once if possible. A write request sends the rest. */

#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct rest {
	uv_write_t request;
	char bytes[];
};

static uv_loop_t *loop;
static char shared[READ_SIZE];

static void on_close(uv_handle_t *handle)
{
	free(handle);
	closed();
}

static void on_rest(uv_write_t *request, int status)
{
	(void)status;
	free(request->data);
}

static void write_all(uv_stream_t *stream, char *bytes, size_t length)
{
	uv_buf_t buffer = uv_buf_init(bytes, length);
	int sent = uv_try_write(stream, &buffer, 1);
	if (sent == (int)length)
		return;
	if (sent < 0)
		sent = 0;
	struct rest *rest = malloc(sizeof *rest + length - sent);
	if (rest == NULL)
		fail("no memory for pending bytes");
	memcpy(rest->bytes, bytes + sent, length - sent);
	rest->request.data = rest;
	buffer = uv_buf_init(rest->bytes, length - sent);
	if (uv_write(&rest->request, stream, &buffer, 1, on_rest) < 0)
		free(rest);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	(void)handle, (void)suggested;
	*buffer = uv_buf_init(shared, sizeof shared);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	if (got == 0)
		return;
	if (got < 0) {
		uv_close((uv_handle_t *)stream, on_close);
		return;
	}
	echoed(got);
	write_all(stream, buffer->base, got);
}

static void on_connection(uv_stream_t *listener, int status)
{
	uv_tcp_t *conn = malloc(sizeof *conn);
	if (status < 0 || conn == NULL || uv_tcp_init(loop, conn) < 0 ||
	    uv_accept(listener, (uv_stream_t *)conn) < 0)
		fail("cannot accept a connection");
	accepted();
	if (workload == HELLO) {
		uv_buf_t answer = uv_buf_init((char *)greeting, sizeof greeting);
		if (uv_try_write((uv_stream_t *)conn, &answer, 1) != sizeof greeting)
			fail("cannot write the greeting");
		uv_close((uv_handle_t *)conn, on_close);
		return;
	}
	if (uv_read_start((uv_stream_t *)conn, on_alloc, on_read) < 0)
		fail("cannot read a connection");
}

int main(int argc, char **argv)
{
	int fd = begin_harness(argc, argv);
	static uv_tcp_t listener;
	loop = uv_default_loop();
	/* The socket already listens. libuv calls listen again with the same backlog. */
	if (loop == NULL || uv_tcp_init(loop, &listener) < 0 || uv_tcp_open(&listener, fd) < 0 ||
	    uv_listen((uv_stream_t *)&listener, 4096, on_connection) < 0)
		fail("libuv cannot listen");
	listening();
	uv_run(loop, UV_RUN_DEFAULT);
	fail("the loop has ended");
}
