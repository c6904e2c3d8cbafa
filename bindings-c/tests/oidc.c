/* A real OpenID provider over https with a private CA. TOKENWELL_OIDC is the path of its description; `make test` sets it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *provider;

static json_t *options(const char *secret) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s}", "token_endpoint", text_of(provider, "token_endpoint"), "client_id",
                   text_of(provider, "client_id"), "client_secret", secret, "tls_ca_file", text_of(provider, "ca_file"), "scope",
                   text_of(provider, "scope"));
}

static bool is_active(const char *token) {
  char form[4096];
  snprintf(form, sizeof form, "token=%s", token);
  struct reply reply = http((struct request){.method = "POST",
                                             .url = text_of(provider, "introspection_endpoint"),
                                             .body = form,
                                             .type = "application/x-www-form-urlencoded",
                                             .ca_file = text_of(provider, "ca_file"),
                                             .authorization = text_of(provider, "introspection_authorization")});
  json_t *answer = json_loads(reply.body ? reply.body : "", 0, NULL);
  bool active = json_is_true(json_object_get(answer, "active"));
  if (!active) {
    fprintf(stderr, "introspection: %ld %s\n", reply.status, reply.body ? reply.body : "");
  }
  free(reply.body);
  json_decref(answer);
  return active;
}

static void a_token_that_is_active(void) {
  json_t *with = options(text_of(provider, "client_secret"));
  tokenwell_error *error = NULL;
  tokenwell_token *token = NULL, *again = NULL;
  tokenwell_client *client = client_of(with, &error);
  tokenwell_status status = tokenwell_client_token(client, &token, &error);
  if (check(status == TOKENWELL_STATUS_OK, "token: %s", error ? tokenwell_error_message(error) : "no client")) {
    check(is_active(tokenwell_token_value(token)), "introspection says that the token is active");
    check(strcmp(tokenwell_token_source(token), "network") == 0, "the first token is from the network");
    check(tokenwell_token_expires_in(token) > 0, "it has life left");
    tokenwell_client_token(client, &again, &error);
    check(again != NULL && strcmp(tokenwell_token_source(again), "memory") == 0, "the second is from memory");
  }
  tokenwell_token_free(token);
  tokenwell_token_free(again);
  tokenwell_error_free(error);
  tokenwell_client_free(client);
  json_decref(with);
}

static void a_wrong_secret(void) {
  json_t *with = options("not-the-secret");
  tokenwell_error *error = NULL;
  tokenwell_token *token = NULL;
  tokenwell_client *client = client_of(with, &error);
  check(tokenwell_client_token(client, &token, &error) == TOKENWELL_STATUS_SERVER_ERROR, "a wrong secret is a ServerError");
  check(error != NULL && strcmp(tokenwell_error_code(error), "invalid_client") == 0, "with the code invalid_client");
  tokenwell_error_free(error);
  tokenwell_client_free(client);
  json_decref(with);
}

int main(void) {
  const char *path = getenv("TOKENWELL_OIDC");
  if (path == NULL) {
    check(false, "TOKENWELL_OIDC is not set: run this through `make test`, which starts the provider");
    return finish();
  }
  provider = json_load_file(path, 0, NULL);
  if (check(provider != NULL, "%s cannot be read", path)) {
    a_token_that_is_active();
    a_wrong_secret();
  }
  json_decref(provider);
  return finish();
}
