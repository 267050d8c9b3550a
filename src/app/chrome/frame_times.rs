//! Measures how long the window's own work takes in each frame.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

use super::frame_log::FrameLog;

/// Maximum number of frames whose times are kept.
const KEPT: usize = 600;

/// The window's work in one frame, between [`FrameTimes::start`] and [`FrameTimes::stop`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct FrameTime {
    /// egui's frame number.
    pub(in crate::app) number: u64,
    /// Processor time of this thread. Drawing by a software adapter happens on other threads and is not included.
    pub(in crate::app) cpu: Duration,
    /// Elapsed time.
    pub(in crate::app) wall: Duration,
}

/// Median, 99th percentile and maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Spread {
    pub(in crate::app) median: Duration,
    pub(in crate::app) p99: Duration,
    pub(in crate::app) max: Duration,
}

impl Spread {
    /// Computes them by nearest rank: the value that the given share of all values do not exceed. Zero without values.
    pub(in crate::app) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut sorted: Vec<Duration> = times.into_iter().collect();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self {
            median: at(50),
            p99: at(99),
            max: at(100),
        }
    }
}

/// A running measurement.
#[must_use = "a measurement counts only when it is passed to FrameTimes::stop"]
pub(in crate::app) struct Started {
    cpu: Option<ThreadTime>,
    wall: Instant,
}

/// The times of the newest frames.
#[derive(Default)]
pub(in crate::app) struct FrameTimes {
    frames: VecDeque<FrameTime>,
    log: Option<FrameLog>,
}

impl FrameTimes {
    /// Starts without frames. Every frame is also written to `log`, if there is one.
    pub(in crate::app) fn new(log: Option<FrameLog>) -> Self {
        Self {
            frames: VecDeque::with_capacity(KEPT),
            log,
        }
    }

    /// Starts a measurement on this thread.
    pub(in crate::app) fn start() -> Started {
        Started {
            // Some systems have no clock per thread; there the processor time is zero.
            cpu: ThreadTime::try_now().ok(),
            wall: Instant::now(),
        }
    }

    /// Ends a measurement. Those of the same frame, given by egui's frame number, are added up.
    pub(in crate::app) fn stop(&mut self, started: Started, frame: u64) {
        let cpu = started.cpu.and_then(|cpu| cpu.try_elapsed().ok()).unwrap_or_default();
        self.add(FrameTime {
            number: frame,
            cpu,
            wall: started.wall.elapsed(),
        });
    }

    fn add(&mut self, part: FrameTime) {
        if let Some(last) = self.frames.back_mut().filter(|last| last.number == part.number) {
            last.cpu += part.cpu;
            last.wall += part.wall;
            return;
        }
        // The previous frame is complete now.
        if let (Some(log), Some(complete)) = (&self.log, self.frames.back()) {
            log.write(*complete);
        }
        if self.frames.len() >= KEPT {
            self.frames.pop_front();
        }
        self.frames.push_back(part);
    }

    /// The newest frames, oldest first.
    pub(in crate::app) fn frames(&self) -> impl DoubleEndedIterator<Item = &FrameTime> + ExactSizeIterator {
        self.frames.iter()
    }

    /// The spread of the processor times.
    pub(in crate::app) fn cpu(&self) -> Spread {
        Spread::of(self.frames.iter().map(|frame| frame.cpu))
    }

    /// The spread of the elapsed times.
    pub(in crate::app) fn wall(&self) -> Spread {
        Spread::of(self.frames.iter().map(|frame| frame.wall))
    }
}

impl Drop for FrameTimes {
    fn drop(&mut self) {
        if let (Some(log), Some(last)) = (&self.log, self.frames.back()) {
            log.write(*last);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FrameTime, FrameTimes, KEPT, Spread};
    use crate::app::chrome::frame_log::FrameLog;

    fn frame(number: u64, milliseconds: u64) -> FrameTime {
        let time = Duration::from_millis(milliseconds);
        FrameTime {
            number,
            cpu: time,
            wall: 2 * time,
        }
    }

    #[test]
    fn median_percentile_and_maximum_are_by_nearest_rank() {
        let times = |range: std::ops::RangeInclusive<u64>| Spread::of(range.rev().map(Duration::from_millis));
        let ms = Duration::from_millis;
        let hundred = times(1..=100);
        assert_eq!((hundred.median, hundred.p99, hundred.max), (ms(50), ms(99), ms(100)));
        let three = times(1..=3);
        assert_eq!((three.median, three.p99, three.max), (ms(2), ms(3), ms(3)));
        let one = times(7..=7);
        assert_eq!((one.median, one.p99, one.max), (ms(7), ms(7), ms(7)));
        assert_eq!(Spread::of([]), Spread::default());
    }

    #[test]
    fn parts_of_a_frame_are_added_up_and_old_frames_are_dropped() {
        let mut times = FrameTimes::default();
        times.add(frame(1, 3));
        times.add(frame(1, 4));
        assert_eq!((times.frames().len(), times.cpu().max), (1, Duration::from_millis(7)));
        assert_eq!(times.wall().max, Duration::from_millis(14));
        for number in 2..=KEPT as u64 + 1 {
            times.add(frame(number, 1));
        }
        assert_eq!(
            (times.frames().len(), times.cpu().max),
            (KEPT, Duration::from_millis(1))
        );
    }

    #[test]
    fn work_is_measured() {
        let mut times = FrameTimes::default();
        times.stop(FrameTimes::start(), 1);
        times.stop(FrameTimes::start(), 2);
        let numbers: Vec<u64> = times.frames().map(|frame| frame.number).collect();
        assert_eq!(numbers, [1, 2]);
    }

    #[test]
    fn every_frame_is_a_line_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("frames.csv");
        let mut times = FrameTimes::new(Some(FrameLog::create(&path).expect("a file")));
        for part in [frame(4, 1), frame(4, 2), frame(5, 10)] {
            times.add(part);
        }
        drop(times);
        let text = std::fs::read_to_string(&path).expect("the file");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines, ["frame,cpu_ms,wall_ms", "4,3.000,6.000", "5,10.000,20.000"]);
    }
}
