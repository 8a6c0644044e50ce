/** Columns of layout wide: a row is an interval, and what a part has of a queue lies one behind the other. */
#include "layout/layout_internal.h"

static void fill_interval(const struct ql_group *group, enum ql_fixed_column fixed, struct ql_column *out) {
    *out = (struct ql_column){.n_rows = group->n_rows, .form = QL_COLUMN_CODED};
    if (fixed == QL_FIXED_INTERVAL_TEXT) {
        out->v.code = group->texts.code_of;
        out->dict = group->texts.texts;
        out->n_dict = group->texts.n_texts;
        return;
    }
    const struct ql_number_codes *codes = fixed == QL_FIXED_INTERVAL_START ? &group->starts : &group->ends;
    out->v.code = codes->code_of;
    out->numbers = codes->numbers;
    out->n_dict = codes->n_numbers;
}

void ql_wide_fill(const struct ql_group *group, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct ql_layout_writer *writer = group->writer;
    const struct ql_shape *shape = &writer->shape;
    if (column < shape->n_fixed) {
        fill_interval(group, shape->fixed[column], out);
        return;
    }
    size_t metric = (column - shape->n_fixed) / shape->n_per_metric;
    size_t queue = (column - shape->n_fixed) % shape->n_per_metric;
    bool is_total = queue == shape->grid->n_queues; /* behind the queues */
    /* The scale is that of the metric, for all its queues; the range is the queue's own: one busy queue is not to widen all. */
    struct ql_value_form form = is_total ? group->total_forms[metric] : group->forms[metric];
    struct ql_value_column values;
    ql_value_column_init(&values, &form, shape->defs[column].type, group->n_rows, scratch);
    size_t row = 0;
    for (size_t p = group->first_part; p < group->end_part; p++) {
        const struct ql_packed_part *part = &writer->parts[p];
        size_t n = shape->grid->parts[p].n_intervals;
        const struct ql_value_run run = {.packed = is_total ? &part->totals[metric] : &part->columns[metric],
                                         .first = is_total ? 0 : queue * n,
                                         .n = n,
                                         .step = 1};
        ql_value_column_put(&values, &run, row);
        row += n;
    }
    ql_value_column_narrow(&values, group->n_rows, &form);
    ql_value_column_give(&values, group->n_rows, out);
}
