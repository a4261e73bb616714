// The elements of a constant under construction: bytes of its own, a range of
// the file they come from, so that weights that nobody changes are copied once,
// into the net that is written, or one element that is repeated.
#ifndef ANEREF_RUNTIME_GRAPH_DRAFT_BYTES_H_
#define ANEREF_RUNTIME_GRAPH_DRAFT_BYTES_H_

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace aneref {

class File;

// Reads and behaves like a vector. A borrowed range becomes a vector when its
// elements are asked for, because a file may have them at any address; raw()
// gives it as it is. So does a repeated element, for raw() too. Not to be
// shared between threads.
class DraftBytes {
 public:
  using Vector = std::vector<std::byte>;

  DraftBytes() = default;
  DraftBytes(Vector bytes) : own_(std::move(bytes)) {}  // as a vector would
  // `range` lies in `file`.
  DraftBytes(std::span<const std::byte> range, std::shared_ptr<const File> file)
      : range_(range), file_(std::move(file)) {}

  // `size` bytes, a multiple of the element's.
  static DraftBytes Repeated(Vector element, size_t size) {
    DraftBytes bytes(std::move(element));
    bytes.repeated_size_ = size;
    return bytes;
  }

  // Whatever their alignment.
  std::span<const std::byte> raw() const {
    return file_ != nullptr ? range_ : std::span<const std::byte>(Own());
  }
  size_t size() const { return is_repeated() ? repeated_size_ : raw().size(); }
  bool empty() const { return size() == 0; }
  bool is_repeated() const { return repeated_size_ > 0; }
  // Of a repeated one.
  const Vector& element() const { return own_; }
  // The elements are not in memory.
  bool is_deferred() const { return file_ != nullptr || is_repeated(); }
  // Gives the memory back, the file's pages too.
  void Release();

  const Vector& vector() const { return Own(); }
  Vector& vector() { return Own(); }
  Vector Take() { return std::move(Own()); }
  operator const Vector&() const { return Own(); }

  const std::byte* data() const { return Own().data(); }
  std::byte* data() { return Own().data(); }
  Vector::const_iterator begin() const { return Own().begin(); }
  Vector::const_iterator end() const { return Own().end(); }
  Vector::iterator begin() { return Own().begin(); }
  Vector::iterator end() { return Own().end(); }
  std::byte operator[](size_t i) const { return Own()[i]; }
  void resize(size_t size) { Own().resize(size); }
  template <class Iterator>
  void assign(Iterator first, Iterator last) {
    *this = DraftBytes(Vector(first, last));
  }
  template <class Iterator>
  void insert(Vector::const_iterator where, Iterator first, Iterator last) {
    Own().insert(where, first, last);
  }

 private:
  Vector& Own() const;

  mutable Vector own_;
  mutable size_t repeated_size_ = 0;  // over 0: own_ is one element of as many
  mutable std::span<const std::byte> range_;
  mutable std::shared_ptr<const File> file_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_DRAFT_BYTES_H_
