/* What the C tests share: counting, the library's handles, HTTP, and the development server. */
#ifndef TOKENWELL_TESTS_SUPPORT_H
#define TOKENWELL_TESTS_SUPPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include <tokenwell.h>

extern int passed, failed, skipped;

/* Counts a check and says which failed. True if `ok`. */
bool check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints `N passed, N failed[, N skipped]`; the exit code of the program. */
int finish(void);

/* Whether this program runs under AddressSanitizer. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* Seconds on a steady clock. */
double now(void);
void pause_ms(long milliseconds);

/* jansson has no NUL in names: JSON in files is read with U+E000 in the place of NUL, and written with NUL again. */
json_t *load_json(const char *path, json_error_t *where);
/* `json` as text, freed by the caller; its length is strlen. */
char *dump_json(const json_t *json);
/* The bytes of a string, NUL restored, freed by the caller. */
char *bytes_of(const json_t *string, size_t *length);

/* An HTTP answer; `body` is freed by the caller. `status` 0: none came, and `body` says why. */
struct reply {
  long status;
  char *body;
  size_t length;
  char nonce[256], challenge[1024]; /* the headers DPoP-Nonce and WWW-Authenticate */
};
struct request {
  const char *method, *url;
  const char *body, *type;    /* NULL: no body; its content type */
  const char *ca_file;        /* NULL: the system's */
  const char *authorization;  /* header value, or NULL */
  const char *proof;          /* value of the header DPoP, or NULL */
};
struct reply http(struct request request);
/* The JSON answer to `method` `url` with `body` (NULL: none); NULL if the answer is not 2xx. */
json_t *http_json(const char *method, const char *url, const json_t *body);

/* A program that says in a first line of JSON where it serves, until its input is closed. */
struct server {
  pid_t pid;
  int input, output;
  json_t *about; /* its line of JSON */
};
bool start_program(char *const command[], struct server *server);
void stop_program(struct server *server);
/* The next line of its output. */
json_t *read_line(int output);
/* The development server. */
bool start_server(struct server *server);
void stop_server(struct server *server);

/* The text of `name` in `object`, or NULL. */
const char *text_of(const json_t *object, const char *name);
/* A client of these options; NULL and `*error` on failure. The caller frees both. */
tokenwell_client *client_of(const json_t *options, tokenwell_error **error);
/* Waits for `pid` at most `seconds`, then kills it; its exit code, 128 + n for signal n, or -1 when it had to be killed. */
int wait_for(pid_t pid, double seconds);

#endif
