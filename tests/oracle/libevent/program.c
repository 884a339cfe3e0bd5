/* Reads a program line by line. src/program/text.rs describes the text form. */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const OP_NAMES[OPS] = {
	"add", "del", "act", "prio", "notimer", "free", "make", "ask", "counts", "peaks",
	"all", "got", "exit", "break", "continue", "take", "look", "ready", "raise",
	"peer", "write", "some", "room", "consume", "enable", "disable", "timeouts", "again", "refill", "marks", "state", "finish", "abort",
	"watch", "unwatch", "run",
};

_Noreturn void fail(const char *why, const char *what)
{
	fprintf(stderr, "the libevent runner: %s: %s\n", why, what);
	exit(1);
}

void program_clear(struct program *program)
{
	memset(program, 0, sizeof(*program));
}

static char *word(void)
{
	char *found = strtok(NULL, " \n");
	if (found == NULL)
		fail("a line is too short", "");
	return found;
}

/* Reads a number, or NONE for a dash. */
static long number(void)
{
	char *found = word();
	return strcmp(found, "-") == 0 ? NONE : strtol(found, NULL, 10);
}

/* Reads conditions, one letter each, as libevent's bits. */
static short conditions(void)
{
	static const char letters[] = "trwsecx";
	static const short bits[] = { 0x01, 0x02, 0x04, 0x08, 0x20, 0x80, 0x40 };
	short sum = 0;
	for (const char *at = word(); *at != '\0'; at++) {
		const char *letter = strchr(letters, *at);
		if (*at == '-')
			continue;
		if (letter == NULL)
			fail("no such condition", at);
		sum |= bits[letter - letters];
	}
	return sum;
}

static void read_peer(struct op *op)
{
	static const char *const names[PEER_ACTIONS] = { "send", "take", "end", "reset" };
	const char *action = word();
	op->a = strtol(action, NULL, 10);
	action = word();
	op->b = 0;
	while (op->b < PEER_ACTIONS && strcmp(names[op->b], action) != 0)
		op->b++;
	if (op->b == PEER_ACTIONS)
		fail("no such action of a peer", action);
	if (op->b == PEER_SEND || op->b == PEER_TAKE)
		op->c = number();
}

static struct op read_op(void)
{
	struct op op = { .a = NONE, .b = NONE, .c = NONE, .d = NONE };
	const char *name = word();
	while (op.kind < OPS && strcmp(OP_NAMES[op.kind], name) != 0)
		op.kind++;
	switch (op.kind) {
	case OP_ADD: {
		op.a = number();
		char *timeout = word();
		op.common = timeout[0] == 'c';
		if (strcmp(timeout, "-") != 0)
			op.b = strtol(timeout + op.common, NULL, 10);
		break;
	}
	case OP_ACT: case OP_READY: case OP_ENABLE: case OP_DISABLE:
		op.a = number();
		op.b = conditions();
		break;
	case OP_PEER:
		read_peer(&op);
		break;
	case OP_TIMEOUTS:
		op.a = number();
		op.b = number();
		op.c = number();
		break;
	case OP_MARKS:
		op.a = number();
		op.b = conditions();
		op.c = number();
		op.d = number();
		break;
	case OP_PRIO: case OP_RAISE: case OP_WRITE: case OP_WRITE_SOME:
	case OP_ROOM: case OP_CONSUME:
		op.a = number();
		op.b = number();
		break;
	case OP_DEL: case OP_NOTIMER: case OP_FREE: case OP_MAKE: case OP_QUERY: case OP_EXIT:
	case OP_AGAIN: case OP_REFILL: case OP_STATE: case OP_FINISH: case OP_ABORT: case OP_PASS_TIME: case OP_WATCH: case OP_UNWATCH: case OP_RUN:
		op.a = number();
		break;
	case OP_COUNTS: case OP_PEAKS: case OP_ALL: case OP_GOT: case OP_BREAK: case OP_CONTINUE:
	case OP_UPDATE_NOW:
		break;
	case OPS:
		fail("no such step", name);
	}
	return op;
}

static void read_event(struct program *program)
{
	struct decl *decl = &program->decl[program->decls++];
	decl->id = (int)number();
	decl->priority = -1;
	const char *kind = word();
	if (strcmp(kind, "timer") == 0) {
		decl->kind = TIMER;
	} else if (strcmp(kind, "signal") == 0) {
		decl->kind = SIGNAL;
		decl->number = (int)number();
	} else if (strcmp(kind, "source") == 0) {
		decl->kind = SOURCE;
		decl->number = (int)number();
		decl->what = conditions();
	} else {
		fail("no such kind of event", kind);
	}
	for (char *more; (more = strtok(NULL, " \n")) != NULL;) {
		if (strcmp(more, "persist") == 0)
			decl->persist = 1;
		else if (strcmp(more, "edge") == 0)
			decl->edge = 1;
		else if (strcmp(more, "once") == 0)
			decl->once = 1;
		else if (strcmp(more, "drain") == 0)
			decl->drain = 1;
		else if (strcmp(more, "prio") == 0)
			decl->priority = (int)number();
		else
			fail("no such property", more);
	}
}

static void read_external_event(struct program *program)
{
	struct external_event *external_event = &program->external_event[program->external_events++];
	external_event->at = number();
	external_event->op = read_op();
}

static void read_script(struct program *program)
{
	int id = (int)number();
	int firing = (int)number();
	struct script *last = program->scripts > 0 ? &program->script[program->scripts - 1] : NULL;
	if (last == NULL || last->id != id || last->firing != firing) {
		last = &program->script[program->scripts++];
		*last = (struct script){ .id = id, .firing = firing, .first = program->ops };
	}
	last->length++;
	program->op[program->ops++] = read_op();
}

void program_line(struct program *program, char *line)
{
	if (program->ops >= MAX_OPS - 1 || program->main_ops >= MAX_OPS - 1 ||
	    program->scripts >= MAX_SCRIPTS - 1 || program->decls >= MAX_ID - 1 ||
	    program->external_events >= MAX_EXTERNAL_EVENTS - 1 || program->commons >= MAX_COMMON)
		fail("the program is too long", line);
	const char *first = strtok(line, " \n");
	if (first == NULL)
		return;
	if (strcmp(first, "limit") == 0) {
		program->has_limit = 1;
		program->limit_callbacks = number();
		program->limit_time = number();
		program->limit_priority = (int)number();
	} else if (strcmp(first, "common") == 0) {
		program->common[program->commons++] = number();
	} else if (strcmp(first, "event") == 0) {
		read_event(program);
	} else if (strcmp(first, "watcher") == 0) {
		struct decl *decl = &program->decl[program->decls++];
		decl->id = (int)number();
		decl->kind = strcmp(word(), "prepare") == 0 ? PREPARE : CHECK;
	} else if (strcmp(first, "conn") == 0) {
		struct decl *decl = &program->decl[program->decls++];
		decl->id = (int)number();
		decl->kind = CONN;
		word();
		decl->priority = (int)number();
	} else if (strcmp(first, "pair") == 0) {
		int one = (int)number(), other = (int)number();
		program->partner[one] = other;
		program->partner[other] = one;
	} else if (strcmp(first, "at") == 0) {
		read_external_event(program);
	} else if (strcmp(first, "main") == 0) {
		program->main_op[program->main_ops++] = read_op();
	} else if (strcmp(first, "on") == 0) {
		read_script(program);
	} else {
		fail("no such line", first);
	}
}
