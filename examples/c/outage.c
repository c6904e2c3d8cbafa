/* Many callers (CALLERS, default 200) ask for the token ten times a second. Each line on standard input moves the library's
 * clock by so many seconds, and is answered with a line of JSON before: the calls served and failed so far. Ends with the input. */
#define _POSIX_C_SOURCE 199309L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tokenwell.h>

static atomic_long served, failed;

static void *call(void *client) {
  for (;;) {
    tokenwell_token *token = NULL;
    tokenwell_error *error = NULL;
    atomic_fetch_add(tokenwell_client_token(client, &token, &error) == TOKENWELL_STATUS_OK ? &served : &failed, 1);
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
    printf("{\"served\": %ld, \"failed\": %ld}\n", atomic_load(&served), atomic_load(&failed));
    fflush(stdout);
    tokenwell_testing_advance_clock(atof(line));
  }
  /* The threads are still calling: the client is theirs until the process ends. */
  exit(EXIT_SUCCESS);
}
