// Strings of the verified tables.
#ifndef ANEREF_RUNTIME_GRAPH_TEXT_H_
#define ANEREF_RUNTIME_GRAPH_TEXT_H_

#include <string>

#include "schema/net_generated.h"

namespace aneref {

// "" for an absent one.
inline std::string Text(const flatbuffers::String* text) {
  return text != nullptr ? text->str() : std::string();
}

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_TEXT_H_
