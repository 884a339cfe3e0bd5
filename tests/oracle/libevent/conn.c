/* The connections: bufferevents with deferred callbacks, on virtual sockets. Their high mark for reading is
 * the size of picoevent's input ring. */
#include "run.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>

/* For each connection, the next byte that it writes, and the next byte that it expects to read. */
static unsigned char next_written[CONNS], next_read[CONNS];

void conns_begin(void)
{
	memset(next_written, 0, sizeof(next_written));
	memset(next_read, 0, sizeof(next_read));
}

static long input_of(const struct actor *actor)
{
	return (long)evbuffer_get_length(bufferevent_get_input(actor->conn));
}

static void write_state(const struct actor *actor)
{
	short enabled = bufferevent_get_enabled(actor->conn);
	write_trace(" in %ld out %ld %s%s%s\n", input_of(actor),
	    (long)evbuffer_get_length(bufferevent_get_output(actor->conn)),
	    enabled & EV_READ ? "r" : "", enabled & EV_WRITE ? "w" : "",
	    enabled & (EV_READ | EV_WRITE) ? "" : "-");
}

static void on_conn(struct actor *actor, const char *what)
{
	running = NULL;
	forget_dangling();
	if (count_call())
		return;
	write_position();
	write_trace("conn %d %s", actor->decl->id, what);
	write_state(actor);
	run_script(actor);
}

static void on_input(struct bufferevent *conn, void *argument)
{
	(void)conn;
	on_conn(argument, "read");
}

static void on_output(struct bufferevent *conn, void *argument)
{
	(void)conn;
	on_conn(argument, "write");
}

/* One mask may report several conditions. */
static void on_what(struct bufferevent *conn, short what, void *argument)
{
	char text[64] = "event";
	(void)conn;
	if (what & BEV_EVENT_TIMEOUT)
		strcat(text, " timeout");
	if (what & BEV_EVENT_EOF)
		strcat(text, " eof");
	if (what & BEV_EVENT_ERROR)
		strcat(text, " error");
	if (what & BEV_EVENT_READING)
		strcat(text, " reading");
	if (what & BEV_EVENT_WRITING)
		strcat(text, " writing");
	on_conn(argument, text);
}

void make_conn(struct actor *actor)
{
	const struct decl *decl = actor->decl;
	int partner = program->partner[decl->id];
	if (partner == 0) {
		int descriptor = world_descriptor(SOURCES + decl->id - FIRST_CONN);
		actor->conn = bufferevent_socket_new(base, descriptor, BEV_OPT_DEFER_CALLBACKS);
	} else if (actor->conn == NULL) {
		struct bufferevent *pair[2];
		if (bufferevent_pair_new(base, BEV_OPT_DEFER_CALLBACKS, pair) < 0)
			fail("cannot make a pair of bufferevents", "");
		actor->conn = pair[0];
		actors[partner].conn = pair[1];
	}
	bufferevent_setcb(actor->conn, on_input, on_output, on_what, actor);
	bufferevent_setwatermark(actor->conn, EV_READ, 0, INPUT);
	bufferevent_priority_set(actor->conn, decl->priority);
}

void free_conn(struct actor *actor)
{
	bufferevent_free(actor->conn);
	actor->conn = NULL;
}

/* Writes all bytes or none. Returns whether they were written. */
static int write_bytes(struct actor *actor, long amount)
{
	unsigned char bytes[64];
	for (long at = 0; at < amount; at++)
		bytes[at] = next_written[actor->decl->id - FIRST_CONN]++;
	return bufferevent_write(actor->conn, bytes, (size_t)amount) == 0;
}

static void consume(struct actor *actor, long amount)
{
	unsigned char bytes[64];
	size_t got = bufferevent_read(actor->conn, bytes, (size_t)amount);
	for (size_t at = 0; at < got; at++) {
		if (bytes[at] != next_read[actor->decl->id - FIRST_CONN]++)
			write_trace(" wrong");
	}
	write_trace(" %zu\n", got);
}

/* Performs a step on a connection. The name of the step and the number of the connection are already in the
 * trace. */
void perform_on_conn(struct actor *actor, const struct op *op)
{
	if (actor->conn == NULL) {
		write_trace(" gone\n");
		return;
	}
	struct timeval read = interval(op->b), write = interval(op->c);
	switch (op->kind) {
	case OP_WRITE:
		write_trace(" %ld %s\n", op->b, write_bytes(actor, op->b) ? "ok" : "refused");
		return;
	case OP_WRITE_SOME:
		write_trace(" %ld\n", write_bytes(actor, op->b) ? op->b : 0);
		return;
	case OP_ROOM:
		bufferevent_setwatermark(actor->conn, EV_WRITE, (size_t)(OUTPUT - op->b), 0);
		break;
	case OP_CONSUME:
		consume(actor, op->b);
		return;
	case OP_STATE:
		write_state(actor);
		return;
	case OP_ENABLE:
		bufferevent_enable(actor->conn, (short)op->b);
		break;
	case OP_DISABLE:
		bufferevent_disable(actor->conn, (short)op->b);
		break;
	case OP_TIMEOUTS:
		bufferevent_set_timeouts(actor->conn, op->b == NONE ? NULL : &read,
		    op->c == NONE ? NULL : &write);
		break;
	case OP_AGAIN:
		bufferevent_trigger(actor->conn, EV_READ, BEV_OPT_DEFER_CALLBACKS);
		break;
	case OP_REFILL:
		bufferevent_trigger(actor->conn, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
		break;
	case OP_MARKS:
		bufferevent_setwatermark(actor->conn, (short)op->b, (size_t)op->c, (size_t)op->d);
		write_trace(" ok\n");
		return;
	case OP_FINISH:
		bufferevent_flush(actor->conn, EV_WRITE, BEV_FINISHED);
		break;
	case OP_ABORT:
		free_conn(actor);
		break;
	default:
		break;
	}
	write_trace("\n");
}
