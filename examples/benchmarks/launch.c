/* Runs a program and writes what the kernel says of it, as JSON, into a file: a process of its own, since a program's peak of
 * memory begins with what the one that starts it holds (Linux keeps it across exec).
 * usage: launch FILE PROGRAM ARGUMENT... */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double milliseconds(struct timeval time) {
  return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    return 127;
  }
  double began = now();
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) != child) {
    perror("launch");
    return 127;
  }
  double wall = now() - began;
  FILE *file = fopen(argv[1], "w");
  if (file == NULL) {
    perror(argv[1]);
    return 127;
  }
  fprintf(file, "{\"wall_ms\": %.3f, \"cpu_ms\": %.3f, \"peak_kb\": %ld}\n", wall, milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime),
          usage.ru_maxrss);
  fclose(file);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
