/* Watchers, which libevent has from 2.2 on: called by world.c around its wait. */
#include "play.h"

/* The added watchers in order, the watcher of the next turn, and the number of turns left. */
static int watchers[MAX_ID], watcher_count;
static int next_watcher, turns_left;

void watchers_begin(void)
{
	watcher_count = 0;
	next_watcher = NONE;
}

/* Returns the first watcher of a kind from this place on, or NONE. */
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

void set_watcher(int id, int is_on)
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

/* Runs one round. libevent 2.1 has no watchers, and later versions do not survive a watcher that
 * frees itself, so a round follows picoevent's rule: as many turns as there were watchers. */
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
