/**
 * Columns of layouts long and tidy: a row is a place of a packed part, or a metric of one. The places of an interval lie one
 * behind the other; each is a queue's, known by its code or, with every interval x queue, by its position.
 */
#include "layout/layout_internal.h"

static uint32_t *give_codes(const struct ql_group *group, struct ql_column_scratch *scratch, struct ql_column *out) {
    uint32_t *codes = ql_column_scratch_values(scratch, group->n_rows * sizeof *codes);
    *out = (struct ql_column){.n_rows = group->n_rows, .form = QL_COLUMN_CODED, .v.code = codes};
    return codes;
}

static void give_texts(const struct ql_text_codes *codes, struct ql_column *out) {
    out->dict = codes->texts;
    out->n_dict = codes->n_texts;
}

/* code_of[interval of the group] for each row. */
static void put_interval_codes(const struct ql_group *group, const uint32_t *code_of, uint32_t *out) {
    const struct ql_layout_writer *writer = group->writer;
    size_t rows_per_cell = ql_shape_rows_per_cell(&writer->shape);
    for (size_t p = group->first_part; p < group->end_part; p++) {
        const struct ql_packed_part *part = &writer->parts[p];
        for (size_t i = 0; i < writer->shape.grid->parts[p].n_intervals; i++) {
            size_t n = part->begin != NULL ? part->begin[i + 1] - part->begin[i] : writer->shape.grid->n_queues;
            uint32_t code = *code_of++;
            for (size_t row = 0; row < n * rows_per_cell; row++) {
                *out++ = code;
            }
        }
    }
}

#define PUT_QUEUES(type)                                                                                      \
    static void put_queues_##type(const type *restrict queue_of, size_t n, const struct ql_text_codes *codes, \
                                  uint32_t *restrict out) {                                                   \
        const uint32_t *code_of = codes->code_of;                                                             \
        if (codes->is_identity) {                                                                             \
            for (size_t i = 0; i < n; i++) {                                                                  \
                out[i] = queue_of[i];                                                                         \
            }                                                                                                 \
            return;                                                                                           \
        }                                                                                                     \
        for (size_t i = 0; i < n; i++) {                                                                      \
            out[i] = code_of[queue_of[i]];                                                                    \
        }                                                                                                     \
    }
PUT_QUEUES(uint8_t)
PUT_QUEUES(uint16_t)
PUT_QUEUES(uint32_t)

/* The codes of a part's places, one for each. */
static void put_queue_codes(const struct ql_layout_writer *writer, const struct ql_packed_part *part,
                            const struct ql_text_codes *codes, uint32_t *out) {
    size_t n_queues = writer->shape.grid->n_queues;
    if (part->queue_of == NULL) {
        for (size_t at = 0; at < part->n_places; at += n_queues) {
            memcpy(out + at, codes->code_of, n_queues * sizeof *out);
        }
    } else if (writer->queue_width == 1) {
        put_queues_uint8_t(part->queue_of, part->n_places, codes, out);
    } else if (writer->queue_width == 2) {
        put_queues_uint16_t(part->queue_of, part->n_places, codes, out);
    } else {
        put_queues_uint32_t(part->queue_of, part->n_places, codes, out);
    }
}

/* n items become n * times; from the last to the first, because they lie in the same memory. */
static void repeat_each(uint32_t *items, size_t n, size_t times) {
    for (size_t i = n; times > 1 && i-- != 0;) {
        uint32_t item = items[i];
        for (size_t t = times; t-- != 0;) {
            items[i * times + t] = item;
        }
    }
}

static void put_queue_column(const struct ql_group *group, const struct ql_text_codes *codes, uint32_t *out) {
    const struct ql_layout_writer *writer = group->writer;
    size_t rows_per_cell = ql_shape_rows_per_cell(&writer->shape);
    for (size_t p = group->first_part; p < group->end_part; p++) {
        const struct ql_packed_part *part = &writer->parts[p];
        put_queue_codes(writer, part, codes, out);
        repeat_each(out, part->n_places, rows_per_cell);
        out += part->n_places * rows_per_cell;
    }
}

/* A blank id or media type is NULL; as a text it is the least of all, code 0. */
static void mark_blanks(const struct ql_group *group, const struct ql_text_codes *codes, struct ql_column_scratch *scratch,
                        struct ql_column *out) {
    if (codes->n_texts == 0 || codes->texts[0].len != 0) {
        return;
    }
    uint8_t *is_valid = ql_column_scratch_valid(scratch, group->n_rows);
    size_t n_valid = 0;
    for (size_t i = 0; i < group->n_rows; i++) {
        is_valid[i] = out->v.code[i] != 0;
        n_valid += out->v.code[i] != 0;
    }
    out->is_valid = n_valid != group->n_rows ? is_valid : NULL;
}

static void put_metric_codes(const struct ql_group *group, uint32_t *out) {
    const struct ql_text_codes *codes = &group->writer->metric_names;
    size_t n_metrics = group->writer->shape.n_metrics;
    for (size_t row = 0; row < group->n_rows; row += n_metrics) {
        memcpy(out + row, codes->code_of, n_metrics * sizeof *out);
    }
}

static void fill_fixed(const struct ql_group *group, enum ql_fixed_column fixed, struct ql_column_scratch *scratch,
                       struct ql_column *out) {
    const struct ql_layout_writer *writer = group->writer;
    uint32_t *codes = give_codes(group, scratch, out);
    switch (fixed) {
    case QL_FIXED_INTERVAL_TEXT:
        put_interval_codes(group, group->texts.code_of, codes);
        give_texts(&group->texts, out);
        break;
    case QL_FIXED_INTERVAL_START:
    case QL_FIXED_INTERVAL_END: {
        const struct ql_number_codes *times = fixed == QL_FIXED_INTERVAL_START ? &group->starts : &group->ends;
        put_interval_codes(group, times->code_of, codes);
        out->numbers = times->numbers;
        out->n_dict = times->n_numbers;
        break;
    }
    case QL_FIXED_QUEUE_ID:
        put_queue_column(group, &writer->queue_ids, codes);
        give_texts(&writer->queue_ids, out);
        mark_blanks(group, &writer->queue_ids, scratch, out);
        break;
    case QL_FIXED_QUEUE_NAME:
        put_queue_column(group, &writer->queue_names, codes);
        give_texts(&writer->queue_names, out);
        break;
    case QL_FIXED_MEDIA_TYPE:
        put_queue_column(group, &writer->media_types, codes);
        give_texts(&writer->media_types, out);
        mark_blanks(group, &writer->media_types, scratch, out);
        break;
    case QL_FIXED_METRIC:
    default:
        put_metric_codes(group, codes);
        give_texts(&writer->metric_names, out);
    }
}

/* The column of a metric; tidy: of all metrics in turn. */
static void fill_values(const struct ql_group *group, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct ql_layout_writer *writer = group->writer;
    const struct ql_shape *shape = &writer->shape;
    size_t first = column - shape->n_fixed;
    size_t n = ql_shape_rows_per_cell(shape);
    struct ql_value_column values;
    ql_value_column_init(&values, &group->forms[first], shape->defs[column].type, group->n_rows, scratch);
    size_t row = 0;
    for (size_t p = group->first_part; p < group->end_part; p++) {
        const struct ql_packed_part *part = &writer->parts[p];
        for (size_t m = 0; m < n; m++) {
            const struct ql_value_run run = {.packed = &part->columns[first + m], .n = part->n_places, .step = n};
            ql_value_column_put(&values, &run, row + m);
        }
        row += part->n_places * n;
    }
    ql_value_column_give(&values, group->n_rows, out);
}

void ql_rows_fill(const struct ql_group *group, size_t column, struct ql_column_scratch *scratch, struct ql_column *out) {
    const struct ql_shape *shape = &group->writer->shape;
    if (column < shape->n_fixed) {
        fill_fixed(group, shape->fixed[column], scratch, out);
    } else {
        fill_values(group, column, scratch, out);
    }
}
