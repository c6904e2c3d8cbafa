/* Makes COUNT calls for a token, of a client that keeps them or not, for instructions.sh to count what one costs.
 * usage: instructions memory|none COUNT */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  struct server server;
  if (argc != 3 || !start_server(&server)) {
    return 1;
  }
  json_t *about = server.about;
  json_t *options = json_pack("{s:s, s:s, s:s, s:s}", "token_endpoint", text_of(about, "token_endpoint"), "client_id",
                              text_of(about, "client_id"), "client_secret", text_of(about, "client_secret"), "cache", argv[1]);
  tokenwell_error *error = NULL;
  tokenwell_token *token = NULL;
  tokenwell_client *client = client_of(options, &error);
  for (long left = atol(argv[2]); left > 0; left--) {
    tokenwell_status status = tokenwell_client_token(client, &token, &error);
    if (status != TOKENWELL_STATUS_OK) {
      check(false, "status %d: %s", (int)status, tokenwell_error_message(error));
      break;
    }
    tokenwell_token_free(token);
  }
  tokenwell_client_free(client);
  json_decref(options);
  stop_server(&server);
  return finish();
}
