/* Calls an API with a token, by libcurl: GET URL, and once more with a new token when the answer is 401.
 *
 *   cc call_api.c -o call_api $(pkg-config --cflags --libs tokenwell libcurl)
 *   ./call_api https://api.example.com/things */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokenwell.h>

/* GET with the token; the HTTP status, or 0 if no answer came. The body goes to standard output. */
static long get(const char *url, const tokenwell_token *token) {
  char header[16384];
  long status = 0;
  int length = snprintf(header, sizeof header, "Authorization: %s", tokenwell_token_authorization(token));
  CURL *curl = curl_easy_init();
  if (curl == NULL || length < 0 || (size_t)length >= sizeof header) {
    curl_easy_cleanup(curl);
    return 0;
  }
  struct curl_slist *headers = curl_slist_append(NULL, header);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
  /* No CURLOPT_FOLLOWLOCATION: the header would go where a redirect leads. */
  CURLcode result = curl_easy_perform(curl);
  if (result == CURLE_OK) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  } else {
    fprintf(stderr, "%s\n", curl_easy_strerror(result));
  }
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return status;
}

int main(int count, char **arguments) {
  tokenwell_client *client = NULL;
  tokenwell_error *error = NULL;
  long status = 0;
  if (count != 2) {
    fprintf(stderr, "usage: %s URL\n", arguments[0]);
    return EXIT_FAILURE;
  }
  tokenwell_client_from_env(&client, &error);
  for (int attempt = 0; attempt < 2 && error == NULL; attempt++) {
    tokenwell_token *token = NULL;
    if (tokenwell_client_token(client, &token, &error) == TOKENWELL_STATUS_OK) {
      status = get(arguments[1], token);
      if (status == 401) {
        tokenwell_client_invalidate(client, tokenwell_token_value(token), strlen(tokenwell_token_value(token)));
      }
      tokenwell_token_free(token);
    }
    if (status != 401) {
      break;
    }
  }
  if (error != NULL) {
    fprintf(stderr, "%s: %s\n", tokenwell_error_kind(error), tokenwell_error_message(error));
  } else {
    fprintf(stderr, "HTTP status %ld\n", status);
  }
  tokenwell_error_free(error);
  tokenwell_client_free(client);
  return status / 100 == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
