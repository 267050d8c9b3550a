//! The field of places in the colour table that repairs work on.

/// Place of a pixel without a class.
pub(super) const OPEN: u16 = u16::MAX;

/// A place in the colour table for each pixel.
pub(super) struct Field {
    /// Width and height.
    pub(super) size: [usize; 2],
    /// Row by row; [`OPEN`] without a class.
    pub(super) places: Vec<u16>,
}

impl Field {
    /// Whether a pixel has no class yet.
    pub(super) fn is_open(&self, at: usize) -> bool {
        self.places[at] == OPEN
    }

    /// Whether one of the eight neighbours of a pixel has a class.
    pub(super) fn touches(&self, at: usize) -> bool {
        let mut touches = false;
        around(self.size, at, 1, |near, _| touches |= !self.is_open(near));
        touches
    }

    /// Whether a pixel and its neighbours have the same class, for each pixel. Beyond the border, the classes at the
    /// border continue.
    pub(super) fn uniform(&self) -> Vec<bool> {
        let [width, height] = self.size;
        let mut across = vec![false; self.places.len()];
        for (row, same) in self.places.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
            for (x, same) in same.iter_mut().enumerate() {
                let (left, right) = (row[x.saturating_sub(1)], row[(x + 1).min(width - 1)]);
                *same = left == row[x] && right == row[x] && row[x] != OPEN;
            }
        }
        let mut uniform = across.clone();
        for (y, same) in uniform.chunks_exact_mut(width).enumerate() {
            let own = &self.places[y * width..][..width];
            for other in [y.saturating_sub(1), (y + 1).min(height - 1)] {
                let (places, across) = (
                    &self.places[other * width..][..width],
                    &across[other * width..][..width],
                );
                for (x, same) in same.iter_mut().enumerate() {
                    *same &= across[x] && places[x] == own[x];
                }
            }
        }
        uniform
    }

    /// Gives each pixel the most frequent class in the square of three pixels around it; its own when that is one of
    /// them. Pixels without a class keep none and do not count.
    pub(super) fn smooth(&mut self) {
        let [width, height] = self.size;
        let before = self.places.clone();
        let uniform = self.uniform();
        for at in (0..before.len()).filter(|at| !uniform[*at] && before[*at] != OPEN) {
            let (x, y) = (at % width, at / width);
            let columns = x.saturating_sub(1)..(x + 2).min(width);
            let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)];
            let near = rows.map(|row| &before[row * width..][columns.clone()]);
            self.places[at] = most_frequent(before[at], near);
        }
    }
}

/// The most frequent class in three rows; `own` when it is one of them.
fn most_frequent(own: u16, rows: [&[u16]; 3]) -> u16 {
    let all = || rows.iter().flat_map(|row| row.iter().copied());
    let count = |place: u16| all().filter(|other| *other == place).count();
    let others = all().filter(|place| *place != OPEN);
    let best = others.max_by_key(|place| (count(*place), *place == own, u16::MAX - place));
    best.unwrap_or(own)
}

/// Calls `visit` with the pixels in the square around a pixel and how many steps away they are.
pub(super) fn around([width, height]: [usize; 2], at: usize, steps: usize, mut visit: impl FnMut(usize, usize)) {
    let [x, y] = [at % width, at / width];
    for row in y.saturating_sub(steps)..(y + steps + 1).min(height) {
        for column in x.saturating_sub(steps)..(x + steps + 1).min(width) {
            let away = row.abs_diff(y).max(column.abs_diff(x));
            if away > 0 {
                visit(row * width + column, away);
            }
        }
    }
}
