#!/usr/bin/env python3
"""Checks label files of Segscope with the programs that the formats come from.

    reference_clients.py maps DIR [--classes SET] [--count N] [--seed N] [--pictures DIR]
    reference_clients.py read FORMAT DIR MAPS
    reference_clients.py write FORMAT MAPS DIR
    reference_clients.py frozen DIR FORMAT...
    reference_clients.py formats

`maps` writes index maps that label formats lose pixels of: a00.png, a01.png, ... (unlabelled is 255), with a
classes.toml. `--pictures` writes a picture for each, for formats that need its size. Formats with a fixed class list
need maps of their classes: `--classes voc`, `cityscapes`, `ade20k` or `coco-stuff`; all others take `plain` (ids 0 to
4) or `gaps` (ids 1, 3, 4, 9 and 200).

`read` reads DIR, which Segscope wrote from MAPS, with the reference client of the format, and compares every pixel by
class name. It exits with 1 on a difference. `write` lets the client write the same maps into DIR, for Segscope to read,
and reads them back; where a client has no encoder, its documented layout is written here. The encoders of coco-polygons
and yolo lose pixels: what the client then reads itself goes to DIR-expected. `frozen` writes two tiny maps of each
format into DIR, with what the client itself reads of them in `expected`.

A full check of a format:

    reference_clients.py maps maps --pictures pictures
    segscope labels convert maps --from index --to labelme --images pictures --out there
    reference_clients.py read labelme there maps
    reference_clients.py write labelme maps back
    segscope labels convert back --from labelme --to index --out again
    reference_clients.py read index again maps

The clients need two Python 3.11 environments, since datumaro and supervisely exclude each other. Run each format in the
one that has its client; `formats` tells. Pillow 13 breaks a part of cityscapesscripts.

    pip install pycocotools==2.0.11 labelme==6.3.1 datumaro==1.13.12 cityscapesscripts==2.3.0 "pillow<13"
    pip install supervision==0.31.2 supervisely==6.74.51 label-studio-sdk==2.1.2 datasets==5.2.0

ultralytics and mmsegmentation need PyTorch and panopticapi is no package: what they demand is restated here, from their
documentation, with Pillow. So are the plain PNGs of ADE20K and COCO-Stuff.
"""

import argparse
import importlib.metadata
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

UNLABELLED = 255

# Names that clients give to pixels without a class.
NO_CLASS = {"background", "void", "unlabeled", "unlabelled", "__ignore__", "_background_", "ignored", "out of roi"}

# Classes (id, name, colour) for formats with a free list and for those with a fixed one.
CLASS_SETS = {
    "plain": [
        (0, "road", (128, 64, 128)),
        (1, "sky", (70, 130, 180)),
        (2, "tree", (107, 142, 35)),
        (3, "car", (0, 0, 142)),
        (4, "wall", (102, 102, 156)),
    ],
    "gaps": [
        (1, "road", (128, 64, 128)),
        (3, "sky", (70, 130, 180)),
        (4, "tree", (107, 142, 35)),
        (9, "car", (0, 0, 142)),
        (200, "wall", (102, 102, 156)),
    ],
    "voc": [
        (1, "aeroplane", (128, 0, 0)),
        (2, "bicycle", (0, 128, 0)),
        (7, "car", (128, 128, 128)),
        (15, "person", (192, 128, 128)),
        (20, "tvmonitor", (0, 64, 128)),
    ],
    "cityscapes": [
        (0, "road", (128, 64, 128)),
        (2, "building", (70, 70, 70)),
        (8, "vegetation", (107, 142, 35)),
        (13, "car", (0, 0, 142)),
        (18, "bicycle", (119, 11, 32)),
    ],
    "ade20k": [
        (0, "wall", (120, 120, 120)),
        (2, "sky", (6, 230, 230)),
        (4, "tree", (4, 200, 3)),
        (6, "road", (140, 140, 140)),
        (20, "car", (0, 102, 200)),
    ],
    # Ids as in the pixel maps: one less than in the dataset's labels.txt.
    "coco-stuff": [
        (0, "person", (220, 20, 60)),
        (2, "car", (0, 0, 142)),
        (148, "road", (128, 64, 128)),
        (156, "sky-other", (70, 130, 180)),
        (181, "wood", (102, 102, 156)),
    ],
}


class Trouble(Exception):
    """Something that the user should know, as a sentence."""


@dataclass
class Maps:
    """Index maps by stem (such as a00), and their classes."""

    maps: dict[str, np.ndarray]
    classes: list[tuple[int, str, tuple[int, int, int]]]

    def stem_of(self, path) -> str:
        """The map that a file belongs to: its name may go on after the map's (a00_gtFine_labelIds, a00_L)."""
        name = Path(str(path)).name
        for stem in self.maps:
            if re.match(re.escape(stem) + r"(?![0-9A-Za-z])", name):
                return stem
        raise Trouble(f"expected a file named after one of the maps, found {path}")

    def id_of(self, name: str) -> int:
        """The id of a class; names of nothing are unlabelled."""
        for number, known, _ in self.classes:
            if known == name:
                return number
        if name.lower() in NO_CLASS:
            return UNLABELLED
        raise Trouble(f"expected one of the classes, found {name!r}")

    def empty(self, stem: str) -> np.ndarray:
        return np.full_like(self.maps[stem], UNLABELLED)

    def masks(self, stem: str):
        """The classes of a map: place in the list, id, name and mask."""
        for place, (number, name, _) in enumerate(self.classes):
            mask = self.maps[stem] == number
            if mask.any():
                yield place, number, name, mask

    def picture(self, stem: str) -> Image.Image:
        """A picture of the map's size."""
        height, width = self.maps[stem].shape
        ramp = np.add.outer(np.arange(height) * 5, np.arange(width) * 3) % 256
        return Image.fromarray(np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=2).astype(np.uint8))

    def save_pictures(self, folder: Path, ending: str = ".png") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for stem in self.maps:
            self.picture(stem).save(folder / (stem + ending))

    def palette(self) -> list[int]:
        """256 colours: those of the classes, a grey for each other id, black for unlabelled."""
        colors = [[index, index, index + 1] for index in range(255)] + [[0, 0, 0]]
        for number, _, color in self.classes:
            colors[number] = list(color)
        return [sample for color in colors for sample in color]


# ------------------------------------------------------------------------------------------------ maps


def random_maps(classes, count: int, seed: int) -> Maps:
    """Maps with holes, diagonal touches, single pixels, regions on all borders; also empty, full and 1 x 1 ones."""
    random = np.random.default_rng(seed)
    values = np.array([number for number, _, _ in classes] + [UNLABELLED], dtype=np.uint8)

    def nested(width: int, height: int) -> np.ndarray:
        """Rings in rings, the innermost often one pixel."""
        y, x = np.mgrid[:height, :width]
        depth = np.minimum(np.minimum(x, y), np.minimum(width - 1 - x, height - 1 - y))
        return random.permutation(values)[depth % len(values)]

    def rectangles(width: int, height: int) -> np.ndarray:
        """Rectangles over each other, every second one hollow."""
        labels = np.full((height, width), random.choice(values))
        for turn in range(random.integers(2, 14)):
            left, top = random.integers(width), random.integers(height)
            right, bottom = random.integers(left, width) + 1, random.integers(top, height) + 1
            inside = labels[top + 1 : bottom - 1, left + 1 : right - 1].copy()
            labels[top:bottom, left:right] = random.choice(values)
            if turn % 2:
                labels[top + 1 : bottom - 1, left + 1 : right - 1] = inside
        return labels

    def blobs(width: int, height: int) -> np.ndarray:
        """Regions with ragged outlines, holes and crumbs."""
        coarse = random.choice(values, (height // 4 + 2, width // 4 + 2))
        y, x = np.mgrid[:height, :width]
        shift = random.integers(0, 3, (2, height, width))
        return coarse[(y + shift[0]) // 4, (x + shift[1]) // 4]

    def noise(width: int, height: int) -> np.ndarray:
        return random.choice(values, (height, width))

    def stripes(width: int, height: int) -> np.ndarray:
        """A chessboard, whose fields touch at corners only."""
        y, x = np.mgrid[:height, :width]
        return random.choice(values, 2, replace=False)[(x + y) % 2]

    kinds = [rectangles, blobs, nested, noise, rectangles, stripes, blobs]
    labels = [
        np.array([[values[0]]], np.uint8),
        np.full((7, 9), UNLABELLED, np.uint8),
        np.full((6, 11), values[1], np.uint8),
        noise(1, 13),
        noise(17, 1),
        noise(3, 2),
    ]
    one = np.full((8, 10), values[0], np.uint8)
    one[7, 9] = values[4]
    labels.append(one)
    while len(labels) < count:
        width, height = random.integers(5, 64), random.integers(5, 48)
        labels.append(kinds[len(labels) % len(kinds)](width, height))
    return Maps({f"a{index:02}": labels[index].astype(np.uint8) for index in range(count)}, classes)


def save_maps(maps: Maps, folder: Path) -> None:
    """Writes index PNGs and the class list."""
    folder.mkdir(parents=True, exist_ok=True)
    write_index(maps, folder)
    text = 'schema = 1\nname = "reference"\nunlabelled = 255\n'
    for number, name, color in maps.classes:
        text += f'\n[[classes]]\nid = {number}\nname = "{name}"\ncolor = "#{bytes(color).hex()}"\n'
    (folder / "classes.toml").write_text(text, encoding="utf-8")


def load_maps(folder: Path) -> Maps:
    """Reads what `save_maps` wrote."""
    with open(folder / "classes.toml", "rb") as file:
        listed = tomllib.load(file)["classes"]
    classes = [(row["id"], row["name"], tuple(bytes.fromhex(row["color"][1:]))) for row in listed]
    found = {path.stem: np.array(Image.open(path)) for path in sorted(folder.glob("*.png"))}
    if not found:
        raise Trouble(f"expected index maps, found none: {folder}")
    return Maps(found, classes)


# ------------------------------------------------------------------------------------------------ what clients share


def files(folder: Path, pattern: str, what: str = "") -> list[Path]:
    """Files below a folder, at least one."""
    found = sorted(path for path in folder.rglob(pattern) if path.is_file())
    if not found:
        raise Trouble(f"expected {what or pattern}, found none: {folder}")
    return found


def dump(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def gray(path: Path) -> np.ndarray:
    """The samples of a one-channel PNG: its ids, also where it has a palette."""
    labels = np.array(Image.open(path))
    if labels.ndim != 2:
        raise Trouble(f"expected one channel, found {labels.shape}: {path}")
    return labels


def renumbered(labels: np.ndarray, table: dict[int, int], path) -> np.ndarray:
    """Ids of a file as those of the maps."""
    out = np.full(labels.shape, UNLABELLED, np.uint8)
    for value in np.unique(labels):
        if int(value) not in table:
            raise Trouble(f"expected ids of the classes, found {value}: {path}")
        out[labels == value] = table[int(value)]
    return out


def own_ids(maps: Maps) -> dict[int, int]:
    return {number: number for number, _, _ in maps.classes} | {UNLABELLED: UNLABELLED}


def painters_order(labels: np.ndarray) -> list[tuple[int, list[list[int]]]]:
    """Polygons (id, border pixels) that give the map when painted one after another: each 4-connected part with its
    holes filled, the largest first. Unlabelled parts are there too, as far as they lie in another part."""
    import cv2

    found = []
    for number in np.unique(labels):
        count, parts = cv2.connectedComponents((labels == number).astype(np.uint8), connectivity=4)
        for part in range(1, count):
            mask = (parts == part).astype(np.uint8)
            contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            filled = int(cv2.fillPoly(np.zeros_like(mask), contours[:1], 1).sum())
            ring = contours[0][:, 0, :].tolist()
            ring += [ring[-1]] * (3 - len(ring))
            found.append((filled, int(number), ring))
    found.sort(key=lambda part: -part[0])
    return [(number, ring) for _, number, ring in found]


# ------------------------------------------------------------------------------------------------ COCO


def read_coco(folder: Path, maps: Maps) -> dict:
    """pycocotools: every annotation of a picture as a mask, painted in the order of the file."""
    from pycocotools.coco import COCO

    labels = {}
    for path in files(folder, "*.json"):
        if not isinstance(content := load(path), dict) or "annotations" not in content:
            continue
        coco = COCO(str(path))
        for image in coco.loadImgs(coco.getImgIds()):
            stem = maps.stem_of(image["file_name"])
            out = labels[stem] = np.full((image["height"], image["width"]), UNLABELLED, np.uint8)
            for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
                [category] = coco.loadCats([annotation["category_id"]])
                if not annotation["segmentation"]:
                    # Other writers leave no polygon of parts that are too small; the client gives no mask of the size.
                    continue
                mask = coco.annToMask(annotation)
                out[mask == 1] = maps.id_of(category["name"])
    return labels


def write_coco_rle(maps: Maps, folder: Path) -> None:
    """pycocotools: compressed RLE, one annotation for each class."""
    from pycocotools import mask as coco_mask

    images, annotations = [], []
    for stem, labels in maps.maps.items():
        height, width = labels.shape
        images.append({"id": len(images) + 1, "file_name": f"{stem}.png", "width": width, "height": height})
        for place, _, _, mask in maps.masks(stem):
            rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": len(images),
                    "category_id": place + 1,
                    "iscrowd": 0,
                    "area": int(coco_mask.area(rle)),
                    "bbox": coco_mask.toBbox(rle).tolist(),
                    "segmentation": {"size": rle["size"], "counts": rle["counts"].decode("ascii")},
                }
            )
    categories = [
        {"id": place + 1, "name": name, "supercategory": ""} for place, (_, name, _) in enumerate(maps.classes)
    ]
    dump(folder / "instances_train.json", {"images": images, "annotations": annotations, "categories": categories})


def write_coco_polygons(maps: Maps, folder: Path) -> None:
    """datumaro: outer outlines through border pixels. It loses holes and the last row and column."""
    to_datumaro(maps).export(str(folder), "coco_instances", segmentation_mode="polygons")


def read_coco_panoptic(folder: Path, maps: Maps) -> dict:
    """datumaro, and what panopticapi demands besides: ids of the PNG and of segments_info agree, with their areas."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for index, path in enumerate(files(folder, "*.json")):
            content = load(path)
            if not isinstance(content, dict) or "annotations" not in content:
                continue
            # The client finds PNGs by the name of the JSON file.
            part = root / "annotations" / f"panoptic_{index}"
            part.mkdir(parents=True)
            shutil.copy(path, part.with_suffix(".json"))
            maps.save_pictures(root / "images" / str(index))
            for annotation in content["annotations"]:
                pngs = files(folder, Path(annotation["file_name"]).name)
                # The picture may have the same name.
                png = next((found for found in pngs if "images" not in found.relative_to(folder).parts), pngs[0])
                check_panoptic(png, annotation["segments_info"])
                (part / annotation["file_name"]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(png, part / annotation["file_name"])
        return from_datumaro(root, "coco_panoptic", maps)


def check_panoptic(png: Path, segments: list) -> None:
    """What panopticapi demands: 8-bit RGB, the same ids and areas in the PNG and in the JSON file."""
    samples = np.array(Image.open(png)).astype(np.int64)
    if samples.ndim != 3 or samples.shape[2] != 3:
        raise Trouble(f"expected RGB, found {samples.shape}: {png}")
    ids = samples[..., 0] + 256 * samples[..., 1] + 65536 * samples[..., 2]
    areas = {int(value): int((ids == value).sum()) for value in np.unique(ids) if value}
    if areas != (told := {part["id"]: part["area"] for part in segments}):
        raise Trouble(f"expected the ids and areas {areas} of the PNG, found {told} in the JSON file: {png}")


def write_coco_panoptic(maps: Maps, folder: Path) -> None:
    """datumaro: a PNG of segments, and a JSON file."""
    to_datumaro(maps).export(str(folder), "coco_panoptic", save_media=True)


def read_coco_stuff(folder: Path, maps: Maps) -> dict:
    """Pillow: the value is one less than in the dataset's labels.txt, which are the ids of the maps."""
    return {maps.stem_of(path): renumbered(gray(path), own_ids(maps), path) for path in files(folder, "*.png")}


def write_coco_stuff(maps: Maps, folder: Path) -> None:
    """Pillow: grey pixel maps."""
    for stem, labels in maps.maps.items():
        path = folder / "stuffthingmaps" / "train2017" / f"{stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels).save(path)


# ------------------------------------------------------------------------------------------------ datumaro


def to_datumaro(maps: Maps, background: bool = False):
    """The maps as a datumaro dataset. With `background`, the first label stands for unlabelled pixels."""
    import datumaro as dm

    first = [(0, "background", (0, 0, 0))] if background else []
    listed = first + list(maps.classes)
    items, ids = [], itertools.count(1)
    for index, stem in enumerate(maps.maps):
        # Ids count through all pictures, as COCO needs them.
        masks = [
            dm.Mask(mask, label=place + len(first), id=(number := next(ids)), group=number)
            for place, _, _, mask in maps.masks(stem)
        ]
        media = dm.Image.from_numpy(np.array(maps.picture(stem))[..., ::-1].copy(), ext=".png")
        items.append(dm.DatasetItem(stem, subset="train", media=media, annotations=masks, attributes={"frame": index}))
    categories = {
        dm.AnnotationType.label: dm.LabelCategories.from_iterable([name for _, name, _ in listed]),
        dm.AnnotationType.mask: dm.MaskCategories({place: color for place, (_, _, color) in enumerate(listed)}),
    }
    return dm.Dataset.from_iterable(items, categories=categories)


def from_datumaro(folder: Path, name: str, maps: Maps) -> dict:
    """Masks of a dataset by a name that datumaro knows, painted by z order."""
    import datumaro as dm

    dataset = dm.Dataset.import_from(str(folder), name)
    names = [label.name for label in dataset.categories()[dm.AnnotationType.label].items]
    labels = {}
    for item in dataset:
        stem = maps.stem_of(item.id)
        out = None
        for part in sorted(item.annotations, key=lambda part: getattr(part, "z_order", 0)):
            # Boxes come with the masks of some formats.
            if part.type == dm.AnnotationType.mask:
                mask = np.asarray(part.image).astype(bool)
                out = np.full(mask.shape, UNLABELLED, np.uint8) if out is None else out
                out[mask] = maps.id_of(names[part.label])
        labels[stem] = maps.empty(stem) if out is None else out
    return labels


def read_datumaro(folder: Path, maps: Maps) -> dict:
    """datumaro: its own JSON."""
    return from_datumaro(folder, "datumaro", maps)


def write_datumaro(maps: Maps, folder: Path) -> None:
    """datumaro: its own JSON, masks as COCO RLE."""
    to_datumaro(maps).export(str(folder), "datumaro", save_media=True)


def read_cvat(folder: Path, maps: Maps) -> dict:
    """datumaro: CVAT for images 1.1. The client wants the pictures, so a copy gets those that lack."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        shutil.copytree(folder, root, dirs_exist_ok=True)
        for path in files(root, "*.xml"):
            for image in ElementTree.parse(path).getroot().iter("image"):
                picture = path.parent / "images" / image.get("name")
                if not picture.exists():
                    picture.parent.mkdir(parents=True, exist_ok=True)
                    maps.picture(maps.stem_of(picture)).save(picture)
        return from_datumaro(root, "cvat", maps)


def write_cvat(maps: Maps, folder: Path) -> None:
    """datumaro: CVAT for images 1.1 with masks."""
    to_datumaro(maps).export(str(folder), "cvat", save_media=True)


def read_voc(folder: Path, maps: Maps) -> dict:
    """datumaro: the VOC layout, with or without a labelmap.txt (CVAT writes one)."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        archives = list(folder.glob("*.zip"))
        if archives:
            with zipfile.ZipFile(archives[0]) as archive:
                archive.extractall(root)
        else:
            shutil.copytree(folder, root, dirs_exist_ok=True)
        lists = [path for path in files(root, "*.txt") if path.parent.name == "Segmentation"]
        if not lists:
            raise Trouble(f"expected lists of names in ImageSets/Segmentation, found none: {folder}")
        top = lists[0].parent.parent.parent
        if not (top / "JPEGImages").exists():
            maps.save_pictures(top / "JPEGImages")
        # A picture may be in train.txt and in trainval.txt: it is read twice, to the same map.
        return from_datumaro(top, "voc_segmentation", maps)


def write_cvat_masks(maps: Maps, folder: Path) -> None:
    """datumaro: colours of labelmap.txt, as CVAT's export Segmentation mask 1.1 does."""
    to_datumaro(maps, background=True).export(str(folder), "voc_segmentation", label_map="source", save_media=True)


def write_voc(maps: Maps, folder: Path) -> None:
    """datumaro: the colours and names of Pascal VOC."""
    to_datumaro(maps, background=True).export(str(folder), "voc_segmentation", label_map="voc", save_media=True)


def read_camvid(folder: Path, maps: Maps) -> dict:
    """datumaro: colours of label_colors.txt. Masks that no list names are put into a list of its layout."""
    colors = files(folder, "label_colors.txt")[0]
    lists = [path for path in colors.parent.glob("*.txt") if path != colors]
    if any(line.count("/") > 2 for path in lists for line in path.read_text(encoding="utf-8").splitlines()):
        return from_datumaro(colors.parent, "camvid", maps)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        shutil.copy(colors, root)
        (root / "trainannot").mkdir()
        maps.save_pictures(root / "train")
        lines = []
        for path in files(folder, "*.png"):
            # Pictures may lie beside the masks (images/a00.png).
            if path.parent.name not in {"images", "train", "701_StillsRaw_full"}:
                stem = maps.stem_of(path)
                shutil.copy(path, root / "trainannot" / f"{stem}.png")
                lines.append(f"/train/{stem}.png /trainannot/{stem}.png\n")
        (root / "train.txt").write_text("".join(lines))
        return from_datumaro(root, "camvid", maps)


def write_camvid(maps: Maps, folder: Path) -> None:
    """datumaro: RGB masks, label_colors.txt and a list."""
    to_datumaro(maps, background=True).export(str(folder), "camvid", save_media=True)


# ------------------------------------------------------------------------------------------------ labelme


def read_labelme(folder: Path, maps: Maps) -> dict:
    """labelme: `LabelFile`, then `shapes_to_label`, which paints later shapes over earlier ones."""
    from labelme import utils
    from labelme._label_file import LabelFile

    labels = {}
    with tempfile.TemporaryDirectory() as place:
        # Some levels down, so that a picture's path with .. stays in the copy.
        root = Path(place) / "one" / "two"
        shutil.copytree(folder, root)
        names = {name for _, name, _ in maps.classes} | {"__ignore__", "_background_"}
        table = {name: maps.id_of(name) for name in names}
        for path in files(root, "*.json"):
            if "shapes" not in (content := load(path)):
                continue
            stem = maps.stem_of(path)
            picture = path.parent / content["imagePath"]
            if content["imageData"] is None and not picture.exists():
                picture.parent.mkdir(parents=True, exist_ok=True)
                maps.picture(stem).save(picture)
            file = LabelFile(str(path))
            size = [content["imageHeight"], content["imageWidth"]]
            # The client starts from 0; a shape for the whole picture makes it start from unlabelled.
            base = {"label": "__ignore__", "shape_type": "mask", "mask": np.ones(size, bool), "group_id": None}
            base["points"] = [[0, 0], [size[1] - 1, size[0] - 1]]
            painted, _ = utils.shapes_to_label(size, [base] + file.shapes, table)
            labels[stem] = painted.astype(np.uint8)
    return labels


def save_labelme(maps: Maps, stem: str, shapes: list, folder: Path) -> None:
    """labelme: `LabelFile.save`, with what all shapes have."""
    from labelme._label_file import LabelFile

    rest = {"group_id": None, "description": "", "flags": {}}
    height, width = maps.maps[stem].shape
    folder.mkdir(parents=True, exist_ok=True)
    maps.picture(stem).save(folder / f"{stem}.png")
    LabelFile().save(
        filename=str(folder / f"{stem}.json"),
        shapes=[{"mask": None} | shape | rest for shape in shapes],
        image_path=f"{stem}.png",
        image_height=height,
        image_width=width,
    )


def write_labelme(maps: Maps, folder: Path) -> None:
    """labelme: one mask for each class, encoded as its window does."""
    from labelme import utils

    for stem in maps.maps:
        shapes = []
        for _, _, name, mask in maps.masks(stem):
            y, x = np.nonzero(mask)
            crop = mask[y.min() : y.max() + 1, x.min() : x.max() + 1].astype(np.uint8)
            corners = [[int(x.min()), int(y.min())], [int(x.max()), int(y.max())]]
            text = utils.img_arr_to_b64(crop)
            text = text.decode("ascii") if isinstance(text, bytes) else text
            shapes.append({"label": name, "points": corners, "shape_type": "mask", "mask": text})
        save_labelme(maps, stem, shapes, folder)


def write_labelme_polygons(maps: Maps, folder: Path) -> None:
    """labelme saves polygons in painter's order; unlabelled islands are `__ignore__`."""
    names = {number: name for number, name, _ in maps.classes} | {UNLABELLED: "__ignore__"}
    for stem, labels in maps.maps.items():
        shapes = [
            {"label": names[number], "points": ring, "shape_type": "polygon"} for number, ring in painters_order(labels)
        ]
        save_labelme(maps, stem, shapes, folder)


# ------------------------------------------------------------------------------------------------ Cityscapes


def read_cityscapes(folder: Path, maps: Maps) -> dict:
    """cityscapesscripts: its table for PNGs of label ids and of train ids; where both are there, they must agree."""
    from cityscapesscripts.helpers.labels import id2label, trainId2label

    labels = {}
    for path in files(folder, "*.png"):
        if path.name.endswith("labelIds.png"):
            table = {number: label.name for number, label in id2label.items() if number >= 0}
        elif path.name.endswith("labelTrainIds.png"):
            table = {number: label.name for number, label in trainId2label.items() if number >= 0}
            table[255] = "unlabeled"
        else:
            continue
        found = gray(path)
        names = [table.get(int(value), "unlabeled") for value in range(256)]
        known = [maps.id_of(name) if name in seen_names(maps) else UNLABELLED for name in names]
        ids = np.array(known, np.uint8)[found]
        strange = [int(value) for value in np.unique(found) if names[value] not in seen_names(maps) | NO_CLASS]
        if strange:
            raise Trouble(f"expected ids of the classes, found {strange}: {path}")
        stem = maps.stem_of(path)
        if stem in labels and not np.array_equal(labels[stem], ids):
            raise Trouble(f"expected the same classes as in the other kind of PNG: {path}")
        labels[stem] = ids
    return labels


def seen_names(maps: Maps) -> set:
    return {name for _, name, _ in maps.classes}


def read_cityscapes_polygons(folder: Path, maps: Maps) -> dict:
    """cityscapesscripts: `createLabelImage` of the polygons, in label ids."""
    from cityscapesscripts.helpers.annotation import Annotation
    from cityscapesscripts.helpers.labels import id2label
    from cityscapesscripts.preparation.json2labelImg import createLabelImage

    labels = {}
    for path in files(folder, "*_polygons.json"):
        annotation = Annotation()
        annotation.fromJsonFile(str(path))
        found = np.array(createLabelImage(annotation, "ids"))
        table = {int(value): maps.id_of(id2label[int(value)].name) for value in np.unique(found)}
        labels[maps.stem_of(path)] = renumbered(found, table, path)
    return labels


def write_cityscapes_polygons(maps: Maps, folder: Path) -> None:
    """cityscapesscripts: its annotation class, polygons in painter's order."""
    from cityscapesscripts.helpers.annotation import Annotation, CsPoly, Point

    names = {number: name for number, name, _ in maps.classes} | {UNLABELLED: "unlabeled"}
    for stem, labels in maps.maps.items():
        annotation = Annotation()
        annotation.imgHeight, annotation.imgWidth = labels.shape
        for index, (number, ring) in enumerate(painters_order(labels)):
            part = CsPoly()
            part.label, part.id, part.verified = names[number], index, 1
            part.polygon = [Point(x, y) for x, y in ring]
            annotation.objects.append(part)
        path = folder / "gtFine" / "train" / stem / f"{stem}_000000_000019_gtFine_polygons.json"
        dump(path, annotation.toJsonText())


def write_cityscapes(maps: Maps, folder: Path) -> None:
    """cityscapesscripts: `json2labelImg` of the polygons, in label ids, train ids and colours."""
    from cityscapesscripts.preparation.json2labelImg import json2labelImg

    write_cityscapes_polygons(maps, folder)
    for path in files(folder, "*_polygons.json"):
        start = str(path).removesuffix("polygons.json")
        for ending, encoding in [("labelIds", "ids"), ("labelTrainIds", "trainIds"), ("color", "color")]:
            json2labelImg(str(path), f"{start}{ending}.png", encoding)
        path.unlink()


# ------------------------------------------------------------------------------------------------ YOLO


def data_yaml(folder: Path) -> dict:
    import yaml

    return yaml.safe_load(files(folder, "data.yaml")[0].read_text(encoding="utf-8"))


def names_of(data: dict) -> dict[int, str]:
    """Names of data.yaml by id: a list or a table."""
    names = data["names"]
    return dict(enumerate(names)) if isinstance(names, list) else {int(key): name for key, name in names.items()}


def read_yolo(folder: Path, maps: Maps) -> dict:
    """supervision: each row as a mask, the smaller painted over the larger (the order of ultralytics)."""
    import supervision as sv

    names = names_of(data_yaml(folder))
    labels = {}
    with tempfile.TemporaryDirectory() as place:
        pictures, rows = Path(place) / "images", Path(place) / "labels"
        rows.mkdir()
        maps.save_pictures(pictures)
        for path in files(folder, "*.txt"):
            if "labels" in path.relative_to(folder).parts:
                shutil.copy(path, rows / f"{maps.stem_of(path)}.txt")
        # supervision numbers the names by their place; ids with gaps need a full list.
        full = [names.get(number, f"unused {number}") for number in range(max(names) + 1)]
        dump(Path(place) / "data.yaml", {"names": full})
        dataset = sv.DetectionDataset.from_yolo(
            str(pictures), str(rows), str(Path(place) / "data.yaml"), force_masks=True
        )
        for path, _, parts in dataset:
            stem = maps.stem_of(path)
            labels[stem] = maps.empty(stem)
            if len(parts) == 0:
                continue
            for index in np.argsort([-int(mask.sum()) for mask in parts.mask], kind="stable"):
                labels[stem][parts.mask[index]] = maps.id_of(full[parts.class_id[index]])
    return labels


def write_yolo(maps: Maps, folder: Path) -> None:
    """supervision: one row for each outline. It loses holes and parts of fewer than three points."""
    import supervision as sv

    pictures = folder / "images" / "train"
    maps.save_pictures(pictures)
    annotations = {}
    for stem in maps.maps:
        found = list(maps.masks(stem))
        path = str(pictures / f"{stem}.png")
        annotations[path] = sv.Detections.empty()
        if found:
            masks = np.array([mask for _, _, _, mask in found])
            places = np.array([place for place, _, _, _ in found])
            annotations[path] = sv.Detections(xyxy=sv.mask_to_xyxy(masks), mask=masks, class_id=places)
    dataset = sv.DetectionDataset([name for _, name, _ in maps.classes], list(annotations), annotations)
    rows = folder / "labels" / "train"
    dataset.as_yolo(annotations_directory_path=str(rows), data_yaml_path=str(folder / "data.yaml"))
    for path in rows.iterdir():
        # A part without an outline becomes a box (5 values); ultralytics refuses boxes among outlines.
        kept = [line for line in path.read_text().splitlines() if len(line.split()) > 5]
        path.write_text("".join(f"{line}\n" for line in kept))


def read_ultralytics(folder: Path, maps: Maps) -> dict:
    """The rules of ultralytics for semantic PNGs, with Pillow: indices, but the grey levels of a grey palette; then
    `label_mapping`; 255 is ignored."""
    data = data_yaml(folder)
    names, masks = names_of(data), data.get("masks_dir", "masks")
    labels = {}
    for path in files(folder, "*.png"):
        if masks not in path.relative_to(folder).parts:
            continue
        image = Image.open(path)
        found = np.array(image)
        if image.mode == "P":
            palette = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
            if (palette == palette[:, :1]).all():
                found = palette[found, 0]
        if image.mode not in {"P", "L"}:
            raise Trouble(f"expected 8-bit grey or a palette, found {image.mode}: {path}")
        mapped = found.copy()
        for before, after in (data.get("label_mapping") or {}).items():
            mapped[found == int(before)] = 255 if after == "ignore_label" else int(after)
        table = {number: maps.id_of(name) for number, name in names.items() if name in seen_names(maps)}
        labels[maps.stem_of(path)] = renumbered(mapped, table | {255: UNLABELLED}, path)
    return labels


def write_ultralytics(maps: Maps, folder: Path) -> None:
    """The documented layout: grey masks, 255 ignored."""
    maps.save_pictures(folder / "images" / "train")
    for stem, labels in maps.maps.items():
        path = folder / "masks" / "train" / f"{stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels).save(path)
    text = "path: .\ntrain: images/train\nval: images/train\nmasks_dir: masks\nnames:\n"
    text += "".join(f"  {number}: {name}\n" for number, name, _ in maps.classes)
    (folder / "data.yaml").write_text(text)


# ------------------------------------------------------------------------------------------------ servers


def read_supervisely(folder: Path, maps: Maps) -> dict:
    """supervisely: a project's annotations, drawn in the order of the file."""
    import supervisely as sly

    root = files(folder, "meta.json")[0].parent
    meta = sly.ProjectMeta.from_json(load(root / "meta.json"))
    labels = {}
    for path in files(root, "*.json"):
        if path.parent.name != "ann":
            continue
        stem = maps.stem_of(path)
        annotation = sly.Annotation.load_json_file(str(path), meta)
        out = labels[stem] = np.full(annotation.img_size, UNLABELLED, np.uint8)
        for label in annotation.labels:
            mask = np.zeros(annotation.img_size, np.uint8)
            label.geometry.draw(mask, 1)
            out[mask == 1] = maps.id_of(label.obj_class.name)
    return labels


def write_supervisely(maps: Maps, folder: Path) -> None:
    """supervisely: a project with bitmaps."""
    import supervisely as sly

    kinds = {name: sly.ObjClass(name, sly.Bitmap, list(color)) for _, name, color in maps.classes}
    project = sly.Project(str(folder), sly.OpenMode.CREATE)
    project.set_meta(sly.ProjectMeta(obj_classes=list(kinds.values())))
    dataset = project.create_dataset("train")
    for stem, labels in maps.maps.items():
        parts = [sly.Label(sly.Bitmap(mask), kinds[name]) for _, _, name, mask in maps.masks(stem)]
        dataset.add_item_np(f"{stem}.png", np.array(maps.picture(stem)), sly.Annotation(labels.shape, parts))


def read_label_studio(folder: Path, maps: Maps) -> dict:
    """label-studio-sdk: the brush decoder, for each region of a task."""
    from label_studio_sdk.converter.brush import decode_rle

    labels = {}
    for path in files(folder, "*.json"):
        tasks = load(path)
        for task in tasks if isinstance(tasks, list) else []:
            stem = maps.stem_of(next(iter(task["data"].values())).split("?d=")[-1])
            labels[stem] = maps.empty(stem)
            for results in task.get("annotations") or task.get("predictions") or []:
                for region in results["result"]:
                    size = region["original_height"], region["original_width"]
                    if size != labels[stem].shape:
                        labels[stem] = np.full(size, UNLABELLED, np.uint8)
                    alpha = decode_rle(region["value"]["rle"]).reshape(*size, 4)[:, :, 3]
                    [name] = region["value"]["brushlabels"]
                    labels[stem][alpha > 0] = maps.id_of(name)
    return labels


def write_label_studio(maps: Maps, folder: Path) -> None:
    """label-studio-sdk: the brush encoder, in tasks as the server exports them."""
    from label_studio_sdk.converter.brush import mask2rle

    tasks = []
    for stem, labels in maps.maps.items():
        height, width = labels.shape
        regions = [
            {
                "id": f"r{place}",
                "type": "brushlabels",
                "from_name": "tag",
                "to_name": "image",
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {"format": "rle", "brushlabels": [name], "rle": mask2rle(mask.astype(np.uint8) * 255)},
            }
            for place, _, name, mask in maps.masks(stem)
        ]
        data = {"image": f"/data/local-files/?d=images/{stem}.png"}
        tasks.append({"id": len(tasks) + 1, "data": data, "annotations": [{"id": len(tasks) + 1, "result": regions}]})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tasks.json").write_text(json.dumps(tasks) + "\n")
    rows = "".join(
        f'    <Label value="{name}" background="#{bytes(color).hex()}" category="{number}"/>\n'
        for number, name, color in maps.classes
    )
    text = f'<View>\n  <Image name="image" value="$image"/>\n  <BrushLabels name="tag" toName="image">\n{rows}'
    (folder / "config.xml").write_text(text + "  </BrushLabels>\n</View>\n")


def read_huggingface(folder: Path, maps: Maps) -> dict:
    """datasets: an image folder or parquet files, with the columns image and label, and id2label.json."""
    import datasets

    names = {int(number): name for number, name in load(files(folder, "id2label.json")[0]).items()}
    table = {number: maps.id_of(name) for number, name in names.items() if name in seen_names(maps)}
    table = {number: UNLABELLED for number, name in names.items() if name.lower() in NO_CLASS} | table
    labels = {}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "data"
        shutil.copytree(folder, root)
        kind = "parquet" if list(root.rglob("*.parquet")) else "imagefolder"
        for path in root.rglob("metadata.jsonl"):
            for line in path.read_text(encoding="utf-8").splitlines():
                picture = path.parent / json.loads(line).get("image_file_name", "")
                if not picture.exists():
                    picture.parent.mkdir(parents=True, exist_ok=True)
                    maps.picture(maps.stem_of(picture)).save(picture)
        datasets.disable_progress_bars()
        options = {"data_dir": str(root), "cache_dir": str(Path(place) / "cache")}
        for split in datasets.load_dataset(kind, **options).values():
            paths = split.cast_column("label", datasets.Image(decode=False))["label"]
            for row, path in zip(split, paths, strict=True):
                found = np.array(row["label"])
                labels[maps.stem_of(path["path"])] = renumbered(found, table | {255: UNLABELLED}, path["path"])
    return labels


def write_huggingface(maps: Maps, folder: Path) -> None:
    """The documented image folder: pictures, palette PNGs and metadata.jsonl; `read` checks it with datasets."""
    maps.save_pictures(folder / "train")
    lines = ""
    for stem, labels in maps.maps.items():
        image = Image.fromarray(labels)
        image.putpalette(maps.palette())
        image.save(folder / "train" / f"{stem}_label.png")
        lines += json.dumps({"image_file_name": f"{stem}.png", "label_file_name": f"{stem}_label.png"}) + "\n"
    (folder / "train" / "metadata.jsonl").write_text(lines)
    dump(folder / "id2label.json", {str(number): name for number, name, _ in maps.classes})


# ------------------------------------------------------------------------------------------------ folders of PNGs


def read_mmseg(folder: Path, maps: Maps) -> dict:
    """The rules of mmsegmentation's loader, with Pillow: samples unchanged, cast to 8 bits, 255 ignored."""
    found = [path for path in files(folder, "*.png") if "ann_dir" in path.relative_to(folder).parts]
    return {maps.stem_of(path): renumbered(gray(path).astype(np.uint8), own_ids(maps), path) for path in found}


def write_mmseg(maps: Maps, folder: Path) -> None:
    """The documented layout: img_dir and ann_dir, palette PNGs."""
    maps.save_pictures(folder / "img_dir" / "train")
    (folder / "ann_dir" / "train").mkdir(parents=True)
    write_index(maps, folder / "ann_dir" / "train")


def read_ade20k(folder: Path, maps: Maps) -> dict:
    """Pillow, challenge maps: 0 is unlabelled, other ids are one more than the class."""
    table = {number + 1: number for number, _, _ in maps.classes} | {0: UNLABELLED}
    found = [path for path in files(folder, "*.png") if "images" not in path.relative_to(folder).parts]
    return {maps.stem_of(path): renumbered(gray(path), table, path) for path in found}


def write_ade20k(maps: Maps, folder: Path) -> None:
    """Pillow: grey challenge maps in annotations/training."""
    (folder / "annotations" / "training").mkdir(parents=True)
    for stem, labels in maps.maps.items():
        # 255 + 1 is 0 in 8 bits.
        Image.fromarray(labels + np.uint8(1)).save(folder / "annotations" / "training" / f"{stem}.png")


def read_index(folder: Path, maps: Maps) -> dict:
    """Pillow: ids as they are."""
    return {maps.stem_of(path): renumbered(gray(path), own_ids(maps), path) for path in files(folder, "*.png")}


def write_index(maps: Maps, folder: Path) -> None:
    """Pillow: palette PNGs."""
    for stem, labels in maps.maps.items():
        image = Image.fromarray(labels)
        image.putpalette(maps.palette())
        folder.mkdir(parents=True, exist_ok=True)
        # All 256 entries and 8 bits, also when few ids are used.
        image.save(folder / f"{stem}.png", bits=8)


@dataclass
class Format:
    """A format: how it is read and written, its client's package, the class set that it needs, and the package that
    writes where that is another one."""

    read: object
    write: object
    client: str
    classes: str = "plain"
    writer: str = ""


FORMATS = {
    "coco-rle": Format(read_coco, write_coco_rle, "pycocotools"),
    "coco-polygons": Format(read_coco, write_coco_polygons, "pycocotools", writer="datumaro"),
    "coco-panoptic": Format(read_coco_panoptic, write_coco_panoptic, "datumaro"),
    "coco-stuff": Format(read_coco_stuff, write_coco_stuff, "pillow", "coco-stuff"),
    "labelme": Format(read_labelme, write_labelme, "labelme"),
    "labelme-polygons": Format(read_labelme, write_labelme_polygons, "labelme"),
    "cvat": Format(read_cvat, write_cvat, "datumaro"),
    "cvat-masks": Format(read_voc, write_cvat_masks, "datumaro"),
    "yolo": Format(read_yolo, write_yolo, "supervision"),
    "ultralytics": Format(read_ultralytics, write_ultralytics, "pillow"),
    "voc": Format(read_voc, write_voc, "datumaro", "voc"),
    "cityscapes": Format(read_cityscapes, write_cityscapes, "cityscapesscripts", "cityscapes"),
    "cityscapes-polygons": Format(
        read_cityscapes_polygons, write_cityscapes_polygons, "cityscapesscripts", "cityscapes"
    ),
    "camvid": Format(read_camvid, write_camvid, "datumaro"),
    "datumaro": Format(read_datumaro, write_datumaro, "datumaro"),
    "supervisely": Format(read_supervisely, write_supervisely, "supervisely"),
    "label-studio": Format(read_label_studio, write_label_studio, "label-studio-sdk"),
    "huggingface": Format(read_huggingface, write_huggingface, "datasets", writer="pillow"),
    "mmseg": Format(read_mmseg, write_mmseg, "pillow"),
    "ade20k": Format(read_ade20k, write_ade20k, "pillow", "ade20k"),
    "index": Format(read_index, write_index, "pillow"),
}


# ------------------------------------------------------------------------------------------------ commands


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def different_pixels(found: dict, maps: Maps) -> dict[str, int]:
    """Pixels of each map that are not as expected; all of them where a map is missing or has another size."""
    wrong = {}
    for stem, labels in maps.maps.items():
        other = found.get(stem)
        same_size = other is not None and other.shape == labels.shape
        wrong[stem] = int((other != labels).sum()) if same_size else labels.size
    return wrong


def read_command(name: str, folder: Path, maps: Maps) -> int:
    found = FORMATS[name].read(folder, maps)
    wrong = different_pixels(found, maps)
    equal = sum(count == 0 for count in wrong.values())
    print(f"{name}: {equal} of {len(wrong)} pictures equal")
    for stem, count in wrong.items():
        if count:
            why = "pixels differ" if stem in found else "pixels: no labels found"
            print(f"  {stem}: {count} of {maps.maps[stem].size} {why}")
    return int(equal < len(wrong))


def write_command(name: str, maps: Maps, folder: Path) -> None:
    """Writes, reads back, and keeps what the client reads beside the folder where that is not the maps."""
    folder.mkdir(parents=True, exist_ok=True)
    FORMATS[name].write(maps, folder)
    found = FORMATS[name].read(folder, maps)
    if lost := sum(different_pixels(found, maps).values()):
        expected = folder.parent / f"{folder.name}-expected"
        save_maps(Maps(found, maps.classes), expected)
        print(f"{name}: the client loses {lost} pixels of its own; compare with what it reads itself: {expected}")


def tiny_maps(classes, holes: bool) -> Maps:
    """Two maps of at most 12 x 9 pixels: a hole with an island, a diagonal touch, single pixels, all borders."""
    first = (
        "000000001111 022222001131 020002001111 020302000111 020002.00011 "
        "022222..0001 000000...000 4444....1.44 44444..11144"
    )
    if not holes:
        first = first.replace("022222", "033333").replace("020002", "033333").replace("020302", "033333")
        first = first.replace("131", "111")
    second = "0..1. .0.1. ..211 22221 3...4" if holes else "00001 00011 000.1 22233 222.3"
    drawn = [first, second]
    ids = {str(place): number for place, (number, _, _) in enumerate(classes)} | {".": UNLABELLED}
    maps = [np.array([[ids[sign] for sign in line] for line in text.split()], np.uint8) for text in drawn]
    return Maps(dict(zip(["a", "b"], maps, strict=True)), classes)


def frozen_command(folder: Path, names: list[str]) -> None:
    """Writes fixtures, and a line on each in README.md."""
    readme = folder / "README.md"
    old = readme.read_text(encoding="utf-8").splitlines() if readme.exists() else []
    rows = {line.split("|")[1].strip(" `"): line for line in old if line.startswith("| `")}
    for name in names:
        form = FORMATS[name]
        # Outlines without holes lie over each other, and COCO says nothing on which is above: none there.
        maps = tiny_maps(CLASS_SETS[form.classes], holes=name != "coco-polygons")
        place = folder / name
        shutil.rmtree(place, ignore_errors=True)
        (place / "files").mkdir(parents=True)
        form.write(maps, place / "files")
        found = form.read(place / "files", maps)
        lost = sum(different_pixels(found, maps).values())
        save_maps(Maps(found, maps.classes), place / "expected")
        how = form.write.__doc__.split("\n")[0].strip().removesuffix(".")
        reads = "the drawn maps" if not lost else f"what the reader gets: {lost} pixels are not as drawn"
        writer = form.writer or form.client
        versions = f"{writer} {version(writer)} | {form.client} {version(form.client)}"
        rows[name] = f"| `{name}` | {versions} | {how} | {reads} |"
        print(f"{name}: {lost} pixels differ from the drawn maps")
    head = (
        "# Label files as other programs write them\n\n"
        "Two small maps for each format, made with `scripts/reference_clients.py frozen` by the programs named here.\n"
        "`files` is what was written, `expected` holds the index maps and their classes. There, 255 is unlabelled;\n"
        "the files say `background` (VOC, CVAT masks, CamVid), `unlabeled` (Cityscapes), `__ignore__` (labelme\n"
        "polygons), 0 (ADE20K) or nothing. Classes are the same where their names are: ids may differ. The reader of\n"
        "yolo rounds coordinates, and paints smaller parts over larger ones.\n\n"
        "| format | written by | read by | how | expected |\n| --- | --- | --- | --- | --- |\n"
    )
    readme.write_text(head + "\n".join(rows[name] for name in FORMATS if name in rows) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("maps", help="write random index maps")
    make.add_argument("dir", type=Path)
    make.add_argument("--classes", choices=CLASS_SETS, default="plain")
    make.add_argument("--count", type=int, default=30)
    make.add_argument("--seed", type=int, default=20)
    make.add_argument("--pictures", type=Path, help="write a picture for each map here")
    read = commands.add_parser("read", help="compare files of Segscope with the maps that they were written from")
    read.add_argument("format", choices=FORMATS)
    read.add_argument("dir", type=Path)
    read.add_argument("maps", type=Path)
    write = commands.add_parser("write", help="let the client write the maps")
    write.add_argument("format", choices=FORMATS)
    write.add_argument("maps", type=Path)
    write.add_argument("dir", type=Path)
    frozen = commands.add_parser("frozen", help="write small fixtures")
    frozen.add_argument("dir", type=Path)
    frozen.add_argument("formats", nargs="+", choices=FORMATS, metavar="FORMAT")
    commands.add_parser("formats", help="list formats, their clients and class sets")
    given = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        if given.command == "maps":
            maps = random_maps(CLASS_SETS[given.classes], given.count, given.seed)
            save_maps(maps, given.dir)
            if given.pictures:
                maps.save_pictures(given.pictures)
        elif given.command == "read":
            return read_command(given.format, given.dir, load_maps(given.maps))
        elif given.command == "write":
            if given.dir.exists() and any(given.dir.iterdir()):
                raise Trouble(f"expected an empty folder, found files in it: {given.dir}")
            write_command(given.format, load_maps(given.maps), given.dir)
        elif given.command == "frozen":
            frozen_command(given.dir, given.formats)
        else:
            for name, form in FORMATS.items():
                there = version(form.client) or "not installed here"
                print(f"{name:20} {form.client:18} {there:20} maps of --classes {form.classes}")
    except Trouble as why:
        print(f"error: {why}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as why:
        print(f"error: the client is not in this environment ({why}); see --help", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
