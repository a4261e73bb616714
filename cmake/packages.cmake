# Debian packages by `cpack -G DEB` (components of cmake/install.cmake), and the target `wheel`. For /usr: configure with
# -DCMAKE_INSTALL_PREFIX=/usr, as the preset ci does. What each package is for: docs/packages.md.
install(DIRECTORY python/aneref DESTINATION lib/python3/dist-packages COMPONENT python
        FILES_MATCHING PATTERN "*.py" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
set(DOC_DIR ${CMAKE_INSTALL_DATAROOTDIR}/doc)
set(COMPONENT_library libaneref0)
set(COMPONENT_dev libaneref-dev)
set(COMPONENT_import libaneref-import0)
set(COMPONENT_tool aneref)
set(COMPONENT_python python3-aneref)

set(CPACK_PACKAGE_NAME aneref)
set(CPACK_PACKAGE_VENDOR aneref)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Reference runtime of how Apple's Neural Engine executes networks")
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "aneref developers <aneref@localhost>")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(components library dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
# Programs linked against the library depend on the version that they were built with, or a later one.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libaneref0 (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "libhwy-dev, libtbb-dev")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "Runs networks as Apple's Neural Engine would, on any CPU: the library with the C interface.")
set(CPACK_COMPONENT_DEV_DESCRIPTION "Headers for C and C++, static libraries, files for CMake and pkg-config.")
if(TARGET aneref_import_shared)
  list(APPEND components import)
  set(CPACK_DEBIAN_IMPORT_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_IMPORT_PACKAGE_SECTION libs)
  set(CPACK_DEBIAN_IMPORT_PACKAGE_DEPENDS "libaneref0 (= ${PROJECT_VERSION})")
  set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
      "libaneref0 (= ${PROJECT_VERSION}), libaneref-import0 (= ${PROJECT_VERSION})")
  set(CPACK_COMPONENT_IMPORT_DESCRIPTION "ONNX and Core ML files for libaneref.")
endif()
if(TARGET aneref_tool)
  list(APPEND components tool)
  set(CPACK_DEBIAN_TOOL_PACKAGE_SHLIBDEPS ON)
  set(CPACK_COMPONENT_TOOL_DESCRIPTION "The program aneref: run, explain, compare and plan networks.")
endif()
list(APPEND components python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.8), python3-numpy, libaneref0 (>= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS "libaneref-import0, python3-pil")
set(CPACK_COMPONENT_PYTHON_DESCRIPTION "Runs networks as Apple's Neural Engine would, from Python with numpy.")

foreach(component IN LISTS components)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${COMPONENT_${component}})
  install(FILES LICENSE DESTINATION ${DOC_DIR}/${COMPONENT_${component}} RENAME copyright COMPONENT ${component})
endforeach()
set(CPACK_COMPONENTS_ALL ${components})
# dpkg-shlibdeps looks here for libraries that no installed package has: ours.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
include(CPack)

# The wheel, of stripped libraries as they are installed.
find_program(ANEREF_PYTHON python3)
if(ANEREF_PYTHON)
  set(stage ${CMAKE_BINARY_DIR}/wheel-stage)
  set(wheel_libraries --core ${stage}/${CMAKE_INSTALL_LIBDIR}/libaneref.so.${PROJECT_VERSION_MAJOR})
  set(stage_import "")
  set(wheel_needs aneref_shared)
  if(TARGET aneref_import_shared)
    list(APPEND wheel_libraries --import ${stage}/${CMAKE_INSTALL_LIBDIR}/libaneref_import.so.${PROJECT_VERSION_MAJOR})
    list(APPEND wheel_needs aneref_import_shared)
    set(stage_import COMMAND ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --prefix ${stage} --component import --strip)
  endif()
  add_custom_target(wheel
    COMMAND ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --prefix ${stage} --component library --strip
    ${stage_import}
    COMMAND ${ANEREF_PYTHON} ${PROJECT_SOURCE_DIR}/cmake/make_wheel.py --version ${PROJECT_VERSION} ${wheel_libraries}
            --out ${CMAKE_BINARY_DIR}/packages
    DEPENDS ${wheel_needs}
    COMMENT "wheel"
    VERBATIM)
endif()
