/**
 * What the beginning of a region's code says: the domain of its endpoints, the first field of its ARNs.
 *
 * From botocore's partitions.json and S3's endpoint rules (1.44).
 */
#include "store/store_internal.h"

static const struct ql_aws_partition PARTITIONS[] = {
    {"cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false, false},
    {"us-gov-", "aws-us-gov", "amazonaws.com", "api.aws", true, true},
    {"eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", true, false},
    {"us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov", true, false},
    {"us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", true, false},
    {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", true, false},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", true, false},
    {"", "aws", "amazonaws.com", "api.aws", true, false},
};

const struct ql_aws_partition *ql_aws_partition_of(struct ql_str region) {
    size_t i = 0;
    while (!ql_str_has_prefix(region, PARTITIONS[i].prefix)) {
        i++; /* the last one fits all */
    }
    return &PARTITIONS[i];
}
