/** What the looks of `check` share. */
#ifndef QL_RUN_CHECK_ACCESS_INTERNAL_H
#define QL_RUN_CHECK_ACCESS_INTERNAL_H

#include "run/check_access.h"
#include "run/run_internal.h"

/* ---- check_access_disk.c */

/** The folder of a target: is there room, and if it is not there yet, can it be made? */
void ql_look_at_folder(struct ql_str target, const struct ql_finding_sink *findings);
/** The folder of temporary files. Empty: /tmp. */
void ql_look_at_temp_dir(struct ql_str folder, const struct ql_finding_sink *findings);

/* ---- arithmetic, apart for tests */

/** Reports how far apart two clocks are; signs: S3 refuses requests that are more than 15 minutes off. */
void ql_judge_clock(int64_t ahead_us, const char *host, bool signs, const struct ql_finding_sink *findings);
/** Reports the room on a disk. what_for: what will be written there. */
void ql_judge_room(uint64_t free_bytes, const char *folder, const char *what_for, const struct ql_finding_sink *findings);

#endif
