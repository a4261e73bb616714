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

# chips.json as a byte array: aneref::kEmbeddedChips / kEmbeddedChipsSize.
set(ANEREF_EMBEDDED_CHIPS)
if(EXISTS ${CMAKE_SOURCE_DIR}/schema/data/chips.json)
  set(ANEREF_EMBEDDED_CHIPS ${ANEREF_GENERATED}/schema/embedded_chips.cc)
  add_custom_command(
    OUTPUT ${ANEREF_EMBEDDED_CHIPS}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_SOURCE_DIR}/schema/data/chips.json -DOUTPUT=${ANEREF_EMBEDDED_CHIPS}
            -DSYMBOL=kEmbeddedChips -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/schema/data/chips.json ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "embed chips.json")
endif()

set(ANEREF_PROTO_SOURCES)
if(ANEREF_IMPORT)
  find_program(PROTOC protoc REQUIRED)
  foreach(name onnx)
    set(source ${ANEREF_GENERATED}/schema/${name}.pb.cc)
    add_custom_command(
      OUTPUT ${source} ${ANEREF_GENERATED}/schema/${name}.pb.h
      COMMAND ${PROTOC} --cpp_out=lite:${ANEREF_GENERATED} -I ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/schema/${name}.proto
      DEPENDS ${CMAKE_SOURCE_DIR}/schema/${name}.proto
      COMMENT "protoc ${name}.proto")
    list(APPEND ANEREF_PROTO_SOURCES ${source})
  endforeach()
endif()
