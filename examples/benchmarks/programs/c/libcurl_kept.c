/* libcurl with what can be kept: each thread's handle, and with it the connection. */
#define KEEP
#include "libcurl.c"
