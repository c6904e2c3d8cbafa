/* F26: fork before use, after use and during a flight, many children at once, and from a process with many threads. */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct server server;

static tokenwell_client *client_with(const char *realm_script) {
  json_t *wanted = json_loads(realm_script, 0, NULL), *vars;
  char url[512];
  snprintf(url, sizeof url, "%s/realms", text_of(server.about, "control"));
  json_t *realm = http_json("POST", url, wanted);
  vars = json_object_get(realm, "vars");
  json_t *options = json_pack("{s:s, s:s, s:s}", "token_endpoint", text_of(vars, "token_endpoint"), "client_id",
                              text_of(vars, "client_id"), "client_secret", text_of(vars, "client_secret"));
  tokenwell_error *error = NULL;
  tokenwell_client *client = client_of(options, &error);
  check(client != NULL, "client_new");
  json_decref(options);
  json_decref(realm);
  json_decref(wanted);
  return client;
}

/* A token from `source` (NULL: any) within `seconds`. */
static bool gets(tokenwell_client *client, const char *with, const char *source, double seconds) {
  tokenwell_token *token = NULL;
  tokenwell_error *error = NULL;
  double start = now();
  tokenwell_client_token_with(client, with, strlen(with), &token, &error);
  bool ok = token != NULL && (source == NULL || strcmp(tokenwell_token_source(token), source) == 0);
  if (!ok) {
    fprintf(stderr, "pid %d: %s\n", (int)getpid(), error ? tokenwell_error_message(error) : "another source");
  }
  tokenwell_token_free(token);
  tokenwell_error_free(error);
  return ok && now() - start < seconds;
}

/* Plays `gets` in a child; the child ends by exit, through all destructors. */
static pid_t child(tokenwell_client *client, const char *with, const char *source, double seconds) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    bool ok = gets(client, with, source, seconds);
    tokenwell_client_free(client);
    exit(ok ? 0 : 1);
  }
  return pid;
}

static void before_and_after_use(void) {
  tokenwell_client *client = client_with("{}");
  check(wait_for(child(client, "{}", "network", 1), 10) == 0, "a child before use");
  check(gets(client, "{}", "network", 5), "the parent after it");
  check(wait_for(child(client, "{}", "memory", 1), 10) == 0, "a child after use has the token");
  check(wait_for(child(client, "{\"scope\": \"c\"}", "network", 1), 10) == 0, "a child after use can fetch");
  check(gets(client, "{\"scope\": \"p\"}", "network", 5), "and so can the parent");
  pid_t children[20];
  for (int i = 0; i < 20; i++) {
    children[i] = child(client, "{\"scope\": \"many\"}", "network", 5);
  }
  for (int i = 0; i < 20; i++) {
    check(wait_for(children[i], 10) == 0, "child %d of 20 at once", i);
  }
  tokenwell_client_free(client);
}

static void *slow_call(void *client) {
  return gets(client, "{}", "network", 10) ? client : NULL;
}

static void during_a_flight(void) {
  tokenwell_client *client = client_with("{\"script\": [{\"issue\": {}, \"delay\": 1}]}");
  pthread_t caller;
  void *outcome = NULL;
  pthread_create(&caller, NULL, slow_call, client);
  pause_ms(300);
  check(wait_for(child(client, "{}", "network", 1), 10) == 0, "a child during a flight of the parent");
  pthread_join(caller, &outcome);
  check(outcome != NULL, "the parent's flight ends well");
  check(wait_for(child(client, "{}", "memory", 1), 10) == 0, "a child after that flight");
  tokenwell_client_free(client);
}

static volatile bool stop;

static void *busy(void *client) {
  while (!stop) {
    if (!gets(client, "{}", NULL, 5)) {
      return NULL;
    }
  }
  return client;
}

static void while_threads_are_busy(void) {
  tokenwell_client *client = client_with("{}");
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    pthread_create(&threads[i], NULL, busy, client);
  }
  for (int i = 0; i < 30; i++) {
    check(wait_for(child(client, "{}", NULL, 1), 10) == 0, "child %d while threads are busy", i);
  }
  stop = true;
  for (int i = 0; i < 4; i++) {
    void *outcome = NULL;
    pthread_join(threads[i], &outcome);
    check(outcome != NULL, "thread %d went on", i);
  }
  tokenwell_client_free(client);
}

struct flyer {
  tokenwell_client *client;
  int number;
};

/* Flight after flight, each for a scope of its own. */
static void *fly(void *argument) {
  struct flyer *flyer = argument;
  char with[64];
  for (int flight = 0; !stop; flight++) {
    snprintf(with, sizeof with, "{\"scope\": \"%d-%d\"}", flyer->number, flight);
    if (!gets(flyer->client, with, "network", 5)) {
      return NULL;
    }
  }
  return flyer;
}

static void a_hundred_during_flights(void) {
  tokenwell_client *client = client_with("{}");
  struct flyer flyers[4];
  pthread_t threads[4];
  stop = false;
  for (int i = 0; i < 4; i++) {
    flyers[i] = (struct flyer){client, i};
    pthread_create(&threads[i], NULL, fly, &flyers[i]);
  }
  for (int i = 0; i < 100; i++) {
    char with[64];
    snprintf(with, sizeof with, "{\"scope\": \"child-%d\"}", i);
    check(wait_for(child(client, with, "network", 1), 5) == 0, "child %d of 100 during flights", i);
  }
  stop = true;
  for (int i = 0; i < 4; i++) {
    void *outcome = NULL;
    pthread_join(threads[i], &outcome);
    check(outcome != NULL, "the flights of thread %d went on", i);
  }
  tokenwell_client_free(client);
}

int main(void) {
  if (!start_server(&server)) {
    return 1;
  }
  before_and_after_use();
  during_a_flight();
  if (SANITIZED) {
    /* Forked while threads allocate, a child may find the lock of the sanitizer's allocator held, for ever. */
    skipped += 2;
  } else {
    while_threads_are_busy();
    a_hundred_during_flights();
  }
  stop_server(&server);
  return finish();
}
