/* Holds tokens for a program that looks into this one's memory (../../../.ci/memory.py): the options are the first line of standard
 * input; each further line moves the library's clock by so many seconds and asks for a token, whose value is never read (what else
 * there is of it and of errors goes to standard error), or is `close`. The line with the options is wiped here, so that every copy of a secret that is found is the library's. */
#define _DEFAULT_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokenwell.h>
#include <unistd.h>

static char line[65536];

/* read(2): the buffer of stdio could not be wiped. A pipe gives a line that was written at once in one piece. */
static size_t next_line(void) {
  ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
  if (length <= 0) {
    exit(EXIT_SUCCESS);
  }
  line[length] = '\0';
  return (size_t)length;
}

static void say(const char *word) {
  puts(word);
  fflush(stdout);
}

int main(void) {
  tokenwell_client *client = NULL;
  tokenwell_error *error = NULL;
  say("ready");
  size_t length = next_line();
  bool made = tokenwell_client_new(line, length, &client, &error) == TOKENWELL_STATUS_OK;
  explicit_bzero(line, sizeof line);
  if (!made) {
    say(tokenwell_error_message(error));
    return EXIT_FAILURE;
  }
  say("made");
  for (;;) {
    next_line();
    if (strcmp(line, "close\n") == 0) {
      tokenwell_client_free(client);
      say("closed");
      continue;
    }
    tokenwell_testing_advance_clock(atof(line));
    tokenwell_token *token = NULL;
    tokenwell_client_token(client, &token, &error);
    if (error != NULL) {
      fprintf(stderr, "%s: %s\n", tokenwell_error_code(error), tokenwell_error_message(error));
    }
    say(error == NULL ? "served" : tokenwell_error_code(error));
    tokenwell_token_free(token);
    tokenwell_error_free(error);
  }
}
