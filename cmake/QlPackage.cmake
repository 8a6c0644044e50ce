# ql_package(PACKAGE OUT): the target of a package of pkg-config, in OUT. Its archive is linked where it lies beside its shared object
# and links: a shared object costs 0.05 ms at every start (docs/design/0009-start-up.md).

find_package(PkgConfig REQUIRED)
include(CheckCSourceCompiles)

option(QL_STATIC_LIBRARIES "link libraries statically where their archives are installed" ON)

# A function of each, to try the archive with.
set(QL_PROBE_expat XML_ParserFree)
set(QL_PROBE_jansson json_loadb)
set(QL_PROBE_libcrypto SHA256_Update)
set(QL_PROBE_libutf8proc utf8proc_decompose)
set(QL_PROBE_libzstd ZSTD_compress2)
set(QL_PROBE_yaml_0_1 yaml_parser_parse)
set(QL_PROBE_zlib inflate)

function(ql_package package out)
  string(MAKE_C_IDENTIFIER ${package} id)
  set(target PkgConfig::QL_${id})
  set(${out} ${target} PARENT_SCOPE)
  if(TARGET ${target})
    return()
  endif()
  pkg_check_modules(QL_${id} REQUIRED IMPORTED_TARGET GLOBAL ${package})
  if(NOT QL_STATIC_LIBRARIES)
    return()
  endif()
  get_target_property(shared ${target} INTERFACE_LINK_LIBRARIES)
  list(TRANSFORM shared REPLACE "\\.so$" ".a" OUTPUT_VARIABLE archives)
  set(CMAKE_REQUIRED_LIBRARIES ${archives})
  set(CMAKE_REQUIRED_QUIET ON)
  check_c_source_compiles("char ${QL_PROBE_${id}}(void); int main(void) { return ${QL_PROBE_${id}}(); }" QL_${id}_LINKS_STATICALLY)
  if(QL_${id}_LINKS_STATICALLY)
    set_property(TARGET ${target} PROPERTY INTERFACE_LINK_LIBRARIES ${archives})
  else()
    message(STATUS "${package}: no archive that links, so the shared object is used")
  endif()
endfunction()
