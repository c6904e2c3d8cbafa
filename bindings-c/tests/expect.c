#define _GNU_SOURCE
#include "runner.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wrong(struct run *run, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (run->why[0] == '\0') {
    vsnprintf(run->why, sizeof run->why, format, arguments);
  }
  va_end(arguments);
  return false;
}

bool known(struct run *run, const json_t *object, const char *names) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value) {
    char word[64];
    snprintf(word, sizeof word, " %s ", name);
    if (strstr(names, word) == NULL) {
      return wrong(run, "unknown member: %s", name);
    }
  }
  return true;
}

void never_show(struct run *run, const char *text) {
  for (const char *line = text; line != NULL && *line != '\0';) {
    size_t length = strcspn(line, "\n");
    if (length > 3) {
      json_array_append_new(run->never, json_stringn(line, length));
    }
    line += length + (line[length] == '\n');
  }
}

static json_t *issued(struct run *run);

/* No text for people shows what may not be shown, nor an issued token. */
static bool clean(struct run *run, const char *what, const char *text) {
  const json_t *lists[] = {run->never, text == NULL ? NULL : issued(run)};
  size_t index;
  json_t *secret;
  for (int i = 0; text != NULL && i < 2; i++) {
    json_array_foreach((json_t *)lists[i], index, secret) {
      if (json_string_length(secret) > (i == 0 ? 0 : 3) && strstr(text, json_string_value(secret)) != NULL) {
        return wrong(run, "%s shows a secret: %s", what, text);
      }
    }
  }
  return true;
}

static bool same_text(struct run *run, const char *name, const json_t *expected, const char *actual) {
  const char *text = json_string_value(expected);
  bool same = text == NULL || actual == NULL ? text == actual : strcmp(text, actual) == 0;
  return same || wrong(run, "%s: expected %s, got %s", name, text ? text : "null", actual ? actual : "null");
}

static bool same_json(struct run *run, const char *name, const json_t *expected, const json_t *actual) {
  bool none = actual == NULL || json_is_null(actual);
  if (json_is_null(expected) ? none : !none && json_equal(expected, actual)) {
    return true;
  }
  char *left = json_dumps(expected, JSON_ENCODE_ANY), *right = none ? NULL : json_dumps(actual, JSON_ENCODE_ANY);
  wrong(run, "%s: expected %s, got %s", name, left, right ? right : "null");
  free(left);
  free(right);
  return false;
}

/* The members of `expected` are in `actual`; those that are null are not. */
bool expect_members(struct run *run, const char *what, const json_t *expected, const json_t *actual) {
  const char *name;
  json_t *value;
  bool ok = true;
  json_object_foreach((json_t *)expected, name, value) {
    char label[256];
    snprintf(label, sizeof label, "%s %s", what, name);
    ok = same_json(run, label, value, json_object_get(actual, name)) && ok;
  }
  return ok;
}

static bool contains(struct run *run, const char *name, const json_t *expected, const char *actual) {
  if (json_is_array(expected)) {
    size_t index;
    json_t *part;
    bool ok = true;
    json_array_foreach((json_t *)expected, index, part) ok = contains(run, name, part, actual) && ok;
    return ok;
  }
  bool found = actual != NULL && strstr(actual, json_string_value(expected)) != NULL;
  return found || wrong(run, "%s: expected %s in %s", name, json_string_value(expected), actual ? actual : "null");
}

static bool expect_number(struct run *run, const char *name, const json_t *expected, double actual, double below, double above) {
  double number = json_number_value(expected);
  bool ok = actual >= number - below && actual <= number + above;
  return ok || wrong(run, "%s: expected %g, got %g", name, number, actual);
}

static bool expect_error_member(struct run *run, const char *name, const json_t *value, const tokenwell_error *error) {
  const char *message = tokenwell_error_message(error), *hint = tokenwell_error_hint(error);
  const char *description = tokenwell_error_error_description(error);
  if (strcmp(name, "kind") == 0) {
    return same_text(run, name, value, tokenwell_error_kind(error));
  } else if (strcmp(name, "code") == 0) {
    return same_text(run, name, value, tokenwell_error_code(error));
  } else if (strcmp(name, "message") == 0) {
    return same_text(run, name, value, message);
  } else if (strcmp(name, "message_contains") == 0) {
    return contains(run, name, value, message);
  } else if (strcmp(name, "hint_contains") == 0) {
    return contains(run, name, value, hint);
  } else if (strcmp(name, "error_description") == 0) {
    return same_text(run, name, value, description);
  } else if (strcmp(name, "description_contains") == 0) {
    return contains(run, name, value, description);
  } else if (strcmp(name, "retryable") == 0) {
    bool same = json_is_true(value) == tokenwell_error_retryable(error);
    return same || wrong(run, "retryable: expected %s", json_is_true(value) ? "true" : "false");
  } else if (strcmp(name, "retry_after") == 0) {
    double seconds = tokenwell_error_retry_after(error);
    return json_is_null(value) ? seconds == -1 || wrong(run, "retry_after: expected none, got %g", seconds)
                               : expect_number(run, name, value, seconds, 1, 1);
  } else if (strcmp(name, "http_status") == 0) {
    return expect_number(run, name, value, tokenwell_error_http_status(error), 0, 0);
  }
  return wrong(run, "unknown expectation of an error: %s", name);
}

bool expect_error(struct run *run, const json_t *expected, const tokenwell_error *error) {
  if (error == NULL) {
    return wrong(run, "no error came");
  }
  const char *name;
  json_t *value;
  bool ok = true;
  json_object_foreach((json_t *)expected, name, value) {
    ok = expect_error_member(run, name, value, error) && ok;
  }
  return ok;
}

/* The tokens that the realm has issued, asked once in a step. */
static json_t *issued(struct run *run) {
  if (run->issued == NULL) {
    json_t *log = realm_log(run);
    run->issued = json_incref(json_object_get(log, "issued"));
    json_decref(log);
  }
  return run->issued;
}

static bool clean_error(struct run *run, const tokenwell_error *error) {
  return clean(run, "kind", tokenwell_error_kind(error)) && clean(run, "code", tokenwell_error_code(error)) &&
         clean(run, "message", tokenwell_error_message(error)) && clean(run, "hint", tokenwell_error_hint(error)) &&
         clean(run, "error_description", tokenwell_error_error_description(error));
}

static bool is_issued(struct run *run, const char *token) {
  size_t index;
  json_t *one;
  json_array_foreach(issued(run), index, one) {
    if (strcmp(json_string_value(one), token) == 0) {
      return true;
    }
  }
  return false;
}

static bool expect_value(struct run *run, const json_t *expected, const char *token) {
  const char *text = json_string_value(expected), *last = run->last ? run->last : "";
  if (strcmp(text, "issued") == 0) {
    return is_issued(run, token) || wrong(run, "the realm did not issue this token");
  } else if (strcmp(text, "same") == 0) {
    return strcmp(token, last) == 0 || wrong(run, "another token than the last");
  } else if (strcmp(text, "new") == 0) {
    return (strcmp(token, last) != 0 && is_issued(run, token)) || wrong(run, "not a new token of the realm");
  }
  return same_text(run, "token", expected, token);
}

static bool expect_token_member(struct run *run, const char *name, const json_t *value, const tokenwell_token *token) {
  const char *text = tokenwell_token_value(token);
  if (strcmp(name, "token") == 0) {
    return expect_value(run, value, text);
  } else if (strcmp(name, "value") == 0) {
    return same_text(run, name, value, text);
  } else if (strcmp(name, "length") == 0) {
    return expect_number(run, name, value, (double)strlen(text), 0, 0);
  } else if (strcmp(name, "token_type") == 0) {
    return same_text(run, name, value, tokenwell_token_type(token));
  } else if (strcmp(name, "scope") == 0) {
    return same_text(run, name, value, tokenwell_token_scope(token));
  } else if (strcmp(name, "source") == 0) {
    return same_text(run, name, value, tokenwell_token_source(token));
  } else if (strcmp(name, "expires_in") == 0) {
    return expect_number(run, name, value, (double)tokenwell_token_expires_in(token), 2, 0);
  } else if (strcmp(name, "extra") == 0) {
    json_t *extra = json_loads(tokenwell_token_extra(token), JSON_ALLOW_NUL, NULL);
    bool ok = expect_members(run, name, value, extra);
    json_decref(extra);
    return ok;
  }
  return wrong(run, "unknown expectation of a token: %s", name);
}

static bool expect_token(struct run *run, const json_t *step, const json_t *expected, const tokenwell_token *token) {
  const char *call = text_of(step, "call"), *name;
  bool whole = strcmp(call, "access_token") == 0, header = strcmp(call, "authorization") == 0, ok = true;
  json_t *value;
  json_object_foreach((json_t *)expected, name, value) {
    bool is_token = strcmp(name, "token") == 0, is_value = strcmp(name, "value") == 0;
    if (header && is_value) {
      ok = same_text(run, name, value, tokenwell_token_authorization(token)) && ok;
    } else if (whole || is_token || is_value || strcmp(name, "length") == 0) {
      ok = expect_token_member(run, name, value, token) && ok;
    }
  }
  return ok;
}

bool expect_result(struct run *run, const json_t *step, const struct result *result) {
  const json_t *expected = json_object_get(step, "expect"), *error = json_object_get(expected, "error");
  const json_t *within = json_object_get(step, "within");
  bool well = result->status == TOKENWELL_STATUS_OK;
  if (well != (result->token != NULL) || well != (result->error == NULL)) {
    return wrong(run, "status and out-parameters disagree");
  }
  if (within != NULL && result->seconds > json_number_value(within)) {
    return wrong(run, "took %.2f s instead of %g s", result->seconds, json_number_value(within));
  }
  if (!clean_error(run, result->error)) {
    return false;
  }
  if (error != NULL) {
    return expect_error(run, error, result->error);
  }
  if (!well) {
    return wrong(run, "%s: %s: %s", tokenwell_error_kind(result->error), tokenwell_error_code(result->error),
                 tokenwell_error_message(result->error));
  }
  return expect_token(run, step, expected, result->token);
}

json_t *realm_log(struct run *run) {
  char url[600];
  snprintf(url, sizeof url, "%s/requests", run->realm);
  return http_json("GET", url, NULL);
}

static bool expect_request(struct run *run, const char *which, const json_t *expected, const json_t *request) {
  const char *name;
  json_t *value;
  bool ok = true;
  json_object_foreach((json_t *)expected, name, value) {
    const json_t *actual = json_object_get(request, name);
    if (strcmp(name, "form") == 0 || strcmp(name, "headers") == 0) {
      ok = expect_members(run, name, value, actual) && ok;
    } else {
      ok = same_json(run, name, value, actual) && ok;
    }
  }
  return ok || wrong(run, "the %s request differs", which);
}

bool expect_requests(struct run *run, const json_t *expected) {
  json_t *log = realm_log(run), *requests = json_object_get(log, "requests"), *value;
  const char *name;
  double count = (double)json_array_size(requests);
  bool ok = log != NULL;
  json_object_foreach((json_t *)expected, name, value) {
    if (strcmp(name, "count") == 0) {
      ok = expect_number(run, "requests", value, count, 0, 0) && ok;
    } else if (strcmp(name, "at_most") == 0) {
      ok = expect_number(run, "requests at most", value, count, HUGE_VAL, 0) && ok;
    } else if (strcmp(name, "canary") == 0) {
      ok = same_json(run, name, value, json_object_get(log, name)) && ok;
    } else if (strcmp(name, "first") == 0 || strcmp(name, "last") == 0) {
      size_t index = name[0] == 'f' || count < 1 ? 0 : (size_t)count - 1;
      ok = expect_request(run, name, value, json_array_get(requests, index)) && ok;
    } else {
      ok = wrong(run, "unknown expectation of the log: %s", name);
    }
  }
  json_decref(log);
  return ok;
}

json_t *counters(const tokenwell_client *client) {
  char *text = tokenwell_client_stats(client);
  json_t *stats = json_loads(text ? text : "", 0, NULL);
  tokenwell_string_free(text);
  return stats;
}

bool expect_stats(struct run *run, const json_t *expected) {
  json_t *stats = counters(run->client);
  bool ok = expect_members(run, "stats", expected, stats);
  json_decref(stats);
  return ok;
}
