# The libraries that others link, made of the archives that tests and the program link: libaneref (shared and static) with the
# C interface, libaneref_import beside it with the foreign formats. Nothing is compiled twice. Names and versions:
# docs/packages.md. Where they are installed to: cmake/install.cmake.
add_library(aneref_capi STATIC ${capi_sources})
target_link_libraries(aneref_capi PUBLIC aneref_runtime)
target_include_directories(aneref_capi PUBLIC runtime/capi/include)
target_compile_definitions(aneref_capi PRIVATE ANEREF_VERSION="${PROJECT_VERSION}")

# SOVERSION is the major version: what breaks a compiled caller raises it (docs/packages.md).
set(ANEREF_LIBRARY_VERSIONS VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
set(ANEREF_CORE_OBJECTS $<TARGET_OBJECTS:aneref_capi> $<TARGET_OBJECTS:aneref_runtime> $<TARGET_OBJECTS:aneref_ops>
                        $<TARGET_OBJECTS:aneref_core>)

# A library for others: TARGET of KIND, whose file and exported name are FILE and NAME, of the objects that follow.
function(aneref_public_library target kind file name)
  add_library(${target} ${kind} ${ARGN})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${file} EXPORT_NAME ${name} LINKER_LANGUAGE CXX
                                   ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
                                   LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/runtime/capi/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(kind STREQUAL "SHARED")
    set(map ${PROJECT_SOURCE_DIR}/cmake/exports.map)
    set_target_properties(${target} PROPERTIES ${ANEREF_LIBRARY_VERSIONS} LINK_DEPENDS ${map})
    if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")  # whose symbols programs bring
      target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()
    target_link_options(${target} PRIVATE -Wl,--version-script=${map} -Wl,--gc-sections -Wl,--as-needed
                        # A session's thread may still end while its library would be unloaded: it stays.
                        -Wl,-z,nodelete)
  endif()
endfunction()

set(ANEREF_CORE_NEEDS ${ANEREF_HWY} Threads::Threads)
if(TARGET TBB::tbb)
  list(APPEND ANEREF_CORE_NEEDS TBB::tbb)
endif()
aneref_public_library(aneref_static STATIC aneref static ${ANEREF_CORE_OBJECTS})
aneref_public_library(aneref_shared SHARED aneref aneref ${ANEREF_CORE_OBJECTS})
target_link_libraries(aneref_static PRIVATE ${ANEREF_CORE_NEEDS})
target_link_libraries(aneref_shared PRIVATE ${ANEREF_CORE_NEEDS})

if(ANEREF_IMPORT)
  file(GLOB capi_import_sources CONFIGURE_DEPENDS runtime/capi/import/*.cc)
  add_library(aneref_capi_import STATIC ${capi_import_sources})
  target_link_libraries(aneref_capi_import PUBLIC aneref_import PRIVATE aneref_capi)
  set(import_objects $<TARGET_OBJECTS:aneref_capi_import> $<TARGET_OBJECTS:aneref_import>)
  set(import_needs protobuf::libprotobuf-lite PkgConfig::libzip)
  aneref_public_library(aneref_import_static STATIC aneref_import import_static ${import_objects})
  target_link_libraries(aneref_import_static PUBLIC aneref_static PRIVATE ${import_needs})
  # The shared one holds its own copy of the internals it uses and meets libaneref at the C interface only.
  aneref_public_library(aneref_import_shared SHARED aneref_import import ${import_objects})
  target_link_libraries(aneref_import_shared PUBLIC aneref_shared PRIVATE aneref_runtime ${import_needs})
endif()
