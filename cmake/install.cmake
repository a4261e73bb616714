# What `cmake --install` puts where, in components that become Debian packages (cmake/packages.cmake): library, import, dev,
# tool, python. The tool's own files: tools/CMakeLists.txt. Everything is relocatable: no file holds the prefix.
include(CMakePackageConfigHelpers)
set(ANEREF_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/aneref)

# install_library(TARGET COMPONENT): the shared file to COMPONENT, what linking needs to dev; the export is named as the target.
function(aneref_install_library target component)
  install(TARGETS ${target} EXPORT ${target}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component} NAMELINK_COMPONENT dev
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
  install(EXPORT ${target} NAMESPACE aneref:: FILE ${target}.cmake DESTINATION ${ANEREF_CMAKE_DIR} COMPONENT dev)
endfunction()

# install_pkgconfig(NAME): cmake/NAME.pc.in, its prefix found from where the file lies.
function(aneref_install_pkgconfig name)
  cmake_path(SET folder ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${folder} OUTPUT_VARIABLE ANEREF_PREFIX_FROM_PC)
  configure_file(cmake/${name}.pc.in ${CMAKE_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()

install(DIRECTORY runtime/capi/include/aneref DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
# What a static link needs, as libraries and not as Requires.private: pkg-config would ask for those in every link.
set(ANEREF_PC_LIBS "")
if(ANEREF_HWY)
  string(APPEND ANEREF_PC_LIBS "-lhwy ")
endif()
set(ANEREF_PC_THREADS "")
if(TARGET TBB::tbb)
  set(ANEREF_PC_THREADS "tbb")
  string(APPEND ANEREF_PC_LIBS "-ltbb ")
endif()
aneref_install_library(aneref_shared library)
aneref_install_library(aneref_static dev)
aneref_install_pkgconfig(aneref)
if(ANEREF_IMPORT)
  aneref_install_library(aneref_import_shared import)
  aneref_install_library(aneref_import_static dev)
  aneref_install_pkgconfig(aneref-import)
endif()

configure_package_config_file(cmake/aneref-config.cmake.in ${CMAKE_BINARY_DIR}/aneref-config.cmake
                              INSTALL_DESTINATION ${ANEREF_CMAKE_DIR})
# Before 1.0 a minor version may change the C interface; from then on a major one (docs/packages.md).
set(compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
endif()
write_basic_package_version_file(${CMAKE_BINARY_DIR}/aneref-config-version.cmake COMPATIBILITY ${compatibility})
install(FILES ${CMAKE_BINARY_DIR}/aneref-config.cmake ${CMAKE_BINARY_DIR}/aneref-config-version.cmake
        DESTINATION ${ANEREF_CMAKE_DIR} COMPONENT dev)
