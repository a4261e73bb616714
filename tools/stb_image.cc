// The implementation of stb_image, compiled once and without our warnings.
#define STB_IMAGE_IMPLEMENTATION
#include "tools/stb_image_config.h"
