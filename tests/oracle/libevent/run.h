/* The state of a run, shared by run.c, step.c and watch.c. */
#ifndef RUN_H
#define RUN_H

#include "oracle.h"

#include <event2/event.h>
#include <event2/event_struct.h>

struct bufferevent;

/* An event, watcher or connection that a program declares. */
struct actor {
	const struct decl *decl;
	struct event *event;
	struct bufferevent *conn;
	int firings;
	/* Whether the watcher is added. */
	int is_added;
};

/* run.c */
extern const struct program *program;
extern struct event_base *base;
extern struct actor actors[MAX_ID];
extern const struct timeval *commons[MAX_COMMON];
extern int is_over, is_stuck;
/* The event whose callback runs. */
extern struct event *running;

void on_event(evutil_socket_t descriptor, short what, void *argument);
void make(struct actor *actor);
void run_script(struct actor *actor);
/* Counts a callback. Returns whether the program is over. */
int count_call(void);
void forget_dangling(void);
long cached_now(void);
struct timeval interval(long ms);
short pending(const struct actor *actor);
void write_position(void);

/* step.c */
void perform(const struct op *op);
void free_signal_events(void);

/* watch.c */
void watchers_begin(void);
void set_watcher(int id, int is_added);

/* conn.c */
void conns_begin(void);
void make_conn(struct actor *actor);
void free_conn(struct actor *actor);
void perform_on_conn(struct actor *actor, const struct op *op);

#endif
