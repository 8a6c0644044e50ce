/**
 * The files that AWS's tools share, ~/.aws/config and ~/.aws/credentials, as botocore and so the AWS CLI read them (Python's
 * configparser): what `aws --profile x` sees is what queuelake sees, and what it refuses is refused here.
 *
 * - A section is "[name]"; what follows the last ']' on its line is ignored. A property is "name = value" or "name: value", its
 *   name in any case. Both may stand once only.
 * - A line that is indented more than the property before it belongs to that property's value, after a line break: nested
 *   properties ("s3 =" and indented lines below) are the text of one value, and never mistaken for the profile's own.
 * - '#' and ';' begin a comment at the start of a line only: a secret may hold them.
 * - Properties of [DEFAULT], which is not [default], count in every section that does not set them.
 */
#ifndef QL_STORE_AWS_INI_H
#define QL_STORE_AWS_INI_H

#include "base/err.h"
#include "base/str.h"

struct ql_aws_property {
    struct ql_str name, value; /* name in lower case */
    size_t section;            /* index; of [DEFAULT]: QL_AWS_INI_DEFAULT */
};
#define QL_AWS_INI_DEFAULT SIZE_MAX

/** One file, read. Views are valid as long as it. Zero-initialise; fini overwrites what was read. */
struct ql_aws_ini {
    char *text;
    size_t size;
    struct ql_str *sections;
    size_t n_sections, cap_sections;
    struct ql_aws_property *properties;
    size_t n_properties, cap_properties;
};
/** Of a copy of text. E_CONFIG with the line for what is no such file; the line itself is not quoted: it may be a secret. */
QL_MUST_CHECK enum ql_status ql_aws_ini_parse(struct ql_str text, struct ql_aws_ini *ini, struct ql_err *err);
void ql_aws_ini_fini(struct ql_aws_ini *ini);

#define QL_AWS_INI_NONE (SIZE_MAX - 1)
/** The section of a profile in the credentials file: the one of that very name. Else QL_AWS_INI_NONE. */
size_t ql_aws_ini_find(const struct ql_aws_ini *ini, struct ql_str name);
/** In the config file: [profile name], quoted as in a shell if need be, and [default]; the last one that there is. */
size_t ql_aws_ini_find_profile(const struct ql_aws_ini *ini, struct ql_str name);
/** The value, or {NULL, 0}; also for the section QL_AWS_INI_NONE. */
struct ql_str ql_aws_ini_get(const struct ql_aws_ini *ini, size_t section, const char *name);

/**
 * Words as a POSIX shell would split them, without anything else that a shell does: blanks separate, '...' and "..." hold
 * together, a backslash takes the next character as it is. Appended to *words with a NUL behind each. False for an open quote
 * or a backslash at the end.
 */
bool ql_aws_split_words(struct ql_str text, struct ql_buf *words, size_t *n_words);

#endif
