/**
 * The regions of Genesys Cloud, as data. An organisation lives in one of them, and its hosts are login., api. and apps. of the
 * region's domain. New regions open faster than programs are updated: a domain that is not listed here works like any other.
 */
#ifndef QL_SOURCE_REGIONS_H
#define QL_SOURCE_REGIONS_H

#include "base/str.h"

struct ql_region {
    const char *domain; /* "mypurecloud.de" */
    const char *code;   /* "eu-central-1" */
    const char *place;  /* "Frankfurt" */
};

/** All that are known, in the order of the official SDKs. */
const struct ql_region *ql_region_all(size_t *n);
/** The region of a domain; NULL if none is known. */
const struct ql_region *ql_region_find(struct ql_str domain);
/**
 * Appends the domain that a user means: the domain itself, a region's code (eu-central-1, eu_central_1), a login, API or apps
 * host, or a URL of one of them. A host that is not known is taken as a domain. E_CONFIG for what can be no host name.
 */
QL_MUST_CHECK enum ql_status ql_region_resolve(struct ql_str text, struct ql_buf *domain, struct ql_err *err);
/** The code or domain that was probably meant by one that is not known; NULL if none is near. */
const char *ql_region_nearest(struct ql_str text);

#endif
