/** A stream as one gzip member (RFC 1952), level 1, without a time stamp: the same input gives the same bytes. */
#ifndef QL_SIM_GZIP_STREAM_H
#define QL_SIM_GZIP_STREAM_H

#include "sim/stream.h"

#include <stdbool.h>

/** Owns inner. is_corrupt: the CRC-32 at the end is wrong in one bit. */
struct ql_sim_stream *ql_sim_stream_gzip(struct ql_sim_stream *inner, bool is_corrupt);

#endif
