/** Columns of a batch in fewer bytes. */
#ifndef QL_PIVOT_NARROW_H
#define QL_PIVOT_NARROW_H

#include <stddef.h>
#include <stdint.h>

/** A bound of |k| of the numbers that are not missing: below twice the largest. UINT64_MAX: some are QL_NUMBER_WIDE. */
uint64_t ql_numbers_magnitude(const int64_t *k, size_t n);
/** Copies numbers to integers of 1, 2, 4 or 8 bytes, which all of them fit; a missing one becomes the smallest integer. */
void ql_numbers_narrow(void *dst, const int64_t *restrict k, size_t n, size_t width);
/** Copies labels to unsigned integers of 1, 2 or 4 bytes. */
void ql_labels_narrow(void *dst, const uint32_t *restrict label, size_t n, size_t width);

#endif
