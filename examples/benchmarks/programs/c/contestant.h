/* What the contestants in C share: time, threads that begin together, the order on the command line. */
#ifndef CONTESTANT_H
#define CONTESTANT_H
#define _GNU_SOURCE
#include <pthread.h>
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
  pthread_barrier_t start;
  void (*work)(void *);
  void *context;
};

static void *crew_member(void *argument) {
  struct crew *crew = argument;
  pthread_barrier_wait(&crew->start);
  crew->work(crew->context);
  return NULL;
}

/* Calls `work` in so many threads at once; nanoseconds from when all are there until the last is done. */
static inline double in_threads(long count, void (*work)(void *), void *context) {
  struct crew crew = {.work = work, .context = context};
  pthread_t *threads = calloc((size_t)count, sizeof *threads);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 * 1024);
  pthread_barrier_init(&crew.start, NULL, (unsigned)count + 1);
  for (long i = 0; i < count; i++) {
    if (threads == NULL || pthread_create(&threads[i], &small, crew_member, &crew) != 0) {
      fputs("no more threads\n", stderr);
      exit(EXIT_FAILURE);
    }
  }
  pthread_barrier_wait(&crew.start);
  double began = nanoseconds(CLOCK_MONOTONIC);
  for (long i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
  }
  double taken = nanoseconds(CLOCK_MONOTONIC) - began;
  free(threads);
  return taken;
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
