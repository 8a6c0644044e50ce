/** The numbers of parquet-format's parquet.thrift that are used; everything else is never written. */
#ifndef QL_PARQUET_FORMAT_H
#define QL_PARQUET_FORMAT_H

#define QL_PARQUET_MAGIC "PAR1"

enum ql_parquet_type { QL_PARQUET_TYPE_INT64 = 2, QL_PARQUET_TYPE_DOUBLE = 5, QL_PARQUET_TYPE_BYTE_ARRAY = 6 };

enum { QL_PARQUET_REPETITION_OPTIONAL = 1 };

/* ConvertedType: readers of before 2018 and fastparquet know only these. */
enum { QL_PARQUET_CONVERTED_UTF8 = 0, QL_PARQUET_CONVERTED_DECIMAL = 5, QL_PARQUET_CONVERTED_TIMESTAMP_MICROS = 10 };

/* Members of the union LogicalType. */
enum { QL_PARQUET_LOGICAL_STRING = 1, QL_PARQUET_LOGICAL_DECIMAL = 5, QL_PARQUET_LOGICAL_TIMESTAMP = 8 };

enum ql_parquet_encoding {
    QL_PARQUET_ENCODING_PLAIN = 0,
    /* Deprecated in favour of RLE_DICTIONARY (8), yet read by every reader, needed by Impala 3, and the one that lets
     * parquet-java prune row groups by dictionary without encoding statistics. The bytes are the same. */
    QL_PARQUET_ENCODING_PLAIN_DICTIONARY = 2,
    QL_PARQUET_ENCODING_RLE = 3,
    QL_PARQUET_ENCODING_DELTA_BINARY_PACKED = 5, /* from here on: QL_PARQUET_MODERN only */
    QL_PARQUET_ENCODING_DELTA_LENGTH_BYTE_ARRAY = 6,
    QL_PARQUET_ENCODING_DELTA_BYTE_ARRAY = 7,
    QL_PARQUET_ENCODING_BYTE_STREAM_SPLIT = 9
};

enum ql_parquet_codec { QL_PARQUET_CODEC_UNCOMPRESSED = 0, QL_PARQUET_CODEC_SNAPPY = 1, QL_PARQUET_CODEC_ZSTD = 6 };

enum ql_parquet_page { QL_PARQUET_PAGE_DATA = 0, QL_PARQUET_PAGE_DICTIONARY = 2 };

enum ql_parquet_order { QL_PARQUET_ORDER_UNORDERED = 0, QL_PARQUET_ORDER_ASCENDING = 1, QL_PARQUET_ORDER_DESCENDING = 2 };

#endif
