#define _GNU_SOURCE
#include "support.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int passed, failed, skipped;

bool check(bool ok, const char *format, ...) {
  ok ? passed++ : failed++;
  if (!ok) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "FAILED: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
  }
  return ok;
}

int finish(void) {
  fflush(stderr);
  printf("%d passed, %d failed", passed, failed);
  if (skipped > 0) {
    printf(", %d skipped", skipped);
  }
  printf("\n");
  return failed > 0 || passed == 0;
}

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void pause_ms(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

#define STAND_IN "\xEE\x80\x80"

/* Replaces each `from` in `text` by `to`, in place; `to` is at most twice as long, and the room is there. */
static size_t replace(char *text, size_t length, const char *from, const char *to, size_t to_length) {
  char *copy = malloc(length + 1), *out = text;
  memcpy(copy, text, length + 1);
  for (const char *in = copy, *found; in != NULL; in = found ? found + strlen(from) : NULL) {
    found = strstr(in, from);
    size_t before = found ? (size_t)(found - in) : strlen(in);
    memcpy(out, in, before);
    out += before;
    if (found != NULL) {
      memcpy(out, to, to_length);
      out += to_length;
    }
  }
  *out = '\0';
  free(copy);
  return (size_t)(out - text);
}

json_t *load_json(const char *path, json_error_t *where) {
  char *text = NULL;
  size_t length = 0;
  FILE *file = fopen(path, "r"), *memory = open_memstream(&text, &length);
  for (int c; file != NULL && (c = fgetc(file)) != EOF;) {
    fputc(c, memory);
  }
  fclose(memory);
  if (file != NULL) {
    fclose(file);
  }
  length = replace(text, length, "\\u0000", "\\uE000", 6);
  json_t *json = json_loadb(text, length, 0, where);
  free(text);
  return json;
}

char *dump_json(const json_t *json) {
  char *text = json_dumps(json, JSON_ENCODE_ANY);
  size_t length = strlen(text);
  text = realloc(text, 2 * length + 1);
  replace(text, length, STAND_IN, "\\u0000", 6);
  return text;
}

char *bytes_of(const json_t *string, size_t *length) {
  char *bytes = strdup(json_string_value(string));
  *length = replace(bytes, strlen(bytes), STAND_IN, "", 1);
  return bytes;
}

static size_t collect(char *data, size_t size, size_t count, void *into) {
  struct reply *reply = into;
  char *grown = realloc(reply->body, reply->length + size * count + 1);
  if (grown == NULL) {
    return 0;
  }
  memcpy(grown + reply->length, data, size * count);
  reply->body = grown;
  reply->length += size * count;
  grown[reply->length] = '\0';
  return size * count;
}

/* Keeps the value of a header line of this name. */
static void keep(const char *line, const char *name, char *value, size_t size) {
  if (strncasecmp(line, name, strlen(name)) == 0) {
    snprintf(value, size, "%s", line + strlen(name) + strspn(line + strlen(name), " "));
  }
}

static size_t read_header(char *data, size_t size, size_t count, void *into) {
  struct reply *reply = into;
  char line[8192];
  snprintf(line, sizeof line, "%.*s", (int)strcspn(data, "\r\n"), data);
  keep(line, "DPoP-Nonce:", reply->nonce, sizeof reply->nonce);
  keep(line, "WWW-Authenticate:", reply->challenge, sizeof reply->challenge);
  return size * count;
}

static struct curl_slist *header(struct curl_slist *list, const char *name, const char *value) {
  char line[8192];
  snprintf(line, sizeof line, "%s: %s", name, value);
  return curl_slist_append(list, line);
}

struct reply http(struct request request) {
  struct reply reply = {0};
  CURL *curl = curl_easy_init();
  struct curl_slist *headers = NULL;
  if (request.type != NULL) {
    headers = header(headers, "Content-Type", request.type);
  }
  if (request.authorization != NULL) {
    headers = header(headers, "Authorization", request.authorization);
  }
  if (request.proof != NULL) {
    headers = header(headers, "DPoP", request.proof);
  }
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, read_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
  curl_easy_setopt(curl, CURLOPT_URL, request.url);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
  if (request.body != NULL) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(request.body));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body);
  }
  if (request.ca_file != NULL) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file);
  }
  CURLcode result = curl_easy_perform(curl);
  if (result == CURLE_OK) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  } else {
    free(reply.body);
    reply.body = strdup(curl_easy_strerror(result));
  }
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return reply;
}

json_t *http_json(const char *method, const char *url, const json_t *body) {
  char *text = body == NULL ? NULL : dump_json(body);
  struct reply reply = http((struct request){.method = method, .url = url, .body = text, .type = text == NULL ? NULL : "application/json"});
  json_error_t where;
  json_t *json = NULL;
  if (reply.status / 100 == 2) {
    json = json_loadb(reply.body ? reply.body : "", reply.length, JSON_ALLOW_NUL | JSON_DECODE_ANY, &where);
    if (json == NULL) {
      fprintf(stderr, "%s %s: %s\n", method, url, where.text);
    }
  } else {
    fprintf(stderr, "%s %s: %ld %s\n", method, url, reply.status, reply.body ? reply.body : "");
  }
  free(text);
  free(reply.body);
  return json;
}

json_t *read_line(int output) {
  char line[65536];
  size_t length = 0;
  while (length + 1 < sizeof line) {
    ssize_t got = read(output, line + length, 1);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0 || line[length] == '\n') {
      break;
    }
    length++;
  }
  return json_loadb(line, length, 0, NULL);
}

bool start_program(char *const command[], struct server *server) {
  int input[2], output[2];
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) {
    return false;
  }
  server->pid = fork();
  if (server->pid == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    execvp(command[0], command);
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  server->input = input[1];
  server->output = output[0];
  server->about = read_line(output[0]);
  return server->about != NULL;
}

void stop_program(struct server *server) {
  close(server->input);
  close(server->output);
  wait_for(server->pid, 5);
  json_decref(server->about);
}

bool start_server(struct server *server) {
  char *program = getenv("TOKENWELL_DEV_SERVER");
  char *command[] = {program == NULL ? DEV_SERVER : program, "--port", "0", NULL};
  if (access(command[0], X_OK) != 0) {
    fprintf(stderr, "no development server at %s: build it with cargo build -p tokenwell-dev-server\n", command[0]);
    return false;
  }
  return start_program(command, server);
}

void stop_server(struct server *server) {
  kill(server->pid, SIGTERM);
  stop_program(server);
}

const char *text_of(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

tokenwell_client *client_of(const json_t *options, tokenwell_error **error) {
  tokenwell_client *client = NULL;
  char *json = dump_json(options);
  tokenwell_client_new(json, strlen(json), &client, error);
  free(json);
  return client;
}

int wait_for(pid_t pid, double seconds) {
  int status = 0;
  for (double end = now() + seconds; now() < end; pause_ms(5)) {
    if (waitpid(pid, &status, WNOHANG) == pid) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
  }
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return -1;
}
