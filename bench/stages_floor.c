/**
 * The floors of the micro-benchmark: the file read in blocks into one buffer that stays in the second-level cache, and the
 * cheapest useful thing done with each block.
 */
#include "bench/stages.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20 };

/* What is done with a block; what it returns counts as used, so that nothing is optimised away. */
typedef size_t block_fn(const char *block, size_t len, void *scratch);

static enum ql_status for_each_block(const char *path, block_fn *fn, struct stage_counts *counts, struct ql_err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ql_err_set_errno(err, QL_E_NO_INPUT, errno, "opening '%s'", path);
    }
    char *block = ql_mem_alloc(BLOCK_BYTES);
    void *scratch = ql_mem_alloc(BLOCK_BYTES * sizeof(uint32_t));
    ssize_t n;
    while ((n = read(fd, block, BLOCK_BYTES)) > 0) {
        counts->in_bytes += n;
        size_t found = fn(block, (size_t)n, scratch);
        __asm__ volatile("" : : "r"(found)); /* it is wanted */
    }
    int errnum = errno;
    ql_mem_free(scratch);
    ql_mem_free(block);
    (void)close(fd);
    return n == 0 ? QL_OK : ql_err_set_errno(err, QL_E_IO, errnum, "reading '%s'", path);
}

static size_t look_at_nothing(const char *block, size_t len, void *scratch) {
    (void)scratch;
    return (size_t)block[len - 1];
}

enum ql_status stage_read(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return for_each_block(options->path, look_at_nothing, counts, err);
}

static size_t copy(const char *block, size_t len, void *scratch) {
    memcpy(scratch, block, len);
    __asm__ volatile("" : : "r"(scratch) : "memory");
    return len;
}

enum ql_status stage_memcpy(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return for_each_block(options->path, copy, counts, err);
}

static size_t count_line_ends(const char *block, size_t len, void *scratch) {
    (void)scratch;
    size_t n = 0;
    const char *end = block + len;
    for (const char *at = block; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        n++;
    }
    return n;
}

enum ql_status stage_memchr(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    return for_each_block(options->path, count_line_ends, counts, err);
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

__attribute__((target("avx2,bmi"))) static size_t index_delimiters(const char *block, size_t len, void *scratch) {
    uint32_t *index = scratch;
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
    return for_each_block(options->path, index_delimiters, counts, err);
}

#else

enum ql_status stage_scan(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err) {
    (void)options;
    (void)counts;
    return QL_FAIL(err, QL_E_CONFIG, "this processor has no AVX2");
}

#endif
