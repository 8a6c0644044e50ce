/**
 * credential_process: a command that prints credentials ("Process credential provider", SDKs' reference guide). It is started
 * as the AWS CLI starts it, by its words and without a shell: no '$', '~', '|' or ';' means anything. Its standard input is
 * empty (ours may be data), its environment the one that the options name, its process group ours, so that it may ask for a
 * code on the terminal and ends with us on Ctrl-C.
 */
#include "store/aws_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_OUTPUT_BYTES = 256 * 1024, MAX_WORDS_SHOWN = 400, POLL_MS = 50, READ_BYTES = 4096 };

static const struct ql_aws_answer_form FORM = {.token = "SessionToken", .has_version = true};

struct process {
    pid_t pid;
    bool has_started;       /* and was not waited for */
    int result;             /* as waitpid gives it */
    struct pollfd pipes[2]; /* its standard output and error; fd -1: at its end */
    struct ql_buf texts[2];
};

/* ---- its start ---- */

static char **vector_of(struct ql_buf *words, size_t n) {
    char **vector = ql_mem_zalloc(n + 1, sizeof *vector);
    char *at = words->ptr;
    for (size_t i = 0; i < n; i++) {
        vector[i] = at;
        at += strlen(at) + 1;
    }
    return vector;
}

static int spawn(struct process *process, char **words, const char *const *environment, const int write_ends[2]) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, write_ends[0], STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, write_ends[1], STDERR_FILENO);
    /* What we ignore or block would stay so over there. */
    (void)sigemptyset(&signals);
    (void)posix_spawnattr_setsigmask(&attributes, &signals);
    (void)sigaddset(&signals, SIGPIPE);
    (void)posix_spawnattr_setsigdefault(&attributes, &signals);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    static const char *const EMPTY[] = {NULL};
    char *const *variables = (char *const *)(uintptr_t)(environment != NULL ? environment : EMPTY);
    int errnum = posix_spawnp(&process->pid, words[0], &actions, &attributes, words, variables);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return errnum;
}

static void close_pipe(const int ends[2]) {
    for (int i = 0; i < 2 && ends[0] >= 0; i++) {
        (void)close(ends[i]);
    }
}

static enum ql_status start(struct process *process, char **words, const char *const *environment, struct ql_err *err) {
    int out[2] = {-1, -1};
    int errors[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
        int errnum = errno;
        close_pipe(out);
        return ql_err_set_errno(err, QL_E_SYSTEM, errnum, "cannot make a pipe");
    }
    int errnum = spawn(process, words, environment, (const int[2]){out[1], errors[1]});
    if (errnum != 0) {
        close_pipe(out);
        close_pipe(errors);
        ql_err_set_errno(err, QL_E_CONFIG, errnum, "cannot start '%s'", words[0]);
        ql_err_hint(err, "correct credential_process: the whole path of a program, quoted if it has blanks; no shell reads it");
        return QL_E_CONFIG;
    }
    process->has_started = true;
    process->pipes[0] = (struct pollfd){.fd = out[0], .events = POLLIN};
    process->pipes[1] = (struct pollfd){.fd = errors[0], .events = POLLIN};
    (void)close(out[1]);
    (void)close(errors[1]);
    return QL_OK;
}

/* ---- its course ---- */

/* Reads what is there. */
static enum ql_status drain(struct process *process, int i, struct ql_err *err) {
    struct ql_buf *text = &process->texts[i];
    /* Room for all of it at once: a buffer that grows would leave copies of a secret behind. */
    char *end = ql_buf_reserve(text, MAX_OUTPUT_BYTES + READ_BYTES - text->len);
    ssize_t n = read(process->pipes[i].fd, end, READ_BYTES);
    if (n < 0 && errno == EINTR) {
        return QL_OK;
    }
    if (n <= 0) {
        (void)close(process->pipes[i].fd);
        process->pipes[i].fd = -1;
        return QL_OK;
    }
    if (text->len + (size_t)n <= MAX_OUTPUT_BYTES) {
        text->len += (size_t)n;
    } else if (i == 0) {
        return QL_FAIL(err, QL_E_PROTOCOL, "it printed more than %d KiB", MAX_OUTPUT_BYTES / 1024);
    }
    return QL_OK;
}

/* Whether it may go on. */
static enum ql_status check_time(struct ql_aws_search *search, int64_t end_ms, struct ql_err *err) {
    if (ql_time_monotonic_ms() >= end_ms) {
        QL_FAIL(err, QL_E_TIMEOUT, "it did not end within %lld s", (long long)(search->options->process_timeout_ms / 1000));
        ql_err_hint(err, "run the command by hand to see what it waits for, or raise --request-timeout");
        return QL_E_TIMEOUT;
    }
    return search->world->wait(search->http, 0, NULL, err); /* a signal */
}

/* Reads all that it says, until it ends. */
static enum ql_status follow(struct ql_aws_search *search, struct process *process, struct ql_err *err) {
    int64_t end_ms = ql_time_monotonic_ms() + search->options->process_timeout_ms;
    bool is_open = true;
    while (is_open || waitpid(process->pid, &process->result, WNOHANG) == 0) {
        QL_TRY(check_time(search, end_ms, err));
        (void)poll(process->pipes, 2, POLL_MS); /* a pipe at its end is passed over */
        for (int i = 0; i < 2; i++) {
            if (process->pipes[i].fd >= 0 && process->pipes[i].revents != 0) {
                QL_TRY(drain(process, i, err));
            }
        }
        is_open = process->pipes[0].fd >= 0 || process->pipes[1].fd >= 0;
    }
    process->has_started = false;
    return QL_OK;
}

static void end(struct process *process) {
    for (int i = 0; i < 2; i++) {
        if (process->pipes[i].fd >= 0) {
            (void)close(process->pipes[i].fd);
        }
    }
    if (process->has_started) {
        (void)kill(process->pid, SIGKILL);
        (void)waitpid(process->pid, &process->result, 0);
    }
}

/* What it printed all the same must not show up in its complaint. */
static enum ql_status note_secrets(struct ql_aws_search *search, const struct process *process, struct ql_err *err) {
    struct ql_aws_credentials printed = {0};
    enum ql_status status = QL_OK;
    if (ql_aws_answer_read(ql_buf_view(&process->texts[0]), &FORM, &printed, NULL) == QL_OK) {
        status = ql_aws_add_secret(search, ql_buf_view(&printed.secret_access_key), err);
        status = status == QL_OK ? ql_aws_add_secret(search, ql_buf_view(&printed.session_token), err) : status;
    }
    ql_aws_credentials_fini(&printed);
    return status;
}

static enum ql_status fail_exit(struct ql_aws_search *search, struct process *process, struct ql_err *err) {
    int result = process->result;
    struct ql_buf *words = &process->texts[1];
    QL_TRY(note_secrets(search, process, err));
    QL_TRY(ql_aws_redact(search, words, err));
    bool is_signal = WIFSIGNALED(result);
    QL_FAIL(err, QL_E_AUTH, "it ended with %s %d%s%.*s", is_signal ? "signal" : "exit code",
            is_signal ? WTERMSIG(result) : WEXITSTATUS(result), words->len != 0 ? ": " : "",
            (int)(words->len < MAX_WORDS_SHOWN ? words->len : MAX_WORDS_SHOWN), ql_buf_text(words));
    ql_err_hint(err, "run the command by hand, as the user who runs queuelake");
    return QL_E_AUTH;
}

static enum ql_status run(struct ql_aws_search *search, struct process *process, char **words,
                          struct ql_aws_credentials *credentials, struct ql_err *err) {
    enum ql_status status = start(process, words, search->options->environment, err);
    if (status == QL_OK) {
        status = follow(search, process, err);
    }
    end(process);
    QL_TRY(status);
    if (process->result != 0) {
        return fail_exit(search, process, err);
    }
    return ql_aws_answer_read(ql_buf_view(&process->texts[0]), &FORM, credentials, err);
}

enum ql_status ql_aws_run_process(struct ql_aws_search *search, struct ql_str command, struct ql_aws_credentials *credentials,
                                  struct ql_err *err) {
    struct ql_buf words = {0};
    size_t n_words = 0;
    struct process process = {.pipes = {{.fd = -1}, {.fd = -1}}};
    enum ql_status status = ql_aws_add_secret(search, (struct ql_str){0}, err); /* a client: for signals and masking */
    if (status == QL_OK && (!ql_aws_split_words(command, &words, &n_words) || n_words == 0)) {
        status = QL_FAIL(err, QL_E_CONFIG, n_words == 0 ? "it is empty" : "a quote is not closed");
    } else if (status == QL_OK) {
        char **vector = vector_of(&words, n_words);
        status = run(search, &process, vector, credentials, err);
        ql_mem_free(vector);
    }
    if (status != QL_OK) {
        ql_err_wrap(err, "credential_process"); /* not quoted: its arguments may be secrets */
    }
    ql_buf_fini(&words);
    ql_aws_buf_fini_secret(&process.texts[0]);
    ql_aws_buf_fini_secret(&process.texts[1]);
    return status;
}
