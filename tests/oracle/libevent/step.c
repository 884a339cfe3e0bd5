/* The steps of a program, and their lines in the trace. */
#include "run.h"

/* Signal events that were freed in their own callback. libevent may still repeat these callbacks, so the
 * memory of the events is freed later. */
static struct event *freed_events[MAX_OPS];
static int freed_count;

void free_signal_events(void)
{
	while (freed_count > 0) {
		freed_events[--freed_count]->ev_.ev_signal.ev_pncalls = NULL;
		event_free(freed_events[freed_count]);
	}
}

static int add(struct actor *actor, const struct op *op)
{
	struct timeval given = interval(op->b);
	const struct timeval *timeout = op->b == NONE ? NULL : op->common ? commons[op->b] : &given;
	const struct decl *decl = actor->decl;
	if (!decl->once)
		return event_add(actor->event, timeout);
	if (decl->kind == TIMER)
		return event_base_once(base, -1, EV_TIMEOUT, on_event, actor, timeout);
	return event_base_once(base, world_descriptor(decl->number), decl->what, on_event, actor, timeout);
}

static int count_event(const struct event_base *of, const struct event *event, void *seen)
{
	(void)of;
	for (int id = 0; id < MAX_ID; id++) {
		if (actors[id].event == event)
			((int *)seen)[id]++;
	}
	return 0;
}

static void write_all(void)
{
	int seen[MAX_ID] = { 0 };
	event_base_foreach_event(base, count_event, seen);
	for (int id = 0; id < MAX_ID; id++) {
		for (; seen[id] > 0; seen[id]--)
			write_trace(" %d:%02x", id, pending(&actors[id]));
	}
	write_trace("\n");
}

static void write_pending(const struct actor *actor)
{
	write_trace(" %02x", pending(actor));
	if (actor->event->ev_evcallback.evcb_flags & EVLIST_TIMEOUT) {
		struct timeval deadline;
		event_pending(actor->event, EV_TIMEOUT, &deadline);
		long at = deadline.tv_sec * 1000 + deadline.tv_usec / 1000 - 1000000;
		write_trace(" until %ld in %ld", at, at > cached_now() ? at - cached_now() : 0);
	}
	write_trace(" prio %d\n", event_get_priority(actor->event));
}

static void run(int flags)
{
	is_stuck = 0;
	int status = event_base_loop(base, flags);
	if (is_over)
		return;
	write_trace("end %d exit %d break %d%s t%ld\n", status, event_base_got_exit(base),
	    event_base_got_break(base), is_stuck ? " stuck" : "", world_now());
}

void perform(const struct op *op)
{
	struct actor *actor = op->a >= 0 && op->a < MAX_ID ? &actors[op->a] : NULL;
	if (op->kind != OP_RUN)
		write_trace(" %s", OP_NAMES[op->kind]);
	switch (op->kind) {
	case OP_ADD: case OP_DEL: case OP_ACT: case OP_PRIO: case OP_NOTIMER: case OP_FREE:
	case OP_QUERY:
		write_trace(" %ld", op->a);
		if (actor->event == NULL && !(op->kind == OP_ADD && actor->decl->once)) {
			write_trace(" gone\n");
			return;
		}
		break;
	default:
		break;
	}
	if (op->kind == OP_PEER) {
		write_trace(" %ld\n", op->a);
		socket_peer((int)op->a, (enum peer_action)op->b, op->c);
		return;
	}
	if (op->kind >= OP_WRITE && op->kind <= OP_ABORT) {
		write_trace(" %ld", op->a);
		perform_on_conn(actor, op);
		return;
	}
	struct timeval tv = interval(op->a);
	switch (op->kind) {
	case OP_ADD:
		write_trace(" %s\n", add(actor, op) == 0 ? "ok" : "refused");
		return;
	case OP_DEL:
		event_del(actor->event);
		break;
	case OP_ACT:
		event_active(actor->event, (int)op->b, 1);
		break;
	case OP_PRIO:
		write_trace(" %s\n", event_priority_set(actor->event, (int)op->b) == 0 ? "ok" : "refused");
		return;
	case OP_NOTIMER:
		event_remove_timer(actor->event);
		break;
	case OP_FREE:
		if (actor->event == running && actor->decl->kind == SIGNAL) {
			event_del(actor->event);
			freed_events[freed_count++] = actor->event;
		} else {
			event_free(actor->event);
		}
		actor->event = NULL;
		break;
	case OP_MAKE:
		if (actor->event == NULL)
			make(actor);
		break;
	case OP_QUERY:
		write_pending(actor);
		return;
	case OP_COUNTS:
		write_trace(" %d %d\n", event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED),
		    event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE));
		return;
	case OP_PEAKS: {
		int added = event_base_get_max_events(base, EVENT_BASE_COUNT_ADDED, 1);
		write_trace(" %d %d\n", added, event_base_get_max_events(base, EVENT_BASE_COUNT_ACTIVE, 1));
		return;
	}
	case OP_ALL:
		write_all();
		return;
	case OP_GOT:
		write_trace(" %d %d\n", event_base_got_exit(base), event_base_got_break(base));
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
	case OP_PASS_TIME:
		world_pass_time(op->a);
		break;
	case OP_UPDATE_NOW:
		event_base_update_cache_time(base);
		break;
	case OP_READY:
		world_ready((int)op->a, (int)op->b);
		break;
	case OP_RAISE:
		world_raise((int)op->a, (int)op->b);
		break;
	case OP_WATCH: case OP_UNWATCH:
		set_watcher((int)op->a, op->kind == OP_WATCH);
		break;
	case OP_RUN:
		run((int)op->a);
		return;
	default:
		break;
	}
	write_trace("\n");
}
