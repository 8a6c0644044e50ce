/**
 * The order of the places, and what was found: kept, and renewed before it ends.
 *
 * One mutex holds for a whole question. Who waits for another thread's answer would have to ask the same itself, and a
 * question that hangs ends by its own time-outs.
 */
#include "store/aws_internal.h"

#include "base/mem.h"

#include <pthread.h>

/* As botocore: from the first on a renewal is tried, from the second on it must succeed or the old ones must still do. */
static const int64_t ADVISORY_US = 15 * 60 * QL_US_PER_S, MANDATORY_US = 10 * 60 * QL_US_PER_S;
static const int64_t PAUSE_US = 60 * QL_US_PER_S; /* after an advisory renewal that failed */

const struct ql_aws_world QL_AWS_WORLD = {.send = ql_http_send, .wait = ql_http_wait, .now_us = ql_time_now};

struct ql_aws_chain {
    pthread_mutex_t mutex;
    const struct ql_aws_world *world;
    const struct ql_aws_chain_options *options;
    struct ql_aws_credentials kept;
    size_t place;          /* index of where they are from; N_PLACES: nowhere yet */
    int64_t not_before_us; /* of the next advisory renewal */
    char *region;          /* of the profile; NULL: not looked up, or none */
};

/* ---- the places ---- */

static const struct place {
    const char *name;
    enum ql_status (*get)(struct ql_aws_search *search, struct ql_aws_credentials *credentials, bool *is_found,
                          struct ql_err *err);
} PLACES[] = {{"web identity", ql_aws_from_web_identity},
              {"the profile", ql_aws_from_profile},
              {"the container", ql_aws_from_container},
              {"instance metadata", ql_aws_from_instance}};
enum { N_PLACES = sizeof PLACES / sizeof PLACES[0] };

/* ---- what was found ---- */

/* Visible ASCII: what a header can carry as it is. */
static bool is_plain(const struct ql_buf *text) {
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->ptr[i];
        if (c <= 0x20 || c >= 0x7f) {
            return false;
        }
    }
    return true;
}

static enum ql_status check(const struct ql_aws_chain *chain, const struct place *place, const struct ql_aws_credentials *found,
                            struct ql_err *err) {
    if (!is_plain(&found->access_key_id) || !is_plain(&found->secret_access_key) || !is_plain(&found->session_token)) {
        QL_FAIL(err, QL_E_CONFIG, "the AWS credentials of %s have a blank or another character that no key has", place->name);
        ql_err_hint(err, "copy them again; a line break or quotes may have come along");
        return QL_E_CONFIG;
    }
    if (found->expires_us != QL_TIME_NONE && found->expires_us <= chain->world->now_us()) {
        char text[QL_TIME_TEXT_SIZE];
        (void)ql_time_format(found->expires_us, text);
        QL_FAIL(err, QL_E_AUTH, "the AWS credentials of %s expired at %s", place->name, text);
        ql_err_hint(err, "renew them where they come from; else see whether the clock of this machine is right");
        return QL_E_AUTH;
    }
    return QL_OK;
}

static enum ql_status fail_search(const struct ql_aws_chain *chain, const struct ql_aws_search *search, struct ql_err *err) {
    if (chain->place != N_PLACES) {
        return QL_FAIL(err, search->absence, "the AWS credentials cannot be renewed: %s", ql_buf_text(&search->absences));
    }
    QL_FAIL(err, QL_E_CONFIG, "there are no AWS credentials: %s", ql_buf_text(&search->absences));
    ql_err_hint(err, "%s",
                search->hint != NULL ? search->hint
                                     : "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with --s3-profile, or "
                                       "give the machine a role");
    return QL_E_CONFIG;
}

/* From the place that had some before, else from the first that has. */
static enum ql_status search_places(struct ql_aws_chain *chain, struct ql_aws_search *search, struct ql_aws_credentials *found,
                                    struct ql_err *err) {
    bool is_first = chain->place == N_PLACES;
    if (is_first && !chain->options->is_profile_wanted) {
        ql_aws_absent(search, QL_E_CONFIG, "environment: AWS_ACCESS_KEY_ID is not set");
    }
    size_t begin = is_first ? 0 : chain->place;
    size_t end = is_first ? N_PLACES : chain->place + 1;
    for (size_t i = begin; i < end; i++) {
        bool is_found = false;
        QL_TRY(PLACES[i].get(search, found, &is_found, err));
        if (is_found) {
            QL_TRY(check(chain, &PLACES[i], found, err));
            chain->place = i;
            return QL_OK;
        }
    }
    return fail_search(chain, search, err);
}

static enum ql_status renew(struct ql_aws_chain *chain, struct ql_err *err) {
    struct ql_aws_search search = {.world = chain->world, .options = chain->options};
    struct ql_aws_credentials found = {.expires_us = QL_TIME_NONE};
    enum ql_status status = search_places(chain, &search, &found, err);
    if (status == QL_OK) {
        ql_aws_credentials_copy(&chain->kept, &found);
        chain->not_before_us = INT64_MIN;
    }
    ql_aws_credentials_fini(&found);
    ql_aws_search_fini(&search);
    return status;
}

/* ---- renewal ---- */

static int64_t left_us(const struct ql_aws_chain *chain, int64_t now_us) {
    return chain->kept.expires_us == QL_TIME_NONE ? INT64_MAX : chain->kept.expires_us - now_us;
}

static enum ql_status refresh(struct ql_aws_chain *chain, bool is_forced, struct ql_err *err) {
    int64_t now_us = chain->world->now_us();
    int64_t left = left_us(chain, now_us);
    if (chain->place == N_PLACES || is_forced || left <= 0) {
        return renew(chain, err);
    }
    bool is_due = left < MANDATORY_US || (left < ADVISORY_US && now_us >= chain->not_before_us);
    if (!is_due) {
        return QL_OK;
    }
    /* Where it fails, the old ones do for a while: also after a signal, for what is to be cleaned up. */
    chain->not_before_us = renew(chain, NULL) == QL_OK ? chain->not_before_us : now_us + PAUSE_US;
    return QL_OK;
}

static enum ql_status get(void *ctx, bool is_forced, struct ql_aws_credentials *credentials, struct ql_err *err) {
    struct ql_aws_chain *chain = ctx;
    (void)pthread_mutex_lock(&chain->mutex);
    enum ql_status status = refresh(chain, is_forced, err);
    if (status == QL_OK) {
        ql_aws_credentials_copy(credentials, &chain->kept);
    }
    (void)pthread_mutex_unlock(&chain->mutex);
    return status;
}

/* ---- the chain ---- */

struct ql_aws_chain *ql_aws_chain_new_with(const struct ql_aws_world *world, const struct ql_aws_chain_options *options) {
    struct ql_aws_chain *chain = ql_mem_zalloc(1, sizeof *chain);
    (void)pthread_mutex_init(&chain->mutex, NULL);
    chain->world = world;
    chain->options = options;
    chain->kept.expires_us = QL_TIME_NONE;
    chain->place = N_PLACES;
    chain->not_before_us = INT64_MIN;
    return chain;
}

struct ql_aws_chain *ql_aws_chain_new(const struct ql_aws_chain_options *options) {
    return ql_aws_chain_new_with(&QL_AWS_WORLD, options);
}

void ql_aws_chain_free(struct ql_aws_chain *chain) {
    if (chain == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&chain->mutex);
    ql_aws_credentials_fini(&chain->kept);
    ql_mem_free(chain->region);
    ql_mem_free(chain);
}

struct ql_aws_credentials_provider ql_aws_chain_provider(struct ql_aws_chain *chain) {
    return (struct ql_aws_credentials_provider){.get = get, .ctx = chain};
}

enum ql_status ql_aws_chain_region(struct ql_aws_chain *chain, struct ql_str *region, struct ql_err *err) {
    struct ql_aws_search search = {.world = chain->world, .options = chain->options};
    struct ql_aws_files files;
    struct ql_aws_profile profile;
    *region = (struct ql_str){0};
    QL_TRY(ql_aws_files_read(&search, &files, err));
    if (ql_aws_profile_find(&files, ql_aws_profile_name(&search), &profile)) {
        struct ql_str value = ql_aws_profile_get(&profile, "region");
        ql_mem_free(chain->region);
        chain->region = ql_mem_strndup(value.ptr != NULL ? value.ptr : "", value.len);
        *region = ql_str_from(chain->region);
    }
    ql_aws_files_fini(&files);
    return QL_OK;
}
