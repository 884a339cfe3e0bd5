/* The libevent runner, which runs programs on libevent: declarations that its files share.
 *
 *   program.c   reads a program's lines
 *   world.c     the virtual clock, and an epoll that replaces libc's
 *   run.c      runs a program and writes its trace: the base, callbacks
 *   step.c      the steps
 *   watch.c     the watchers
 *   conn.c      the connections: bufferevents
 *   socket.c    the virtual sockets below them, with a readv and a writev that replace libc's
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stddef.h>
#include <stdint.h>

#define MAX_ID 32
#define MAX_OPS 512
#define MAX_SCRIPTS 256
#define MAX_EXTERNAL_EVENTS 64
#define MAX_COMMON 4
#define SOURCES 8
#define SIGNALS 32

/* The number of the first connection, the maximum number of connections, and the capacities of a connection
* and its socket in bytes. In reports, the numbers of the sockets follow the numbers of the sources. */
#define FIRST_CONN 28
#define CONNS (MAX_ID - FIRST_CONN)
#define INPUT 12
#define OUTPUT 16
#define SEND_BUFFER 6

/* A program with more callbacks is stopped, at the same point on libevent, picoevent and the model. */
#define MOST_CALLS 80
#define MOST_POLLS 160

enum op_kind {
	OP_ADD, OP_DEL, OP_ACT, OP_PRIO, OP_NOTIMER, OP_FREE, OP_MAKE, OP_QUERY, OP_COUNTS, OP_PEAKS,
	OP_ALL, OP_GOT, OP_EXIT, OP_BREAK, OP_CONTINUE, OP_PASS_TIME, OP_UPDATE_NOW, OP_READY, OP_RAISE,
	OP_PEER, OP_WRITE, OP_WRITE_SOME, OP_ROOM, OP_CONSUME, OP_ENABLE, OP_DISABLE, OP_TIMEOUTS, OP_AGAIN, OP_REFILL, OP_MARKS, OP_STATE, OP_FINISH, OP_ABORT,
	OP_WATCH, OP_UNWATCH, OP_RUN, OPS
};

extern const char *const OP_NAMES[OPS];

/* The actions of a connection's peer. */
enum peer_action { PEER_SEND, PEER_TAKE, PEER_END, PEER_RESET, PEER_ACTIONS };

/* One step. `a` and `b` are its numbers. NONE stands for "-". */
#define NONE (-1)
struct op {
	enum op_kind kind;
	long a, b, c, d;
	/* `b` is the number of a common timeout. */
	int common;
};

enum kind { ABSENT, TIMER, SIGNAL, SOURCE, PREPARE, CHECK, CONN };

struct decl {
	enum kind kind;
	int id;
	/* The number of the source or signal. */
	int number;
	short what;
	/* `drain`: the event's callback clears the reported conditions of the source. */
	int persist, edge, once, drain, priority;
};

struct script {
	int id, firing, first, length;
};

/* Something that happens outside of the loop, at its time: the step OP_READY, OP_RAISE or OP_PEER. */
struct external_event {
	long at;
	struct op op;
};

struct program {
	int has_limit;
	long limit_callbacks, limit_time;
	int limit_priority;
	int commons;
	long common[MAX_COMMON];
	int decls;
	struct decl decl[MAX_ID];
	/* For each connection of a pair, the other connection. Zero if a connection belongs to no pair. */
	int partner[MAX_ID];
	int external_events;
	struct external_event external_event[MAX_EXTERNAL_EVENTS];
	int main_ops;
	struct op main_op[MAX_OPS];
	int ops;
	struct op op[MAX_OPS];
	int scripts;
	struct script script[MAX_SCRIPTS];
};

/* program.c */
void program_clear(struct program *program);
/* Reads one line of a program. Ends the process with a message if the line is invalid. */
void program_line(struct program *program, char *line);
_Noreturn void fail(const char *why, const char *what);

/* world.c */
void world_begin(const struct program *program);
long world_now(void);
void world_pass_time(long ms);
void world_ready(int source, int what);
void world_drain(int source, int what);
void world_raise(int signal, int count);
int world_polls(void);
int world_descriptor(int source);

/* socket.c */
void sockets_begin(void);
void socket_peer(int id, enum peer_action action, long amount);
/* Returns whether a socket can be read and written, in epoll's bits. */
uint32_t socket_ready(int socket);
/* Returns the number of the socket with this descriptor, or NONE. */
int socket_of(int descriptor);

/* watch.c and run.c, called by world.c from inside of libevent */
void call_prepare_watchers(long wait);
void call_check_watchers(void);
/* Ends a run, because nothing will ever happen or because the run is too long. */
void stop_run(int too_long);

void run_program(const struct program *program);
void write_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
