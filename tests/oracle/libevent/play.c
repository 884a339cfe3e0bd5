/* Carries programs out on libevent and writes what came of it.
 *
 * Programs come on standard input, each ended by a line `end`; a line `go` asks for their traces,
 * which go to standard output in the same order, each ended by a line `end`. All of a batch is read
 * before the first trace is written, so neither side ever waits for the other to read.
 */
#define _GNU_SOURCE
#include "oracle.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct actor {
	const struct decl *decl;
	struct event *event;
	int firings;
	/* A watcher that is called. */
	int is_on;
};

static const struct program *program;
static struct event_base *base;
static const struct timeval *common[MAX_COMMON];
static struct actor actors[MAX_ID];
/* The watchers that are called, in their order; whose turn is next, and how many turns are left. */
static int watchers[MAX_ID], watcher_count;
static int next_watcher, turns_left;
static int calls, is_over, is_stuck;
static struct event *running;
/* A signal event that its own callback freed. libevent may go on with its repeats, so the memory
 * is kept for as long. */
static struct event *grave[MAX_OPS];
static int buried;

static void perform(const struct op *op);

void say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

/* When a signal event is deleted while its repeats run, libevent keeps a pointer to a variable of
 * the function that ran them, and a later delete writes through it. What that write hits is not
 * what is compared here, so the pointer is taken away. */
static void forget_dangling(void)
{
	for (int id = 0; id < MAX_ID; id++) {
		const struct actor *actor = &actors[id];
		if (actor->event != NULL && actor->decl->kind == SIGNAL && actor->event != running)
			actor->event->ev_.ev_signal.ev_pncalls = NULL;
	}
}

static long cached_now(void)
{
	struct timeval now;
	event_base_gettimeofday_cached(base, &now);
	return now.tv_sec * 1000 + now.tv_usec / 1000 - 1000000;
}

static struct timeval interval(long ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static short pending(const struct actor *actor)
{
	return event_pending(actor->event, 0xff, NULL) & 0x8f;
}

static void say_place(void)
{
	say("p%d t%ld n%ld ", world_polls(), world_now(), cached_now());
}

static void run_script(struct actor *actor)
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

static void on_event(evutil_socket_t descriptor, short what, void *argument)
{
	struct actor *actor = argument;
	(void)descriptor;
	running = actor->event;
	forget_dangling();
	if (is_over || ++calls > MOST_CALLS) {
		is_over = 1;
		event_base_loopbreak(base);
		return;
	}
	say_place();
	say("event %d %02x added %d", actor->decl->id, what & 0xff,
	    event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED));
	if (actor->event != NULL)
		say(" pending %02x", pending(actor));
	say("\n");
	if (actor->decl->drain)
		world_drain(actor->decl->number, what);
	run_script(actor);
	running = NULL;
}

static void make(struct actor *actor)
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

static int add(struct actor *actor, const struct op *op)
{
	struct timeval given = interval(op->b);
	const struct timeval *timeout = op->b == NONE ? NULL : op->common ? common[op->b] : &given;
	const struct decl *decl = actor->decl;
	if (!decl->once)
		return event_add(actor->event, timeout);
	if (decl->kind == TIMER)
		return event_base_once(base, -1, EV_TIMEOUT, on_event, actor, timeout);
	return event_base_once(base, world_descriptor(decl->number), decl->what, on_event, actor, timeout);
}

/* The first watcher of a kind from this place on, or NONE. */
static int find_watcher(enum kind kind, int place)
{
	for (; place < watcher_count; place++) {
		if (actors[watchers[place]].decl->kind == kind)
			return watchers[place];
	}
	return NONE;
}

static int watcher_after(int id)
{
	int place = 0;
	while (place < watcher_count && watchers[place] != id)
		place++;
	return find_watcher(actors[id].decl->kind, place + 1);
}

static void set_watcher(int id, int is_on)
{
	if (actors[id].is_on == is_on)
		return;
	actors[id].is_on = is_on;
	if (is_on) {
		watchers[watcher_count++] = id;
		return;
	}
	if (next_watcher == id)
		next_watcher = watcher_after(id);
	int kept = 0;
	for (int index = 0; index < watcher_count; index++) {
		if (watchers[index] != id)
			watchers[kept++] = watchers[index];
	}
	watcher_count = kept;
}

/* One round. libevent 2.1 has no watchers, and later ones do not survive a watcher that frees
 * itself, so what a round does is picoevent's rule: as many turns as there were watchers. */
static void call_watchers(enum kind kind, long wait)
{
	turns_left = 0;
	for (int index = 0; index < watcher_count; index++)
		turns_left += actors[watchers[index]].decl->kind == kind;
	next_watcher = find_watcher(kind, 0);
	for (; next_watcher != NONE && turns_left > 0 && !is_over; turns_left--) {
		struct actor *actor = &actors[next_watcher];
		next_watcher = watcher_after(next_watcher);
		say_place();
		if (kind == CHECK)
			say("check %d\n", actor->decl->id);
		else if (wait < 0)
			say("prepare %d wait -\n", actor->decl->id);
		else
			say("prepare %d wait %ld\n", actor->decl->id, wait);
		run_script(actor);
	}
	next_watcher = NONE;
}

void play_prepare(long wait)
{
	forget_dangling();
	call_watchers(PREPARE, wait);
}

void play_check(void)
{
	call_watchers(CHECK, 0);
}

void play_cut_off(int too_long)
{
	is_over |= too_long;
	is_stuck = 1;
	event_base_loopbreak(base);
}

static int note_event(const struct event_base *of, const struct event *event, void *seen)
{
	(void)of;
	for (int id = 0; id < MAX_ID; id++) {
		if (actors[id].event == event)
			((int *)seen)[id]++;
	}
	return 0;
}

static void say_all(void)
{
	int seen[MAX_ID] = { 0 };
	event_base_foreach_event(base, note_event, seen);
	for (int id = 0; id < MAX_ID; id++) {
		for (; seen[id] > 0; seen[id]--)
			say(" %d:%02x", id, pending(&actors[id]));
	}
	say("\n");
}

static void say_pending(const struct actor *actor)
{
	say(" %02x", pending(actor));
	if (actor->event->ev_evcallback.evcb_flags & EVLIST_TIMEOUT) {
		struct timeval deadline;
		event_pending(actor->event, EV_TIMEOUT, &deadline);
		long at = deadline.tv_sec * 1000 + deadline.tv_usec / 1000 - 1000000;
		say(" until %ld in %ld", at, at > cached_now() ? at - cached_now() : 0);
	}
	say(" prio %d\n", event_get_priority(actor->event));
}

static void run(int flags)
{
	is_stuck = 0;
	int status = event_base_loop(base, flags);
	if (is_over)
		return;
	say("end %d exit %d break %d%s t%ld\n", status, event_base_got_exit(base),
	    event_base_got_break(base), is_stuck ? " stuck" : "", world_now());
}

static void perform(const struct op *op)
{
	struct actor *actor = op->a >= 0 && op->a < MAX_ID ? &actors[op->a] : NULL;
	if (op->verb != OP_RUN)
		say(" %s", VERB_NAMES[op->verb]);
	switch (op->verb) {
	case OP_ADD: case OP_DEL: case OP_ACT: case OP_PRIO: case OP_NOTIMER: case OP_FREE:
	case OP_ASK:
		say(" %ld", op->a);
		if (actor->event == NULL && !(op->verb == OP_ADD && actor->decl->once)) {
			say(" gone\n");
			return;
		}
		break;
	default:
		break;
	}
	struct timeval tv = interval(op->a);
	switch (op->verb) {
	case OP_ADD:
		say(" %s\n", add(actor, op) == 0 ? "ok" : "refused");
		return;
	case OP_DEL:
		event_del(actor->event);
		break;
	case OP_ACT:
		event_active(actor->event, (int)op->b, 1);
		break;
	case OP_PRIO:
		say(" %s\n", event_priority_set(actor->event, (int)op->b) == 0 ? "ok" : "refused");
		return;
	case OP_NOTIMER:
		event_remove_timer(actor->event);
		break;
	case OP_FREE:
		if (actor->event == running && actor->decl->kind == SIGNAL) {
			event_del(actor->event);
			grave[buried++] = actor->event;
		} else {
			event_free(actor->event);
		}
		actor->event = NULL;
		break;
	case OP_MAKE:
		if (actor->event == NULL)
			make(actor);
		break;
	case OP_ASK:
		say_pending(actor);
		return;
	case OP_COUNTS:
		say(" %d %d\n", event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED),
		    event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE));
		return;
	case OP_PEAKS: {
		int added = event_base_get_max_events(base, EVENT_BASE_COUNT_ADDED, 1);
		say(" %d %d\n", added, event_base_get_max_events(base, EVENT_BASE_COUNT_ACTIVE, 1));
		return;
	}
	case OP_ALL:
		say_all();
		return;
	case OP_GOT:
		say(" %d %d\n", event_base_got_exit(base), event_base_got_break(base));
		return;
	case OP_EXIT:
		event_base_loopexit(base, op->a == NONE ? NULL : &tv);
		break;
	case OP_BREAK:
		event_base_loopbreak(base);
		break;
	case OP_CONTINUE:
		event_base_loopcontinue(base);
		break;
	case OP_TAKE:
		world_take(op->a);
		break;
	case OP_LOOK:
		event_base_update_cache_time(base);
		break;
	case OP_READY:
		world_ready((int)op->a, (int)op->b);
		break;
	case OP_RAISE:
		world_raise((int)op->a, (int)op->b);
		break;
	case OP_WATCH: case OP_UNWATCH:
		set_watcher((int)op->a, op->verb == OP_WATCH);
		break;
	case OP_RUN:
		run((int)op->a);
		return;
	case VERBS:
		break;
	}
	say("\n");
}

static void begin(void)
{
	struct event_config *config = event_config_new();
	if (program->has_limit) {
		struct timeval most = interval(program->limit_time);
		event_config_set_max_dispatch_interval(config,
		    program->limit_time == NONE ? NULL : &most, (int)program->limit_callbacks,
		    program->limit_priority);
	}
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL || strcmp(event_base_get_method(base), "epoll") != 0)
		fail("there is no base by epoll", "");
	event_base_priority_init(base, 8);
	for (int index = 0; index < program->commons; index++) {
		struct timeval duration = interval(program->common[index]);
		common[index] = event_base_init_common_timeout(base, &duration);
	}
	for (int index = 0; index < program->decls; index++) {
		const struct decl *decl = &program->decl[index];
		actors[decl->id].decl = decl;
		make(&actors[decl->id]);
		if (decl->kind == PREPARE || decl->kind == CHECK)
			set_watcher(decl->id, 1);
	}
}

void play(const struct program *played)
{
	program = played;
	memset(actors, 0, sizeof(actors));
	watcher_count = calls = is_over = is_stuck = 0;
	running = NULL;
	next_watcher = NONE;
	world_begin(program);
	begin();
	for (int index = 0; index < program->main_ops && !is_over; index++) {
		forget_dangling();
		perform(&program->main_op[index]);
	}
	if (is_over)
		say("over\n");
	forget_dangling();
	for (int id = 0; id < MAX_ID; id++) {
		if (actors[id].event != NULL)
			event_free(actors[id].event);
	}
	while (buried > 0) {
		grave[--buried]->ev_.ev_signal.ev_pncalls = NULL;
		event_free(grave[buried]);
	}
	event_base_free(base);
}

int main(void)
{
	/* A signal that nobody waits for does nothing. */
	for (int number = 1; number < SIGNALS; number++)
		signal(number, SIG_IGN);
	char *line = NULL;
	size_t room = 0, count = 0, capacity = 0;
	struct program *batch = NULL;
	program_clear((batch = malloc(sizeof(*batch) * (capacity = 1))));
	while (getline(&line, &room, stdin) > 0) {
		if (strcmp(line, "go\n") == 0) {
			for (size_t index = 0; index < count; index++) {
				play(&batch[index]);
				say("end\n");
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
