#include "store/s3_client.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

enum {
    DEFAULT_CONCURRENCY = 4,
    LOOK_UP_MS = 100,        /* how often who waits for a place looks for a signal */
    THROTTLE_ONCE_MS = 1000, /* the refusals of requests that were in flight together are one sign */
    SUCCESSES_TO_GROW = 10,
    MAX_IDLE = 64,
    CLEANUP_MS = 15 * 1000 /* as long as who pressed Ctrl-C will wait, at most */
};

const struct ql_s3_world QL_S3_WORLD = {
    .send = ql_http_send,
    .wait = ql_http_wait,
    .random = ql_http_random,
    .now_us = ql_time_now,
    .monotonic_ms = ql_time_monotonic_ms,
    .disk = &QL_DISK,
    .max_memory_bytes = QL_SPOOL_MEMORY_BYTES,
};

struct bucket {
    char *name;
    char region[QL_S3_REGION_SIZE];  /* learned; empty: that of the options */
    char owner[QL_AWS_ACCOUNT_SIZE]; /* empty: that of the options */
};

struct ql_s3_client {
    const struct ql_s3_world *world;
    struct ql_http *http; /* the eldest; requests go through its siblings */
    const struct ql_s3_options *options;
    struct ql_aws_static_credentials keys; /* of the options, if they have no provider */
    struct ql_aws_credentials_provider provider;

    pthread_mutex_t credentials_mutex; /* held while the provider works: who comes meanwhile gets what it finds */
    struct ql_aws_credentials credentials;
    ql_s3_generation generation;

    pthread_mutex_t mutex; /* of all that follows; never held while anything is called that may wait */
    pthread_cond_t has_left;
    struct bucket *buckets;
    size_t n_buckets, cap_buckets;
    int64_t skew_us;
    bool has_told_skew;
    unsigned told_features;
    int budget;
    int limit, n_in_flight, n_successes;
    int64_t throttled_ms; /* when the limit was last lowered */
    struct ql_http *idle[MAX_IDLE];
    size_t n_idle;

    pthread_mutex_t telling;
};

enum ql_status ql_s3_client_new_with(const struct ql_s3_world *world, struct ql_http *http, const struct ql_s3_options *options,
                                     struct ql_s3_client **client, struct ql_err *err) {
    *client = NULL;
    QL_TRY(ql_s3_check_options(options, err));
    struct ql_s3_client *made = ql_mem_zalloc(1, sizeof *made);
    made->world = world;
    made->http = http;
    made->options = options;
    made->keys = (struct ql_aws_static_credentials){.access_key_id = options->access_key_id,
                                                    .secret_access_key = options->secret_access_key,
                                                    .session_token = options->session_token};
    made->provider = options->credentials != NULL ? *options->credentials : ql_aws_static_provider(&made->keys);
    made->budget = QL_S3_BUDGET;
    made->limit = options->concurrency > 0 ? options->concurrency : DEFAULT_CONCURRENCY;
    made->throttled_ms = INT64_MIN / 2;
    (void)pthread_mutex_init(&made->credentials_mutex, NULL);
    (void)pthread_mutex_init(&made->mutex, NULL);
    (void)pthread_mutex_init(&made->telling, NULL);
    (void)pthread_cond_init(&made->has_left, NULL);
    *client = made;
    return QL_OK;
}

enum ql_status ql_s3_client_new(struct ql_http *http, const struct ql_s3_options *options, struct ql_s3_client **client,
                                struct ql_err *err) {
    return ql_s3_client_new_with(&QL_S3_WORLD, http, options, client, err);
}

void ql_s3_client_free(struct ql_s3_client *client) {
    if (client == NULL) {
        return;
    }
    for (size_t i = 0; i < client->n_idle; i++) {
        ql_http_free(client->idle[i]);
    }
    for (size_t i = 0; i < client->n_buckets; i++) {
        ql_mem_free(client->buckets[i].name);
    }
    ql_mem_free(client->buckets);
    ql_aws_credentials_fini(&client->credentials);
    (void)pthread_mutex_destroy(&client->credentials_mutex);
    (void)pthread_mutex_destroy(&client->mutex);
    (void)pthread_mutex_destroy(&client->telling);
    (void)pthread_cond_destroy(&client->has_left);
    ql_mem_free(client);
}

enum ql_status ql_s3_client_wait(struct ql_s3_client *client, int64_t ms, struct ql_err *err) {
    return client->world->wait(client->http, ms, NULL, err);
}
void ql_s3_client_begin_cleanup(struct ql_s3_client *client) {
    ql_http_begin_cleanup(client->http, CLEANUP_MS);
}
void ql_s3_client_end_cleanup(struct ql_s3_client *client) {
    ql_http_end_cleanup(client->http);
}

const struct ql_s3_options *ql_s3_client_options(const struct ql_s3_client *client) {
    return client->options;
}
const struct ql_s3_world *ql_s3_client_world(const struct ql_s3_client *client) {
    return client->world;
}

static void lock(struct ql_s3_client *client) {
    (void)pthread_mutex_lock(&client->mutex);
}
static void unlock(struct ql_s3_client *client) {
    (void)pthread_mutex_unlock(&client->mutex);
}

static void warn(struct ql_s3_client *client, struct ql_buf *text) {
    if (client->options->on_warning != NULL) {
        (void)pthread_mutex_lock(&client->telling);
        client->options->on_warning(client->options->on_warning_ctx, ql_buf_text(text));
        (void)pthread_mutex_unlock(&client->telling);
    }
    ql_buf_fini(text);
}

/* ---- http clients */

enum ql_status ql_s3_client_lease(struct ql_s3_client *client, struct ql_http **http, struct ql_err *err) {
    lock(client);
    *http = client->n_idle != 0 ? client->idle[--client->n_idle] : NULL;
    unlock(client);
    return *http != NULL ? QL_OK : ql_http_new_sibling(client->http, http, err);
}

void ql_s3_client_give_back(struct ql_s3_client *client, struct ql_http *http) {
    lock(client);
    bool is_kept = client->n_idle < MAX_IDLE;
    if (is_kept) {
        client->idle[client->n_idle++] = http;
    }
    unlock(client);
    if (!is_kept) {
        ql_http_free(http);
    }
}

/* ---- credentials */

static bool is_same(const struct ql_aws_credentials *a, const struct ql_aws_credentials *b) {
    return ql_str_eq(ql_buf_view(&a->access_key_id), ql_buf_view(&b->access_key_id)) &&
           ql_str_eq(ql_buf_view(&a->secret_access_key), ql_buf_view(&b->secret_access_key)) &&
           ql_str_eq(ql_buf_view(&a->session_token), ql_buf_view(&b->session_token));
}

static enum ql_status look_for_credentials(struct ql_s3_client *client, bool is_forced, struct ql_err *err) {
    struct ql_aws_credentials found = {.expires_us = QL_TIME_NONE};
    enum ql_status status = client->provider.get(client->provider.ctx, is_forced, &found, err);
    if (status == QL_OK && (client->generation == 0 || !is_same(&found, &client->credentials))) {
        ql_http_add_secret(client->http, ql_buf_view(&found.secret_access_key));
        ql_http_add_secret(client->http, ql_buf_view(&found.session_token));
        client->generation++;
    }
    if (status == QL_OK) {
        ql_aws_credentials_copy(&client->credentials, &found);
    }
    ql_aws_credentials_fini(&found);
    return status;
}

enum ql_status ql_s3_client_credentials(struct ql_s3_client *client, ql_s3_generation refused,
                                        struct ql_aws_credentials *credentials, ql_s3_generation *generation,
                                        struct ql_err *err) {
    (void)pthread_mutex_lock(&client->credentials_mutex);
    bool is_forced = refused != 0 && refused == client->generation;
    enum ql_status status = look_for_credentials(client, is_forced, err);
    if (status == QL_OK) {
        ql_aws_credentials_copy(credentials, &client->credentials);
        *generation = client->generation;
    }
    (void)pthread_mutex_unlock(&client->credentials_mutex);
    return status;
}

/* ---- buckets */

static struct bucket *find_bucket(const struct ql_s3_client *client, struct ql_str name) {
    for (size_t i = 0; i < client->n_buckets; i++) {
        if (ql_str_eq(ql_str_from(client->buckets[i].name), name)) {
            return &client->buckets[i];
        }
    }
    return NULL;
}

static struct bucket *make_bucket(struct ql_s3_client *client, struct ql_str name) {
    struct bucket *bucket = find_bucket(client, name);
    if (bucket == NULL) {
        QL_MEM_GROW(client->buckets, client->cap_buckets, client->n_buckets + 1);
        bucket = &client->buckets[client->n_buckets++];
        *bucket = (struct bucket){.name = ql_mem_strndup(name.ptr, name.len)};
    }
    return bucket;
}

static void copy_text(struct ql_str text, char *out, size_t size) {
    size_t len = text.len < size ? text.len : size - 1;
    if (len != 0) {
        memcpy(out, text.ptr, len);
    }
    out[len] = '\0';
}

void ql_s3_client_get_region(struct ql_s3_client *client, struct ql_str bucket, char region[QL_S3_REGION_SIZE]) {
    lock(client);
    const struct bucket *known = find_bucket(client, bucket);
    bool is_learned = known != NULL && known->region[0] != '\0';
    copy_text(is_learned ? ql_str_from(known->region) : ql_s3_region(client->options), region, QL_S3_REGION_SIZE);
    unlock(client);
}

void ql_s3_client_learn_region(struct ql_s3_client *client, struct ql_str bucket, struct ql_str region) {
    lock(client);
    struct bucket *known = make_bucket(client, bucket);
    bool is_news = known->region[0] == '\0';
    copy_text(region, known->region, sizeof known->region);
    unlock(client);
    if (is_news) {
        struct ql_buf text = {0};
        ql_buf_printf(&text, "bucket '%.*s' is in region '%.*s', not in '%.*s'; set AWS_REGION=%.*s to save a request each run",
                      QL_STR_ARG(bucket), QL_STR_ARG(region), QL_STR_ARG(ql_s3_region(client->options)), QL_STR_ARG(region));
        warn(client, &text);
    }
}

void ql_s3_client_get_owner(struct ql_s3_client *client, struct ql_str bucket, char owner[QL_AWS_ACCOUNT_SIZE]) {
    lock(client);
    const struct bucket *known = find_bucket(client, bucket);
    bool is_learned = known != NULL && known->owner[0] != '\0';
    copy_text(is_learned ? ql_str_from(known->owner) : client->options->expected_bucket_owner, owner, QL_AWS_ACCOUNT_SIZE);
    unlock(client);
}

enum ql_status ql_s3_client_expect_own(struct ql_s3_client *client, struct ql_str bucket, struct ql_err *err) {
    char account[QL_AWS_ACCOUNT_SIZE];
    QL_TRY(ql_sts_get_caller_identity(client, account, err));
    lock(client);
    copy_text(ql_str_from(account), make_bucket(client, bucket)->owner, QL_AWS_ACCOUNT_SIZE);
    unlock(client);
    return QL_OK;
}

void ql_s3_client_note_left_out(struct ql_s3_client *client, unsigned feature) {
    lock(client);
    bool is_news = (client->told_features & feature) == 0;
    client->told_features |= feature;
    unlock(client);
    /* Tags that the user has switched off are no news; other headers are the program's own wish. */
    if (is_news && feature == QL_S3_HAS_TAGS && !client->options->has_no_tags) {
        struct ql_buf text = {0};
        ql_buf_printf(&text, "%s knows no object tags; they are left out", ql_s3_quirks_of(client->options->endpoint)->name);
        warn(client, &text);
    }
}

/* ---- the clock */

int64_t ql_s3_client_now_us(struct ql_s3_client *client) {
    lock(client);
    int64_t skew_us = client->skew_us;
    unlock(client);
    return client->world->now_us() + skew_us;
}

void ql_s3_client_learn_clock(struct ql_s3_client *client, int64_t server_us) {
    int64_t skew_us = server_us - client->world->now_us();
    lock(client);
    bool is_news = !client->has_told_skew;
    client->skew_us = skew_us;
    client->has_told_skew = true;
    unlock(client);
    if (is_news) {
        struct ql_buf text = {0};
        ql_buf_puts(&text, "this machine's clock is ");
        ql_s3_put_clock(-skew_us, &text);
        ql_buf_puts(&text, " that of S3, whose time signs the requests; set the clock (timedatectl set-ntp true)");
        warn(client, &text);
    }
}

/* ---- the budget of repeats */

bool ql_s3_client_take_repeat(struct ql_s3_client *client, int cost) {
    lock(client);
    bool is_left = client->budget >= cost;
    client->budget -= is_left ? cost : 0;
    unlock(client);
    return is_left;
}

void ql_s3_client_note_success(struct ql_s3_client *client, int last_cost) {
    int most = client->options->concurrency > 0 ? client->options->concurrency : DEFAULT_CONCURRENCY;
    lock(client);
    client->budget += last_cost != 0 ? last_cost : 1;
    client->budget = client->budget < QL_S3_BUDGET ? client->budget : QL_S3_BUDGET;
    if (client->limit < most && ++client->n_successes >= SUCCESSES_TO_GROW) {
        client->n_successes = 0;
        client->limit++;
        (void)pthread_cond_signal(&client->has_left);
    }
    unlock(client);
}

void ql_s3_client_note_throttle(struct ql_s3_client *client) {
    int64_t now_ms = client->world->monotonic_ms();
    lock(client);
    client->n_successes = 0;
    if (now_ms - client->throttled_ms >= THROTTLE_ONCE_MS) {
        client->throttled_ms = now_ms;
        client->limit = client->limit > 1 ? client->limit / 2 : 1;
    }
    unlock(client);
}

int ql_s3_client_concurrency(struct ql_s3_client *client) {
    lock(client);
    int limit = client->limit;
    unlock(client);
    return limit;
}

/* ---- requests in flight */

static struct timespec look_up_time(void) {
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += LOOK_UP_MS * 1000000L;
    at.tv_sec += at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    return at;
}

enum ql_status ql_s3_client_enter(struct ql_s3_client *client, struct ql_http *http, struct ql_err *err) {
    for (;;) {
        lock(client);
        if (client->n_in_flight >= client->limit) {
            const struct timespec at = look_up_time();
            (void)pthread_cond_timedwait(&client->has_left, &client->mutex, &at);
        }
        bool has_place = client->n_in_flight < client->limit;
        client->n_in_flight += has_place;
        unlock(client);
        if (has_place) {
            return QL_OK;
        }
        QL_TRY(client->world->wait(http, 0, NULL, err)); /* a signal, the deadline */
    }
}

void ql_s3_client_leave(struct ql_s3_client *client) {
    lock(client);
    client->n_in_flight--;
    (void)pthread_cond_signal(&client->has_left);
    unlock(client);
}
