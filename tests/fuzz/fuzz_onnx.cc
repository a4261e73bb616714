// Fuzz target: any bytes as an .onnx file. The importer gives bytes that the
// .anem reader accepts, or a Status.
#include "tests/fuzz/import_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  aneref::fuzz::ImportBytes(".onnx", data, size);
  return 0;
}
