/* Runs programs on libevent and writes their traces.
 *
 * The programs arrive on standard input. A line `end` follows each program. A line `go` ends a batch and
 * requests the traces. The traces go to standard output in the same order, each followed by a line `end`.
 * The whole batch is read before the first trace is written, so neither process ever waits for the other
 * to read.
 */
#define _GNU_SOURCE
#include "run.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct program *program;
struct event_base *base;
struct actor actors[MAX_ID];
int is_over, is_stuck;
struct event *running;
const struct timeval *commons[MAX_COMMON];

static int calls;

void write_trace(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

/* When a signal event is deleted during its repeats, libevent keeps a pointer to a local variable of the
 * function that ran the repeats. A later delete writes through this pointer. The oracle does not compare
 * the effect of this write, so the pointer is cleared here. */
void forget_dangling(void)
{
	for (int id = 0; id < MAX_ID; id++) {
		const struct actor *actor = &actors[id];
		if (actor->event != NULL && actor->decl->kind == SIGNAL && actor->event != running)
			actor->event->ev_.ev_signal.ev_pncalls = NULL;
	}
}

long cached_now(void)
{
	struct timeval now;
	event_base_gettimeofday_cached(base, &now);
	return now.tv_sec * 1000 + now.tv_usec / 1000 - 1000000;
}

struct timeval interval(long ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

short pending(const struct actor *actor)
{
	return event_pending(actor->event, 0xff, NULL) & 0x8f;
}

void write_position(void)
{
	write_trace("p%d t%ld n%ld ", world_polls(), world_now(), cached_now());
}

void run_script(struct actor *actor)
{
	int firing = actor->firings++;
	for (int index = 0; index < program->scripts; index++) {
		const struct script *script = &program->script[index];
		if (script->id != actor->decl->id || script->firing != firing)
			continue;
		for (int step = 0; step < script->length && !is_over; step++)
			perform(&program->op[script->first + step]);
	}
}

int count_call(void)
{
	if (!is_over && ++calls <= MOST_CALLS)
		return 0;
	is_over = 1;
	event_base_loopbreak(base);
	return 1;
}

void on_event(evutil_socket_t descriptor, short what, void *argument)
{
	struct actor *actor = argument;
	(void)descriptor;
	running = actor->event;
	forget_dangling();
	if (count_call())
		return;
	write_position();
	write_trace("event %d %02x added %d", actor->decl->id, what & 0xff,
	    event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED));
	if (actor->event != NULL)
		write_trace(" pending %02x", pending(actor));
	write_trace("\n");
	if (actor->decl->drain)
		world_drain(actor->decl->number, what);
	run_script(actor);
	running = NULL;
}

void make(struct actor *actor)
{
	const struct decl *decl = actor->decl;
	if (decl->once || decl->kind == PREPARE || decl->kind == CHECK)
		return;
	short events = decl->persist ? EV_PERSIST : 0;
	int descriptor = -1;
	if (decl->kind == SIGNAL) {
		events |= EV_SIGNAL;
		descriptor = decl->number;
	} else if (decl->kind == SOURCE) {
		events |= decl->what | (decl->edge ? EV_ET : 0);
		descriptor = world_descriptor(decl->number);
	}
	actor->event = event_new(base, descriptor, events, on_event, actor);
	if (decl->priority >= 0)
		event_priority_set(actor->event, decl->priority);
}

void stop_run(int too_long)
{
	is_over |= too_long;
	is_stuck = 1;
	event_base_loopbreak(base);
}

static void begin(void)
{
	struct event_config *config = event_config_new();
	if (program->has_limit) {
		struct timeval limit = interval(program->limit_time);
		event_config_set_max_dispatch_interval(config,
		    program->limit_time == NONE ? NULL : &limit, (int)program->limit_callbacks,
		    program->limit_priority);
	}
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL || strcmp(event_base_get_method(base), "epoll") != 0)
		fail("cannot make an event base with epoll", "");
	event_base_priority_init(base, 8);
	for (int index = 0; index < program->commons; index++) {
		struct timeval duration = interval(program->common[index]);
		commons[index] = event_base_init_common_timeout(base, &duration);
	}
	for (int index = 0; index < program->decls; index++) {
		const struct decl *decl = &program->decl[index];
		actors[decl->id].decl = decl;
		if (decl->kind == CONN) {
			make_conn(&actors[decl->id]);
			continue;
		}
		make(&actors[decl->id]);
		if (decl->kind == PREPARE || decl->kind == CHECK)
			set_watcher(decl->id, 1);
	}
}

void run_program(const struct program *new_program)
{
	program = new_program;
	memset(actors, 0, sizeof(actors));
	calls = is_over = is_stuck = 0;
	running = NULL;
	watchers_begin();
	conns_begin();
	world_begin(program);
	begin();
	for (int index = 0; index < program->main_ops && !is_over; index++) {
		forget_dangling();
		perform(&program->main_op[index]);
	}
	if (is_over)
		write_trace("over\n");
	forget_dangling();
	for (int id = 0; id < MAX_ID; id++) {
		if (actors[id].event != NULL)
			event_free(actors[id].event);
		if (actors[id].conn != NULL)
			free_conn(&actors[id]);
	}
	free_signal_events();
	event_base_free(base);
}

int main(void)
{
	/* A raised signal without an event must not end the process. */
	for (int number = 1; number < SIGNALS; number++)
		signal(number, SIG_IGN);
	char *line = NULL;
	size_t room = 0, count = 0, capacity = 0;
	struct program *batch = NULL;
	program_clear((batch = malloc(sizeof(*batch) * (capacity = 1))));
	while (getline(&line, &room, stdin) > 0) {
		if (strcmp(line, "go\n") == 0) {
			for (size_t index = 0; index < count; index++) {
				run_program(&batch[index]);
				write_trace("end\n");
			}
			fflush(stdout);
			program_clear(&batch[count = 0]);
		} else if (strcmp(line, "end\n") == 0) {
			if (++count == capacity)
				batch = realloc(batch, sizeof(*batch) * (capacity *= 2));
			if (batch == NULL)
				fail("out of memory", "");
			program_clear(&batch[count]);
		} else {
			program_line(&batch[count], line);
		}
	}
	free(batch);
	free(line);
	return 0;
}
