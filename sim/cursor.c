#include "sim/cursor.h"

#include "sim/prng.h"

#include <openssl/evp.h>

/* Both halves of the place, hidden by the key, and a sum over them: 24 bytes, in base64 with '+' and '/'; a byte more makes it
 * end in '='. */
enum { WORDS = 3, BYTES = 8 * WORDS + 1, CHARS = (BYTES + 2) / 3 * 4 };

static uint64_t check_sum(uint64_t key, const uint64_t words[WORDS]) {
    return ql_sim_mix(ql_sim_mix(key ^ words[0]) ^ words[1]);
}

void ql_sim_cursor_put(uint64_t key, struct ql_sim_place place, struct ql_buf *out) {
    uint64_t words[WORDS] = {(uint64_t)place.group ^ ql_sim_mix(key), (uint64_t)place.bucket ^ ql_sim_mix(key + 1)};
    unsigned char bytes[BYTES] = {0};
    unsigned char text[CHARS + 1];
    words[2] = check_sum(key, words);
    for (size_t i = 0; i < (size_t)8 * WORDS; i++) {
        bytes[i] = (unsigned char)(words[i / 8] >> (8 * (i % 8)));
    }
    (void)EVP_EncodeBlock(text, bytes, BYTES);
    ql_buf_put(out, text, CHARS);
}

bool ql_sim_cursor_parse(uint64_t key, struct ql_str text, struct ql_sim_place *place) {
    unsigned char bytes[CHARS / 4 * 3];
    uint64_t words[WORDS] = {0};
    if (text.len != CHARS || EVP_DecodeBlock(bytes, (const unsigned char *)text.ptr, CHARS) != (int)sizeof bytes) {
        return false;
    }
    for (size_t i = 0; i < (size_t)8 * WORDS; i++) {
        words[i / 8] |= (uint64_t)bytes[i] << (8 * (i % 8));
    }
    *place = (struct ql_sim_place){(int64_t)(words[0] ^ ql_sim_mix(key)), (int64_t)(words[1] ^ ql_sim_mix(key + 1))};
    return words[2] == check_sum(key, words);
}
