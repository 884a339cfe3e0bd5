/* The player of programs on libevent: declarations that its files share.
 *
 *   program.c   reads a program's lines
 *   world.c     the virtual clock, and an epoll that replaces libc's
 *   play.c      carries a program out and writes its trace: the base, callbacks
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
#define MAX_WORLD 64
#define MAX_COMMON 4
#define SOURCES 8
#define SIGNALS 32

/* The numbers of connections, and the capacity of a connection and its socket in bytes. A socket is reported
* like a source whose number is above all sources. */
#define FIRST_CONN 28
#define CONNS (MAX_ID - FIRST_CONN)
#define INPUT 12
#define OUTPUT 16
#define SEND_BUFFER 6

/* A run with more calls is cut off, on each side at the same point. */
#define MOST_CALLS 80
#define MOST_POLLS 160

enum verb {
	OP_ADD, OP_DEL, OP_ACT, OP_PRIO, OP_NOTIMER, OP_FREE, OP_MAKE, OP_ASK, OP_COUNTS, OP_PEAKS,
	OP_ALL, OP_GOT, OP_EXIT, OP_BREAK, OP_CONTINUE, OP_TAKE, OP_LOOK, OP_READY, OP_RAISE,
	OP_PEER, OP_WRITE, OP_SOME, OP_ROOM, OP_CONSUME, OP_ENABLE, OP_DISABLE, OP_TIMEOUTS, OP_AGAIN, OP_REFILL, OP_MARKS, OP_STATE, OP_FINISH, OP_ABORT,
	OP_WATCH, OP_UNWATCH, OP_RUN, VERBS
};

extern const char *const VERB_NAMES[VERBS];

/* What the peer of a connection does. */
enum peer { PEER_SEND, PEER_TAKE, PEER_END, PEER_RESET, PEERS };

/* One step. `a` and `b` are the verb's numbers; NONE stands for "-". */
#define NONE (-1)
struct op {
	enum verb verb;
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
	/* `drain`: its callback ends the readiness of its source that made it run. */
	int persist, edge, once, drain, priority;
};

struct script {
	int id, firing, first, length;
};

/* Something that happens outside of the loop, at its time: the step OP_READY, OP_RAISE or OP_PEER. */
struct happening {
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
	/* The other end of each end of a pair; zero of another connection. */
	int partner[MAX_ID];
	int happenings;
	struct happening happening[MAX_WORLD];
	int main_ops;
	struct op main_op[MAX_OPS];
	int ops;
	struct op op[MAX_OPS];
	int scripts;
	struct script script[MAX_SCRIPTS];
};

/* program.c */
void program_clear(struct program *program);
/* Reads one line of a program. Ends the player with a message if the line is not understood. */
void program_line(struct program *program, char *line);
_Noreturn void fail(const char *why, const char *what);

/* world.c */
void world_begin(const struct program *program);
long world_now(void);
void world_take(long ms);
void world_ready(int source, int what);
void world_drain(int source, int what);
void world_raise(int signal, int count);
int world_polls(void);
int world_descriptor(int source);

/* socket.c */
void sockets_begin(void);
void socket_peer(int id, enum peer does, long amount);
/* Returns whether a socket can be read and written, in epoll's bits. */
uint32_t socket_ready(int socket);
/* Returns the number of the socket with this descriptor, or NONE. */
int socket_of(int descriptor);

/* watch.c and play.c, called by world.c from inside of libevent */
void play_prepare(long wait);
void play_check(void);
/* Ends a run: nothing will ever happen, or the run is too long. */
void play_cut_off(int too_long);

void play(const struct program *program);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
