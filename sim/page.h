/** Paging by number, as all listings of the API have it: pageSize and pageNumber in, total and the neighbours' URIs out. */
#ifndef QL_SIM_PAGE_H
#define QL_SIM_PAGE_H

#include "sim/answer.h"

enum { QL_SIM_MAX_PAGE = 1000000 };

struct ql_sim_page {
    int64_t size, number; /* from 1 */
};

/** False: the answer says what is wrong. */
bool ql_sim_page_read(const struct ql_sim_request *request, int64_t max_size, int64_t max_number, struct ql_sim_page *page,
                      struct ql_sim_answer *answer);
/** The listing's body; takes the reference to entities, which are those of this page. path may have a query of its own. */
json_t *ql_sim_page_json(const struct ql_sim_page *page, const char *path, int64_t total, json_t *entities);

#endif
