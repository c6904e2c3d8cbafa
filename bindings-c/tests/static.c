/* Linked with libtokenwell.a alone: the archive is complete. */
#include <stdio.h>
#include <string.h>
#include <tokenwell.h>

int main(void) {
  const char *json = "{\"client_ids\": \"a\"}";
  tokenwell_client *client = NULL;
  tokenwell_error *error = NULL;
  tokenwell_status status = tokenwell_client_new(json, strlen(json), &client, &error);
  int ok = status == TOKENWELL_STATUS_CONFIG_ERROR && strcmp(tokenwell_error_code(error), "option_unknown") == 0;
  if (!ok) {
    fprintf(stderr, "FAILED: %s\n", error ? tokenwell_error_message(error) : "no error");
  }
  tokenwell_error_free(error);
  printf("%d passed, %d failed\n", ok, !ok);
  return !ok;
}
