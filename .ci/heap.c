/* Loaded before a program (LD_PRELOAD): writes once a second how many KiB of its heap are in use, to the file HEAP_FOLDER/pid.
 * What the process keeps without using it, and the stacks of its threads, do not count. glibc only. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *look(void *folder) {
  char name[512], new[520];
  snprintf(name, sizeof name, "%s/%d", (const char *)folder, (int)getpid());
  snprintf(new, sizeof new, "%s.new", name);
  for (;; sleep(1)) {
    struct mallinfo2 heap = mallinfo2();
    FILE *file = fopen(new, "w");
    if (file != NULL) {
      fprintf(file, "%zu\n", (heap.uordblks + heap.hblkhd) / 1024);
      fclose(file);
      rename(new, name);
    }
  }
  return NULL;
}

__attribute__((constructor)) static void start(void) {
  const char *folder = getenv("HEAP_FOLDER");
  pthread_t thread;
  if (folder != NULL && pthread_create(&thread, NULL, look, (void *)folder) == 0) {
    pthread_detach(thread);
  }
}
