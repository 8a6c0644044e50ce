/** Reads the JSON body of a request, and says as the API does what is wrong with it. */
#ifndef QL_SIM_BODY_READER_H
#define QL_SIM_BODY_READER_H

#include "sim/answer.h"

struct ql_sim_reader {
    const struct ql_sim_request *request;
    struct ql_sim_answer *answer;
};

/** The body, an object; NULL: the answer says why not. The caller owns the reference. */
json_t *ql_sim_read_body(const struct ql_sim_reader *reader);

/** All of these set a 400 and return false. */
bool ql_sim_refuse(const struct ql_sim_reader *reader, const char *code, const char *field, const char *message);
bool ql_sim_refuse_missing(const struct ql_sim_reader *reader, const char *field, const char *kind);
bool ql_sim_refuse_value(const struct ql_sim_reader *reader, const char *field, const char *value, const char *allowed);

/** A text that may be absent or null (then *text is NULL); false: it is of another type. */
bool ql_sim_read_text(const struct ql_sim_reader *reader, const json_t *object, const char *name, const char **text);
/** One of n words, case ignored as the API does, or absent (then *word is NULL). */
bool ql_sim_read_word(const struct ql_sim_reader *reader, const json_t *object, const char *name, const char *const *words,
                      size_t n_words, const char **word);
/** true or false, or absent (then *flag stays). */
bool ql_sim_read_flag(const struct ql_sim_reader *reader, const json_t *object, const char *name, bool *flag);

#endif
