// The implementation of stb_image and stb_image_write, compiled once and
// without our warnings.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "tools/stb_image_config.h"
