"""Makes nuclei-images.png and nuclei-masks.png from the unpacked nuclei of the Data Science Bowl 2018 (CC0).

Run:  python make_nuclei.py FOLDER        (FOLDER has train/images/ID.jpg, train/masks/ID.png, test/...; needs: Pillow)

The first 48 training and the first 16 test pictures in the order of their ids: the square in the middle, 128 x 128 pixels, one below
the other. Images are in colour, masks in two classes (0: background, 1: nucleus).
"""
import pathlib
import sys

from PIL import Image

SIDE, COUNTS = 128, {"train": 48, "test": 16}


def square(image, method):
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), method)


folder, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
total = sum(COUNTS.values())
images, masks = Image.new("RGB", (SIDE, SIDE * total)), Image.new("1", (SIDE, SIDE * total))
row = 0
for part, count in COUNTS.items():
    for path in sorted((folder / part / "images").iterdir())[:count]:
        images.paste(square(Image.open(path).convert("RGB"), Image.Resampling.LANCZOS), (0, row * SIDE))
        mask = Image.open(folder / part / "masks" / (path.stem + ".png")).convert("L")
        masks.paste(square(mask, Image.Resampling.NEAREST).point(lambda v: 255 * (v > 127), "1"), (0, row * SIDE))
        row += 1
images.save(here / "nuclei-images.png", optimize=True)
masks.save(here / "nuclei-masks.png", optimize=True)
