//! Label formats of other tools: read, written, and compared to the pixel.
//!
//! A format reads a folder or a file as a [`LabelReader`], image by image, and writes one as a [`LabelWriter`]. Both
//! speak of [`LabelledImage`]s and [`LabelClasses`]; [`UNLABELLED`](crate::annotate::UNLABELLED) marks pixels without a
//! class.

mod class_file;
mod classes;
mod colors;
mod conversion;
#[cfg(test)]
mod damage;
mod error;
mod files;
mod format;
mod format_list;
mod formats;
#[cfg(test)]
mod frozen;
mod hex;
#[cfg(test)]
mod hostile;
mod id_png_writer;
mod id_pngs;
mod image;
mod json_elements;
mod json_list;
mod mapping;
mod masks;
mod npy_file;
mod outline;
mod outline_writer;
mod polygons;
mod rle;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod sample;
mod unpacked;

pub use class_file::ClassFile;
pub use classes::{LabelClass, LabelClasses};
pub use conversion::{Loss, Source, Stop, stem};
pub use error::InterchangeError;
pub use format::Format;
pub use formats::segscope::below_images;
pub use image::{LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices};
pub use mapping::Mapping;
pub use unpacked::Unpacked;
