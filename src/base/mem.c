#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void) {
    static const char TEXT[] = "queuelake: out of memory; nothing half-written was published\n";
    ssize_t ignored = write(STDERR_FILENO, TEXT, sizeof TEXT - 1);
    (void)ignored; /* nothing better can be done with it */
    _exit(71);
}

void *ql_mem_alloc(size_t size) {
    void *ptr = malloc(size != 0 ? size : 1);
    if (ptr == NULL) {
        out_of_memory();
    }
    return ptr;
}

void *ql_mem_zalloc(size_t n, size_t size) {
    void *ptr = calloc(n != 0 ? n : 1, size != 0 ? size : 1);
    if (ptr == NULL) {
        out_of_memory();
    }
    return ptr;
}

void *ql_mem_realloc(void *ptr, size_t n, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        out_of_memory();
    }
    void *moved = realloc(ptr, total != 0 ? total : 1);
    if (moved == NULL) {
        out_of_memory();
    }
    return moved;
}

void ql_mem_free(void *ptr) {
    free(ptr);
}

void ql_mem_free_secret(void *ptr, size_t size) {
    if (ptr != NULL) {
        explicit_bzero(ptr, size);
        free(ptr);
    }
}

char *ql_mem_strndup(const char *text, size_t len) {
    char *copy = ql_mem_alloc(len + 1);
    if (len != 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    return copy;
}

char *ql_mem_strdup(const char *text) {
    return ql_mem_strndup(text, strlen(text));
}

struct ql_arena_block {
    struct ql_arena_block *next;
    size_t used, cap;
    _Alignas(16) unsigned char data[];
};

enum { ARENA_BLOCK_MIN = 16 * 1024, ARENA_BLOCK_MAX = 4 * 1024 * 1024 };

void *ql_arena_alloc(struct ql_arena *arena, size_t size) {
    size = (size + 15u) & ~(size_t)15u;
    struct ql_arena_block *block = arena->head;
    if (block == NULL || block->cap - block->used < size) {
        size_t cap = block == NULL ? ARENA_BLOCK_MIN : block->cap * 2;
        cap = cap > ARENA_BLOCK_MAX ? ARENA_BLOCK_MAX : cap;
        cap = cap < size ? size : cap;
        block = ql_mem_alloc(sizeof *block + cap);
        *block = (struct ql_arena_block){.next = arena->head, .cap = cap};
        arena->head = block;
    }
    void *ptr = block->data + block->used;
    block->used += size;
    arena->used += size;
    return ptr;
}

char *ql_arena_copy(struct ql_arena *arena, const char *ptr, size_t len) {
    char *copy = ql_arena_alloc(arena, len + 1);
    if (len != 0) {
        memcpy(copy, ptr, len);
    }
    copy[len] = '\0';
    return copy;
}

void ql_arena_reset(struct ql_arena *arena) {
    struct ql_arena_block *largest = NULL;
    for (struct ql_arena_block *block = arena->head; block != NULL;) {
        struct ql_arena_block *next = block->next;
        if (largest == NULL || block->cap > largest->cap) {
            free(largest);
            largest = block;
        } else {
            free(block);
        }
        block = next;
    }
    if (largest != NULL) {
        largest->next = NULL;
        largest->used = 0;
    }
    *arena = (struct ql_arena){.head = largest};
}

void ql_arena_fini(struct ql_arena *arena) {
    ql_arena_reset(arena);
    free(arena->head);
    *arena = (struct ql_arena){0};
}

void *ql_mem_map(size_t size) {
    void *ptr = mmap(NULL, size != 0 ? size : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ptr == MAP_FAILED) {
        out_of_memory();
    }
    return ptr;
}

void ql_mem_unmap(void *ptr, size_t size) {
    if (ptr != NULL) {
        (void)munmap(ptr, size != 0 ? size : 1); /* of a mapping of our own: cannot fail */
    }
}

void ql_mem_populate(void *ptr, size_t size) {
#ifdef MADV_POPULATE_WRITE /* Linux 5.14 */
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t skipped = (page - (uintptr_t)ptr % page) % page;
    if (size >= skipped + page) {
        (void)madvise((char *)ptr + skipped, (size - skipped) / page * page, MADV_POPULATE_WRITE); /* refused: page faults */
    }
#else
    (void)ptr;
    (void)size;
#endif
}
