# Code made at build time from schema/: the FlatBuffers accessors, the protobuf-lite readers, the embedded chip table.
# Nothing generated is committed.
set(ANEREF_GENERATED ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${ANEREF_GENERATED}/schema)
find_program(FLATC flatc REQUIRED)

add_custom_command(
  OUTPUT ${ANEREF_GENERATED}/schema/net_generated.h
  COMMAND ${FLATC} --cpp --cpp-std c++17 --scoped-enums --gen-object-api -o ${ANEREF_GENERATED}/schema
          ${CMAKE_SOURCE_DIR}/schema/net.fbs
  DEPENDS ${CMAKE_SOURCE_DIR}/schema/net.fbs
  COMMENT "flatc net.fbs")
add_custom_target(aneref_schema DEPENDS ${ANEREF_GENERATED}/schema/net_generated.h)

# Tables as byte arrays: aneref::kEmbeddedChips / kEmbeddedChipsSize, aneref::kEmbeddedOps / kEmbeddedOpsSize.
set(ANEREF_EMBEDDED_TABLES)
foreach(table chips:Chips ops:Ops quirks:Quirks)
  string(REGEX REPLACE ":.*" "" file ${table})
  string(REGEX REPLACE ".*:" "" symbol ${table})
  set(output ${ANEREF_GENERATED}/schema/embedded_${file}.cc)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_SOURCE_DIR}/schema/data/${file}.json -DOUTPUT=${output}
            -DSYMBOL=kEmbedded${symbol} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/schema/data/${file}.json ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "embed ${file}.json")
  list(APPEND ANEREF_EMBEDDED_TABLES ${output})
endforeach()

set(ANEREF_PROTO_SOURCES)
if(ANEREF_IMPORT)
  find_program(PROTOC protoc REQUIRED)
  foreach(name onnx coreml_network coreml_program coreml)
    set(source_imports)
    if(name STREQUAL "coreml")
      set(source_imports ${CMAKE_SOURCE_DIR}/schema/coreml_network.proto ${CMAKE_SOURCE_DIR}/schema/coreml_program.proto)
    endif()
    set(source ${ANEREF_GENERATED}/schema/${name}.pb.cc)
    add_custom_command(
      OUTPUT ${source} ${ANEREF_GENERATED}/schema/${name}.pb.h
      COMMAND ${PROTOC} --cpp_out=lite:${ANEREF_GENERATED} -I ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/schema/${name}.proto
      DEPENDS ${CMAKE_SOURCE_DIR}/schema/${name}.proto ${source_imports}
      COMMENT "protoc ${name}.proto")
    list(APPEND ANEREF_PROTO_SOURCES ${source})
  endforeach()
endif()
