// Constants of ONNX files: every type and packing, and external data with the
// ways out of its folder.
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>

#include "tests/import/model_builder.h"

namespace aneref::test {
namespace {

using Values = std::vector<double>;

// A model whose only output is the tensor "c", which the caller fills.
struct OneConstant {
  ModelBuilder builder;
  onnx::TensorProto* tensor;
  OneConstant(int32_t type, const std::vector<int64_t>& dims) {
    tensor = builder.Tensor("c", type, dims);
    builder.Output("c");
  }
  Imported Get(const ImportOptions& options = SourceTypes()) {
    return Import(builder.model(), options);
  }
};

template <class T>
std::string Raw(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST_CASE("tensors: float32 in float_data and raw_data") {
  OneConstant list(1, {2}), raw(1, {2});
  list.tensor->add_float_data(1.5f);
  list.tensor->add_float_data(-2.0f);
  raw.tensor->set_raw_data(Raw<float>({1.5f, -2.0f}));
  CHECK(list.Get().Values("c") == Values{1.5, -2.0});
  CHECK(raw.Get().Values("c") == Values{1.5, -2.0});
  CHECK(list.Get().Find("c")->dtype == fbs::DataType::float32);
  CHECK(list.Get(ImportOptions()).Find("c")->dtype == fbs::DataType::float16);
}

// Large ones stay in the file until the net is written: whatever their address
// in it, and however often the file has them.
TEST_CASE("tensors: large raw_data at any address of the file") {
  std::vector<float> floats;
  Values expected;
  for (int i = 0; i < 2000; ++i) {
    floats.push_back(static_cast<float>(i % 300) / 4);
    expected.push_back((i % 300) / 4.0);
  }
  for (size_t shift = 0; shift < 4; ++shift) {
    ModelBuilder builder;
    builder.model().set_producer_name(std::string(shift, 'x'));
    builder.Tensor("before", 1, {1})->set_raw_data(Raw<float>({0.5f}));
    for (const char* name : {"c", "again"}) {
      builder.Tensor(name, 1, {2000})->set_raw_data(Raw(floats));
      builder.Output(name);
    }
    builder.Tensor("after", 1, {1})->set_raw_data(Raw<float>({2.5f}));
    builder.Output("before");
    builder.Output("after");
    const Imported imported = Import(builder.model(), SourceTypes());
    CHECK(imported.Values("c") == expected);
    CHECK(imported.Values("again") == expected);
    CHECK(imported.Values("before") == Values{0.5});
    CHECK(imported.Values("after") == Values{2.5});
    const auto place = [&](const char* name) {
      const auto index = static_cast<size_t>(imported.Find(name)->constant);
      return imported.net.constants[index]->data->offset();
    };
    CHECK(place("again") == place("c"));
    // As halves: multiples of a quarter below 75 are exact.
    const Imported half = Import(builder.model());
    CHECK(half.Values("c") == expected);
    CHECK(half.Stored("c") == DataType::kFloat16);
  }
}

TEST_CASE("tensors: large raw_data that is damaged or too short is refused") {
  ModelBuilder builder;
  builder.Tensor("c", 10, {4096})->set_raw_data(std::string(8190, '\1'));
  builder.Output("c");
  CHECK(Import(builder.model()).status.code() == StatusCode::kInvalidFile);
  builder.graph().mutable_initializer(0)->set_raw_data(std::string(8192, '\1'));
  CHECK(Import(builder.model()).status.ok());
  const std::string bytes = builder.model().SerializeAsString();
  const TempFolder folder;
  for (const size_t length : {bytes.size() - 1, size_t{5000}, size_t{300}}) {
    const std::string path = folder.Write("cut.onnx", bytes.substr(0, length));
    CHECK(ImportPath(path).status.code() == StatusCode::kInvalidFile);
  }
}

TEST_CASE("tensors: large raw_data is an operand like any other") {
  // Folded in the importer, and computed with at run time.
  std::vector<float> floats(1500, 2.0f);
  floats[7] = 3.0f;
  ModelBuilder builder;
  builder.Tensor("c", 1, {1500})->set_raw_data(Raw(floats));
  builder.Input("x", {1500});
  builder.Node("Add", {"c", "c"}, {"folded"});
  builder.Node("Add", {"x", "c"}, {"y"});
  builder.Output("folded");
  builder.Output("y");
  const auto results = Evaluate(Import(builder.model(), SourceTypes()),
                                {{"x", std::vector<float>(1500, 1.0f)}});
  REQUIRE_EQ(results.size(), 2);
  CHECK_EQ(results[0][7], 6.0f);
  CHECK_EQ(results[0][8], 4.0f);
  CHECK_EQ(results[1][7], 4.0f);
  CHECK_EQ(results[1][1499], 3.0f);
}

TEST_CASE("tensors: float64 keeps its type in every precision") {
  OneConstant c(11, {2});
  c.tensor->add_double_data(0.1);
  c.tensor->add_double_data(4.0);
  CHECK(c.Get().Find("c")->dtype == fbs::DataType::float64);
  CHECK(c.Get().Values("c") == Values{0.1, 4.0});
  const Imported half = c.Get(ImportOptions());
  CHECK(half.Find("c")->dtype == fbs::DataType::float64);
  CHECK(half.Stored("c") == DataType::kFloat64);
  CHECK(half.Values("c") == Values{0.1, 4.0});
}

TEST_CASE("tensors: float16 as bits in int32_data and raw_data") {
  OneConstant list(10, {2}), raw(10, {2});
  list.tensor->add_int32_data(0x3E00);
  list.tensor->add_int32_data(0xC000);
  raw.tensor->set_raw_data(Raw<uint16_t>({0x3E00, 0xC000}));
  CHECK(list.Get().Values("c") == Values{1.5, -2.0});
  CHECK(raw.Get().Values("c") == Values{1.5, -2.0});
  CHECK(raw.Get().Stored("c") == DataType::kFloat16);
}

TEST_CASE("tensors: bfloat16 widens to float32") {
  OneConstant list(16, {2}), raw(16, {2});
  list.tensor->add_int32_data(0x3FC0);
  list.tensor->add_int32_data(0xC000);
  raw.tensor->set_raw_data(Raw<uint16_t>({0x3FC0, 0xC000}));
  CHECK(list.Get().Values("c") == Values{1.5, -2.0});
  CHECK(raw.Get().Values("c") == Values{1.5, -2.0});
  CHECK(raw.Get().Find("c")->dtype == fbs::DataType::float32);
}

TEST_CASE("tensors: integers in int32_data") {
  for (int32_t type : {3, 5, 6}) {
    CAPTURE(type);
    OneConstant c(type, {3});
    for (int32_t value : {-128, 0, 127}) c.tensor->add_int32_data(value);
    CHECK(c.Get().Values("c") == Values{-128, 0, 127});
  }
  for (int32_t type : {2, 4}) {
    CAPTURE(type);
    OneConstant c(type, {2});
    for (int32_t value : {0, 255}) c.tensor->add_int32_data(value);
    CHECK(c.Get().Values("c") == Values{0, 255});
  }
}

TEST_CASE("tensors: wide integers have lists of their own") {
  OneConstant int64(7, {2}), uint32(12, {1}), uint64(13, {1});
  int64.tensor->add_int64_data(-5000000000);
  int64.tensor->add_int64_data(7);
  uint32.tensor->add_uint64_data(4000000000u);
  uint64.tensor->add_uint64_data(uint64_t{1} << 63);
  CHECK(int64.Get().Values("c") == Values{-5000000000.0, 7});
  CHECK(uint32.Get().Values("c") == Values{4000000000.0});
  CHECK(uint64.Get().Values("c") == Values{9223372036854775808.0});
}

TEST_CASE("tensors: bool is one byte of 0 or 1") {
  OneConstant list(9, {2}), raw(9, {2});
  list.tensor->add_int32_data(0);
  list.tensor->add_int32_data(1);
  raw.tensor->set_raw_data(std::string("\x00\x05", 2));
  CHECK(list.Get().Values("c") == Values{0, 1});
  CHECK(raw.Get().Values("c") == Values{0, 1});
}

TEST_CASE("tensors: four bit integers unpack with the first element low") {
  OneConstant list(22, {3}), raw(22, {3}), is_unsigned(21, {3});
  list.tensor->add_int32_data(0xF7);
  list.tensor->add_int32_data(0x08);
  raw.tensor->set_raw_data("\xF7\x08");
  is_unsigned.tensor->set_raw_data("\xF7\x08");
  CHECK(list.Get().Values("c") == Values{7, -1, -8});
  CHECK(raw.Get().Values("c") == Values{7, -1, -8});
  CHECK(is_unsigned.Get().Values("c") == Values{7, 15, 8});
  CHECK(raw.Get().Find("c")->dtype == fbs::DataType::int8);
  CHECK(is_unsigned.Get().Find("c")->dtype == fbs::DataType::uint8);
}

TEST_CASE("tensors: scalars and tensors without elements") {
  OneConstant scalar(1, {}), none(1, {2, 0});
  scalar.tensor->add_float_data(3.0f);
  CHECK(scalar.Get().Values("c") == Values{3.0});
  CHECK(scalar.Get().Find("c")->shape.empty());
  CHECK(none.Get().status.ok());
  CHECK(none.Get().Find("c")->shape == std::vector<int64_t>{2, 0});
}

TEST_CASE("tensors: counts must fit the dims before memory is asked for") {
  OneConstant few(1, {3}), raw(1, {1 << 30, 1 << 9}),
      overflow(1, {int64_t{1} << 40, int64_t{1} << 40}), negative(1, {-1});
  few.tensor->add_float_data(1.0f);
  raw.tensor->set_raw_data("abcd");
  CHECK(few.Get().status.code() == StatusCode::kInvalidFile);
  CHECK(few.Get().status.message().find("tensor 'c'") != std::string::npos);
  CHECK(raw.Get().status.code() == StatusCode::kInvalidFile);
  CHECK(overflow.Get().status.code() == StatusCode::kInvalidFile);
  CHECK(negative.Get().status.code() == StatusCode::kInvalidFile);
}

TEST_CASE("tensors: strings and complex numbers are refused by name") {
  OneConstant text(8, {1}), complex(14, {1});
  CHECK(text.Get().status.code() == StatusCode::kUnsupported);
  CHECK(text.Get().status.message().find("string") != std::string::npos);
  CHECK(complex.Get().status.message().find("complex64") != std::string::npos);
}

TEST_CASE("tensors: sparse initializers become dense") {
  ModelBuilder builder;
  onnx::SparseTensorProto* sparse = builder.graph().add_sparse_initializer();
  sparse->add_dims(2);
  sparse->add_dims(3);
  sparse->mutable_values()->set_name("c");
  sparse->mutable_values()->set_data_type(1);
  sparse->mutable_values()->add_dims(2);
  sparse->mutable_values()->add_float_data(5.0f);
  sparse->mutable_values()->add_float_data(6.0f);
  sparse->mutable_indices()->set_data_type(7);
  sparse->mutable_indices()->add_dims(2);
  sparse->mutable_indices()->add_int64_data(1);
  sparse->mutable_indices()->add_int64_data(5);
  builder.Output("c");
  CHECK(Import(builder.model()).Values("c") == Values{0, 5, 0, 0, 0, 6});
  sparse->mutable_indices()->set_int64_data(1, 6);
  CHECK(Import(builder.model()).status.code() == StatusCode::kInvalidFile);
}

// ---- external data ----

void SetExternal(onnx::TensorProto* tensor, const std::string& location,
                 const std::string& offset = "",
                 const std::string& length = "") {
  tensor->set_data_location(1);
  tensor->clear_external_data();
  auto add = [&](const char* key, const std::string& value) {
    onnx::StringStringEntryProto* entry = tensor->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", location);
  if (!offset.empty()) add("offset", offset);
  if (!length.empty()) add("length", length);
}

struct ExternalModel {
  TempFolder folder;
  OneConstant constant{1, {2}};
  ExternalModel() {
    std::filesystem::create_directory(folder.path() + "/model");
    folder.Write("model/w.bin", Raw<float>({9.0f, 1.5f, -2.0f}));
    folder.Write("secret.bin", Raw<float>({1.0f, 2.0f, 3.0f}));
  }
  Imported Get() {
    return ImportPath(
        folder.Write("model/m.onnx",
                     constant.builder.model().SerializeAsString()),
        SourceTypes());
  }
};

TEST_CASE("external data: offset and length pick the range") {
  ExternalModel model;
  SetExternal(model.constant.tensor, "w.bin", "4", "8");
  CHECK(model.Get().Values("c") == Values{1.5, -2.0});
  SetExternal(model.constant.tensor, "./w.bin", "4");
  CHECK(model.Get().Values("c") == Values{1.5, -2.0});
}

TEST_CASE("external data: ranges beyond the file are refused") {
  ExternalModel model;
  for (const char* offset : {"5", "12", "18446744073709551615", "-4", "4x",
                             "99999999999999999999"}) {
    CAPTURE(offset);
    SetExternal(model.constant.tensor, "w.bin", offset);
    CHECK(model.Get().status.code() == StatusCode::kInvalidFile);
  }
  SetExternal(model.constant.tensor, "w.bin", "0", "4");
  CHECK(model.Get().status.code() == StatusCode::kInvalidFile);
}

TEST_CASE("external data: nothing outside the model's folder is read") {
  ExternalModel model;
  std::filesystem::create_symlink("../secret.bin",
                                  model.folder.path() + "/model/link.bin");
  for (const std::string& location :
       {std::string("../secret.bin"), model.folder.path() + "/secret.bin",
        std::string("sub/../../secret.bin"), std::string("link.bin"),
        std::string()}) {
    CAPTURE(location);
    SetExternal(model.constant.tensor, location);
    CHECK(model.Get().status.code() == StatusCode::kInvalidFile);
  }
  SetExternal(model.constant.tensor, "missing.bin");
  CHECK(model.Get().status.code() == StatusCode::kIo);
}

// y = x + dequantised w, 2 x 256 bytes; row 0 counts up from 0, row 1 down.
ModelBuilder Dequantized(int32_t type, const std::vector<float>& scales,
                         const std::string& zeros, int64_t block_size = 0) {
  ModelBuilder model(21);
  model.Input("x", {2, 256});
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(255 - i);
  model.Tensor("q", type, {2, 256})->set_raw_data(bytes);
  const auto count = static_cast<int64_t>(scales.size());
  const std::vector<int64_t> dims = block_size > 0
                                        ? std::vector<int64_t>{2, count / 2}
                                        : std::vector<int64_t>{count};
  model.Floats("s", dims, scales);
  std::vector<std::string> inputs = {"q", "s"};
  if (!zeros.empty()) {
    model.Tensor("z", type, dims)->set_raw_data(zeros);
    inputs.push_back("z");
  }
  onnx::NodeProto* node = model.Node("DequantizeLinear", inputs, {"w"});
  SetInt(node, "axis", block_size > 0 ? 1 : 0);
  if (block_size > 0) SetInt(node, "block_size", block_size);
  model.Node("Add", {"x", "w"}, {"y"});
  model.Output("y");
  return model;
}

TEST_CASE("F13: dequantised constants stay integers in the file") {
  // uint8, one scale and zero point per row.
  Imported imported =
      Import(Dequantized(2, {0.5f, 2}, std::string("\x01\x80", 2)).model());
  REQUIRE_MESSAGE(imported.status.ok(), imported.status.ToString());
  REQUIRE(imported.num_nodes() == 1);
  REQUIRE(imported.net.constants.size() == 1);
  CHECK(imported.net.constants[0]->encoding == fbs::Encoding::affine);
  CHECK(imported.net.constants[0]->data->size() == 512);
  std::vector<double> w = imported.Values("w");
  REQUIRE(w.size() == 512);
  CHECK(w[0] == -0.5);    // (0 - 1) / 2
  CHECK(w[255] == 127);   // (255 - 1) / 2
  CHECK(w[256] == 254);   // (255 - 128) * 2
  CHECK(w[511] == -256);  // (0 - 128) * 2
  // int8, one scale for all, no zero point.
  imported = Import(Dequantized(3, {0.25f}, "").model());
  REQUIRE_MESSAGE(imported.status.ok(), imported.status.ToString());
  w = imported.Values("w");
  CHECK(imported.net.constants[0]->encoding == fbs::Encoding::affine);
  CHECK(imported.net.constants[0]->zero_points == nullptr);
  CHECK(w[127] == 31.75);
  CHECK(w[128] == -32);
  // Blocks of 128 along axis 1.
  imported = Import(Dequantized(3, {1, 2, 3, 4}, "", 128).model());
  REQUIRE_MESSAGE(imported.status.ok(), imported.status.ToString());
  CHECK(imported.net.constants[0]->encoding == fbs::Encoding::blockwise);
  w = imported.Values("w");
  CHECK(w[1] == 1);
  CHECK(w[129] == -254);     // -127 * 2
  CHECK(w[256] == -3);       // -1 * 3
  CHECK(w[256 + 255] == 0);  // 0 * 4
  CHECK(w[256 + 254] == 4);  // 1 * 4
}

}  // namespace
}  // namespace aneref::test
