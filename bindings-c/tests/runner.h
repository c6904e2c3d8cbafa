/* The conformance runner in two halves: conformance.c plays the cases, expect.c compares. */
#ifndef TOKENWELL_TESTS_RUNNER_H
#define TOKENWELL_TESTS_RUNNER_H

#include "support.h"

/* One case while it is played. */
struct run {
  json_t *vars;             /* the realm's variables */
  char realm[512];          /* URL of the realm's control interface */
  struct server redis;      /* of the case, if it has one */
  json_t *options;          /* of the case */
  tokenwell_client *client; /* the one that the steps use now */
  json_t *never;            /* texts that may appear in none for people */
  char *last;               /* value of the last token, or NULL */
  json_t *issued;           /* tokens that the realm has issued, as asked in this step; NULL: not asked yet */
  char folder[64];          /* of the case's files */
  double advanced, jumped;  /* seconds that the case has moved the library's clocks, and its wall clock alone */
  char why[2048];           /* what went wrong */
};

/* What a call came to. */
struct result {
  tokenwell_status status;
  tokenwell_token *token;
  tokenwell_error *error;
  double seconds;
};

/* Notes what went wrong. Always false. */
bool wrong(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether all members of `object` are among `names`, each with a space on both sides. */
bool known(struct run *run, const json_t *object, const char *names);
/* Adds each line of a text that may not be shown, if it is longer than three characters. */
void never_show(struct run *run, const char *text);

bool expect_result(struct run *run, const json_t *step, const struct result *result);
bool expect_error(struct run *run, const json_t *expected, const tokenwell_error *error);
bool expect_requests(struct run *run, const json_t *expected);
/* Whether these members of `actual` are as expected; null: absent. */
bool expect_members(struct run *run, const char *what, const json_t *expected, const json_t *actual);
bool expect_stats(struct run *run, const json_t *expected);
/* GET of the realm's log. */
json_t *realm_log(struct run *run);
/* The Redis of a case, whose variables join the realm's; `kind` NULL: none. */
bool start_redis(struct run *run, const char *kind);
bool step_redis(struct run *run, const json_t *step);
void stop_redis(struct run *run);
/* The client's counters, parsed. */
json_t *counters(const tokenwell_client *client);

#endif
