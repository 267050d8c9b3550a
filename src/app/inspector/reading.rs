//! The reading of one pixel.

use crate::labels::ClassSet;

/// A pixel's colour and its most probable classes.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct Reading {
    pub(in crate::app) pixel: [usize; 2],
    /// Colour of the photo at the pixel.
    pub(in crate::app) color: [u8; 3],
    /// Class ids and probabilities, best first; at most three.
    pub(in crate::app) best: Vec<(u16, f32)>,
}

impl Reading {
    /// Probability of the best class minus that of the second.
    pub(in crate::app) fn margin(&self) -> Option<f32> {
        let second = self.best.get(1).map_or(0.0, |b| b.1);
        self.best.first().map(|b| b.1 - second)
    }

    /// The reading as text, for the clipboard.
    pub(in crate::app) fn text(&self, image: &str, classes: &ClassSet) -> String {
        let [x, y] = self.pixel;
        let [r, g, b] = self.color;
        let mut text = format!("{image}\nx {x}, y {y}\nred {r}, green {g}, blue {b}\n");
        for (id, probability) in &self.best {
            text += &format!("{}: {:.1} %\n", classes.label(*id), probability * 100.0);
        }
        if let Some((margin, (second, _))) = self.margin().zip(self.best.get(1)) {
            text += &format!("{:.1} points ahead of {}\n", margin * 100.0, classes.label(*second));
        }
        text
    }
}
