/* libuv: uv_poll for descriptors, uv_timer for timers. libuv has no self-activating events. The most
 * similar handles are idle handles, which are called in each iteration, and async handles, which use a
 * descriptor. */
#include <stdlib.h>
#include <uv.h>

#include "loops.h"

struct loop {
  uv_loop_t uv;
  ready_fn ready;
  void *arg;
  uint32_t count;
  uint64_t left, calls;
  uv_idle_t job;
  void (*body)(void *);
  void *body_arg;
  struct slot {
    union {
      uv_poll_t poll;
      uv_idle_t idle;
      uv_async_t async;
      uv_timer_t timer;
      uv_handle_t handle;
    };
    uv_timer_t guard;
    struct loop *loop;
    uint32_t index;
  } slots[];
};

static void iterate(struct loop *loop) { uv_run(&loop->uv, UV_RUN_NOWAIT); }

static struct loop *new_loop(uint32_t count) {
  struct loop *loop = calloc(1, sizeof *loop + count * sizeof *loop->slots);
  if (!loop || uv_loop_init(&loop->uv)) return NULL;
  loop->count = count;
  for (uint32_t i = 0; i < count; i++) {
    loop->slots[i].loop = loop;
    loop->slots[i].index = i;
  }
  return loop;
}

static void close_handle(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void close_loop(void *arg) {
  struct loop *loop = arg;
  uv_walk(&loop->uv, close_handle, NULL);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  uv_loop_close(&loop->uv);
  free(loop);
}

/* The chain. */

static void on_ready(uv_poll_t *poll, int status, int what) {
  (void)status, (void)what;
  struct slot *slot = poll->data;
  slot->loop->ready(slot->loop->arg, slot->index);
}

static void on_ready_idle(uv_poll_t *poll, int status, int what) {
  (void)status, (void)what;
  struct slot *slot = poll->data;
  uv_timer_again(&slot->guard);
  slot->loop->ready(slot->loop->arg, slot->index);
}

static void never(uv_timer_t *timer) { (void)timer; }

static struct loop *open_with(uv_poll_cb call, uint32_t count, const int *fds, ready_fn ready,
                              void *arg) {
  struct loop *loop = new_loop(count);
  if (!loop) return NULL;
  loop->ready = ready;
  loop->arg = arg;
  for (uint32_t i = 0; i < count; i++) {
    uv_poll_t *poll = &loop->slots[i].poll;
    if (uv_poll_init(&loop->uv, poll, fds[i])) return NULL;
    poll->data = &loop->slots[i];
    uv_poll_start(poll, UV_READABLE, call);
  }
  return loop;
}

static void *chain_open(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  return open_with(on_ready, count, fds, ready, arg);
}

static void *chain_open_idle(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  struct loop *loop = open_with(on_ready_idle, count, fds, ready, arg);
  if (!loop) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    uv_timer_init(&loop->uv, &loop->slots[i].guard);
    uv_timer_start(&loop->slots[i].guard, never, 60000, 60000);
  }
  return loop;
}

static void chain_iterate(void *loop) { iterate(loop); }

/* Self-activating events. */

static void idle(uv_idle_t *handle) {
  struct loop *loop = handle->data;
  if (loop->left) {
    loop->left--;
    loop->calls++;
  }
}

static void *idle_open(uint32_t count) {
  struct loop *loop = new_loop(count);
  if (!loop) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    uv_idle_init(&loop->uv, &loop->slots[i].idle);
    loop->slots[i].idle.data = loop;
    uv_idle_start(&loop->slots[i].idle, idle);
  }
  return loop;
}

static uint64_t idle_run(void *arg, uint64_t callbacks) {
  struct loop *loop = arg;
  uint64_t before = loop->calls;
  loop->left = callbacks;
  while (loop->left) iterate(loop);
  return loop->calls - before;
}

static void woken(uv_async_t *async) {
  struct loop *loop = async->data;
  loop->calls++;
  if (loop->left) {
    loop->left--;
    uv_async_send(async);
  }
}

static void *async_open(uint32_t count) {
  struct loop *loop = new_loop(count);
  if (!loop) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    uv_async_init(&loop->uv, &loop->slots[i].async, woken);
    loop->slots[i].async.data = loop;
  }
  return loop;
}

static uint64_t async_run(void *arg, uint64_t callbacks) {
  struct loop *loop = arg;
  uint64_t before = loop->calls;
  loop->left = callbacks - loop->count;
  for (uint32_t i = 0; i < loop->count; i++) uv_async_send(&loop->slots[i].async);
  for (uint64_t last = ~0ull; loop->calls != last;) {
    last = loop->calls;
    iterate(loop);
  }
  return loop->calls - before;
}

/* Timers. */

static void fired(uv_timer_t *timer) { ((struct loop *)timer->data)->calls++; }

static void job(uv_idle_t *idle) {
  struct loop *loop = idle->data;
  uv_idle_stop(idle);
  loop->body(loop->body_arg);
}

static void *timers_open(uint32_t count) {
  struct loop *loop = new_loop(count);
  if (!loop) return NULL;
  uv_idle_init(&loop->uv, &loop->job);
  loop->job.data = loop;
  for (uint32_t i = 0; i < count; i++) {
    uv_timer_init(&loop->uv, &loop->slots[i].timer);
    loop->slots[i].timer.data = loop;
  }
  return loop;
}

static uint64_t timers_in_callback(void *arg, void (*body)(void *), void *body_arg) {
  struct loop *loop = arg;
  loop->body = body;
  loop->body_arg = body_arg;
  uv_idle_start(&loop->job, job);
  iterate(loop);
  return loop->calls;
}

static void timers_set(void *arg, const uint32_t *which, const uint32_t *ms, uint32_t count) {
  struct loop *loop = arg;
  for (uint32_t i = 0; i < count; i++) {
    uv_timer_start(&loop->slots[which[i]].timer, fired, ms[i], 0);
  }
}

static void timers_cancel(void *arg, const uint32_t *which, uint32_t count) {
  struct loop *loop = arg;
  for (uint32_t i = 0; i < count; i++) uv_timer_stop(&loop->slots[which[i]].timer);
}

static void timers_refresh(void *arg) { uv_update_time(&((struct loop *)arg)->uv); }

static uint64_t timers_iterate(void *arg) {
  struct loop *loop = arg;
  iterate(loop);
  return loop->calls;
}

static const struct chain chains[] = {
    {"libuv", chain_open, chain_iterate, close_loop},
    {"libuv +t60", chain_open_idle, chain_iterate, close_loop},
    {0},
};
static const struct active actives[] = {
    {"libuv uv_idle", idle_open, idle_run, close_loop},
    {"libuv uv_async_send", async_open, async_run, close_loop},
    {0},
};
static const struct timers timers[] = {
    {"libuv", 0, timers_open, timers_in_callback, timers_set, timers_cancel, timers_refresh, timers_iterate,
     close_loop},
    {0},
};

const struct loops loops = {chains, actives, timers};
