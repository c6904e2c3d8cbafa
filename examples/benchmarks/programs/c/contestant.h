/* What the contestants in C share: time, threads that begin together, the order on the command line. */
#ifndef CONTESTANT_H
#define CONTESTANT_H
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Nanoseconds of CLOCK_MONOTONIC or, what this process has worked, CLOCK_PROCESS_CPUTIME_ID. */
static inline double nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

struct crew {
  pthread_barrier_t all;
  bool together; /* none begins before all are there; else none ends before all are done */
  void (*work)(void *);
  void *context;
};

struct crew_member {
  pthread_t thread;
  struct crew *crew;
  double began, ended;
  double worked_before, worked; /* by the whole process */
};

/* How long something took, and what the process worked meanwhile: nanoseconds. That is asked for where threads begin together:
 * the kernel adds up what all threads have worked, which takes thousands of them long. */
struct taken {
  double wall, cpu;
  double last; /* how long after the first the last thread began */
};

static void *crew_work(void *argument) {
  struct crew_member *member = argument;
  bool together = member->crew->together;
  if (together) {
    pthread_barrier_wait(&member->crew->all);
    member->worked_before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  }
  member->began = nanoseconds(CLOCK_MONOTONIC);
  member->crew->work(member->crew->context);
  member->ended = nanoseconds(CLOCK_MONOTONIC);
  if (together) {
    member->worked = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  } else {
    pthread_barrier_wait(&member->crew->all);
  }
  return NULL;
}

/* Calls `work` in so many threads; from when the first begins until the last is done. `together`: none begins before all are
 * there, which takes thousands of threads longer than what they do; else none ends before all are done, which takes them as long. */
static inline struct taken in_threads(long count, bool together, void (*work)(void *), void *context) {
  struct crew crew = {.together = together, .work = work, .context = context};
  pthread_barrier_init(&crew.all, NULL, (unsigned)count);
  struct crew_member *members = calloc((size_t)count, sizeof *members);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 * 1024);
  for (long i = 0; i < count; i++) {
    if (members != NULL) {
      members[i].crew = &crew;
    }
    if (members == NULL || pthread_create(&members[i].thread, &small, crew_work, &members[i]) != 0) {
      fputs("no more threads\n", stderr);
      exit(EXIT_FAILURE);
    }
  }
  struct crew_member all = {0};
  double last = 0;
  for (long i = 0; i < count; i++) {
    pthread_join(members[i].thread, NULL);
    all.began = i == 0 || members[i].began < all.began ? members[i].began : all.began;
    last = members[i].began > last ? members[i].began : last;
    all.ended = members[i].ended > all.ended ? members[i].ended : all.ended;
    all.worked_before = i == 0 || members[i].worked_before < all.worked_before ? members[i].worked_before : all.worked_before;
    all.worked = members[i].worked > all.worked ? members[i].worked : all.worked;
  }
  free(members);
  return (struct taken){all.ended - all.began, all.worked - all.worked_before, last - all.began};
}

/* The number at this place of the command line, 1 where there is none. */
static inline long number(int argc, char **argv, int place) {
  long given = argc > place ? atol(argv[place]) : 1;
  return given > 0 ? given : 1;
}

static inline const char *variable(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? "" : value;
}
#endif
