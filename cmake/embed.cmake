# Writes INPUT as a C++ byte array SYMBOL (and SYMBOLSize) to OUTPUT.
file(READ ${INPUT} hex HEX)
string(LENGTH "${hex}" length)
math(EXPR size "${length} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,){32})" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <cstddef>\nnamespace aneref {\nextern const unsigned char ${SYMBOL}[];\nextern const size_t ${SYMBOL}Size;\nconst unsigned char ${SYMBOL}[] = {${bytes}};\nconst size_t ${SYMBOL}Size = ${size};\n}  // namespace aneref\n")
