/* F27: a process that ends during a fetch ends at once, by exit, _exit, return from main, a signal, and after dlclose. A thread that
   is cancelled during a call ends after it, and a process that gets no thread loses nothing by each call. */
#define _GNU_SOURCE
#include "support.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct server server;
static json_t *options;

static void *fetch(void *client) {
  tokenwell_token *token = NULL;
  tokenwell_error *error = NULL;
  tokenwell_client_token(client, &token, &error);
  tokenwell_token_free(token);
  tokenwell_error_free(error);
  return NULL;
}

/* In a child: a fetch that hangs is under way, then `end` is called. The seconds that the end took. */
static double ends_once(const char *what, void (*end)(tokenwell_client *), int expected) {
  int ready[2];
  char byte = 0;
  if (pipe(ready) != 0) {
    return 1;
  }
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    tokenwell_error *error = NULL;
    tokenwell_client *client = client_of(options, &error);
    pthread_t thread;
    pthread_create(&thread, NULL, fetch, client);
    pause_ms(200);
    byte = write(ready[1], "x", 1) == 1;
    end(client);
    _exit(99);
  }
  close(ready[1]);
  bool started = read(ready[0], &byte, 1) == 1;
  close(ready[0]);
  double start = now();
  int code = wait_for(pid, 3);
  double took = now() - start;
  check(started && code == expected, "%s: ended with %d instead of %d", what, code, expected);
  return took;
}

/* The best of up to five, since other programs run on this machine. */
static void ends(const char *what, void (*end)(tokenwell_client *), int expected) {
  double took = 1;
  for (int round = 0; round < 5 && took >= 0.1; round++) {
    double once = ends_once(what, end, expected);
    took = once < took ? once : took;
  }
  check(took < 0.1, "%s: took %.0f ms", what, took * 1000);
}

static void by_exit(tokenwell_client *client) { (void)client; exit(7); }
static void by_quick_exit(tokenwell_client *client) { (void)client; _exit(7); }
static void by_free_and_exit(tokenwell_client *client) { tokenwell_client_close(client); exit(7); }
static void by_signal(tokenwell_client *client) { (void)client; raise(SIGTERM); }

static void *call_exit(void *nothing) {
  (void)nothing;
  pause_ms(20);
  exit(7);
}

/* The main thread waits for the token while another one ends the process. */
static void by_another_thread(tokenwell_client *client) {
  pthread_t thread;
  pthread_create(&thread, NULL, call_exit, NULL);
  fetch(client);
}

/* -z nodelete: the library stays when it is closed, for its threads are running. */
static void after_dlclose(void) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    tokenwell_error *error = NULL;
    tokenwell_client *client = client_of(options, &error);
    pthread_t thread;
    pthread_create(&thread, NULL, fetch, client);
    pause_ms(200);
    void *library = dlopen("libtokenwell.so.0", RTLD_NOW);
    dlclose(library);
    void *kept = dlopen("libtokenwell.so.0", RTLD_NOW | RTLD_NOLOAD);
    exit(library != NULL && kept != NULL && tokenwell_version() != NULL ? 0 : 1);
  }
  int code = wait_for(pid, 5);
  check(code == 0, "after dlclose: %d", code);
}

static volatile bool fetched;

static void *fetch_to_the_end(void *client) {
  fetch(client);
  fetched = true;
  pthread_testcancel();
  return NULL;
}

static void by_cancelled_thread(void) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    tokenwell_error *error = NULL;
    json_object_set_new(options, "timeout", json_real(0.5));
    tokenwell_client *client = client_of(options, &error);
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, NULL, fetch_to_the_end, client);
    pause_ms(200);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    _exit(fetched && result == PTHREAD_CANCELED ? 0 : 1);
  }
  int code = wait_for(pid, 5);
  check(code == 0, "a cancelled thread: %d", code);
}

/* What a thread calls first, on which its end has come already. */
static void make(tokenwell_client *client) {
  tokenwell_error *error = NULL;
  (void)client;
  tokenwell_client_free(client_of(options, &error));
  tokenwell_error_free(error);
}
static void get(tokenwell_client *client) { fetch(client); }
static void get_with(tokenwell_client *client) {
  tokenwell_token *token = NULL;
  tokenwell_error *error = NULL;
  tokenwell_client_token_with(client, "{\"scope\": \"a\"}", 14, &token, &error);
  tokenwell_token_free(token);
  tokenwell_error_free(error);
}
static void ask(tokenwell_client *client) {
  char *answer = NULL;
  tokenwell_error *error = NULL;
  tokenwell_client_introspect(client, &answer, &error);
  tokenwell_string_free(answer);
  tokenwell_error_free(error);
}
static void count(tokenwell_client *client) { tokenwell_string_free(tokenwell_client_stats(client)); }

static void (*called)(tokenwell_client *);

static void *call_once_cancelled(void *client) {
  pthread_cancel(pthread_self());
  called(client);
  fetched = true;
  pthread_testcancel();
  return NULL;
}

static void by_a_thread_cancelled_before(void) {
  void (*calls[])(tokenwell_client *) = {make, get, get_with, ask, count};
  for (int call = 0; call < 5; call++) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
      tokenwell_error *error = NULL;
      json_object_set_new(options, "timeout", json_real(0.2));
      called = calls[call];
      tokenwell_client *client = called == make ? NULL : client_of(options, &error);
      pthread_t thread;
      void *result = NULL;
      pthread_create(&thread, NULL, call_once_cancelled, client);
      pthread_join(thread, &result);
      _exit(fetched && result == PTHREAD_CANCELED ? 0 : 1);
    }
    int code = wait_for(pid, 5);
    check(code == 0, "call %d of a thread that was cancelled before: %d", call, code);
  }
}

static int open_files(void) {
  int count = 0;
  for (int file = 0; file < 1024; file++) {
    count += fcntl(file, F_GETFD) != -1;
  }
  return count;
}

static void without_a_thread(void) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    /* No thread can have so large a stack. */
    setenv("RUST_MIN_STACK", "4611686018427387904", 1);
    tokenwell_error *error = NULL;
    tokenwell_client *client = client_of(options, &error);
    int before = open_files(), failures = 0;
    for (int call = 0; call < 3; call++) {
      tokenwell_token *token = NULL;
      failures += tokenwell_client_token(client, &token, &error) == TOKENWELL_STATUS_INTERNAL_ERROR;
      tokenwell_error_free(error);
    }
    _exit(failures == 3 && open_files() == before ? 0 : 1);
  }
  int code = wait_for(pid, 5);
  check(code == 0, "without a thread: %d", code);
}

int main(void) {
  if (!start_server(&server)) {
    return 1;
  }
  char url[512];
  snprintf(url, sizeof url, "%s/realms", text_of(server.about, "control"));
  json_t *hang = json_loads("{\"script\": [{\"fault\": \"hang\", \"times\": -1}]}", 0, NULL);
  json_t *realm = http_json("POST", url, hang), *vars = json_object_get(realm, "vars");
  options = json_pack("{s:s, s:s, s:s}", "token_endpoint", text_of(vars, "token_endpoint"), "client_id",
                      text_of(vars, "client_id"), "client_secret", text_of(vars, "client_secret"));
  ends("exit", by_exit, 7);
  ends("_exit", by_quick_exit, 7);
  ends("exit of another thread", by_another_thread, 7);
  ends("close, then exit", by_free_and_exit, 7);
  ends("SIGTERM", by_signal, 128 + SIGTERM);
  after_dlclose();
  by_cancelled_thread();
  by_a_thread_cancelled_before();
  without_a_thread();
  json_decref(options);
  json_decref(realm);
  json_decref(hang);
  stop_server(&server);
  return finish();
}
