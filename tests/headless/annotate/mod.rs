//! Label files that are edited: what survives when the program is killed, and the thread that writes them.

mod annotator;
mod kills;
