/**
 * Columns of values from packed ones: as integers at one scale for the whole row group where every part allows it, else as the
 * int64 or doubles that they stand for.
 */
#include "layout/layout_internal.h"

static const int32_t TEN_TO[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

void ql_value_form_add(struct ql_value_form *form, const struct ql_packed *packed) {
    form->has_null = form->has_null || packed->has_null;
    if (packed->width == 8) {
        form->is_scaled = false;
    } else if (packed->min_k <= packed->max_k && packed->scale > form->scale) {
        form->scale = packed->scale;
    }
}

/* A packed column that is NULL alone may have a larger scale. */
static int32_t factor_of(const struct ql_value_form *form, const struct ql_packed *packed) {
    return form->scale > packed->scale ? TEN_TO[form->scale - packed->scale] : 1;
}

void ql_value_form_check(struct ql_value_form *form, const struct ql_packed *packed) {
    if (!form->is_scaled || packed->min_k > packed->max_k) {
        return;
    }
    int64_t min = (int64_t)packed->min_k * factor_of(form, packed);
    int64_t max = (int64_t)packed->max_k * factor_of(form, packed);
    if (min < INT32_MIN || max > INT32_MAX) {
        form->is_scaled = false;
        return;
    }
    form->min_k = min < form->min_k ? (int32_t)min : form->min_k;
    form->max_k = max > form->max_k ? (int32_t)max : form->max_k;
}

void ql_value_column_init(struct ql_value_column *column, const struct ql_value_form *form, enum ql_column_type type,
                          size_t n_rows, struct ql_column_scratch *scratch) {
    *column = (struct ql_value_column){.form = form, .type = type};
    column->values = ql_column_scratch_values(scratch, n_rows * (form->is_scaled ? sizeof(int32_t) : sizeof(int64_t)));
    column->is_valid = form->has_null ? ql_column_scratch_valid(scratch, n_rows) : NULL;
}

void ql_value_column_put(struct ql_value_column *column, const struct ql_value_run *run, size_t row) {
    const struct ql_packed *packed = run->packed;
    if (column->form->is_scaled) {
        ql_packed_get_k(packed, run->first, run->n, factor_of(column->form, packed), run->step,
                        (int32_t *)column->values + row);
    } else if (column->type == QL_COLUMN_DOUBLE) {
        ql_packed_get_f64(packed, run->first, run->n, run->step, (double *)column->values + row);
    } else {
        ql_packed_get_i64(packed, run->first, run->n, (int64_t *)column->values + row);
    }
    if (column->is_valid != NULL) {
        column->n_null += ql_packed_get_valid(packed, run->first, run->n, run->step, column->is_valid + row);
    }
}

/* By the bits of all values together: up to twice as wide as it could be, in a third of the time. */
void ql_value_column_narrow(const struct ql_value_column *column, size_t n_rows, struct ql_value_form *form) {
    const int32_t *k = column->values;
    const uint8_t *is_valid = column->is_valid;
    uint32_t sizes = 0;
    uint32_t signs = 0;
    if (!form->is_scaled) {
        return;
    }
    if (column->n_null == 0) {
        for (size_t i = 0; i < n_rows; i++) {
            sizes |= (uint32_t)k[i] ^ (uint32_t)(k[i] >> 31);
            signs |= (uint32_t)k[i];
        }
    } else {
        for (size_t i = 0; i < n_rows; i++) {
            int32_t value = is_valid[i] != 0 ? k[i] : 0;
            sizes |= (uint32_t)value ^ (uint32_t)(value >> 31);
            signs |= (uint32_t)value;
        }
    }
    int32_t max = sizes != 0 ? (int32_t)(UINT32_MAX >> __builtin_clz(sizes)) : 0;
    int32_t min = signs >> 31 != 0 ? -max - 1 : 0;
    form->min_k = min > form->min_k ? min : form->min_k;
    form->max_k = max < form->max_k ? max : form->max_k;
}

void ql_value_column_give(const struct ql_value_column *column, size_t n_rows, struct ql_column *out) {
    *out = (struct ql_column){.n_rows = n_rows, .is_valid = column->n_null != 0 ? column->is_valid : NULL};
    if (column->form->is_scaled) {
        bool has_value = column->form->min_k <= column->form->max_k;
        out->form = QL_COLUMN_SCALED;
        out->v.k = column->values;
        out->scale = column->form->scale;
        out->min_k = has_value ? column->form->min_k : 0;
        out->max_k = has_value ? column->form->max_k : 0;
    } else if (column->type == QL_COLUMN_DOUBLE) {
        out->v.f64 = column->values;
    } else {
        out->v.i64 = column->values;
    }
}
