/* The watchers. libevent has watchers only from version 2.2 on, so world.c calls them before and after its
 * wait. */
#include "run.h"

/* The added watchers in order, the watcher that is called next, and the maximum number of further calls. */
static int watchers[MAX_ID], watcher_count;
static int next_watcher, calls_left;

void watchers_begin(void)
{
	watcher_count = 0;
	next_watcher = NONE;
}

/* Returns the first watcher of a kind from this index on, or NONE. */
static int find_watcher(enum kind kind, int index)
{
	for (; index < watcher_count; index++) {
		if (actors[watchers[index]].decl->kind == kind)
			return watchers[index];
	}
	return NONE;
}

static int watcher_after(int id)
{
	int index = 0;
	while (index < watcher_count && watchers[index] != id)
		index++;
	return find_watcher(actors[id].decl->kind, index + 1);
}

void set_watcher(int id, int is_added)
{
	if (actors[id].is_added == is_added)
		return;
	actors[id].is_added = is_added;
	if (is_added) {
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

/* Calls the watchers of a kind. libevent 2.1 has no watchers, and later versions crash if a watcher frees
 * itself. So this function follows picoevent's rule: the number of watchers at the start is the maximum
 * number of calls. */
static void call_watchers(enum kind kind, long wait)
{
	calls_left = 0;
	for (int index = 0; index < watcher_count; index++)
		calls_left += actors[watchers[index]].decl->kind == kind;
	next_watcher = find_watcher(kind, 0);
	for (; next_watcher != NONE && calls_left > 0 && !is_over; calls_left--) {
		struct actor *actor = &actors[next_watcher];
		next_watcher = watcher_after(next_watcher);
		write_position();
		if (kind == CHECK)
			write_trace("check %d\n", actor->decl->id);
		else if (wait < 0)
			write_trace("prepare %d wait -\n", actor->decl->id);
		else
			write_trace("prepare %d wait %ld\n", actor->decl->id, wait);
		run_script(actor);
	}
	next_watcher = NONE;
}

void call_prepare_watchers(long wait)
{
	forget_dangling();
	call_watchers(PREPARE, wait);
}

void call_check_watchers(void)
{
	call_watchers(CHECK, 0);
}
