# ANEREF_MINIMAL and ANEREF_OPS: the library for programs that count bytes. Core and C interface only, no threads of its own, sizes
# before speed, and every function in a section of its own, so that a program's linker keeps what the program calls.
if(ANEREF_OPS)
  file(STRINGS ops/ops.def known_ops REGEX "^ANEREF_OP")
  list(TRANSFORM known_ops REPLACE "^ANEREF_OP\\([A-Za-z0-9]+, ([a-z0-9_]+)\\)$" "\\1")
  foreach(op IN LISTS ANEREF_OPS)
    if(NOT op IN_LIST known_ops)
      message(FATAL_ERROR "ANEREF_OPS: no op family is called '${op}'; there are: ${known_ops}")
    endif()
  endforeach()
  # The list between semicolons, which a shell would cut apart: as a string of its own file.
  file(CONFIGURE OUTPUT generated/ops/chosen.h CONTENT "#define ANEREF_OPS \";@ANEREF_OPS@;\"\n" @ONLY)
  set_source_files_properties(ops/registry.cc ops/device.cc runtime/exec/interpreter.cc PROPERTIES COMPILE_OPTIONS
                              "-include;${CMAKE_BINARY_DIR}/generated/ops/chosen.h")
endif()
if(ANEREF_MINIMAL)
  if(ANEREF_DEVELOPER)
    message(FATAL_ERROR "ANEREF_MINIMAL leaves out what the tests of ANEREF_DEVELOPER need")
  endif()
  set(ANEREF_IMPORT OFF)
  set(ANEREF_TOOLS OFF)
  # libhwy is a shared library that brings the whole C++ library with it: 1 MB more in a static program (and 2 MB beside it).
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i[3-6]86)$")
    set(ANEREF_OWN_DISPATCH ON)
  endif()
  set(CMAKE_CXX_FLAGS_RELEASE "-Os -DNDEBUG")
  add_compile_options(-ffunction-sections -fdata-sections -fvisibility=hidden -fvisibility-inlines-hidden)
endif()
