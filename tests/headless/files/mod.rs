//! Model files and pictures from outside: sound ones of every layout, wrong ones, damaged ones.

mod bits;
mod damaged_models;
mod damaged_pictures;
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
