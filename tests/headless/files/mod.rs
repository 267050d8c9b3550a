//! Model files and images from other programs: valid files of every layout, wrong files and damaged files.

mod bits;
mod damaged_images;
mod damaged_models;
mod damaged_texts;
mod ends;
mod hostile;
mod layouts;
mod mutation;
mod one_channel;
mod pickled;
mod side_files;
mod survival;
mod tagged;
mod tiff;
mod torch_writer;
mod wrappers;
