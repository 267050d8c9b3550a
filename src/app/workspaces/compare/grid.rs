//! The layout of the panes.

use egui::{Rect, Vec2, pos2, vec2};

/// Gap between panes in points.
const GAP: f32 = 8.0;

/// Places of equal size.
pub(super) struct Cells {
    /// One for each pane, row by row.
    pub(super) panes: Vec<Rect>,
    /// The first place that is left over in the last row.
    pub(super) hole: Option<Rect>,
}

/// Cells of equal size for `count` panes, row by row, in the number of columns that shows the image largest.
///
/// `header` is the height of the title in each cell, in points.
pub(super) fn cells(area: Rect, count: usize, photo: Vec2, header: f32) -> Cells {
    let size = |columns: usize| {
        let rows = count.div_ceil(columns);
        let room = |length: f32, cells: usize| ((length - GAP * (cells - 1) as f32) / cells as f32).max(1.0);
        vec2(room(area.width(), columns), room(area.height(), rows))
    };
    let zoom = |columns: &usize| {
        let size = size(*columns);
        (size.x / photo.x).min((size.y - header).max(1.0) / photo.y)
    };
    let columns = (1..=count).max_by(|a, b| zoom(a).total_cmp(&zoom(b))).unwrap_or(1);
    let size = size(columns);
    let cell = |place: usize| {
        let (column, row) = ((place % columns) as f32, (place / columns) as f32);
        let corner = pos2(area.left() + column * (size.x + GAP), area.top() + row * (size.y + GAP));
        // On whole points, so that images in different cells are drawn alike.
        Rect::from_min_size(corner.floor(), size.floor())
    };
    Cells {
        panes: (0..count).map(cell).collect(),
        hole: (!count.is_multiple_of(columns)).then(|| cell(count)),
    }
}

#[cfg(test)]
mod tests {
    use egui::Pos2;

    use super::*;

    #[test]
    fn panoramas_are_stacked_and_portraits_are_side_by_side() {
        let area = Rect::from_min_size(Pos2::ZERO, vec2(900.0, 600.0));
        let columns = |count: usize, photo: Vec2| {
            let found = cells(area, count, photo, 24.0);
            let cells = found.panes;
            assert_eq!(cells.len(), count);
            let is_free = |hole: Rect| cells.iter().all(|cell| !cell.shrink(0.5).intersects(hole));
            assert!(found.hole.is_none_or(|hole| is_free(hole) && area.contains_rect(hole)));
            assert!(cells.iter().all(|cell| area.contains_rect(*cell)), "{cells:?}");
            assert!(cells.iter().all(|cell| cell.size() == cells[0].size()));
            cells.iter().filter(|cell| cell.top() == cells[0].top()).count()
        };
        assert_eq!(columns(3, vec2(3000.0, 1000.0)), 1);
        assert_eq!(columns(3, vec2(1000.0, 1500.0)), 3);
        assert_eq!(columns(9, vec2(1000.0, 700.0)), 3);
        assert_eq!(columns(1, vec2(10.0, 10.0)), 1);
        let hole = |count| cells(area, count, vec2(1000.0, 700.0), 24.0).hole.is_some();
        assert!(hole(5) && !hole(6) && !hole(1));
    }
}
