/* libcurl as examples show it: a handle for each token, and with it a connection and a reading of the roots. With KEEP defined each
 * thread keeps its handle. */
#include "contestant.h"
#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>

#ifdef KEEP
static const bool keep = true;
static const char *const name = "libcurl, handle kept";
#else
static const bool keep = false;
static const char *const name = "libcurl, a handle each";
#endif

struct body {
  char *text;
  size_t length;
};

struct worker {
  pthread_t thread;
  CURL *kept;
  long count;
};

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(EXIT_FAILURE);
}

static size_t append(char *data, size_t size, size_t count, void *to) {
  struct body *body = to;
  char *text = realloc(body->text, body->length + size * count);
  if (text == NULL) {
    return 0;
  }
  body->text = text;
  memcpy(text + body->length, data, size * count);
  body->length += size * count;
  return size * count;
}

static CURL *asking(void) {
  CURL *handle = curl_easy_init();
  char form[256];
  snprintf(form, sizeof form, "grant_type=client_credentials&scope=%s", variable("SCOPE"));
  curl_easy_setopt(handle, CURLOPT_URL, variable("TOKEN_ENDPOINT"));
  curl_easy_setopt(handle, CURLOPT_USERNAME, variable("CLIENT_ID"));
  curl_easy_setopt(handle, CURLOPT_PASSWORD, variable("CLIENT_SECRET"));
  curl_easy_setopt(handle, CURLOPT_CAINFO, variable("CA_FILE"));
  curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, form);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  return handle;
}

static void fetch_token(CURL **kept) {
  CURL *handle = *kept == NULL ? asking() : *kept;
  struct body body = {NULL, 0};
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
  CURLcode result = curl_easy_perform(handle);
  if (result != CURLE_OK) {
    fail(curl_easy_strerror(result));
  }
  json_t *answer = json_loadb(body.text, body.length, 0, NULL);
  if (json_string_value(json_object_get(answer, "access_token")) == NULL) {
    fail("no token in the answer");
  }
  json_decref(answer);
  free(body.text);
  if (keep) {
    *kept = handle;
  } else {
    curl_easy_cleanup(handle);
  }
}

static void *work(void *argument) {
  struct worker *worker = argument;
  for (long n = 0; n < worker->count; n++) {
    fetch_token(&worker->kept);
  }
  return NULL;
}

/* So many tokens, by so many threads that share them evenly; one is this thread. */
static void fetch_all(struct worker *workers, long count, long at_once) {
  for (long i = 0; i < at_once; i++) {
    workers[i].count = (count + at_once - 1 - i) / at_once;
    if (i > 0 && pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
      fail("no more threads");
    }
  }
  work(&workers[0]);
  for (long i = 1; i < at_once; i++) {
    pthread_join(workers[i].thread, NULL);
  }
}

static void fetch(long count, long at_once) {
  struct worker *workers = calloc((size_t)at_once, sizeof *workers);
  if (workers == NULL) {
    fail("no memory");
  }
  fetch_all(workers, count / 10 > at_once ? count / 10 : at_once, at_once);
  double worked = nanoseconds(CLOCK_PROCESS_CPUTIME_ID), began = nanoseconds(CLOCK_MONOTONIC);
  fetch_all(workers, count, at_once);
  double cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - worked, wall = nanoseconds(CLOCK_MONOTONIC) - began;
  printf("{\"cpu_us\": %.3f, \"wall_us\": %.3f}\n", cpu / (double)count / 1e3, wall / (double)count / 1e3);
  for (long i = 0; i < at_once; i++) {
    curl_easy_cleanup(workers[i].kept);
  }
  free(workers);
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (strcmp(mode, "versions") == 0) {
    printf("{\"name\": \"%s\", \"version\": \"%s\"}\n", name, curl_version_info(CURLVERSION_NOW)->version);
  } else if (strcmp(mode, "once") == 0) {
    CURL *handle = NULL;
    fetch_token(&handle);
    curl_easy_cleanup(handle);
    puts("ok");
  } else if (strcmp(mode, "fetch") == 0) {
    fetch(number(argc, argv, 2), number(argc, argv, 3));
  } else {
    puts("keeps no token");
    return 3;
  }
  return EXIT_SUCCESS;
}
