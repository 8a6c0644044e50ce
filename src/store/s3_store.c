/**
 * S3 as a destination: which of the ways an artefact takes (docs/design/0010-s3-uploads.md).
 *
 * - Up to the threshold it is spooled and stored by one PUT. A larger one goes in parts: at once, while it is still written, to
 *   a key at which there is nothing; else when it is whole, because then its SHA-256 tells whether there is anything to store,
 *   and can stand in the object's metadata.
 * - What is there already is looked at first. The same bytes: nothing is stored. Else if_exists decides, and If-None-Match sees
 *   to it that what appears between the look and the upload is not overwritten.
 */
#include "store/s3_object.h"

#include "base/mem.h"

#include <stdio.h>

enum {
    MAX_VERSIONS = 10000, /* that are looked for a free name */
    MAX_CONFLICTS = 3     /* uploads of the whole after a 409 */
};
static const int64_t DEFAULT_THRESHOLD = INT64_C(64) << 20;

/* Where an artefact is on its way. */
enum way {
    WAY_SPOOL,   /* it is small so far */
    WAY_OVERLAP, /* parts are sent */
    WAY_WHOLE,   /* it is large, and sent when it is whole */
    WAY_NOWHERE  /* it is large, and will not be stored: if_exists is skip */
};

struct s3_store {
    struct ql_store store; /* first */
    struct ql_s3_client *client;
    struct ql_str bucket;
    const struct ql_publication *publication;
    struct ql_spool spool;
    struct ql_checksum *checksum; /* of all bytes; NULL: none is wanted, or each part has its own */
    enum way way;
    struct ql_s3_parts *parts; /* WAY_OVERLAP */
};

static const struct ql_s3_options *options_of(const struct s3_store *s3) {
    return ql_s3_client_options(s3->client);
}

static int64_t threshold_of(const struct s3_store *s3) {
    int64_t threshold = options_of(s3)->multipart_threshold;
    return threshold != 0 ? threshold : DEFAULT_THRESHOLD;
}

static struct ql_s3_object object_of(struct s3_store *s3, const struct ql_publication *publication, struct ql_str key) {
    return (struct ql_s3_object){.client = s3->client,
                                 .bucket = s3->bucket,
                                 .key = key,
                                 .publication = publication,
                                 .spool = &s3->spool,
                                 .must_be_new = publication->if_exists != QL_IF_EXISTS_REPLACE};
}

/* ---- while it is written */

static enum ql_status leave_spool(struct s3_store *s3, struct ql_err *err) {
    const struct ql_publication *publication = s3->publication;
    struct ql_s3_seen seen;
    s3->way = WAY_WHOLE;
    if (options_of(s3)->hashes_first || publication->key.len == 0 || publication->if_exists == QL_IF_EXISTS_VERSION) {
        return QL_OK;
    }
    QL_TRY(ql_s3_look(s3->client, s3->bucket, publication->key, &seen, err));
    if (seen.sight == QL_S3_PRESENT) {
        s3->way = publication->if_exists == QL_IF_EXISTS_SKIP ? WAY_NOWHERE : WAY_WHOLE;
        return QL_OK;
    }
    const struct ql_s3_object object = object_of(s3, publication, publication->key);
    /* Under a condition, S3 may ask for all parts once more. */
    s3->way = WAY_OVERLAP;
    return ql_s3_parts_begin(&object, -1, !object.must_be_new, &s3->parts, err);
}

static enum ql_status s3_write(struct ql_store *store, const void *ptr, size_t len, struct ql_err *err) {
    struct s3_store *s3 = (struct s3_store *)store;
    ql_checksum_update(s3->checksum, ptr, len);
    if (s3->way == WAY_NOWHERE) {
        return QL_OK;
    }
    QL_TRY(ql_spool_write(&s3->spool, ptr, len, err));
    if (s3->way == WAY_SPOOL && s3->spool.size > threshold_of(s3)) {
        QL_TRY(leave_spool(s3, err));
    }
    return s3->way == WAY_OVERLAP ? ql_s3_parts_offer(s3->parts, s3->spool.size, err) : QL_OK;
}

/* ---- when it is whole */

/** What commit knows that no longer changes. */
struct commit {
    struct s3_store *s3;
    const struct ql_publication *publication;
    struct ql_checksum_text checksum;
    struct ql_stored *stored;
};

static enum ql_status store_whole(const struct commit *commit, struct ql_str key, enum ql_s3_outcome *outcome,
                                  struct ql_err *err) {
    struct s3_store *s3 = commit->s3;
    struct ql_s3_object object = object_of(s3, commit->publication, key);
    object.sha256 = commit->stored->sha256;
    object.checksum = commit->checksum.text;
    int64_t size = s3->spool.size;
    if (size <= threshold_of(s3)) {
        return ql_s3_put(&object, outcome, commit->stored, err);
    }
    enum ql_status status = QL_OK;
    int n = 0;
    do {
        struct ql_s3_parts *parts = NULL;
        QL_TRY(ql_s3_parts_begin(&object, size, false, &parts, err));
        status = ql_s3_parts_finish(parts, size, commit->checksum.text, outcome, commit->stored, err);
        ql_s3_parts_free(parts);
    } while (status == QL_OK && *outcome == QL_S3_OUTCOME_CONFLICT && ++n < MAX_CONFLICTS);
    return status;
}

/* How it ends where something is at the key; *goes_on: not at all, another name is to be tried. */
static enum ql_status meet_existing(const struct commit *commit, const struct ql_s3_seen *seen, struct ql_str key,
                                    bool *goes_on, struct ql_err *err) {
    struct ql_stored *stored = commit->stored;
    *goes_on = false;
    bool is_same = ql_s3_seen_is_same(seen, options_of(commit->s3), stored->sha256, stored->bytes);
    if (is_same || commit->publication->if_exists == QL_IF_EXISTS_SKIP) {
        stored->how = is_same ? QL_STORED_UNCHANGED : QL_STORED_SKIPPED;
        ql_s3_note_seen(seen, stored);
        return QL_OK;
    }
    if (commit->publication->if_exists == QL_IF_EXISTS_FAIL) {
        (void)QL_FAIL(err, QL_E_EXISTS, "'s3://%.*s/%.*s' exists already%s", QL_STR_ARG(commit->s3->bucket),
                      (int)(key.len < 300 ? key.len : 300), key.ptr,
                      seen->sight == QL_S3_PRESENT ? " and has other contents" : "; its contents may not be looked at");
        return QL_E_EXISTS;
    }
    *goes_on = true;
    return QL_OK;
}

static enum ql_status fail_conflict(const struct commit *commit, struct ql_str key, struct ql_err *err) {
    (void)QL_FAIL(err, QL_E_SERVER, "cannot store 's3://%.*s/%.*s': other uploads are writing the object",
                  QL_STR_ARG(commit->s3->bucket), (int)(key.len < 300 ? key.len : 300), key.ptr);
    ql_err_hint(err, "run again in a minute");
    return QL_E_SERVER;
}

/* Something appeared after the look: another's, or our own by a try whose answer was lost. */
static enum ql_status meet_appeared(const struct commit *commit, struct ql_str key, bool *goes_on, struct ql_err *err) {
    struct ql_s3_seen seen;
    *goes_on = false;
    QL_TRY(ql_s3_look(commit->s3->client, commit->s3->bucket, key, &seen, err));
    return seen.sight == QL_S3_ABSENT ? fail_conflict(commit, key, err) : meet_existing(commit, &seen, key, goes_on, err);
}

/* Looks, and stores unless what is there decides otherwise. *goes_on: the key is taken, another name is to be tried. */
static enum ql_status store_at(const struct commit *commit, struct ql_str key, bool *goes_on, struct ql_err *err) {
    const struct s3_store *s3 = commit->s3;
    bool replaces = commit->publication->if_exists == QL_IF_EXISTS_REPLACE;
    struct ql_s3_seen seen;
    *goes_on = false;
    QL_TRY(ql_s3_look(s3->client, s3->bucket, key, &seen, err));
    if (seen.sight == QL_S3_PRESENT) {
        QL_TRY(meet_existing(commit, &seen, key, goes_on, err));
        if (!*goes_on || !replaces) {
            return QL_OK;
        }
    }
    *goes_on = false;
    enum ql_s3_outcome outcome = QL_S3_OUTCOME_STORED;
    QL_TRY(store_whole(commit, key, &outcome, err));
    if (outcome == QL_S3_OUTCOME_CONFLICT) {
        return fail_conflict(commit, key, err);
    }
    if (outcome == QL_S3_OUTCOME_STORED) {
        return QL_OK;
    }
    return meet_appeared(commit, key, goes_on, err);
}

static void set_location(const struct commit *commit, struct ql_str key) {
    (void)snprintf(commit->stored->location, sizeof commit->stored->location, "s3://%.*s/%.*s", QL_STR_ARG(commit->s3->bucket),
                   QL_STR_ARG(key));
}

static enum ql_status store_at_a_free_name(const struct commit *commit, struct ql_err *err) {
    struct ql_str wanted = commit->publication->key;
    struct ql_buf key = {0};
    bool goes_on = true;
    enum ql_status status = QL_OK;
    for (int version = 1; goes_on && status == QL_OK; version++) {
        if (version > MAX_VERSIONS) {
            status = QL_FAIL(err, QL_E_EXISTS, "'s3://%.*s/%.*s' has %d versions already", QL_STR_ARG(commit->s3->bucket),
                             (int)(wanted.len < 300 ? wanted.len : 300), wanted.ptr, MAX_VERSIONS);
            break;
        }
        ql_buf_reset(&key);
        if (version == 1) {
            ql_buf_put_str(&key, wanted);
        } else {
            ql_key_put_version(wanted, version, &key);
        }
        status = store_at(commit, ql_buf_view(&key), &goes_on, err);
    }
    set_location(commit, ql_buf_view(&key));
    ql_buf_fini(&key);
    return status;
}

/* The parts are sent already; only whether they become the object is open. */
static enum ql_status join_overlapped(const struct commit *commit, struct ql_err *err) {
    struct s3_store *s3 = commit->s3;
    struct ql_str key = commit->publication->key;
    enum ql_s3_outcome outcome = QL_S3_OUTCOME_STORED;
    bool goes_on = false;
    enum ql_status status = ql_s3_parts_finish(s3->parts, s3->spool.size, commit->checksum.text, &outcome, commit->stored, err);
    ql_s3_parts_free(s3->parts);
    s3->parts = NULL;
    if (status != QL_OK || outcome == QL_S3_OUTCOME_STORED) {
        return status;
    }
    if (outcome == QL_S3_OUTCOME_CONFLICT) {
        return store_at(commit, key, &goes_on, err); /* the spool has kept everything */
    }
    return meet_appeared(commit, key, &goes_on, err);
}

static enum ql_status s3_commit(struct ql_store *store, const struct ql_publication *publication, struct ql_stored *stored,
                                struct ql_err *err) {
    struct s3_store *s3 = (struct s3_store *)store;
    struct commit commit = {.s3 = s3, .publication = publication, .stored = stored};
    const char *fault = ql_key_fault(publication->key);
    if (fault != NULL) {
        return QL_FAIL(err, QL_E_USAGE, "the key '%.*s' %s", QL_STR_ARG(publication->key), fault);
    }
    QL_TRY(ql_tags_check(publication->tags, publication->n_tags, err));
    ql_checksum_text_take(s3->checksum, &commit.checksum);
    set_location(&commit, publication->key);
    if (s3->way == WAY_NOWHERE) {
        stored->how = QL_STORED_SKIPPED;
        return QL_OK;
    }
    if (s3->way == WAY_OVERLAP) {
        return join_overlapped(&commit, err);
    }
    QL_TRY(ql_spool_finish(&s3->spool, err));
    bool goes_on = false;
    return publication->if_exists == QL_IF_EXISTS_VERSION ? store_at_a_free_name(&commit, err)
                                                          : store_at(&commit, publication->key, &goes_on, err);
}

static void s3_free(struct ql_store *store) {
    struct s3_store *s3 = (struct s3_store *)store;
    ql_s3_parts_free(s3->parts); /* before the spool, whose bytes its threads read */
    ql_checksum_free(s3->checksum);
    ql_spool_fini(&s3->spool);
    ql_store_fini(store);
    ql_mem_free(s3);
}

static const struct ql_store_ops S3_OPS = {.write = s3_write, .commit = s3_commit, .free = s3_free};

enum ql_status ql_store_s3_open(struct ql_s3_client *client, struct ql_str bucket, const struct ql_publication *publication,
                                struct ql_store **store, struct ql_err *err) {
    const struct ql_s3_options *options = ql_s3_client_options(client);
    const struct ql_s3_world *world = ql_s3_client_world(client);
    *store = NULL;
    QL_TRY(ql_s3_check(options, bucket, err));
    ql_s3_end_own_orphans(client, bucket);
    struct s3_store *s3 = ql_mem_zalloc(1, sizeof *s3);
    ql_store_init(&s3->store, &S3_OPS);
    s3->client = client;
    s3->bucket = bucket;
    s3->publication = publication;
    s3->checksum = ql_checksum_new(options->checksum);
    ql_spool_init(&s3->spool, world->disk, options->temp_dir, world->max_memory_bytes);
    *store = &s3->store;
    return QL_OK;
}
