/** The version of queuelake; CMake reads it from here. */
#ifndef QUEUELAKE_VERSION_H
#define QUEUELAKE_VERSION_H

#define QUEUELAKE_VERSION_MAJOR 0
#define QUEUELAKE_VERSION_MINOR 1
#define QUEUELAKE_VERSION_PATCH 0
#define QUEUELAKE_VERSION "0.1.0"

/**
 * The version of what an artefact's bytes mean. It goes into the Parquet footer (`created_by`) instead of the program's
 * version, so that a new build of the same transform still gives equal bytes for equal data.
 */
#define QUEUELAKE_FORMAT_VERSION "1.0.0"

#endif
