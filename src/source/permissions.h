/**
 * What each source needs the OAuth client to be allowed, as data, and the looks at Genesys Cloud that tell whether it is.
 *
 * Clients with the grant 'Client Credentials' have roles, not scopes: a role is a list of permissions, and a grant gives it for
 * a division. GET /api/v2/authorization/subjects/me tells a client its own grants.
 */
#ifndef QL_SOURCE_PERMISSIONS_H
#define QL_SOURCE_PERMISSIONS_H

#include "base/finding.h"
#include "source/source.h"

enum ql_need_level {
    QL_NEED_REQUIRED, /* the source's own requests are refused without it */
    QL_NEED_ADVISED,  /* part of the least role that the documents name, but a run gets on without */
    QL_NEED_OPTIONAL  /* for something that a run does only if it is told to */
};

struct ql_source_need {
    const char *permission;  /* "domain:entity:action" */
    const char *alternative; /* does as well; NULL: none */
    enum ql_need_level level;
    const char *what_for; /* "query conversation aggregates" */
};

/** The needs of a source by its name ("aggregates", "reporting", "exports"); *n is 0 for one that asks Genesys Cloud nothing.
 */
const struct ql_source_need *ql_source_needs(struct ql_str source, size_t *n);

/**
 * Asks Genesys Cloud everything that tells whether this source could run: token, scopes, permissions, divisions, queues,
 * limits. Goes on after each failure where it can.
 */
void ql_genesys_look(struct ql_http *http, const struct ql_genesys_options *options, struct ql_str source,
                     const struct ql_finding_sink *findings);

/** Appends the login and the API address that the options lead to, without a '/' at the end. */
void ql_genesys_put_urls(const struct ql_genesys_options *options, struct ql_buf *login_url, struct ql_buf *api_url);

#endif
