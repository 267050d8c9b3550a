//! Model files and pictures from outside: sound ones of every layout, wrong ones, damaged ones.

mod hostile;
mod layouts;
mod mutation;
mod one_channel;
mod pickled;
mod side_files;
