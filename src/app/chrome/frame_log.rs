//! Writes the times of every frame to a file, for measuring the program from outside.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::frame_times::FrameTime;

/// Number of frames that may wait for the disk, a minute's worth. More are left out, as the frame numbers show.
const WAITING: usize = 4096;

/// A CSV file that a separate thread writes: frame, processor time and elapsed time in milliseconds.
pub(in crate::app) struct FrameLog {
    /// `None` only when the file is being closed.
    sender: Option<Sender<FrameTime>>,
    writer: Option<JoinHandle<()>>,
}

impl FrameLog {
    /// Creates the file, replacing an existing one. It waits for the disk, so call it before the window opens.
    ///
    /// # Errors
    /// When the file cannot be created or the thread cannot be started.
    pub(in crate::app) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let (sender, frames) = bounded(WAITING);
        let name = path.display().to_string();
        let writer = Builder::new().name("frame log".into()).spawn(move || {
            if let Err(error) = write_lines(file, &frames) {
                log::warn!("frame times are no longer written ({error}); free some space and start again: {name}");
            }
        })?;
        Ok(Self {
            sender: Some(sender),
            writer: Some(writer),
        })
    }

    /// Passes a frame to the thread without waiting.
    pub(in crate::app) fn write(&self, frame: FrameTime) {
        if let Some(sender) = &self.sender {
            sender.try_send(frame).ok();
        }
    }
}

impl Drop for FrameLog {
    /// Waits until the file is complete.
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(writer) = self.writer.take() {
            writer.join().ok();
        }
    }
}

/// Writes until the last sender is gone. The file is complete whenever no frame is waiting.
fn write_lines(mut file: impl Write, frames: &Receiver<FrameTime>) -> io::Result<()> {
    writeln!(file, "frame,cpu_ms,wall_ms")?;
    while let Ok(first) = frames.recv() {
        for frame in std::iter::once(first).chain(frames.try_iter()) {
            let [cpu, wall] = [frame.cpu, frame.wall].map(|time| time.as_secs_f64() * 1e3);
            writeln!(file, "{},{cpu:.3},{wall:.3}", frame.number)?;
        }
        file.flush()?;
    }
    file.flush()
}
