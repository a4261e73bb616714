"""The fonts of the digit reader and how a digit is drawn with one of them.

Not a general renderer: one dark digit on light paper, 28x28 pixels, distorted at random. Every random choice comes from
the generator that the caller passes, so a seed fixes every picture.
"""
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 28           # pixels, width and height of a picture
OVERSAMPLE = 3      # the distorted glyph is drawn this much larger, then averaged down
GLYPH_HEIGHT = 72   # pixels; about the height of a digit in the oversampled picture, so that resampling stays near 1:1

# family: (Debian package, folder, file name with {} for the style, styles)
TRAINING_FONTS = {
    "DejaVu Sans": ("fonts-dejavu-core", "truetype/dejavu", "DejaVuSans{}.ttf", ["", "-Bold"]),
    "DejaVu Sans Mono": ("fonts-dejavu-core", "truetype/dejavu", "DejaVuSansMono{}.ttf", ["", "-Bold"]),
    "DejaVu Serif": ("fonts-dejavu-core", "truetype/dejavu", "DejaVuSerif{}.ttf", ["", "-Bold"]),
    "Liberation Sans": ("fonts-liberation", "truetype/liberation", "LiberationSans-{}.ttf",
                        ["Regular", "Bold", "Italic", "BoldItalic"]),
    "Liberation Serif": ("fonts-liberation", "truetype/liberation", "LiberationSerif-{}.ttf",
                         ["Regular", "Bold", "Italic", "BoldItalic"]),
    "Liberation Mono": ("fonts-liberation", "truetype/liberation", "LiberationMono-{}.ttf",
                        ["Regular", "Bold", "Italic", "BoldItalic"]),
    "FreeMono": ("fonts-freefont-ttf", "truetype/freefont", "FreeMono{}.ttf", ["", "Bold", "Oblique", "BoldOblique"]),
    "FreeSans": ("fonts-freefont-ttf", "truetype/freefont", "FreeSans{}.ttf", ["", "Bold", "Oblique", "BoldOblique"]),
    "FreeSerif": ("fonts-freefont-ttf", "truetype/freefont", "FreeSerif{}.ttf", ["", "Bold", "Italic", "BoldItalic"]),
    "Roboto": ("fonts-roboto-unhinted", "truetype/roboto/unhinted/RobotoTTF", "Roboto-{}.ttf",
               ["Light", "Regular", "Medium", "Bold", "Black", "Italic", "BoldItalic"]),
    "Roboto Condensed": ("fonts-roboto-unhinted", "truetype/roboto/unhinted", "RobotoCondensed-{}.ttf",
                         ["Light", "Regular", "Bold", "Italic"]),
    "Cantarell": ("fonts-cantarell", "opentype/cantarell", "Cantarell-{}.otf", ["Light", "Regular", "Bold", "ExtraBold"]),
    "Linux Libertine": ("fonts-linuxlibertine", "opentype/linux-libertine", "LinLibertine_{}.otf",
                        ["R", "RB", "RI", "RBI", "M"]),
    "Linux Biolinum": ("fonts-linuxlibertine", "opentype/linux-libertine", "LinBiolinum_{}.otf", ["R", "RB", "RI"]),
    "Inconsolata": ("fonts-inconsolata", "truetype/inconsolata", "Inconsolata{}.otf", [""]),
    "Fira Code": ("fonts-firacode", "truetype/firacode", "FiraCode-{}.ttf", ["Light", "Regular", "Bold"]),
    "mononoki": ("fonts-mononoki", "truetype/mononoki", "mononoki-{}.ttf", ["Regular", "Bold", "Italic"]),
    "Quicksand": ("fonts-quicksand", "truetype/quicksand", "Quicksand-{}.ttf", ["Light", "Regular", "Medium", "Bold"]),
    "Gentium": ("fonts-sil-gentium", "truetype/gentium", "Gentium-{}.ttf", ["R", "I"]),
    "Andika": ("fonts-sil-andika", "truetype/andika", "Andika-{}.ttf", ["Regular", "Bold", "Italic", "BoldItalic"]),
    "Cabin": ("fonts-cabin", "opentype/cabin", "Cabin-{}.otf", ["Regular", "SemiBold", "Bold", "Italic", "BoldItalic"]),
    "GFS Didot": ("fonts-gfs-didot", "opentype/didot", "GFSDidot{}.otf", ["", "Bold", "Italic"]),
}

# Whole families that training never sees. None shares a design with a training family (Carlito, for one, is drawn after
# Lato, and Noto Sans after Open Sans: neither may be added above).
HELD_OUT_FONTS = {
    "Lato": ("fonts-lato", "truetype/lato", "Lato-{}.ttf",
             ["Light", "Regular", "Medium", "Bold", "Black", "Italic", "BoldItalic"]),
    "Open Sans": ("fonts-open-sans", "truetype/open-sans", "OpenSans-{}.ttf",
                  ["Light", "Regular", "Semibold", "Bold", "ExtraBold", "Italic", "BoldItalic", "CondBold"]),
    "Caladea": ("fonts-crosextra-caladea", "truetype/crosextra", "Caladea-{}.ttf",
                ["Regular", "Bold", "Italic", "BoldItalic"]),
    "JetBrains Mono": ("fonts-jetbrains-mono", "truetype/jetbrains-mono", "JetBrainsMono-{}.ttf",
                       ["Light", "Regular", "Medium", "Bold", "Italic", "BoldItalic"]),
    "Comfortaa": ("fonts-comfortaa", "truetype/comfortaa", "Comfortaa-{}.ttf", ["Light", "Regular", "Bold"]),
}


def font_files(entry):
    """The paths of one family's files; says which package is missing."""
    package, folder, pattern, styles = entry
    paths = [os.path.join("/usr/share/fonts", folder, pattern.format(style)) for style in styles]
    for path in paths:
        if not os.path.exists(path):
            raise SystemExit(f"{path} is missing: apt-get install {package}")
    return paths


def load_glyph(path, digit):
    """One digit as an 8-bit ink picture (255 = ink), cropped to the ink and GLYPH_HEIGHT pixels high."""
    font = ImageFont.truetype(path, GLYPH_HEIGHT * 2, layout_engine=ImageFont.Layout.BASIC)
    canvas = Image.new("L", (GLYPH_HEIGHT * 4, GLYPH_HEIGHT * 4), 0)
    ImageDraw.Draw(canvas).text((GLYPH_HEIGHT, GLYPH_HEIGHT // 2), str(digit), 255, font=font)
    glyph = canvas.crop(canvas.getbbox())
    width = max(1, round(glyph.width * GLYPH_HEIGHT / glyph.height))
    return glyph.resize((width, GLYPH_HEIGHT), Image.Resampling.BOX)


def load_family(entry):
    """glyphs[style][digit] of one family."""
    return [[load_glyph(path, digit) for digit in range(10)] for path in font_files(entry)]


def inverse_affine(glyph, rng):
    """Pillow's six numbers, which map a point of the oversampled picture back into the glyph."""
    height = rng.uniform(15.0, 23.0) * OVERSAMPLE       # of the digit in the picture
    stretch = rng.uniform(0.82, 1.18)                   # of its width
    angle = np.deg2rad(rng.uniform(-15.0, 15.0))
    shear = rng.uniform(-0.22, 0.22)
    shift = rng.uniform(-2.0, 2.0, 2) * OVERSAMPLE
    scale = height / glyph.height
    stretch = min(stretch, 24.0 * OVERSAMPLE / (glyph.width * scale))  # a wide digit stays within the paper
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    forward = rotation @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag([scale * stretch, scale])
    inverse = np.linalg.inv(forward)
    centre = SIZE * OVERSAMPLE / 2 + shift
    offset = np.array([glyph.width, glyph.height]) / 2 - inverse @ centre
    return (*inverse[0], offset[0], *inverse[1], offset[1])


def draw_digit(glyph, rng):
    """One picture, uint8 [28,28]: the glyph distorted, blurred, printed in some ink on some paper, with noise."""
    side = SIZE * OVERSAMPLE
    large = glyph.transform((side, side), Image.Transform.AFFINE, inverse_affine(glyph, rng), Image.Resampling.BILINEAR)
    small = large.reduce(OVERSAMPLE).filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 1.0)))
    coverage = np.asarray(small, dtype=np.float32) / 255.0
    paper, ink = rng.uniform(170.0, 255.0), rng.uniform(0.0, 80.0)
    noise = rng.standard_normal((SIZE, SIZE), dtype=np.float32) * rng.uniform(0.0, 18.0)
    return np.clip(np.rint(paper + (ink - paper) * coverage + noise), 0, 255).astype(np.uint8)


def draw_set(families, count, rng):
    """count pictures, uint8 [count,28,28], and their digits. Every family and every digit is equally likely."""
    images = np.empty((count, SIZE, SIZE), dtype=np.uint8)
    digits = rng.integers(0, 10, count)
    for index, digit in enumerate(digits):
        family = families[rng.integers(len(families))]
        images[index] = draw_digit(family[rng.integers(len(family))][digit], rng)
    return images, digits
