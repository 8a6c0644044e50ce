/** The login host: OAuth 2 client credentials, and which tokens are good. */
#ifndef QL_SIM_TOKEN_H
#define QL_SIM_TOKEN_H

#include "sim/answer.h"

#include <pthread.h>

struct ql_sim_token;
struct ql_sim_tokens {
    pthread_mutex_t lock;
    struct ql_sim_token *items;
    size_t n, cap;
    int64_t life_ms;
    const char *client_id, *client_secret;
    const char *scopes; /* separated by commas; NULL: none are stated */
    bool is_disabled;
};

void ql_sim_tokens_init(struct ql_sim_tokens *tokens);
void ql_sim_tokens_fini(struct ql_sim_tokens *tokens);

/** POST /oauth/token */
void ql_sim_tokens_issue(struct ql_sim_tokens *tokens, const struct ql_sim_request *request, struct ql_sim_answer *answer);

enum ql_sim_token_state { QL_SIM_TOKEN_GOOD, QL_SIM_TOKEN_ABSENT, QL_SIM_TOKEN_UNKNOWN, QL_SIM_TOKEN_EXPIRED };
/** Looks at the request's Authorization and notes in the request which token it is. */
enum ql_sim_token_state ql_sim_tokens_check(struct ql_sim_tokens *tokens, struct ql_sim_request *request);
/** The request's token is good no longer. */
void ql_sim_tokens_revoke(struct ql_sim_tokens *tokens, struct ql_sim_request *request);

#endif
