/** For tz.c and its test: a zone from the bytes of a TZif file, without the file. */
#ifndef QL_BASE_TZ_INTERNAL_H
#define QL_BASE_TZ_INTERNAL_H

#include "base/time.h"

/** E_CONFIG with what is wrong; name stands in the message. */
QL_MUST_CHECK enum ql_status ql_tz_from_tzif(struct ql_str bytes, struct ql_str name, struct ql_tz **tz, struct ql_err *err);

#endif
