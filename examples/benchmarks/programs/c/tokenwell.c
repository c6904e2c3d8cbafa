/* Tokenwell in C. */
#include "contestant.h"

#include <stdatomic.h>
#include <tokenwell.h>

static tokenwell_client *client;
static atomic_long left;

static void check(tokenwell_error *error) {
  if (error != NULL) {
    fprintf(stderr, "%s\n", tokenwell_error_message(error));
    exit(EXIT_FAILURE);
  }
}

static void make(const char *cache) {
  char json[4096];
  const char *scope = variable("SCOPE"), *ca_file = variable("CA_FILE");
  int length = snprintf(json, sizeof json,
                        "{\"token_endpoint\": \"%s\", \"client_id\": \"%s\", \"client_secret\": \"%s\", \"cache\": \"%s\"%s%s%s%s%s%s}",
                        variable("TOKEN_ENDPOINT"), variable("CLIENT_ID"), variable("CLIENT_SECRET"), cache,
                        *ca_file ? ", \"tls_ca_file\": \"" : "", ca_file, *ca_file ? "\"" : "",
                        *scope ? ", \"scope\": \"" : "", scope, *scope ? "\"" : "");
  tokenwell_error *error = NULL;
  tokenwell_client_new(json, (size_t)length, &client, &error);
  check(error);
}

static void call(void) {
  tokenwell_token *token = NULL;
  tokenwell_error *error = NULL;
  if (tokenwell_client_token(client, &token, &error) != TOKENWELL_STATUS_OK) {
    check(error);
  }
  const char *value = tokenwell_token_value(token);
  __asm__ volatile("" : : "r"(value)); /* it is used, for all that the compiler knows */
  tokenwell_token_free(token);
}

static void call_often(void *count) {
  for (long i = *(long *)count; i > 0; i--) {
    call();
  }
}

static void call_while_left(void *unused) {
  (void)unused;
  while (atomic_fetch_sub(&left, 1) > 0) {
    call();
  }
}

static void call_once(void *unused) {
  (void)unused;
  call();
}

/* `count` calls by `at_once` threads, or by this one. */
static void shared(long count, long at_once) {
  atomic_store(&left, count);
  if (at_once == 1) {
    call_while_left(NULL);
  } else {
    in_threads(at_once, true, call_while_left, NULL);
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  long count = number(argc, argv, 2), at_once = number(argc, argv, 3);
  if (strcmp(mode, "versions") == 0) {
    printf("{\"name\": \"Tokenwell\", \"version\": \"%s\"}\n", tokenwell_version());
  } else if (strcmp(mode, "once") == 0) {
    make("memory");
    call();
    puts("ok");
  } else if (strcmp(mode, "cached") == 0) {
    make("memory");
    call_often(&(long){count / 10 + 1});
    struct taken taken = in_threads(at_once, true, call_often, &count);
    double calls = (double)count * (double)at_once;
    printf("{\"ns\": %g, \"cpu_ns\": %g, \"calls\": %g}\n", taken.wall / (double)count, taken.cpu / calls, calls);
  } else if (strcmp(mode, "fetch") == 0) {
    make("none");
    shared(count / 10 + 1, at_once);
    double worked = nanoseconds(CLOCK_PROCESS_CPUTIME_ID), began = nanoseconds(CLOCK_MONOTONIC);
    shared(count, at_once);
    double cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - worked, wall = nanoseconds(CLOCK_MONOTONIC) - began;
    printf("{\"cpu_us\": %g, \"wall_us\": %g}\n", cpu / 1e3 / (double)count, wall / 1e3 / (double)count);
  } else if (strcmp(mode, "cold") == 0) {
    make("memory");
    struct taken taken = in_threads(count, false, call_once, NULL);
    printf("{\"wall_ms\": %g, \"last_ms\": %g, \"callers\": \"threads\"}\n", taken.wall / 1e6, taken.last / 1e6);
  } else {
    fprintf(stderr, "no mode is named \"%s\"\n", mode);
    return EXIT_FAILURE;
  }
  tokenwell_client_free(client);
  return EXIT_SUCCESS;
}
