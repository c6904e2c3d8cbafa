/* Many callers (CALLERS, default 200) ask for the token ten times a second. Each line on standard input moves the library's
 * clock by so many seconds, and is answered with a line of JSON before: the calls served so far, those that failed, and how many
 * of these were early: a token was valid. Ends with the input. */
#define _POSIX_C_SOURCE 199309L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tokenwell.h>

static atomic_long served, failed, early;
/* How far the library's clock has been moved, milliseconds: raised before that, and raised after it. While it is being moved a
 * caller takes the one by which fewer failures are early. */
static atomic_long ahead, moved;

/* The library's clock, milliseconds. */
static long now(atomic_long *by) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (long)time.tv_sec * 1000 + time.tv_nsec / 1000000 + atomic_load(by);
}

static void *call(void *client) {
  for (long end = 0;;) {
    tokenwell_token *token = NULL;
    tokenwell_error *error = NULL;
    long began = now(&moved);
    if (tokenwell_client_token(client, &token, &error) == TOKENWELL_STATUS_OK) {
      long its_end = began + (long)tokenwell_token_expires_in(token) * 1000;
      end = its_end > end ? its_end : end;
      atomic_fetch_add(&served, 1);
    } else {
      atomic_fetch_add(&failed, 1);
      atomic_fetch_add(&early, now(&ahead) < end);
    }
    tokenwell_token_free(token);
    tokenwell_error_free(error);
    nanosleep(&(struct timespec){0, 100000000}, NULL);
  }
  return NULL;
}

int main(void) {
  const char *wanted = getenv("CALLERS");
  tokenwell_client *client = NULL;
  tokenwell_error *error = NULL;
  if (tokenwell_client_from_env(&client, &error) != TOKENWELL_STATUS_OK) {
    fprintf(stderr, "%s\n", tokenwell_error_message(error));
    return EXIT_FAILURE;
  }
  for (long caller = wanted == NULL ? 200 : atol(wanted); caller > 0; caller--) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, call, client) != 0) {
      return EXIT_FAILURE;
    }
  }
  for (char line[64]; fgets(line, sizeof line, stdin) != NULL;) {
    printf("{\"served\": %ld, \"failed\": %ld, \"early\": %ld}\n", atomic_load(&served), atomic_load(&failed), atomic_load(&early));
    fflush(stdout);
    atomic_store(&ahead, atomic_load(&ahead) + (long)(atof(line) * 1000));
    tokenwell_testing_advance_clock(atof(line));
    atomic_store(&moved, atomic_load(&ahead));
  }
  /* The threads are still calling: the client is theirs until the process ends. */
  exit(EXIT_SUCCESS);
}
