//! The frame that all small windows share, such as log, performance, keys and about.

use egui::{Context, Key, Modifiers, Popup, Ui, Vec2, Window};

/// Draws a small window if it is open.
///
/// The window is centred at first and never larger than the main window. Its button closes it, and so does Escape while
/// it is topmost and no menu is open. `size` is its initial size in points.
pub(in crate::app) fn show(
    context: &Context,
    title: &str,
    open: &mut bool,
    size: Vec2,
    contents: impl FnOnce(&mut Ui),
) {
    if !*open {
        return;
    }
    let menu_open = Popup::is_any_open(context);
    let screen = context.content_rect();
    let most = screen.size() - Vec2::splat(24.0);
    let size = size.min(most);
    let window = Window::new(title)
        .open(open)
        .collapsible(false)
        .default_size(size)
        .default_pos(screen.center() - size / 2.0)
        .max_size(most)
        .show(context, contents);
    // egui also keeps the layers of closed windows, so the topmost layer may be invisible.
    let above = context
        .top_layer_id()
        .filter(|top| context.memory(|memory| memory.areas().is_visible(top)));
    let topmost = window.is_some_and(|window| above.is_none_or(|above| above == window.response.layer_id));
    if topmost && !menu_open && context.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        *open = false;
    }
}
