//! What was done to a label image to get its map.

/// How many colours without a class are named.
const NAMED: usize = 16;

/// What became of the pixels of an image. Numbers are pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// With exactly the colour or value of a class, or of unlabelled pixels.
    pub exact: u64,
    /// Given the class of the nearest colour.
    pub nearest: u64,
    /// Given a class because their colour is a blend between two regions.
    pub blended: u64,
    /// Of these, given another class that is around them, because lossy compression smears colours at edges.
    pub smoothed: u64,
    /// Colours without a class with their pixels, most frequent first; at most 16. Their pixels are unlabelled.
    pub left: Vec<([u8; 3], u64)>,
    /// Values without a class with their pixels, most frequent first; at most 16. Their pixels are unlabelled.
    pub unknown: Vec<(u16, u64)>,
    /// All pixels of colours or values without a class.
    pub left_pixels: u64,
    /// Ids of classes with narrow parts between two others whose blend has the class's colour. Such parts may be edges
    /// instead of this class. They are kept.
    pub thin: Vec<(u16, u64)>,
    /// That are not opaque. Their colours count all the same.
    pub translucent: u64,
    /// Whose colours were rounded from 16 to 8 bits per channel.
    pub rounded: u64,
    /// Whether the compression of the file changes colours.
    pub lossy: bool,
}

impl Repairs {
    /// Whether the map is certain: each pixel has exactly the colour or value of a class.
    pub fn none(&self) -> bool {
        let counts = [
            self.nearest,
            self.blended,
            self.smoothed,
            self.left_pixels,
            self.translucent,
            self.rounded,
        ];
        counts.iter().all(|count| *count == 0) && self.thin.is_empty() && !self.lossy
    }

    /// Sets the colours without a class.
    pub(super) fn leave(&mut self, colors: impl IntoIterator<Item = ([u8; 3], u64)>) {
        self.left = colors.into_iter().collect();
        self.left_pixels += self.left.iter().map(|(_, pixels)| pixels).sum::<u64>();
        most_frequent(&mut self.left);
    }

    /// Sets the values without a class.
    pub(super) fn leave_values(&mut self, values: impl IntoIterator<Item = (u16, u64)>) {
        self.unknown = values.into_iter().collect();
        self.left_pixels += self.unknown.iter().map(|(_, pixels)| pixels).sum::<u64>();
        most_frequent(&mut self.unknown);
    }

    /// What was done, in a sentence that begins with the name of the image; `None` when nothing was.
    pub fn sentence(&self, image: &str) -> Option<String> {
        if self.none() {
            return None;
        }
        let mut parts = Vec::new();
        if self.lossy {
            parts.push("the file's compression changes colours, so small parts are uncertain".to_owned());
        }
        let counted = [
            (self.nearest, "got the class of the nearest colour"),
            (self.blended, "with a blend of two classes got one of them"),
            (self.smoothed, "of these got another class that is around them"),
            (self.translucent, "are not opaque, which was ignored"),
            (self.rounded, "were rounded to 8 bits per channel"),
        ];
        let counted = counted.iter().filter(|(pixels, _)| *pixels > 0);
        parts.extend(counted.map(|(pixels, done)| format!("{pixels} pixels {done}")));
        if self.left_pixels > 0 {
            let colors = self
                .left
                .iter()
                .take(3)
                .map(|([r, g, b], pixels)| format!("#{r:02x}{g:02x}{b:02x} ({pixels})"));
            let values = self
                .unknown
                .iter()
                .take(3)
                .map(|(value, pixels)| format!("value {value} ({pixels})"));
            let named: Vec<String> = colors.chain(values).collect();
            let pixels = self.left_pixels;
            parts.push(format!(
                "{pixels} pixels have no class and are unlabelled, such as {}",
                named.join(", ")
            ));
        }
        for (id, pixels) in &self.thin {
            parts.push(format!(
                "{pixels} pixels of class {id} are narrow strips that may be blends of the classes beside them"
            ));
        }
        Some(format!("{image}: {}.", parts.join("; ")))
    }
}

/// Keeps the most frequent.
fn most_frequent<T: Ord + Copy>(counted: &mut Vec<(T, u64)>) {
    counted.sort_unstable_by_key(|(what, pixels)| (u64::MAX - pixels, *what));
    counted.truncate(NAMED);
}
