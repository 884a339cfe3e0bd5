/* epoll by hand, level-triggered and edge-triggered: the lower bound of every loop that uses epoll. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loops.h"

/* The maximum number of ready descriptors that one call of epoll_wait reports. No run has more ready
 * descriptors at once. */
#define EVENTS 1024

struct loop {
  int epoll;
  ready_fn ready;
  void *arg;
  struct epoll_event events[EVENTS];
  struct slot {
    void (*call)(struct loop *, uint32_t);
    uint32_t index;
  } slots[];
};

static void call(struct loop *loop, uint32_t index) { loop->ready(loop->arg, index); }

static void chain_close(void *arg) {
  struct loop *loop = arg;
  close(loop->epoll);
  free(loop);
}

static void *open_with(uint32_t flags, uint32_t count, const int *fds, ready_fn ready, void *arg) {
  struct loop *loop = malloc(sizeof *loop + count * sizeof *loop->slots);
  if (!loop) return NULL;
  loop->ready = ready;
  loop->arg = arg;
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  for (uint32_t i = 0; i < count; i++) {
    loop->slots[i].call = call;
    loop->slots[i].index = i;
    struct epoll_event event = {.events = EPOLLIN | flags, .data.ptr = &loop->slots[i]};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fds[i], &event)) {
      chain_close(loop);
      return NULL;
    }
  }
  return loop;
}

static void *open_level(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  return open_with(0, count, fds, ready, arg);
}

static void *open_edge(uint32_t count, const int *fds, ready_fn ready, void *arg) {
  return open_with(EPOLLET, count, fds, ready, arg);
}

static void iterate(void *arg) {
  struct loop *loop = arg;
  int ready = epoll_wait(loop->epoll, loop->events, EVENTS, 0);
  for (int i = 0; i < ready; i++) {
    struct slot *slot = loop->events[i].data.ptr;
    slot->call(loop, slot->index);
  }
}

static const struct chain chains[] = {
    {"epoll, level", open_level, iterate, chain_close},
    {"epoll, edge", open_edge, iterate, chain_close},
    {0},
};
static const struct active actives[] = {{0}};
static const struct timers timers[] = {{0}};

const struct loops loops = {chains, actives, timers};
