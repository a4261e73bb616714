// A verified network file: File owns the bytes (a read-only mapping or a
// buffer), Net reads them in place. Everything behind Net::Parse may trust
// every index, size and offset (F rules); it must not trust attributes.
#ifndef ANEREF_RUNTIME_GRAPH_NET_H_
#define ANEREF_RUNTIME_GRAPH_NET_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"
#include "schema/net_generated.h"

namespace aneref {

// Bytes of a file, 64-byte aligned, immutable. Shared by everything that points
// into them.
class File {
 public:
  virtual ~File() = default;
  virtual std::span<const std::byte> bytes() const = 0;
  // These bytes are not needed for now: a mapping gives their pages back and
  // reads them again when they are touched.
  virtual void DropPages(std::span<const std::byte> /*range*/) const {}
  // Maps `path` read-only. kIo: missing, a directory, unreadable. The file must
  // not shrink while mapped.
  static Expected<std::shared_ptr<const File>> Map(const std::string& path);
  // Takes over a buffer made by NetWriter (or read from elsewhere; it is copied
  // when misaligned).
  static std::shared_ptr<const File> FromBuffer(std::vector<std::byte> bytes);
  // Bytes of somebody else, who keeps them as long as this lives.
  static std::shared_ptr<const File> Borrow(std::span<const std::byte> bytes);
};

// Immutable after Parse; may be shared between threads.
class Net {
 public:
  // Checks everything (F rules) and gives access. `name` leads error messages.
  static Expected<std::shared_ptr<const Net>> Parse(
      std::shared_ptr<const File> file, const std::string& name);

  const fbs::Net& table() const { return *table_; }
  const fbs::Graph& main_graph() const { return *table_->graphs()->Get(0); }
  const std::string& name() const { return name_; }
  std::span<const std::byte> file_bytes() const { return file_->bytes(); }

  // The bytes of a range of the weight segment, in place.
  std::span<const std::byte> Data(const fbs::Range& range) const;
  // A constant's elements, decoded (in place when dense and aligned, else into
  // a buffer that `*owner` keeps alive). With `may_round`, a large kernel of
  // one value that its tensor declares float16 comes as fp16 (P12): what a run
  // makes of it anyway, in half the memory.
  Expected<TensorView> ConstantValue(const fbs::Tensor& tensor,
                                     std::shared_ptr<void>* owner,
                                     bool may_round = false) const;
  // A constant that has been packed elsewhere: its pages need not stay.
  void DropPages(const TensorView& constant) const;

 private:
  Net() = default;
  std::shared_ptr<const File> file_;
  std::string name_;
  const fbs::Net* table_ = nullptr;
  std::span<const std::byte> segment_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_NET_H_
