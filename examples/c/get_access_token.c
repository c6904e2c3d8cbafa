/* The guide's program, "get access token": prints a bearer token for the client id and secret in the environment.
 *
 *   TOKENWELL_CLIENT_ID, TOKENWELL_CLIENT_SECRET, TOKENWELL_TOKEN_ENDPOINT
 *
 *   cc get_access_token.c -o get_access_token $(pkg-config --cflags --libs tokenwell) */
#include <stdio.h>
#include <stdlib.h>
#include <tokenwell.h>

static void print_error(const tokenwell_error *error) {
  const char *hint = tokenwell_error_hint(error);
  fprintf(stderr, "%s (%s): %s\n", tokenwell_error_kind(error), tokenwell_error_code(error), tokenwell_error_message(error));
  if (hint != NULL) {
    fprintf(stderr, "%s\n", hint);
  }
}

int main(void) {
  tokenwell_client *client = NULL;
  tokenwell_token *token = NULL;
  tokenwell_error *error = NULL;
  if (tokenwell_client_from_env(&client, &error) == TOKENWELL_STATUS_OK &&
      tokenwell_client_token(client, &token, &error) == TOKENWELL_STATUS_OK) {
    puts(tokenwell_token_value(token));
  } else {
    print_error(error);
  }
  int code = token == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
  tokenwell_token_free(token);
  tokenwell_client_free(client);
  tokenwell_error_free(error);
  return code;
}
