/* The interface of a plug-in: an event loop that runs the same workloads as all contenders.
 *
 * The program in Rust opens a loop, runs iterations, and closes the loop. The parts that are the same for all
 * contenders (descriptors, reads and writes, the order of timers) are in the program. A plug-in only calls
 * its loop. The Rust side of this file is src/plugin.rs. */
#ifndef PICOEVENT_LOOPS_H
#define PICOEVENT_LOOPS_H

#include <stdint.h>

typedef void (*ready_fn)(void *arg, uint32_t index);

/* Descriptors that are watched for input. iterate checks for new events without waiting, and calls
 * ready(arg, index) for each descriptor with input. */
struct chain {
  const char *name;
  void *(*open)(uint32_t count, const int *fds, ready_fn ready, void *arg);
  void (*iterate)(void *loop);
  void (*close)(void *loop);
};

/* Events without a source. Each event activates itself again in its callback. run runs the loop until
 * `callbacks` callbacks have run, and returns how many callbacks have run. */
struct active {
  const char *name;
  void *(*open)(uint32_t count);
  uint64_t (*run)(void *loop, uint64_t callbacks);
  void (*close)(void *loop);
};

/* Timers. At first no timer is pending. in_callback calls body(arg) from a callback of the loop, so
 * that the loop's time does not advance. body calls set and cancel. iterate lets due timers fire.
 * in_callback and iterate return how many timers have fired so far. refresh updates the loop's time. */
struct timers {
  const char *name;
  uint32_t only_ms; /* The only delay that the timers can have; zero if any delay is possible. */
  void *(*open)(uint32_t count);
  uint64_t (*in_callback)(void *loop, void (*body)(void *), void *arg);
  void (*set)(void *loop, const uint32_t *which, const uint32_t *ms, uint32_t count);
  void (*cancel)(void *loop, const uint32_t *which, uint32_t count);
  void (*refresh)(void *loop);
  uint64_t (*iterate)(void *loop);
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
