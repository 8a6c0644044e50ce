/**
 * The floors of the micro-benchmark: the file read in blocks into one buffer that stays in the second-level cache, and the
 * cheapest useful thing done with each block. Beside them the csv room's own index of delimiters, to be held against them.
 */
#include "bench/stages.h"

#include "base/mem.h"
#include "csv/index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20 };

/* What is done with a block; what it returns counts as used, so that nothing is optimised away. */
typedef size_t block_fn(const char *block, size_t len, void *ctx);

static enum ql_status for_each_block(const char *path, block_fn *fn, void *ctx, struct stage_counts *counts,
                                     struct ql_err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ql_err_set_errno(err, QL_E_NO_INPUT, errno, "opening '%s'", path);
    }
    char *block = ql_mem_alloc(BLOCK_BYTES);
    ssize_t n;
    while ((n = read(fd, block, BLOCK_BYTES)) > 0) {
        counts->in_bytes += n;
        size_t found = fn(block, (size_t)n, ctx);
        __asm__ volatile("" : : "r"(found)); /* it is wanted */
    }
    int errnum = errno;
    ql_mem_free(block);
    (void)close(fd);
    return n == 0 ? QL_OK : ql_err_set_errno(err, QL_E_IO, errnum, "reading '%s'", path);
}

static size_t look_at_nothing(const char *block, size_t len, void *ctx) {
    (void)ctx;
    return (size_t)block[len - 1];
}

enum ql_status stage_read(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return for_each_block(options->path, look_at_nothing, NULL, counts, err);
}

static size_t copy(const char *block, size_t len, void *ctx) {
    memcpy(ctx, block, len);
    __asm__ volatile("" : : "r"(ctx) : "memory");
    return len;
}

static enum ql_status with_memory(size_t size, const char *path, block_fn *fn, struct stage_counts *counts,
                                  struct ql_err *err) {
    void *memory = ql_mem_alloc(size);
    enum ql_status status = for_each_block(path, fn, memory, counts, err);
    ql_mem_free(memory);
    return status;
}

enum ql_status stage_memcpy(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return with_memory(BLOCK_BYTES, options->path, copy, counts, err);
}

static size_t count_line_ends(const char *block, size_t len, void *ctx) {
    (void)ctx;
    size_t n = 0;
    const char *end = block + len;
    for (const char *at = block; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        n++;
    }
    return n;
}

enum ql_status stage_memchr(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return for_each_block(options->path, count_line_ends, NULL, counts, err);
}

#ifdef __x86_64__

#include <immintrin.h>

__attribute__((target("avx2"))) static uint32_t delimiters_of_32(const char *at) {
    __m256i text = _mm256_loadu_si256((const void *)at);
    __m256i comma = _mm256_cmpeq_epi8(text, _mm256_set1_epi8(','));
    __m256i quote = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('"'));
    __m256i line_end = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('\n'));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(comma, quote), line_end));
}

__attribute__((target("avx2,bmi"))) static size_t index_delimiters(const char *block, size_t len, void *ctx) {
    uint32_t *index = ctx;
    size_t n = 0;
    size_t at = 0;
    for (; at + 64 <= len; at += 64) {
        uint64_t mask = delimiters_of_32(block + at) | (uint64_t)delimiters_of_32(block + at + 32) << 32;
        while (mask != 0) {
            index[n++] = (uint32_t)at + (uint32_t)__builtin_ctzll(mask);
            mask &= mask - 1;
        }
    }
    for (; at < len; at++) {
        if (block[at] == ',' || block[at] == '"' || block[at] == '\n') {
            index[n++] = (uint32_t)at;
        }
    }
    return n;
}

enum ql_status stage_scan(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    if (!__builtin_cpu_supports("avx2")) {
        return QL_FAIL(err, QL_E_CONFIG, "this processor has no AVX2");
    }
    return with_memory(BLOCK_BYTES * sizeof(uint32_t), options->path, index_delimiters, counts, err);
}

#else

enum ql_status stage_scan(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    (void)options;
    (void)counts;
    return QL_FAIL(err, QL_E_CONFIG, "this processor has no AVX2");
}

#endif

struct csv_index {
    const struct ql_csv_kernel *kernel;
    struct ql_csv_index index;
};

/* A window begins with a row; the rows that are cut by a block's ends, one in ten thousand, are left out. */
static size_t index_by_csv(const char *block, size_t len, void *ctx) {
    struct csv_index *csv = ctx;
    size_t n = 0;
    for (size_t at = 0; at < len;) {
        size_t window = len - at < QL_CSV_WINDOW_BYTES ? len - at : QL_CSV_WINDOW_BYTES;
        ql_csv_index_make(&csv->index, csv->kernel, block + at, window, ',');
        n += csv->index.n_ends;
        if (csv->index.n_rows == 0) {
            break;
        }
        at += csv->index.ends[csv->index.rows[csv->index.n_rows - 1] - 1] + 1;
    }
    return n;
}

enum ql_status stage_index(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    struct ql_cpu cpu;
    ql_cpu_detect(&cpu, QL_CPU_NATIVE);
    struct csv_index csv = {.kernel = ql_csv_kernel_choose(&cpu)};
    enum ql_status status = for_each_block(options->path, index_by_csv, &csv, counts, err);
    ql_csv_index_fini(&csv.index);
    return status;
}
