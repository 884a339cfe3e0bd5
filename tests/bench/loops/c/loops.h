/* What a plug-in is: one event loop, made to do the work that every contestant does.
 *
 * The host opens a loop, lets it turn, and closes it again. Everything that is the same for all
 * (descriptors, what is read and written, the order of timers) is the host's; a plug-in only calls
 * its loop. The Rust side of this file is src/plugin.rs. */
#ifndef PICOEVENT_LOOPS_H
#define PICOEVENT_LOOPS_H

#include <stdint.h>

typedef void (*ready_fn)(void *arg, uint32_t index);

/* Descriptors that are watched for input. A turn looks for news without waiting, and calls
 * ready(arg, index) for each descriptor that has input. */
struct chain {
  const char *name;
  void *(*open)(uint32_t count, const int *fds, ready_fn ready, void *arg);
  void (*turn)(void *loop);
  void (*close)(void *loop);
};

/* Events that wait for nothing, each of which activates itself again from its callback. run makes
 * `callbacks` calls in all and answers how many it made. */
struct active {
  const char *name;
  void *(*open)(uint32_t count);
  uint64_t (*run)(void *loop, uint64_t callbacks);
  void (*close)(void *loop);
};

/* Timers, none pending at first. within calls body(arg) from a callback of the loop, where the
 * loop's time stands still; set and cancel are called there. turn lets due timers fire. Both answer
 * how many have fired so far. refresh brings the loop's time up to date. */
struct timers {
  const char *name;
  uint32_t only_ms; /* The one delay that its timers can have; zero when they can have any. */
  void *(*open)(uint32_t count);
  uint64_t (*within)(void *loop, void (*body)(void *), void *arg);
  void (*set)(void *loop, const uint32_t *which, const uint32_t *ms, uint32_t count);
  void (*cancel)(void *loop, const uint32_t *which, uint32_t count);
  void (*refresh)(void *loop);
  uint64_t (*turn)(void *loop);
  void (*close)(void *loop);
};

/* What a plug-in exports, under the name `loops`: three arrays, each ended by an entry without a
 * name. */
struct loops {
  const struct chain *chains;
  const struct active *actives;
  const struct timers *timers;
};

extern const struct loops loops;

#endif
