// stb_image with the formats we read, and its writer; the same switches for the
// implementation
// (stb_image.cc) and its users.
#ifndef ANEREF_TOOLS_STB_IMAGE_CONFIG_H_
#define ANEREF_TOOLS_STB_IMAGE_CONFIG_H_

#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#include <stb/stb_image.h>

#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

#endif  // ANEREF_TOOLS_STB_IMAGE_CONFIG_H_
