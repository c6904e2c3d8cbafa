/* All kinds of objects made and freed once; run under valgrind, nothing may be definitely lost. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void one_round(const json_t *options, tokenwell_status expected) {
  tokenwell_error *error = NULL;
  tokenwell_token *token = NULL;
  tokenwell_client *client = client_of(options, &error);
  for (int i = 0; i < 3; i++) {
    tokenwell_status status = tokenwell_client_token(client, &token, &error);
    check(status == expected, "status %d: %s", (int)status, error ? tokenwell_error_message(error) : "");
    tokenwell_token_extra(token);
    if (token != NULL) {
      tokenwell_client_invalidate(client, tokenwell_token_value(token), strlen(tokenwell_token_value(token)));
    }
    tokenwell_token_free(token);
    tokenwell_error_free(error);
  }
  tokenwell_string_free(tokenwell_client_stats(client));
  tokenwell_client_free(client);
}

int main(void) {
  struct server server;
  if (!start_server(&server)) {
    return 1;
  }
  json_t *about = server.about;
  json_t *options = json_pack("{s:s, s:s, s:s, s:s}", "token_endpoint", text_of(about, "https_token_endpoint"), "client_id",
                              text_of(about, "client_id"), "client_secret", text_of(about, "client_secret"), "tls_ca_file",
                              text_of(about, "ca_file"));
  one_round(options, TOKENWELL_STATUS_OK);
  json_object_set_new(options, "client_secret", json_string("wrong"));
  one_round(options, TOKENWELL_STATUS_SERVER_ERROR);
  tokenwell_error *error = NULL;
  json_object_set_new(options, "client_ids", json_string("unknown"));
  check(client_of(options, &error) == NULL, "an unknown option is refused");
  tokenwell_error_free(error);
  json_decref(options);
  stop_server(&server);
  return finish();
}
