#include "sim/prng.h"

#include <stdio.h>

void ql_sim_prng_uuid(struct ql_sim_prng *prng, char out[QL_SIM_UUID_SIZE]) {
    uint64_t high = ql_sim_prng_next(prng);
    uint64_t low = ql_sim_prng_next(prng);
    /* RFC 9562: version 4 in the third group, variant 10 in the fourth. */
    (void)snprintf(out, QL_SIM_UUID_SIZE, "%08x-%04x-4%03x-%04x-%04x%08x", (unsigned)(high >> 32),
                   (unsigned)(high >> 16) & 0xffffu, (unsigned)high & 0xfffu, 0x8000u | ((unsigned)(low >> 48) & 0x3fffu),
                   (unsigned)(low >> 32) & 0xffffu, (unsigned)low);
}
