# Warnings of every target of ours; errors only with ANEREF_WERROR (CI), so that new compilers do not break users.
add_library(aneref_warnings INTERFACE)
target_compile_options(
  aneref_warnings INTERFACE -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wvla
                            $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
                            $<$<BOOL:${ANEREF_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(aneref_warnings INTERFACE -Wthread-safety)
endif()
# GCC 12 reports a false overlap inside std::string's operator+ (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(aneref_warnings INTERFACE -Wno-restrict)
endif()
