/**
 * Runs one program and says what it took, as a line of JSON on standard output: wall and CPU seconds, peak memory.
 *
 *   bench_spawn PROGRAM ARGUMENT ...
 *
 * A child's ru_maxrss begins at what its parent holds at the exec, so that measuring from Python would say at least what
 * Python needs; this program holds about a megabyte. Standard output of the child goes to /dev/null, its standard error is
 * ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        (void)fputs("usage: bench_spawn PROGRAM ARGUMENT ...\n", stderr);
        return 64;
    }
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child;
    double begun_s = now_s();
    int errnum = posix_spawnp(&child, argv[1], &actions, NULL, argv + 1, environ);
    if (errnum != 0) {
        (void)fprintf(stderr, "bench_spawn: '%s': %s\n", argv[1], strerror(errnum));
        return 71;
    }
    int status;
    struct rusage usage;
    while (wait4(child, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            (void)fprintf(stderr, "bench_spawn: wait4: %s\n", strerror(errno));
            return 71;
        }
    }
    double wall_s = now_s() - begun_s;
    (void)posix_spawn_file_actions_destroy(&actions);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    (void)printf("{\"exit\": %d, \"wall_s\": %.6f, \"cpu_s\": %.6f, \"peak_kib\": %ld}\n", code, wall_s,
                 seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
    return 0;
}
