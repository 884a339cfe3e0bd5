/* libev. Each run destroys its loop, because ev_io_stop alone leaves descriptors in the epoll set. */
#include <ev.h>
#include <stdlib.h>

#include "loops.h"

struct loop {
  struct ev_loop *ev;
  ready_fn ready;
  void *arg;
  uint32_t count;
  uint64_t left, calls;
  ev_check job;
  void (*body)(void *);
  void *body_arg;
  struct slot {
    ev_io io;
    ev_timer timer;
    struct loop *loop;
    uint32_t index;
  } slots[];
};

static struct loop *new_loop(uint32_t count) {
  struct loop *loop = calloc(1, sizeof *loop + count * sizeof *loop->slots);
  if (!loop || !(loop->ev = ev_loop_new(EVFLAG_AUTO))) return NULL;
  loop->count = count;
  for (uint32_t i = 0; i < count; i++) {
    loop->slots[i].loop = loop;
    loop->slots[i].index = i;
  }
  return loop;
}

static void close_loop(void *arg) {
  struct loop *loop = arg;
  ev_loop_destroy(loop->ev);
  free(loop);
}

/* The chain. */

static void on_ready(struct ev_loop *ev, ev_io *io, int what) {
  (void)ev, (void)what;
  struct slot *slot = io->data;
  slot->loop->ready(slot->loop->arg, slot->index);
}

static void on_ready_idle(struct ev_loop *ev, ev_io *io, int what) {
  (void)what;
  struct slot *slot = io->data;
  ev_timer_again(ev, &slot->timer);
  slot->loop->ready(slot->loop->arg, slot->index);
}

static void never(struct ev_loop *ev, ev_timer *timer, int what) {
  (void)ev, (void)timer, (void)what;
}

static void *chain_open(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  struct loop *loop = new_loop(count);
  if (!loop) return NULL;
  loop->ready = ready;
  loop->arg = arg;
  for (uint32_t i = 0; i < count; i++) {
    ev_io *io = &loop->slots[i].io;
    ev_io_init(io, on_ready, fds[i], EV_READ);
    io->data = &loop->slots[i];
    ev_io_start(loop->ev, io);
  }
  return loop;
}

static void *chain_open_idle(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  struct loop *loop = chain_open(count, fds, ready, arg);
  if (!loop) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    ev_set_cb(&loop->slots[i].io, on_ready_idle);
    ev_timer_init(&loop->slots[i].timer, never, 0., 60.);
    ev_timer_again(loop->ev, &loop->slots[i].timer);
  }
  return loop;
}

static void chain_iterate(void *arg) { ev_run(((struct loop *)arg)->ev, EVRUN_NOWAIT); }

/* Self-activating events. */

static void feed(struct ev_loop *ev, ev_timer *timer, int what) {
  (void)what;
  struct loop *loop = timer->data;
  loop->calls++;
  if (loop->left) {
    loop->left--;
    ev_feed_event(ev, timer, EV_CUSTOM);
  }
}

static void *active_open(uint32_t count) {
  struct loop *loop = new_loop(count);
  if (!loop) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    ev_timer_init(&loop->slots[i].timer, feed, 0., 0.);
    loop->slots[i].timer.data = loop;
  }
  return loop;
}

static uint64_t active_run(void *arg, uint64_t callbacks) {
  struct loop *loop = arg;
  uint64_t before = loop->calls;
  loop->left = callbacks - loop->count;
  for (uint32_t i = 0; i < loop->count; i++) {
    ev_feed_event(loop->ev, &loop->slots[i].timer, EV_CUSTOM);
  }
  for (uint64_t last = ~0ull; loop->calls != last;) {
    last = loop->calls;
    ev_run(loop->ev, EVRUN_NOWAIT);
  }
  return loop->calls - before;
}

/* Timers. `repeat` contains the delay, so that ev_timer_again moves a pending timer. */

static void fired(struct ev_loop *ev, ev_timer *timer, int what) {
  (void)what;
  ((struct loop *)timer->data)->calls++;
  ev_timer_stop(ev, timer);
}

/* Called at the end of an iteration, after the timers that were due. */
static void job(struct ev_loop *ev, ev_check *check, int what) {
  (void)what;
  struct loop *loop = check->data;
  ev_check_stop(ev, check);
  loop->body(loop->body_arg);
}

static void *timers_open(uint32_t count) {
  struct loop *loop = new_loop(count);
  if (!loop) return NULL;
  ev_check_init(&loop->job, job);
  loop->job.data = loop;
  for (uint32_t i = 0; i < count; i++) {
    ev_timer_init(&loop->slots[i].timer, fired, 0., 0.);
    loop->slots[i].timer.data = loop;
  }
  return loop;
}

static uint64_t timers_in_callback(void *arg, void (*body)(void *), void *body_arg) {
  struct loop *loop = arg;
  loop->body = body;
  loop->body_arg = body_arg;
  ev_check_start(loop->ev, &loop->job);
  ev_run(loop->ev, EVRUN_NOWAIT);
  return loop->calls;
}

static void timers_set(void *arg, const uint32_t *which, const uint32_t *ms, uint32_t count) {
  struct loop *loop = arg;
  for (uint32_t i = 0; i < count; i++) {
    ev_timer *timer = &loop->slots[which[i]].timer;
    /* If `repeat` were zero, ev_timer_again would stop the timer. */
    timer->repeat = ms[i] ? ms[i] * 1e-3 : 1e-6;
    ev_timer_again(loop->ev, timer);
  }
}

static void timers_cancel(void *arg, const uint32_t *which, uint32_t count) {
  struct loop *loop = arg;
  for (uint32_t i = 0; i < count; i++) ev_timer_stop(loop->ev, &loop->slots[which[i]].timer);
}

static void timers_refresh(void *arg) { ev_now_update(((struct loop *)arg)->ev); }

static uint64_t timers_iterate(void *arg) {
  struct loop *loop = arg;
  ev_run(loop->ev, EVRUN_NOWAIT);
  return loop->calls;
}

static const struct chain chains[] = {
    {"libev", chain_open, chain_iterate, close_loop},
    {"libev +t60", chain_open_idle, chain_iterate, close_loop},
    {0},
};
static const struct active actives[] = {
    {"libev ev_feed_event", active_open, active_run, close_loop},
    {0},
};
static const struct timers timers[] = {
    {"libev", 0, timers_open, timers_in_callback, timers_set, timers_cancel, timers_refresh, timers_iterate,
     close_loop},
    {0},
};

const struct loops loops = {chains, actives, timers};
