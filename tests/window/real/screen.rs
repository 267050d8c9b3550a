//! Screenshots of the window.

use segscope::photo::Photo;

/// Distance in pixels from the centre to the edge of the square over which a colour is averaged.
const REACH: usize = 5;

/// A screenshot of the window.
pub struct Screen(pub Photo);

/// A position in the sample image, as fractions of its width and height, inside one class and away from messages.
#[derive(Clone, Copy)]
pub struct Place([f64; 2]);

/// Road without shadow or markings.
pub const ROAD: Place = Place([0.57, 0.78]);

/// Clouds.
pub const SKY: Place = Place([0.47, 0.22]);

impl Place {
    /// Its position on the screen while the whole image is shown and the panels have their default widths.
    pub fn on(self, screen: &Screen) -> [usize; 2] {
        let (width, height) = (screen.0.width as f64, screen.0.height as f64);
        let [left, right, top, bottom] = AROUND;
        let [room_x, room_y] = [width - left - right - 16.0, height - top - bottom - 16.0];
        let zoom = (room_x / SAMPLE[0]).min(room_y / SAMPLE[1]);
        let middle = [(left + width - right) / 2.0, (top + height - bottom) / 2.0];
        [0, 1].map(|i| (middle[i] + (self.0[i] - 0.5) * SAMPLE[i] * zoom) as usize)
    }

    /// Its colour in the image file.
    pub fn of_photo(self, photo: &Photo) -> [i32; 3] {
        mean(photo, [0, 1].map(|i| (self.0[i] * SAMPLE[i]) as usize))
    }
}

/// Widths of image list and inspector, and heights of top bar and status bar, at the first start in points. They may be
/// off by a few points.
const AROUND: [f64; 4] = [248.0, 300.0, 104.0, 32.0];

/// Width and height of the sample image.
const SAMPLE: [f64; 2] = [1280.0, 960.0];

/// Background of dialogs in the dark and the light theme.
const DIALOG: [[u8; 3]; 2] = [[0x1e, 0x20, 0x25], [255; 3]];

impl Screen {
    /// The colour at a position of the sample image.
    pub fn at(&self, place: Place) -> [i32; 3] {
        mean(&self.0, place.on(self))
    }

    /// Colour of the panel that holds the list of images, below its last row.
    pub fn panel(&self) -> [i32; 3] {
        mean(&self.0, [100, self.0.height - 60])
    }

    /// Number of pixels with exactly this colour.
    pub fn count(&self, color: [u8; 3]) -> usize {
        self.0.rgb.chunks_exact(3).filter(|pixel| *pixel == color).count()
    }

    /// Number of pixels with the background of dialogs, in either theme.
    pub fn dialog(&self) -> usize {
        DIALOG.map(|color| self.count(color)).iter().sum()
    }

    /// The pixels of the canvas and any dialogs over it, without panels and bars.
    pub fn canvas(&self) -> Vec<u8> {
        let [left, right, top, bottom] = AROUND.map(|points| points as usize);
        self.part([left, top], [self.0.width - right, self.0.height - bottom])
    }

    /// The pixels without the status bar.
    pub fn without_status(&self) -> Vec<u8> {
        let bottom = AROUND[3] as usize + 2;
        self.part([0, 0], [self.0.width, self.0.height - bottom])
    }

    /// The pixels in the middle of the image, where no messages or minimap appear.
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

/// Whether two colours are equal up to scaling and noise.
pub fn alike(a: [i32; 3], b: [i32; 3]) -> bool {
    (0..3).all(|i| (a[i] - b[i]).abs() <= 8)
}

/// Whether a colour is that of the road under its mask in Segscope's colours.
pub fn teal([r, g, b]: [i32; 3]) -> bool {
    g - r > 15 && b - r > 15
}

/// Whether a colour is that of the road under its mask in the colours of Okabe and Ito.
pub fn yellow([r, g, b]: [i32; 3]) -> bool {
    r - b > 40 && g - b > 40
}
