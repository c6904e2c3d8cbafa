/* The probe of the matrix in C: see core/conformance/matrix/README.md. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokenwell.h>

static tokenwell_client *client;

/* A text that the library made, as JSON. */
static json_t *take(char *text, bool is_json) {
  json_t *result = text == NULL ? NULL : is_json ? json_loads(text, 0, NULL) : json_string(text);
  tokenwell_string_free(text);
  return result;
}

static json_t *authorization(tokenwell_error **error) {
  tokenwell_token *token = NULL;
  tokenwell_client_token(client, &token, error);
  json_t *result = token == NULL ? NULL : json_string(tokenwell_token_authorization(token));
  tokenwell_token_free(token);
  return result;
}

static json_t *dpop_proof(const json_t *order, tokenwell_error **error) {
  const char *method, *url, *token;
  size_t method_len, url_len, token_len;
  char *proof = NULL;
  json_unpack((json_t *)order, "{s:s%, s:s%, s:s%}", "method", &method, &method_len, "url", &url, &url_len, "token", &token, &token_len);
  tokenwell_client_dpop_proof(client, method, method_len, url, url_len, token, token_len, &proof, error);
  return take(proof, false);
}

static json_t *introspect(tokenwell_error **error) {
  char *answer = NULL;
  tokenwell_client_introspect(client, &answer, error);
  return take(answer, true);
}

static json_t *make(const json_t *options, tokenwell_error **error) {
  char *json = json_dumps(options, 0);
  tokenwell_client_free(client);
  client = NULL;
  tokenwell_client_new(json, strlen(json), &client, error);
  free(json);
  return json_null();
}

static json_t *obey(const json_t *order, tokenwell_error **error) {
  const char *call = json_string_value(json_object_get(order, "call"));
  if (call == NULL) {
    return make(json_object_get(order, "new"), error);
  }
  if (strcmp(call, "authorization") == 0) {
    return authorization(error);
  }
  if (strcmp(call, "dpop_proof") == 0) {
    return dpop_proof(order, error);
  }
  if (strcmp(call, "introspect") == 0) {
    return introspect(error);
  }
  tokenwell_client_revoke(client, error);
  return json_null();
}

int main(void) {
  json_t *order;
  while ((order = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
    tokenwell_error *error = NULL;
    json_t *result = obey(order, &error);
    json_t *answer = error == NULL ? json_pack("{s:o}", "result", result)
                                   : json_pack("{s:s, s:s}", "error", tokenwell_error_code(error), "message", tokenwell_error_message(error));
    json_dumpf(answer, stdout, JSON_COMPACT);
    puts("");
    fflush(stdout);
    tokenwell_error_free(error);
    json_decref(answer);
    json_decref(order);
  }
  tokenwell_client_free(client);
  return 0;
}
