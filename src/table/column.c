/** Scratch memory of columns: grows to the largest column of a file and stays. */
#include "table/column.h"

#include "base/mem.h"

static void *grown(void *ptr, size_t *cap, size_t size) {
    if (ptr == NULL || size > *cap) {
        ql_mem_free(ptr); /* nothing in it is needed any more */
        ptr = ql_mem_alloc(size);
        *cap = size;
    }
    return ptr;
}

void *ql_column_scratch_values(struct ql_column_scratch *scratch, size_t size) {
    return scratch->values = grown(scratch->values, &scratch->values_cap, size);
}

uint8_t *ql_column_scratch_valid(struct ql_column_scratch *scratch, size_t n_rows) {
    return scratch->is_valid = grown(scratch->is_valid, &scratch->valid_cap, n_rows);
}

void ql_column_scratch_fini(struct ql_column_scratch *scratch) {
    ql_mem_free(scratch->values);
    ql_mem_free(scratch->is_valid);
    *scratch = (struct ql_column_scratch){0};
}
