/* Asks for a token twice and prints, for each call, a line of JSON: where it came from and how long it took. */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tokenwell.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(void) {
  tokenwell_client *client = NULL;
  tokenwell_error *error = NULL;
  tokenwell_client_from_env(&client, &error);
  for (int call = 0; call < 2 && error == NULL; call++) {
    tokenwell_token *token = NULL;
    double started = now();
    tokenwell_client_token(client, &token, &error);
    double seconds = now() - started;
    if (token != NULL) {
      printf("{\"call\": \"tokenwell_client_token()\", \"token\": \"%.6s\", \"seconds\": %.9f, \"source\": \"%s\"}\n",
             tokenwell_token_value(token), seconds, tokenwell_token_source(token));
    }
    tokenwell_token_free(token);
  }
  int code = error == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
  if (error != NULL) {
    fprintf(stderr, "%s: %s\n", tokenwell_error_kind(error), tokenwell_error_message(error));
  }
  tokenwell_error_free(error);
  tokenwell_client_free(client);
  return code;
}
