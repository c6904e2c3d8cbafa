/* The Redis of a case: real servers, driven by core/conformance/redis.py. */
#define _GNU_SOURCE
#include "runner.h"

#include <string.h>
#include <unistd.h>

bool start_redis(struct run *run, const char *kind) {
  char *command[] = {"python3", REDIS, (char *)kind, NULL};
  if (kind == NULL) {
    return true;
  }
  if (!start_program(command, &run->redis)) {
    return wrong(run, "no Redis could be started");
  }
  json_object_update(run->vars, run->redis.about);
  return true;
}

bool step_redis(struct run *run, const json_t *step) {
  char *line = dump_json(step);
  bool sent = run->redis.pid > 0 && write(run->redis.input, line, strlen(line)) > 0 && write(run->redis.input, "\n", 1) == 1;
  json_t *answer = sent ? read_line(run->redis.output) : NULL;
  const char *error = answer == NULL ? "no answer" : text_of(answer, "error");
  bool ok = error == NULL || wrong(run, "redis: %s", error);
  json_decref(answer);
  free(line);
  return ok;
}

void stop_redis(struct run *run) {
  if (run->redis.pid > 0) {
    stop_program(&run->redis);
  }
}
