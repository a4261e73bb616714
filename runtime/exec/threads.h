// The library's own threads: oneTBB's, or none in builds without it
// (ANEREF_MINIMAL), where work runs on the calling thread. The two files
// threads_tbb.cc and threads_none.cc implement it; the build takes one.
#ifndef ANEREF_RUNTIME_EXEC_THREADS_H_
#define ANEREF_RUNTIME_EXEC_THREADS_H_

#include <cstdint>
#include <memory>

namespace aneref {

class Threads {
 public:
  // How many there are to use.
  static int Available();

  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  // body(context) on the calling thread; meanwhile member(context, i) once for
  // each i of [1, count), on threads that come when they can: some may begin
  // only after body has returned. Returns when all have.
  void With(void (*body)(void* context), void (*member)(void* context, int i),
            void* context);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_THREADS_H_
