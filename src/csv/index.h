/**
 * Where the delimiters and line ends outside quotes are, for a window of text at once: a kernel turns 64 bytes into bit masks,
 * and what all kernels share (index_block.h) turns masks into positions. The index covers only text that reads the same under
 * RFC 4180 and under scanner.c; it ends before the first byte that may not (a quote inside a plain field, text behind a closing
 * quote, a carriage return that ends no line), and scanner.c goes on from the last row that was complete.
 */
#ifndef QL_CSV_INDEX_H
#define QL_CSV_INDEX_H

#include "cpu/cpu.h"

enum { QL_CSV_BLOCK_BYTES = 64, QL_CSV_WINDOW_BYTES = 32 * 1024 };

/** The complete rows of a window that begins with a row. Zero-initialise to start. */
struct ql_csv_index {
    uint32_t *memory;
    uint32_t *ends; /* positions of delimiters and line ends; ends[-1] + 1, modulo 2^32, is where the window begins */
    uint32_t *rows; /* for each complete row: how many `ends` there are up to its line end, that one included */
    size_t n_ends, n_rows;
    bool has_breaks; /* line feeds inside quotes */
};

/** What one block leaves for the next. */
struct ql_csv_index_state {
    uint64_t inside;    /* all ones: the block begins inside quotes */
    uint64_t may_open;  /* 1: the byte before lets a quote open a field */
    uint64_t has_close; /* 1: the byte before was a closing quote, or the first of a doubled one */
    uint64_t has_cr;    /* 1: the byte before was a carriage return */
};

/** Indexes n blocks of 64 bytes, the first at position `at`; false once the index has ended. */
typedef bool ql_csv_index_fn(struct ql_csv_index *index, struct ql_csv_index_state *state, const char *text, size_t n,
                             uint32_t at, char delimiter);

/** The bytes of a block that mean something; bit i stands for byte i. */
struct ql_csv_masks {
    uint64_t delimiter, lf, cr, quote;
};
struct ql_csv_reader;
struct ql_csv_guess;
struct ql_csv_batch;
/** Adds rows to the batch as ql_csv_reader_read_indexed does, but without an index; the reader can_guess. */
typedef size_t ql_csv_guess_fn(struct ql_csv_reader *reader, struct ql_csv_guess *guess, size_t n_max,
                               struct ql_csv_batch *batch);

struct ql_csv_kernel {
    const char *name;
    ql_csv_index_fn *fn;
    ql_csv_guess_fn *guess;
};
/** The best that the processor has. */
const struct ql_csv_kernel *ql_csv_kernel_choose(const struct ql_cpu *cpu);

ql_csv_index_fn ql_csv_index_scalar;
ql_csv_guess_fn ql_csv_guess_scalar;
#if defined(__x86_64__)
ql_csv_index_fn ql_csv_index_avx2;
ql_csv_index_fn ql_csv_index_avx512;
ql_csv_guess_fn ql_csv_guess_avx2;
#elif defined(__aarch64__)
ql_csv_index_fn ql_csv_index_neon;
ql_csv_guess_fn ql_csv_guess_neon;
#endif

/** len is at most QL_CSV_WINDOW_BYTES. The delimiter is no quote, CR or LF. */
void ql_csv_index_make(struct ql_csv_index *index, const struct ql_csv_kernel *kernel, const char *text, size_t len,
                       char delimiter);
void ql_csv_index_fini(struct ql_csv_index *index);

#endif
