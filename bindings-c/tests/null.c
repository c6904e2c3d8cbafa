/* F37: NULL for every pointer, handles freed twice or of another type, text that is not UTF-8: an error each, and no crash. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static const char OPTIONS[] =
    "{\"token_endpoint\": \"https://auth.example.com/token\", \"client_id\": \"id\", \"client_secret\": \"secret\"}";

static tokenwell_client *client;
static tokenwell_token *token;
static tokenwell_error *error;

/* The call was refused as an argument that cannot be used; frees the error. */
static void refused(const char *what, tokenwell_status status, const char *argument) {
  const char *code = tokenwell_error_code(error), *message = tokenwell_error_message(error);
  check(status == TOKENWELL_STATUS_CONFIG_ERROR, "%s: status %d", what, (int)status);
  check(code != NULL && strcmp(code, "invalid_argument") == 0, "%s: code %s", what, code ? code : "NULL");
  check(message != NULL && strstr(message, argument) != NULL, "%s: message %s", what, message ? message : "NULL");
  tokenwell_error_free(error);
  error = NULL;
}

static tokenwell_client *make(void) {
  tokenwell_client *made = NULL;
  tokenwell_error *none = NULL;
  check(tokenwell_client_new(OPTIONS, strlen(OPTIONS), &made, &none) == TOKENWELL_STATUS_OK, "client_new");
  check(made != NULL && none == NULL, "client_new: out-parameters");
  return made;
}

static void null_in_new(void) {
  tokenwell_client *out = (tokenwell_client *)&client;
  refused("new: json", tokenwell_client_new(NULL, 5, &out, &error), "json");
  check(out == NULL, "new: the out-parameter is set");
  refused("new: client", tokenwell_client_new(OPTIONS, strlen(OPTIONS), NULL, &error), "client");
  check(tokenwell_client_new(OPTIONS, strlen(OPTIONS), &out, NULL) != TOKENWELL_STATUS_OK, "new: error");
  check(out == NULL, "new: no client without a place for the error");
  check(tokenwell_client_new(NULL, 0, NULL, NULL) != TOKENWELL_STATUS_OK, "new: all");
  refused("new: a length without end", tokenwell_client_new(OPTIONS, SIZE_MAX, &out, &error), "json");
  refused("from_env: client", tokenwell_client_from_env(NULL, &error), "client");
  check(tokenwell_client_from_env(&out, NULL) != TOKENWELL_STATUS_OK, "from_env: error");
  check(tokenwell_client_from_env(NULL, NULL) != TOKENWELL_STATUS_OK, "from_env: all");
  refused("from_env_with: json", tokenwell_client_from_env_with(NULL, 0, &out, &error), "json");
  refused("from_env_with: client", tokenwell_client_from_env_with("{}", 2, NULL, &error), "client");
  check(tokenwell_client_from_env_with("{}", 2, &out, NULL) != TOKENWELL_STATUS_OK, "from_env_with: error");
  check(tokenwell_client_from_env_with(NULL, 0, NULL, NULL) != TOKENWELL_STATUS_OK, "from_env_with: all");
}

static void null_in_calls(void) {
  char *text = NULL;
  refused("revoke: client", tokenwell_client_revoke(NULL, &error), "client");
  check(tokenwell_client_revoke(client, NULL) != TOKENWELL_STATUS_OK, "revoke: error");
  refused("introspect: client", tokenwell_client_introspect(NULL, &text, &error), "client");
  refused("introspect: answer", tokenwell_client_introspect(client, NULL, &error), "answer");
  check(tokenwell_client_introspect(client, &text, NULL) != TOKENWELL_STATUS_OK && text == NULL, "introspect: error");
  refused("token: client", tokenwell_client_token(NULL, &token, &error), "client");
  check(token == NULL, "token: the out-parameter is set");
  refused("token: token", tokenwell_client_token(client, NULL, &error), "token");
  check(tokenwell_client_token(client, &token, NULL) != TOKENWELL_STATUS_OK, "token: error");
  check(tokenwell_client_token(NULL, NULL, NULL) != TOKENWELL_STATUS_OK, "token: all");
  refused("token_with: client", tokenwell_client_token_with(NULL, "{}", 2, &token, &error), "client");
  refused("token_with: json", tokenwell_client_token_with(client, NULL, 2, &token, &error), "json");
  refused("token_with: token", tokenwell_client_token_with(client, "{}", 2, NULL, &error), "token");
  check(tokenwell_client_token_with(client, "{}", 2, &token, NULL) != TOKENWELL_STATUS_OK, "token_with: error");
  check(tokenwell_client_token_with(NULL, NULL, 0, NULL, NULL) != TOKENWELL_STATUS_OK, "token_with: all");
  check(tokenwell_client_invalidate(NULL, "a", 1) == TOKENWELL_STATUS_CONFIG_ERROR, "invalidate: client");
  check(tokenwell_client_invalidate(client, NULL, 1) == TOKENWELL_STATUS_CONFIG_ERROR, "invalidate: value");
  check(tokenwell_client_has(NULL, NULL) == NULL, "has: all");
  check(tokenwell_client_has(client, NULL) == NULL, "has: token");
  check(tokenwell_client_has(client, (const tokenwell_token *)client) == NULL, "has: a handle of another type");
  check(tokenwell_client_renew(NULL, NULL, NULL, NULL) == NULL, "renew: all");
  token = (tokenwell_token *)client;
  check(tokenwell_client_renew(NULL, token, &token, &error) == NULL && token == NULL, "renew: a handle of another type");
  tokenwell_error_free(error);
  const char *value = tokenwell_client_renew(NULL, NULL, &token, &error);
  refused("renew: client", value ? TOKENWELL_STATUS_OK : TOKENWELL_STATUS_CONFIG_ERROR, "client");
  check(tokenwell_client_stats(NULL) == NULL, "stats");
  check(tokenwell_client_close(NULL) == TOKENWELL_STATUS_CONFIG_ERROR, "close");
}

static void null_in_proofs(void) {
  char *proof = (char *)&client;
  const char *url = "https://api.example.com/";
  size_t length = strlen(url);
  refused("dpop_proof: client", tokenwell_client_dpop_proof(NULL, "GET", 3, url, length, "a", 1, &proof, &error), "client");
  check(proof == NULL, "dpop_proof: the out-parameter is set");
  refused("dpop_proof: method", tokenwell_client_dpop_proof(client, NULL, 3, url, length, "a", 1, &proof, &error), "method");
  refused("dpop_proof: url", tokenwell_client_dpop_proof(client, "GET", 3, NULL, length, "a", 1, &proof, &error), "url");
  refused("dpop_proof: token", tokenwell_client_dpop_proof(client, "GET", 3, url, length, NULL, 1, &proof, &error), "token");
  refused("dpop_proof: proof", tokenwell_client_dpop_proof(client, "GET", 3, url, length, "a", 1, NULL, &error), "proof");
  refused("dpop_proof: not UTF-8", tokenwell_client_dpop_proof(client, "\xff", 1, url, length, "a", 1, &proof, &error), "method");
  check(tokenwell_client_dpop_proof(client, "GET", 3, url, length, "a", 1, &proof, NULL) != TOKENWELL_STATUS_OK, "dpop_proof: error");
  check(tokenwell_client_dpop_proof(client, "GET", 3, url, length, "a", 1, &proof, &error) == TOKENWELL_STATUS_CONFIG_ERROR,
        "dpop_proof: a client without dpop");
  check(strcmp(tokenwell_error_code(error), "option_missing") == 0, "dpop_proof: code of a client without dpop");
  tokenwell_error_free(error);
  error = NULL;
  check(tokenwell_client_dpop_nonce(NULL, url, length, "n", 1) == TOKENWELL_STATUS_CONFIG_ERROR, "dpop_nonce: client");
  check(tokenwell_client_dpop_nonce(client, NULL, length, "n", 1) == TOKENWELL_STATUS_CONFIG_ERROR, "dpop_nonce: url");
  check(tokenwell_client_dpop_nonce(client, url, length, NULL, 1) == TOKENWELL_STATUS_CONFIG_ERROR, "dpop_nonce: nonce");
  check(tokenwell_client_dpop_nonce(client, url, length, "n", 1) == TOKENWELL_STATUS_OK, "dpop_nonce: a client without dpop");
}

/* Every accessor gives its empty value for NULL and for a handle of another type. */
static void accessors(const tokenwell_token *no_token, const tokenwell_error *no_error, const char *what) {
  check(tokenwell_token_value(no_token) == NULL, "token_value: %s", what);
  check(tokenwell_token_type(no_token) == NULL, "token_type: %s", what);
  check(tokenwell_token_authorization(no_token) == NULL, "token_authorization: %s", what);
  check(tokenwell_token_scope(no_token) == NULL, "token_scope: %s", what);
  check(tokenwell_token_source(no_token) == NULL, "token_source: %s", what);
  check(tokenwell_token_extra(no_token) == NULL, "token_extra: %s", what);
  check(tokenwell_token_expires_at(no_token) == 0, "token_expires_at: %s", what);
  check(tokenwell_token_expires_in(no_token) == 0, "token_expires_in: %s", what);
  check(tokenwell_error_kind(no_error) == NULL, "error_kind: %s", what);
  check(tokenwell_error_code(no_error) == NULL, "error_code: %s", what);
  check(tokenwell_error_message(no_error) == NULL, "error_message: %s", what);
  check(!tokenwell_error_retryable(no_error), "error_retryable: %s", what);
  check(tokenwell_error_retry_after(no_error) == -1, "error_retry_after: %s", what);
  check(tokenwell_error_http_status(no_error) == 0, "error_http_status: %s", what);
  check(tokenwell_error_error_description(no_error) == NULL, "error_error_description: %s", what);
  check(tokenwell_error_hint(no_error) == NULL, "error_hint: %s", what);
}

static void null_in_frees(void) {
  tokenwell_client_free(NULL);
  tokenwell_token_free(NULL);
  tokenwell_error_free(NULL);
  tokenwell_string_free(NULL);
}

static void handles_of_another_type(void) {
  tokenwell_error *other = NULL;
  tokenwell_client_token(NULL, &token, &other);
  refused("token: an error as client", tokenwell_client_token((tokenwell_client *)other, &token, &error), "client");
  refused("token_with: an error as client",
          tokenwell_client_token_with((tokenwell_client *)other, "{}", 2, &token, &error), "client");
  check(tokenwell_client_stats((tokenwell_client *)other) == NULL, "stats of an error");
  check(tokenwell_client_close((tokenwell_client *)other) == TOKENWELL_STATUS_CONFIG_ERROR, "close of an error");
  check(tokenwell_client_invalidate((tokenwell_client *)other, "a", 1) == TOKENWELL_STATUS_CONFIG_ERROR, "invalidate");
  accessors((tokenwell_token *)client, (tokenwell_error *)client, "a client");
  accessors((tokenwell_token *)other, (tokenwell_error *)client, "an error as token");
  tokenwell_client_free((tokenwell_client *)other);
  tokenwell_token_free((tokenwell_token *)other);
  tokenwell_error_free((tokenwell_error *)client);
  tokenwell_token_free((tokenwell_token *)client);
  check(tokenwell_error_code(other) != NULL, "the error lives after frees of another type");
  check(tokenwell_client_close(client) == TOKENWELL_STATUS_OK, "the client lives after frees of another type");
  tokenwell_error_free(other);
  char memory[64] = {0};
  accessors((tokenwell_token *)(memory + 8), (tokenwell_error *)(memory + 8), "memory that is no handle");
  accessors((tokenwell_token *)(memory + 9), (tokenwell_error *)(memory + 11), "a pointer that is not aligned");
}

/* The compiler sees a use after free here, which is what is tested. */
static void *volatile again;

static void freed_handles(void) {
  tokenwell_client *other = make();
  again = other;
  tokenwell_client_free(other);
  tokenwell_client_free(again);
  refused("token: a freed client", tokenwell_client_token(again, &token, &error), "client");
  check(tokenwell_client_close(again) == TOKENWELL_STATUS_CONFIG_ERROR, "close of a freed client");
  tokenwell_error *failure = NULL;
  tokenwell_client_token(NULL, &token, &failure);
  again = failure;
  tokenwell_error_free(failure);
  tokenwell_error_free(again);
  check(tokenwell_error_code(again) == NULL, "code of a freed error");
}

static void odd_text(void) {
  const char not_utf8[] = "{\"client_id\": \"\xff\xfe\"}";
  tokenwell_client *out = NULL;
  const char *bad[] = {not_utf8, "", "{", "[]", "null", "\xef\xbb\xbf", "{} {}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    tokenwell_status status = tokenwell_client_new(bad[i], strlen(bad[i]), &out, &error);
    check(status == TOKENWELL_STATUS_CONFIG_ERROR && out == NULL && error != NULL, "options: %s", bad[i]);
    tokenwell_error_free(error);
    status = tokenwell_client_token_with(client, bad[i], strlen(bad[i]), &token, &error);
    check(status == TOKENWELL_STATUS_CONFIG_ERROR && token == NULL && error != NULL, "options of a call: %s", bad[i]);
    tokenwell_error_free(error);
  }
  char *deep = malloc(200001);
  memset(deep, '[', 200000);
  check(tokenwell_client_new(deep, 200000, &out, &error) == TOKENWELL_STATUS_CONFIG_ERROR, "deep nesting");
  tokenwell_error_free(error);
  free(deep);
  error = NULL;
  check(tokenwell_client_from_env_with("\xff", 1, &out, &error) == TOKENWELL_STATUS_CONFIG_ERROR, "from_env_with: not UTF-8");
  tokenwell_error_free(error);
  error = NULL;
  check(tokenwell_client_invalidate(client, "\xff", 1) == TOKENWELL_STATUS_CONFIG_ERROR, "invalidate: not UTF-8");
}

/* A closed client refuses, and can be closed again. */
static void closed(void) {
  check(tokenwell_client_close(client) == TOKENWELL_STATUS_OK, "close");
  check(tokenwell_client_close(client) == TOKENWELL_STATUS_OK, "close again");
  check(tokenwell_client_token(client, &token, &error) == TOKENWELL_STATUS_CONFIG_ERROR, "token after close");
  check(strcmp(tokenwell_error_code(error), "client_closed") == 0, "code after close");
  tokenwell_error_free(error);
  error = NULL;
}

int main(void) {
  client = make();
  check(strlen(tokenwell_version()) > 0, "version");
  null_in_new();
  null_in_calls();
  null_in_proofs();
  accessors(NULL, NULL, "NULL");
  null_in_frees();
  odd_text();
  if (SANITIZED) {
    skipped++; /* it would report what is tested */
  } else {
    freed_handles();
  }
  handles_of_another_type();
  closed();
  tokenwell_client_free(client);
  return finish();
}
