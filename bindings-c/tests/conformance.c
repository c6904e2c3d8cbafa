/* Plays core/conformance/scenarios through the C interface. Usage: conformance [-v] [part of a case's name ...] */
#define _GNU_SOURCE
#include "runner.h"

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct server server;

/* A copy of `value` with ${name} replaced; a string that is one ${name} alone becomes the variable, whatever its type. */
static json_t *expanded(const json_t *value, const json_t *vars) {
  if (json_is_object(value)) {
    json_t *copy = json_object(), *member;
    const char *name;
    json_object_foreach((json_t *)value, name, member) json_object_set_new(copy, name, expanded(member, vars));
    return copy;
  } else if (json_is_array(value)) {
    json_t *copy = json_array(), *member;
    size_t index;
    json_array_foreach((json_t *)value, index, member) json_array_append_new(copy, expanded(member, vars));
    return copy;
  } else if (!json_is_string(value) || strstr(json_string_value(value), "${") == NULL) {
    return json_deep_copy(value);
  }
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  const char *from = json_string_value(value), *open;
  while ((open = strstr(from, "${")) != NULL && strchr(open, '}') != NULL) {
    char name[128];
    const char *close = strchr(open, '}');
    snprintf(name, sizeof name, "%.*s", (int)(close - open - 2), open + 2);
    json_t *variable = json_object_get(vars, name);
    if (open == json_string_value(value) && close[1] == '\0') {
      fclose(out);
      free(text);
      return json_deep_copy(variable);
    }
    fprintf(out, "%.*s%s", (int)(open - from), from, json_is_string(variable) ? json_string_value(variable) : "");
    from = close + 1;
  }
  fputs(from, out);
  fclose(out);
  json_t *whole = json_stringn(text, length);
  free(text);
  return whole;
}

/* The options that `given` stands for: absent, the default; {"+": ...}, the default and these. */
static json_t *options_of(struct run *run, const json_t *given) {
  json_t *plus = json_object_get(given, "+"), *value;
  if (given != NULL && plus == NULL) {
    return expanded(given, run->vars);
  }
  json_t *options = json_object(), *more = plus ? expanded(plus, run->vars) : json_object();
  const char *names[] = {"token_endpoint", "client_id", "client_secret"}, *name;
  for (size_t i = 0; i < 3; i++) {
    json_object_set(options, names[i], json_object_get(run->vars, names[i]));
  }
  json_object_foreach(more, name, value) {
    json_is_null(value) ? json_object_del(options, name) : json_object_set(options, name, value);
  }
  json_decref(more);
  return options;
}

/* Makes the client that the steps use from now on. */
static tokenwell_error *make_client(struct run *run, const json_t *options, bool from_env) {
  tokenwell_error *error = NULL;
  tokenwell_client *before = run->client;
  const char *secrets[] = {"client_secret", "private_key", "client_assertion", "dpop_key",
                           "tls_client_key", "subject_token", "actor_token"};
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    never_show(run, text_of(options, secrets[i]));
  }
  if (from_env) {
    tokenwell_client_from_env(&run->client, &error);
  } else {
    run->client = client_of(options, &error);
  }
  tokenwell_client_free(before);
  return error;
}

static bool step_new_client(struct run *run, const json_t *given) {
  bool same = json_is_object(given) && json_object_size(given) == 0;
  json_t *options = same ? json_incref(run->options) : options_of(run, given);
  tokenwell_error *error = make_client(run, options, false);
  bool ok = error == NULL || wrong(run, "new_client: %s", tokenwell_error_message(error));
  tokenwell_error_free(error);
  json_decref(options);
  return ok;
}

static bool step_warned_client(struct run *run, const json_t *step) {
  if (!step_new_client(run, json_object_get(step, "options"))) {
    return false;
  }
  json_t *expected = expanded(json_object_get(step, "warning"), run->vars);
  char *warning = tokenwell_client_warning(run->client);
  bool ok = warning == NULL || json_is_null(expected) ? warning == NULL && json_is_null(expected)
                                                      : strstr(warning, json_string_value(expected)) != NULL;
  ok = ok || wrong(run, "the warning is %s", warning ? warning : "none");
  tokenwell_string_free(warning);
  json_decref(expected);
  return ok;
}

/* One caller of a step. */
struct caller {
  struct run *run;
  const char *with; /* JSON of the call's options, or NULL */
  struct result result;
};

static void *one_call(void *argument) {
  struct caller *caller = argument;
  struct result *result = &caller->result;
  double start = now();
  result->status = caller->with == NULL
      ? tokenwell_client_token(caller->run->client, &result->token, &result->error)
      : tokenwell_client_token_with(caller->run->client, caller->with, strlen(caller->with), &result->token, &result->error);
  result->seconds = now() - start;
  return NULL;
}

static bool call_all(struct run *run, struct caller *callers, size_t count) {
  pthread_t *threads = calloc(count, sizeof *threads);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 256 * 1024);
  size_t started = 0;
  while (started < count && pthread_create(&threads[started], &small, one_call, &callers[started]) == 0) {
    started++;
  }
  for (size_t i = 0; i < started; i++) {
    pthread_join(threads[i], NULL);
  }
  pthread_attr_destroy(&small);
  free(threads);
  return started == count || wrong(run, "only %zu of %zu threads could be started", started, count);
}

static bool step_call(struct run *run, const json_t *step) {
  const json_t *with = json_object_get(step, "with"), *many = json_object_get(step, "concurrent");
  size_t count = many ? (size_t)json_integer_value(many) : 1;
  struct caller *callers = calloc(count, sizeof *callers);
  char *json = with == NULL ? NULL : dump_json(with);
  for (size_t i = 0; i < count; i++) {
    callers[i] = (struct caller){.run = run, .with = json};
  }
  bool ok = true;
  if (many == NULL) {
    one_call(&callers[0]);
  } else {
    ok = call_all(run, callers, count);
  }
  char *last = NULL;
  for (size_t i = 0; i < count; i++) {
    struct result *result = &callers[i].result;
    ok = ok && expect_result(run, step, result);
    if (result->token != NULL && last == NULL) {
      last = strdup(tokenwell_token_value(result->token));
    }
    tokenwell_token_free(result->token);
    tokenwell_error_free(result->error);
  }
  if (last != NULL) {
    free(run->last);
    run->last = last;
  }
  free(json);
  free(callers);
  return ok;
}

/* Settled when seen so twice: an answer that the realm has sent may still be on its way into the client. */
static bool step_settle(struct run *run) {
  int seen = 0;
  for (double end = now() + 5; now() < end; pause_ms(10)) {
    json_t *log = realm_log(run), *stats = counters(run->client);
    bool settled = json_integer_value(json_object_get(log, "in_flight")) == 0 &&
                   json_integer_value(json_object_get(stats, "in_flight")) == 0;
    json_decref(log);
    json_decref(stats);
    seen = settled ? seen + 1 : 0;
    if (seen == 2) {
      return true;
    }
  }
  return wrong(run, "not settled within 5 s");
}

/* POST of `body` to a part of the realm's control interface. */
static bool control(struct run *run, const char *part, json_t *body) {
  char url[600];
  snprintf(url, sizeof url, "%s/%s", run->realm, part);
  json_t *answer = http_json("POST", url, body);
  json_decref(body);
  json_decref(answer);
  return answer != NULL || wrong(run, "the control interface refused %s", part);
}

static bool step_advance(struct run *run, const json_t *seconds) {
  tokenwell_testing_advance_clock(json_number_value(seconds));
  run->advanced += json_number_value(seconds);
  return control(run, "clock", json_pack("{s:O}", "advance", seconds));
}

static bool step_jump(struct run *run, const json_t *seconds) {
  tokenwell_testing_jump_wall_clock(json_number_value(seconds));
  run->jumped += json_number_value(seconds);
  return true;
}

static bool step_arrived(struct run *run, const json_t *count) {
  for (double end = now() + 5; now() < end; pause_ms(10)) {
    json_t *log = realm_log(run);
    json_int_t total = json_integer_value(json_object_get(log, "total"));
    json_decref(log);
    if (total >= json_integer_value(count)) {
      return true;
    }
  }
  return wrong(run, "the requests did not arrive within 5 s");
}

/* Writes a file of the case for its owner alone; `text` null: takes it away. */
static bool write_file(struct run *run, const char *name, const json_t *text) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", run->folder, name);
  if (json_is_null(text)) {
    return unlink(path) == 0 || wrong(run, "%s cannot be removed", name);
  }
  never_show(run, json_string_value(text));
  size_t length;
  char *bytes = bytes_of(text, &length);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  bool ok = file >= 0 && write(file, bytes, length) == (ssize_t)length;
  close(file);
  free(bytes);
  return ok || wrong(run, "%s cannot be written", name);
}

static bool change_mode(struct run *run, const char *name, const char *octal) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", run->folder, name);
  return chmod(path, (mode_t)strtol(octal, NULL, 8)) == 0 || wrong(run, "the mode of %s cannot be changed", name);
}

static bool step_run(struct run *run, const json_t *command) {
  char *words[16] = {NULL};
  for (size_t i = 0; i < json_array_size(command) && i < 15; i++) {
    words[i] = (char *)json_string_value(json_array_get(command, i));
  }
  pid_t child = fork();
  if (child == 0) {
    execvp(words[0], words);
    _exit(127);
  }
  int status = -1;
  return (waitpid(child, &status, 0) == child && status == 0) || wrong(run, "%s fails", words[0]);
}

/* The folder and files of a case, and the variables that name them. */
static bool make_files(struct run *run, const json_t *files) {
  const char *name;
  json_t *text;
  bool ok = true;
  snprintf(run->folder, sizeof run->folder, "/tmp/tokenwell-XXXXXX");
  if (files == NULL || mkdtemp(run->folder) == NULL) {
    return files == NULL || wrong(run, "no folder for the files");
  }
  json_object_foreach((json_t *)files, name, text) {
    char variable[256], path[512];
    snprintf(variable, sizeof variable, "file:%s", name);
    snprintf(path, sizeof path, "%s/%s", run->folder, name);
    json_object_set_new(run->vars, variable, json_string(path));
    json_t *filled = expanded(text, run->vars);
    ok = ok && (json_is_null(text) || write_file(run, name, filled));
    json_decref(filled);
  }
  return ok;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place) {
  (void)about, (void)type, (void)place;
  return remove(path);
}

static bool step_invalidate(struct run *run, const json_t *value) {
  size_t length;
  char *text = bytes_of(value, &length);
  if (strcmp(text, "last") == 0) {
    free(text);
    text = strdup(run->last ? run->last : "");
    length = strlen(text);
  }
  bool ok = tokenwell_client_invalidate(run->client, text, length) == TOKENWELL_STATUS_OK;
  free(text);
  return ok || wrong(run, "invalidate failed");
}

/* One request to a resource, as a program with an HTTP client of its own sends it. */
static bool step_resource(struct run *run, const json_t *what) {
  tokenwell_token *token = NULL;
  tokenwell_error *error = NULL;
  char *proof = NULL;
  struct request request = {.method = text_of(what, "method"), .url = text_of(what, "url")};
  if (tokenwell_client_token(run->client, &token, &error) == TOKENWELL_STATUS_OK) {
    const char *value = tokenwell_token_value(token);
    request.authorization = tokenwell_token_authorization(token);
    if (strncmp(request.authorization, "DPoP ", 5) == 0) {
      tokenwell_client_dpop_proof(run->client, request.method, strlen(request.method), request.url, strlen(request.url),
                                  value, strlen(value), &proof, &error);
      request.proof = proof;
    }
  }
  bool ok = error == NULL || wrong(run, "resource: %s", tokenwell_error_message(error));
  if (ok) {
    struct reply reply = http(request);
    const char *challenge = text_of(what, "challenge");
    if (reply.nonce[0] != '\0') {
      tokenwell_client_dpop_nonce(run->client, request.url, strlen(request.url), reply.nonce, strlen(reply.nonce));
    }
    ok = (reply.status == json_integer_value(json_object_get(what, "status")) &&
          strstr(reply.challenge, challenge ? challenge : "") != NULL) ||
         wrong(run, "the resource answered %ld %s", reply.status, reply.challenge);
    free(reply.body);
  }
  tokenwell_string_free(proof);
  tokenwell_token_free(token);
  tokenwell_error_free(error);
  return ok;
}

/* A question about the client's own token: its answer or its error is as expected. */
static bool step_question(struct run *run, const json_t *expected, bool revoke) {
  tokenwell_error *error = NULL;
  char *text = NULL;
  tokenwell_status status = revoke ? tokenwell_client_revoke(run->client, &error) : tokenwell_client_introspect(run->client, &text, &error);
  bool ok;
  json_t *refusal = json_object_get(expected, "error");
  if (refusal != NULL) {
    ok = status == TOKENWELL_STATUS_OK ? wrong(run, "no error came") : expect_error(run, refusal, error);
  } else if (status != TOKENWELL_STATUS_OK) {
    ok = wrong(run, "%s", tokenwell_error_message(error));
  } else {
    json_t *answer = revoke ? json_object() : json_loads(text, 0, NULL);
    ok = expect_members(run, "answer", expected, answer);
    json_decref(answer);
  }
  tokenwell_string_free(text);
  tokenwell_error_free(error);
  return ok;
}

static bool play(struct run *run, const json_t *steps);

static bool play_in_child(struct run *run, const json_t *steps) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    bool ok = play(run, steps);
    if (!ok) {
      fprintf(stderr, "in the child: %s\n", run->why);
    }
    _exit(ok ? 0 : 1);
  }
  int code = wait_for(child, 10);
  return code == 0 || wrong(run, "the child ended with %d", code);
}

static bool step_fork(struct run *run, const json_t *step) {
  json_t *times = json_object_get(step, "times");
  bool ok = known(run, step, " fork times ");
  for (json_int_t left = times == NULL ? 1 : json_integer_value(times); ok && left > 0; left--) {
    ok = play_in_child(run, json_object_get(step, "fork"));
  }
  return ok;
}

static bool play_step(struct run *run, const json_t *step) {
  json_t *value;
  if (json_object_get(step, "call") != NULL) {
    return known(run, step, " call with expect within concurrent ") && step_call(run, step);
  } else if (json_object_get(step, "fork") != NULL) {
    return step_fork(run, step);
  } else if (json_object_size(step) != 1) {
    return wrong(run, "a step of several members");
  } else if ((value = json_object_get(step, "requests")) != NULL) {
    return expect_requests(run, value);
  } else if ((value = json_object_get(step, "stats")) != NULL) {
    return expect_stats(run, value);
  } else if ((value = json_object_get(step, "advance")) != NULL) {
    return step_advance(run, value);
  } else if ((value = json_object_get(step, "resource")) != NULL) {
    return known(run, value, " method url status challenge ") && step_resource(run, value);
  } else if ((value = json_object_get(step, "revoke")) != NULL) {
    return step_question(run, value, true);
  } else if ((value = json_object_get(step, "introspect")) != NULL) {
    return step_question(run, value, false);
  } else if ((value = json_object_get(step, "jump")) != NULL) {
    return step_jump(run, value);
  } else if ((value = json_object_get(step, "arrived")) != NULL) {
    return step_arrived(run, value);
  } else if ((value = json_object_get(step, "write")) != NULL) {
    return write_file(run, text_of(value, "name"), json_object_get(value, "text"));
  } else if ((value = json_object_get(step, "chmod")) != NULL) {
    return change_mode(run, text_of(value, "name"), text_of(value, "mode"));
  } else if ((value = json_object_get(step, "run")) != NULL) {
    return step_run(run, value);
  } else if ((value = json_object_get(step, "new_client")) != NULL) {
    return step_new_client(run, value);
  } else if ((value = json_object_get(step, "warned_client")) != NULL) {
    return known(run, value, " options warning ") && step_warned_client(run, value);
  } else if ((value = json_object_get(step, "invalidate")) != NULL) {
    return step_invalidate(run, value);
  } else if ((value = json_object_get(step, "script")) != NULL) {
    return control(run, "script", json_incref(value));
  } else if (json_object_get(step, "settle") != NULL) {
    return step_settle(run);
  } else if ((value = json_object_get(step, "redis")) != NULL) {
    return step_redis(run, value);
  } else if (json_object_get(step, "close") != NULL) {
    return tokenwell_client_close(run->client) == TOKENWELL_STATUS_OK || wrong(run, "close failed");
  } else if (json_object_get(step, "panic") != NULL) {
    tokenwell_testing_panic_in_next_flight();
    return true;
  }
  return wrong(run, "unknown step");
}

static bool play(struct run *run, const json_t *steps) {
  size_t index;
  json_t *step;
  json_array_foreach((json_t *)steps, index, step) {
    json_decref(run->issued);
    run->issued = NULL;
    if (!play_step(run, step)) {
      char why[sizeof run->why];
      snprintf(why, sizeof why, "step %zu: %.2000s", index + 1, run->why);
      memcpy(run->why, why, sizeof why);
      return false;
    }
  }
  return true;
}

/* Sets the case's environment and gives back what was there; called with that, puts it back. */
static json_t *exchange_environment(const json_t *wanted) {
  json_t *before = json_object(), *value;
  const char *name;
  json_object_foreach((json_t *)wanted, name, value) {
    const char *old = getenv(name);
    json_object_set_new(before, name, old ? json_string(old) : json_null());
    json_is_null(value) ? unsetenv(name) : setenv(name, json_string_value(value), 1);
  }
  return before;
}

static bool play_case(struct run *run, const json_t *the_case) {
  const json_t *expected = json_object_get(the_case, "expect_new");
  json_t *none = json_pack("{s:i}", "count", 0);
  tokenwell_error *error = make_client(run, run->options, json_is_true(json_object_get(the_case, "from_env")));
  bool ok;
  if (expected != NULL) {
    json_t *wanted = expanded(expected, run->vars);
    struct result refused = {error ? TOKENWELL_STATUS_CONFIG_ERROR : TOKENWELL_STATUS_OK, NULL, error, 0};
    json_t *step = json_pack("{s:{s:o}}", "expect", "error", wanted);
    ok = error == NULL ? wrong(run, "no error came") : expect_result(run, step, &refused) && expect_requests(run, none);
    json_decref(step);
  } else if (error != NULL) {
    ok = wrong(run, "making the client: %s", tokenwell_error_message(error));
  } else {
    json_t *steps = expanded(json_object_get(the_case, "steps"), run->vars);
    ok = play(run, steps);
    json_decref(steps);
  }
  tokenwell_error_free(error);
  json_decref(none);
  return ok;
}

/* What may not be shown, the files and the environment; then the case, and all of it taken back. */
static bool run_in_place(struct run *run, const json_t *the_case) {
  json_t *files = json_object_get(the_case, "files"), *text;
  json_t *shown = expanded(json_object_get(the_case, "never_shown"), run->vars);
  size_t index;
  bool ok = known(run, the_case, " name server options env from_env files expect_new steps never_shown not redis ");
  ok = ok && start_redis(run, text_of(the_case, "redis"));
  ok = ok && make_files(run, files);
  json_t *env = expanded(json_object_get(the_case, "env"), run->vars), *before = exchange_environment(env);
  never_show(run, text_of(run->vars, "client_secret"));
  never_show(run, text_of(env, "TOKENWELL_CLIENT_SECRET"));
  json_array_foreach(shown, index, text) json_array_append(run->never, text);
  run->options = options_of(run, json_object_get(the_case, "options"));
  ok = ok && play_case(run, the_case);
  tokenwell_testing_advance_clock(-run->advanced);
  tokenwell_testing_jump_wall_clock(-run->jumped);
  json_decref(exchange_environment(before));
  if (files != NULL) {
    nftw(run->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  }
  json_decref(shown);
  json_decref(env);
  json_decref(before);
  return ok;
}

static bool run_case(const json_t *the_case, char *why, size_t size) {
  char url[512];
  json_t *nothing = json_object(), *spec = json_object_get(the_case, "server");
  const char *base = text_of(server.about, "control");
  snprintf(url, sizeof url, "%s/realms", base);
  json_t *realm = http_json("POST", url, spec ? spec : nothing);
  struct run run = {.vars = json_object_get(realm, "vars"), .never = json_array()};
  snprintf(run.realm, sizeof run.realm, "%s/realms/%s", base, realm ? text_of(realm, "realm") : "?");
  bool ok = realm != NULL ? run_in_place(&run, the_case) : wrong(&run, "no realm");
  snprintf(why, size, "%s", run.why);
  tokenwell_client_free(run.client);
  stop_redis(&run);
  json_decref(http_json("DELETE", run.realm, NULL));
  json_t *owned[] = {nothing, realm, run.options, run.never, run.issued};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
    json_decref(owned[i]);
  }
  free(run.last);
  return ok;
}

static bool wanted(const char *name, int count, char **parts) {
  bool any = count == 0;
  for (int i = 0; i < count; i++) {
    any = any || strstr(name, parts[i]) != NULL;
  }
  return any;
}

/* Whether a file's name begins with one of the words of SCENARIOS, which is not set where all are wanted. */
static bool is_wanted(const char *path) {
  const char *name = strrchr(path, '/') + 1, *word = getenv("SCENARIOS");
  bool any = word == NULL;
  for (size_t length; !any && word != NULL && *word != '\0'; word += length + (word[length] == ' ')) {
    length = strcspn(word, " ");
    any = length > 0 && strncmp(name, word, length) == 0;
  }
  return any;
}

static void run_file(const char *path, bool verbose, int count, char **parts) {
  json_error_t where;
  json_t *file = load_json(path, &where), *the_case;
  size_t index;
  if (file == NULL) {
    check(false, "%s: line %d: %s", path, where.line, where.text);
    return;
  }
  json_array_foreach(json_object_get(file, "cases"), index, the_case) {
    char name[512], why[2048] = "";
    const char *reason = text_of(json_object_get(the_case, "not"), "c");
    snprintf(name, sizeof name, "%s %s", text_of(file, "id"), text_of(the_case, "name"));
    if (!wanted(name, count, parts)) {
      continue;
    }
    double start = now();
    if (reason != NULL) {
      skipped++;
      printf("skipped: %s: %s\n", name, reason);
    } else if (check(run_case(the_case, why, sizeof why), "%s: %s", name, why) && verbose) {
      printf("ok: %s (%.2f s)\n", name, now() - start);
    }
    fflush(stdout);
  }
  json_decref(file);
}

int main(int count, char **arguments) {
  bool verbose = count > 1 && strcmp(arguments[1], "-v") == 0;
  int first = verbose ? 2 : 1;
  glob_t files = {0};
  if (!start_server(&server)) {
    return 1;
  }
  if (glob(SCENARIOS "/*.json", 0, NULL, &files) != 0) {
    check(false, "no scenarios in " SCENARIOS);
  }
  for (size_t i = 0; i < files.gl_pathc; i++) {
    if (is_wanted(files.gl_pathv[i])) {
      run_file(files.gl_pathv[i], verbose, count - first, arguments + first);
    }
  }
  globfree(&files);
  stop_server(&server);
  return finish();
}
