/* libevent, used as in libevent's test/bench.c: persistent events in one array, non-blocking iterations. */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "loops.h"

struct loop {
  struct event_base *base;
  ready_fn ready;
  void *arg;
  uint32_t count;
  uint64_t left, calls;
  struct event job;
  void (*body)(void *);
  void *body_arg;
  const struct timeval *common;
  struct slot {
    struct event event;
    struct loop *loop;
    uint32_t index;
  } slots[];
};

static void iterate(struct loop *loop) { event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK); }

static struct loop *new_loop(uint32_t count, event_callback_fn call, const int *fds, short what) {
  struct loop *loop = calloc(1, sizeof *loop + count * sizeof *loop->slots);
  if (!loop || !(loop->base = event_base_new())) return NULL;
  loop->count = count;
  for (uint32_t i = 0; i < count; i++) {
    struct slot *slot = &loop->slots[i];
    slot->loop = loop;
    slot->index = i;
    event_assign(&slot->event, loop->base, fds ? fds[i] : -1, what, call, slot);
  }
  return loop;
}

static void close_loop(void *arg) {
  struct loop *loop = arg;
  for (uint32_t i = 0; i < loop->count; i++) event_del(&loop->slots[i].event);
  event_base_free(loop->base);
  free(loop);
}

/* The chain. */

static void on_ready(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct slot *slot = arg;
  slot->loop->ready(slot->loop->arg, slot->index);
}

enum idle { WITHOUT, OWN, COMMON };

static void *open_with(enum idle idle, uint32_t count, const int *fds, ready_fn ready, void *arg) {
  struct loop *loop = new_loop(count, on_ready, fds, EV_READ | EV_PERSIST);
  if (!loop) return NULL;
  loop->ready = ready;
  loop->arg = arg;
  struct timeval minute = {60, 0};
  const struct timeval *timeout = idle == WITHOUT ? NULL : &minute;
  if (idle == COMMON) timeout = event_base_init_common_timeout(loop->base, &minute);
  for (uint32_t i = 0; i < count; i++) {
    if (event_add(&loop->slots[i].event, timeout)) return NULL;
  }
  return loop;
}

static void *chain_open(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  return open_with(WITHOUT, count, fds, ready, arg);
}

static void *chain_open_idle(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  return open_with(OWN, count, fds, ready, arg);
}

static void *chain_open_common(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  return open_with(COMMON, count, fds, ready, arg);
}

static void chain_iterate(void *loop) { iterate(loop); }

/* Self-activating events. */

static void activate(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct slot *slot = arg;
  slot->loop->calls++;
  if (slot->loop->left) {
    slot->loop->left--;
    event_active(&slot->event, EV_READ, 1);
  }
}

static void *active_open(uint32_t count) { return new_loop(count, activate, NULL, EV_PERSIST); }

static uint64_t active_run(void *arg, uint64_t callbacks) {
  struct loop *loop = arg;
  uint64_t before = loop->calls;
  loop->left = callbacks - loop->count;
  for (uint32_t i = 0; i < loop->count; i++) event_active(&loop->slots[i].event, EV_READ, 1);
  for (uint64_t last = ~0ull; loop->calls != last;) {
    last = loop->calls;
    iterate(loop);
  }
  return loop->calls - before;
}

/* Timers. */

static void fired(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  ((struct slot *)arg)->loop->calls++;
}

static void job(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what;
  struct loop *loop = arg;
  loop->body(loop->body_arg);
}

static void *timers_open(uint32_t count) {
  struct loop *loop = new_loop(count, fired, NULL, 0);
  if (loop) event_assign(&loop->job, loop->base, -1, 0, job, loop);
  return loop;
}

static void *timers_open_common(uint32_t count) {
  struct loop *loop = timers_open(count);
  struct timeval minute = {60, 0};
  if (loop) loop->common = event_base_init_common_timeout(loop->base, &minute);
  return loop;
}

static uint64_t timers_in_callback(void *arg, void (*body)(void *), void *body_arg) {
  struct loop *loop = arg;
  loop->body = body;
  loop->body_arg = body_arg;
  event_active(&loop->job, EV_TIMEOUT, 1);
  iterate(loop);
  return loop->calls;
}

static void timers_set(void *arg, const uint32_t *which, const uint32_t *ms, uint32_t count) {
  struct loop *loop = arg;
  for (uint32_t i = 0; i < count; i++) {
    struct timeval delay = {ms[i] / 1000, ms[i] % 1000 * 1000};
    event_add(&loop->slots[which[i]].event, &delay);
  }
}

static void timers_set_common(void *arg, const uint32_t *which, const uint32_t *ms, uint32_t n) {
  struct loop *loop = arg;
  (void)ms;
  for (uint32_t i = 0; i < n; i++) event_add(&loop->slots[which[i]].event, loop->common);
}

static void timers_cancel(void *arg, const uint32_t *which, uint32_t count) {
  struct loop *loop = arg;
  for (uint32_t i = 0; i < count; i++) event_del(&loop->slots[which[i]].event);
}

static void timers_refresh(void *arg) {
  event_base_update_cache_time(((struct loop *)arg)->base);
}

static uint64_t timers_iterate(void *arg) {
  struct loop *loop = arg;
  iterate(loop);
  return loop->calls;
}

static const struct chain chains[] = {
    {"libevent", chain_open, chain_iterate, close_loop},
    {"libevent +t60", chain_open_idle, chain_iterate, close_loop},
    {"libevent, common +t60", chain_open_common, chain_iterate, close_loop},
    {0},
};
static const struct active actives[] = {
    {"libevent event_active", active_open, active_run, close_loop},
    {0},
};
static const struct timers timers[] = {
    {"libevent", 0, timers_open, timers_in_callback, timers_set, timers_cancel, timers_refresh, timers_iterate,
     close_loop},
    {"libevent, common", 60000, timers_open_common, timers_in_callback, timers_set_common, timers_cancel,
     timers_refresh, timers_iterate, close_loop},
    {0},
};

const struct loops loops = {chains, actives, timers};
