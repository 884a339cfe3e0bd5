/* The interface of a plug-in: one event loop that runs every contender's work.
 *
 * The host opens a loop, runs turns, and closes the loop. What is the same for all contenders
 * (descriptors, reads and writes, the order of timers) belongs to the host; a plug-in only calls
 * its loop. The Rust side of this file is src/plugin.rs. */
#ifndef PICOEVENT_LOOPS_H
#define PICOEVENT_LOOPS_H

#include <stdint.h>

typedef void (*ready_fn)(void *arg, uint32_t index);

/* Descriptors watched for input. turn looks for events without waiting and calls
 * ready(arg, index) for each descriptor with input. */
struct chain {
  const char *name;
  void *(*open)(uint32_t count, const int *fds, ready_fn ready, void *arg);
  void (*turn)(void *loop);
  void (*close)(void *loop);
};

/* Events without a source; each activates itself again in its callback. run makes
* `callbacks` calls in all and returns how many it made. */
struct active {
  const char *name;
  void *(*open)(uint32_t count);
  uint64_t (*run)(void *loop, uint64_t callbacks);
  void (*close)(void *loop);
};

/* Timers, none of them pending at first. within calls body(arg) from a callback of the loop, so
 * that the loop's time stands still; set and cancel are called there. turn lets due timers fire.
 * Both return how many timers have fired so far. refresh updates the loop's time. */
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

/* The exported symbol `loops`: three arrays, each terminated by an entry without a name. */
struct loops {
  const struct chain *chains;
  const struct active *actives;
  const struct timers *timers;
};

extern const struct loops loops;

#endif
