//! What is seen in the window.

use segscope::photo::Photo;

/// Half the side of the square that a colour is the mean of, in pixels.
const REACH: usize = 5;

/// A screenshot of the window.
pub struct Screen(pub Photo);

/// A place of the sample picture, as fractions of its width and height, amid one class and far from messages.
#[derive(Clone, Copy)]
pub struct Place([f64; 2]);

/// Bare tarmac, neither in shadow nor near a line.
pub const ROAD: Place = Place([0.57, 0.78]);

/// Clouds.
pub const SKY: Place = Place([0.47, 0.22]);

impl Place {
    /// Where it is on the screen while the whole picture is shown and the panels have their first widths.
    pub fn on(self, screen: &Screen) -> [usize; 2] {
        let (width, height) = (screen.0.width as f64, screen.0.height as f64);
        let [left, right, top, bottom] = AROUND;
        let [room_x, room_y] = [width - left - right - 16.0, height - top - bottom - 16.0];
        let zoom = (room_x / SAMPLE[0]).min(room_y / SAMPLE[1]);
        let middle = [(left + width - right) / 2.0, (top + height - bottom) / 2.0];
        [0, 1].map(|i| (middle[i] + (self.0[i] - 0.5) * SAMPLE[i] * zoom) as usize)
    }

    /// Its colour in the picture itself.
    pub fn of_photo(self, photo: &Photo) -> [i32; 3] {
        mean(photo, [0, 1].map(|i| (self.0[i] * SAMPLE[i]) as usize))
    }
}

/// Widths of picture list and inspector, heights of top bar and status bar at the first start, in points. A few more or
/// less do no harm here.
const AROUND: [f64; 4] = [200.0, 270.0, 64.0, 28.0];

/// Width and height of the sample picture.
const SAMPLE: [f64; 2] = [1280.0, 960.0];

impl Screen {
    /// The colour at a place of the sample picture.
    pub fn at(&self, place: Place) -> [i32; 3] {
        mean(&self.0, place.on(self))
    }

    /// Colour of the panel that holds the list of pictures, below its last row.
    pub fn panel(&self) -> [i32; 3] {
        mean(&self.0, [100, self.0.height - 60])
    }

    /// How many pixels have exactly this colour.
    pub fn count(&self, color: [u8; 3]) -> usize {
        self.0.rgb.chunks_exact(3).filter(|pixel| *pixel == color).count()
    }

    /// How many pixels differ from those of another look at the same window.
    pub fn differing(&self, other: &Self) -> usize {
        let (mine, others) = (self.0.rgb.chunks_exact(3), other.0.rgb.chunks_exact(3));
        mine.zip(others).filter(|(a, b)| a != b).count()
    }

    /// The canvas with what lies over it, without panels and bars.
    pub fn canvas(&self) -> Vec<u8> {
        let [left, right, top, bottom] = AROUND.map(|points| points as usize);
        self.part([left, top], [self.0.width - right, self.0.height - bottom])
    }

    /// The middle of the picture, without the places where messages and the minimap come and go.
    pub fn middle(&self) -> Vec<u8> {
        self.part(Place([0.2, 0.25]).on(self), Place([0.8, 0.7]).on(self))
    }

    fn part(&self, [left, top]: [usize; 2], [right, bottom]: [usize; 2]) -> Vec<u8> {
        let row = |y: usize| &self.0.rgb[(y * self.0.width + left) * 3..(y * self.0.width + right) * 3];
        (top..bottom).flat_map(row).copied().collect()
    }
}

fn mean(photo: &Photo, [x, y]: [usize; 2]) -> [i32; 3] {
    let mut sum = [0; 3];
    for y in y - REACH..=y + REACH {
        for x in x - REACH..=x + REACH {
            let pixel = photo.pixel(x, y).expect("a pixel");
            sum = [0, 1, 2].map(|i| sum[i] + i32::from(pixel[i]));
        }
    }
    sum.map(|sum| sum / (2 * REACH as i32 + 1).pow(2))
}

/// Whether two colours look the same, scaling and noise allowed for.
pub fn alike(a: [i32; 3], b: [i32; 3]) -> bool {
    (0..3).all(|i| (a[i] - b[i]).abs() <= 8)
}

/// The road under its mask in the colours of CamVid.
pub fn purple([r, g, b]: [i32; 3]) -> bool {
    r - g > 15 && b - g > 15
}

/// The road under its mask in the colours for everyone.
pub fn yellow([r, g, b]: [i32; 3]) -> bool {
    r - b > 40 && g - b > 40
}
