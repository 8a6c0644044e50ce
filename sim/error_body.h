/**
 * What goes wrong, in the words of those that this simulates: Genesys Cloud's ErrorBody, its login host's error, and the XML of
 * S3. Texts of Genesys Cloud are those of its SDKs' lists of error codes.
 */
#ifndef QL_SIM_ERROR_BODY_H
#define QL_SIM_ERROR_BODY_H

#include "sim/answer.h"

struct ql_sim_api_error {
    unsigned status;
    const char *code;
    const char *message;
    const char *field;               /* into details[].fieldName; NULL: no details */
    const char *message_with_params; /* with the one parameter; NULL: none */
    const char *param_name, *param_value;
    const char *limit_key, *limit_namespace; /* into limit; NULL: none */
    int64_t limit_value;
};
void ql_sim_answer_api_error(struct ql_sim_answer *answer, const struct ql_sim_request *request,
                             const struct ql_sim_api_error *error);
/** An ErrorBody with the code and text that belong to a status. */
void ql_sim_answer_api_status(struct ql_sim_answer *answer, const struct ql_sim_request *request, unsigned status);
/** 403 with the permission ("domain:entity:action") that the client lacks. */
void ql_sim_answer_missing_permission(struct ql_sim_answer *answer, const struct ql_sim_request *request,
                                      const char *permission);
/** The login host's body: error, description, error_description. Status 400. */
void ql_sim_answer_login_error(struct ql_sim_answer *answer, const char *error, const char *description);

/** extra: elements that stand behind Message, as XML; NULL: none. */
void ql_sim_answer_s3_error(struct ql_sim_answer *answer, const struct ql_sim_request *request, unsigned status,
                            const char *code, const char *message, const char *extra);
/** An S3 error with the code and text that belong to a status. */
void ql_sim_answer_s3_status(struct ql_sim_answer *answer, const struct ql_sim_request *request, unsigned status);
/** Appends text with the five characters of XML escaped. */
void ql_sim_xml_escape(struct ql_str text, struct ql_buf *out);

/** The page of a gateway that cannot reach what is behind it. */
void ql_sim_answer_html(struct ql_sim_answer *answer, unsigned status);

#endif
