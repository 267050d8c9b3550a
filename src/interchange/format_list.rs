//! The list of formats.

use std::path::Path;

use super::LabelClasses;
use super::format::{Create, Format, Open};
use super::formats::{
    ade20k, ade20k_full, bdd100k, camvid, cityscapes, cityscapes_polygons, coco, coco_stuff, color, cvat, cvat_masks,
    datumaro, geojson, huggingface, index, kitti, label_studio, labelme, labelme_polygons, mmseg, npy, panoptic,
    segscope, supervisely, svg, ultralytics, vistas, voc, yolo,
};

/// A format without files yet: key, title, and what is in its files.
const fn format(key: &'static str, title: &'static str, about: &'static str) -> Format {
    Format {
        key,
        title,
        about,
        exact: true,
        open: None,
        create: None,
        is: None,
        classes: None,
    }
}

impl Format {
    const fn read(self, open: Open, is: fn(&Path) -> bool) -> Self {
        Self {
            open: Some(open),
            is: Some(is),
            ..self
        }
    }

    const fn written(self, create: Create) -> Self {
        Self {
            create: Some(create),
            ..self
        }
    }

    /// It loses pixels of some maps.
    const fn lossy(self) -> Self {
        Self { exact: false, ..self }
    }

    /// It has these classes and no others.
    const fn with(self, classes: fn() -> LabelClasses) -> Self {
        Self {
            classes: Some(classes),
            ..self
        }
    }
}

/// All formats, in the order in which they are offered.
#[rustfmt::skip]
pub(super) const FORMATS: &[Format] = &[
    format("index", "Index PNG", "one grey or indexed PNG of class ids per image").read(index::open, index::is).written(index::create),
    format("color", "Colour PNG", "one PNG of class colours per image, with a legend").read(color::open, color::is).written(color::create),
    format("segscope", "Segscope project", "class list and one PNG of class ids per image").read(segscope::open, segscope::is).written(segscope::create),
    format("coco-rle", "COCO, RLE", "one JSON file, exact masks").read(coco::open, coco::is).written(coco::create_rle),
    format("coco-polygons", "COCO, polygons", "one JSON file, outlines along pixel edges").read(coco::open, coco::is).written(coco::create_polygons),
    format("coco-panoptic", "COCO panoptic", "one JSON file and a PNG per image").read(panoptic::open, panoptic::is).written(panoptic::create),
    format("coco-stuff", "COCO-Stuff", "one PNG per image, names in labels.txt").read(coco_stuff::open, coco_stuff::is).written(coco_stuff::create),
    format("cvat", "CVAT for images 1.1", "one XML file, exact masks").read(cvat::open, cvat::is).written(cvat::create),
    format("cvat-masks", "CVAT segmentation mask 1.1", "one colour PNG per image and labelmap.txt").read(cvat_masks::open, cvat_masks::is).written(cvat_masks::create).lossy(),
    format("labelme", "labelme, masks", "one JSON file per image, exact masks").read(labelme::open, labelme::is).written(labelme::create),
    format("labelme-polygons", "labelme, polygons", "one JSON file per image, outlines in painter's order").read(labelme::open, labelme::is).written(labelme_polygons::create),
    format("yolo", "YOLO segments", "rows of polygons per image, and data.yaml").read(yolo::open, yolo::is).written(yolo::create).lossy(),
    format("ultralytics", "Ultralytics semantic", "one PNG of class ids per image, and data.yaml").read(ultralytics::open, ultralytics::is).written(ultralytics::create),
    format("voc", "Pascal VOC", "one indexed PNG per image, 21 classes").read(voc::open, voc::is).written(voc::create).with(voc::classes),
    format("cityscapes", "Cityscapes", "one PNG of label ids per image, 34 classes").read(cityscapes::open, cityscapes::is).written(cityscapes::create).with(cityscapes::classes).lossy(),
    format("cityscapes-submission", "Cityscapes, submission", "one PNG of label ids per image, named as the server wants").written(cityscapes::create_submission).with(cityscapes::classes).lossy(),
    format("cityscapes-polygons", "Cityscapes, polygons", "one JSON file per image, outlines in painter's order").read(cityscapes_polygons::open, cityscapes_polygons::is).written(cityscapes_polygons::create),
    format("ade20k", "ADE20K", "one PNG per image, 150 classes").read(ade20k::open, ade20k::is).written(ade20k::create).with(ade20k::classes),
    format("ade20k-full", "ADE20K, full", "classes and instances in colours, names in a file beside").read(ade20k_full::open, ade20k_full::is),
    format("camvid", "CamVid", "one colour PNG per image and label_colors.txt").read(camvid::open, camvid::is).written(camvid::create).lossy(),
    format("vistas", "Mapillary Vistas", "one indexed PNG per image and config.json").read(vistas::open, vistas::is).written(vistas::create).lossy(),
    format("kitti", "KITTI", "one PNG of Cityscapes label ids per image").read(kitti::open, kitti::is).written(kitti::create).with(kitti::classes).lossy(),
    format("bdd100k", "BDD100K", "masks of train ids, or bitmasks").read(bdd100k::open, bdd100k::is),
    format("datumaro", "Datumaro", "one JSON file per subset, exact masks").read(datumaro::open, datumaro::is).written(datumaro::create),
    format("supervisely", "Supervisely", "one JSON file per image, exact bitmaps").read(supervisely::open, supervisely::is).written(supervisely::create),
    format("label-studio", "Label Studio", "tasks with brush masks, and the interface as XML").read(label_studio::open, label_studio::is).written(label_studio::create),
    format("huggingface", "Hugging Face", "folder of images and labels, metadata.jsonl").read(huggingface::open, huggingface::is).written(huggingface::create),
    format("mmseg", "mmsegmentation", "folders img_dir and ann_dir").read(mmseg::open, mmseg::is).written(mmseg::create),
    format("npy", "NumPy", "one array of class ids per image").read(npy::open, npy::is).written(npy::create),
    format("svg", "SVG", "one drawing of paths per image").written(svg::create),
    format("geojson", "GeoJSON", "one file of outlines in pixels per image").written(geojson::create),
];

/// Keys of the formats that are recognised by content, the most characteristic first. Of formats with one reader, the
/// first stands for all.
pub(super) const RECOGNISED: &[&str] = &[
    "segscope",
    "cvat",
    "datumaro",
    "label-studio",
    "supervisely",
    "cityscapes-polygons",
    "labelme",
    "coco-panoptic",
    "coco-rle",
    "ultralytics",
    "yolo",
    "cityscapes",
    "kitti",
    "cvat-masks",
    "camvid",
    "vistas",
    "ade20k",
    "ade20k-full",
    "huggingface",
    "mmseg",
    "bdd100k",
    "voc",
    "coco-stuff",
    "index",
    "color",
    "npy",
];
