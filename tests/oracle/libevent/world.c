/* The virtual world of libevent: a virtual clock and virtual descriptors.
 *
 * The functions at the end of this file replace the functions of libc with the same names, also for libevent.
 * A wait takes no real time: the clock jumps to the end of the wait. The only real descriptor is the pipe into
 * which libevent's signal handler writes. This descriptor is really polled.
 */
#define _GNU_SOURCE
#include "oracle.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

/* The first virtual descriptor. It is larger than any real descriptor of the process. */
#define FIRST_DESCRIPTOR 200
/* The virtual clock starts at this time, because libevent treats a time of zero seconds as no time. */
#define EPOCH_MS 1000000L

struct source {
	/* The ready conditions and the watched conditions, in epoll's bits. */
	uint32_t ready, interest;
	int registered;
	/* For an edge-triggered source: the source has become ready since the last report. */
	int armed;
};

static const struct program *program;
static long clock_ms;
static int next_external_event, polls, signal_pipe, check_is_due;
/* The sources, followed by the sockets. socket.c decides whether a socket is ready. */
static struct source sources[SOURCES + CONNS];
static int deferred[SIGNALS];

void world_begin(const struct program *begun)
{
	program = begun;
	clock_ms = 0;
	next_external_event = polls = check_is_due = 0;
	signal_pipe = -1;
	memset(sources, 0, sizeof(sources));
	memset(deferred, 0, sizeof(deferred));
	sockets_begin();
}

long world_now(void)
{
	return clock_ms;
}

void world_pass_time(long ms)
{
	clock_ms += ms;
}

int world_polls(void)
{
	return polls;
}

int world_descriptor(int source)
{
	return FIRST_DESCRIPTOR + source;
}

static uint32_t as_epoll(int what)
{
	return (what & 0x02 ? EPOLLIN : 0u) | (what & 0x04 ? EPOLLOUT : 0u) |
	       (what & 0x80 ? EPOLLRDHUP : 0u);
}

/* Sets the conditions for which a source is ready. Each condition counts as new, even if it was already set. */
void world_ready(int source, int what)
{
	uint32_t ready = as_epoll(what);
	sources[source].ready = ready;
	if (ready & sources[source].interest)
		sources[source].armed = 1;
}

/* Clears conditions of a source. This change is not reported. */
void world_drain(int source, int what)
{
	sources[source].ready &= ~as_epoll(what);
}

/* Raises a signal. The signal reaches the process when the loop polls. */
void world_raise(int signal, int count)
{
	deferred[signal] += count;
}

/* Performs all external events whose time has come. */
static void perform_external_events(void)
{
	for (; next_external_event < program->external_events; next_external_event++) {
		const struct external_event *next = &program->external_event[next_external_event];
		if (next->at > clock_ms)
			break;
		const struct op *op = &next->op;
		if (op->kind == OP_RAISE)
			world_raise((int)op->a, (int)op->b);
		else if (op->kind == OP_PEER)
			socket_peer((int)op->a, (enum peer_action)op->b, op->c);
		else
			world_ready((int)op->a, (int)op->b);
	}
	for (int number = 1; number < SIGNALS; number++) {
		for (; deferred[number] > 0; deferred[number]--)
			raise(number);
	}
}

static int collect_ready(struct epoll_event *events, int max)
{
	int count = 0;
	for (int index = 0; index < SOURCES + CONNS && count < max; index++) {
		struct source *source = &sources[index];
		if (index >= SOURCES)
			source->ready = socket_ready(index - SOURCES);
		uint32_t ready = source->ready & source->interest;
		int by_edge = (source->interest & EPOLLET) != 0;
		if (source->registered && ready != 0 && (!by_edge || source->armed)) {
			events[count].events = ready;
			events[count++].data.fd = world_descriptor(index);
		}
		source->armed = 0;
	}
	struct pollfd pipe = { .fd = signal_pipe, .events = POLLIN };
	if (signal_pipe >= 0 && count < max && poll(&pipe, 1, 0) == 1) {
		events[count].events = EPOLLIN;
		events[count++].data.fd = signal_pipe;
	}
	return count;
}

int epoll_create1(int flags)
{
	(void)flags;
	return 999;
}

int epoll_ctl(int epoll, int op, int descriptor, struct epoll_event *event)
{
	(void)epoll;
	int index = descriptor - FIRST_DESCRIPTOR;
	if (index < 0 || index >= SOURCES + CONNS) {
		signal_pipe = op == EPOLL_CTL_DEL ? -1 : descriptor;
		return 0;
	}
	struct source *source = &sources[index];
	if (source->registered == (op == EPOLL_CTL_ADD)) {
		errno = source->registered ? EEXIST : ENOENT;
		return -1;
	}
	source->registered = op != EPOLL_CTL_DEL;
	source->interest = source->registered ? event->events : 0;
	source->armed = source->registered;
	return 0;
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	(void)epoll;
	call_prepare_watchers(timeout);
	if (++polls > MOST_POLLS) {
		stop_run(1);
		return 0;
	}
	long end = timeout < 0 ? -1 : clock_ms + timeout;
	for (;;) {
		perform_external_events();
		int count = collect_ready(events, max);
		if (count > 0 || clock_ms == end) {
			check_is_due = 1;
			return count;
		}
		int more = next_external_event < program->external_events;
		long next = more ? program->external_event[next_external_event].at : end;
		if (!more && end < 0) {
			stop_run(0);
			return 0;
		}
		clock_ms = end >= 0 && end < next ? end : next;
	}
}

/* libevent reads the clock right after it has processed the result of epoll_wait. The check watchers must
 * run at this point, because newer versions of libevent call them here. */
int clock_gettime(clockid_t which, struct timespec *time)
{
	(void)which;
	long ms = EPOCH_MS + clock_ms;
	if (check_is_due) {
		check_is_due = 0;
		call_check_watchers();
	}
	time->tv_sec = ms / 1000;
	time->tv_nsec = ms % 1000 * 1000000;
	return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	(void)zone;
	long ms = EPOCH_MS + clock_ms;
	time->tv_sec = ms / 1000;
	time->tv_usec = ms % 1000 * 1000;
	return 0;
}
