// Families that a small build leaves out (ANEREF_OPS names those it has,
// between semicolons; see cmake/minimal.cmake). Nothing refers to the others,
// so the linker drops them.
#ifndef ANEREF_OPS_CHOSEN_FAMILIES_H_
#define ANEREF_OPS_CHOSEN_FAMILIES_H_

#include <string_view>

namespace aneref {

#ifdef ANEREF_OPS
constexpr bool IsChosen(std::string_view name) {
  constexpr std::string_view kChosen = ANEREF_OPS;
  for (size_t at = kChosen.find(name); at != kChosen.npos;
       at = kChosen.find(name, at + 1)) {
    if (kChosen[at - 1] == ';' && kChosen[at + name.size()] == ';') return true;
  }
  return false;
}
#else
constexpr bool IsChosen(std::string_view) { return true; }
#endif

}  // namespace aneref

#endif  // ANEREF_OPS_CHOSEN_FAMILIES_H_
