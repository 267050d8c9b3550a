//! System fonts for names in scripts that the window's own fonts lack.
//!
//! The window reports which characters it could not draw, and a thread looks for fonts that have them. So the window
//! never waits, and no font is read before it is needed.

mod choice;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, unbounded};
use egui::{Context, FallbackRequest, FontInsert, FontProvider};
use fontdb::Database;

/// Adds system fonts for characters that the window cannot draw.
pub(in crate::app) struct SystemFonts {
    /// Characters that no loaded font has, each once.
    missing: Receiver<char>,
    /// The system's fonts; `None` until they are first needed, and during a search.
    database: Option<Database>,
    search: Option<Receiver<FontSearch>>,
}

/// The result of a search.
struct FontSearch {
    database: Database,
    fonts: Vec<FontInsert>,
}

impl SystemFonts {
    /// Makes the context report missing characters; reads no fonts yet.
    pub(in crate::app) fn of(context: &Context) -> Self {
        let (missing, receiver) = Missing::new();
        context.add_font_provider(Arc::new(missing));
        Self {
            missing: receiver,
            database: None,
            search: None,
        }
    }

    /// Adds the fonts that have been found, and starts a search if this frame lacked characters.
    ///
    /// Call it after a frame is drawn: nothing else wakes the window for characters that were missing in it.
    pub(in crate::app) fn update(&mut self, context: &Context) {
        if let Some(search) = &self.search {
            match search.try_recv() {
                Ok(FontSearch { database, fonts }) => {
                    self.search = None;
                    self.database = Some(database);
                    for font in fonts {
                        log::info!("using a system font for names: {}", font.name);
                        context.add_font(font);
                        context.request_repaint();
                    }
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.search = None,
            }
        }
        let characters: Vec<char> = self.missing.try_iter().collect();
        if !characters.is_empty() {
            self.look_for(characters, context.clone());
        }
    }

    fn look_for(&mut self, characters: Vec<char>, context: Context) {
        let database = self.database.take();
        let (sender, search) = bounded(1);
        let thread = Builder::new().name("system fonts".into()).spawn(move || {
            let database = database.unwrap_or_else(|| {
                let mut database = Database::new();
                database.load_system_fonts();
                database
            });
            let fonts = choice::fonts_for(&database, &characters, &choice::language());
            // Fails when the window is closed.
            sender.send(FontSearch { database, fonts }).ok();
            context.request_repaint();
        });
        match thread {
            Ok(_) => self.search = Some(search),
            Err(why) => log::warn!("the thread that looks for fonts cannot be started: {why}"),
        }
    }
}

/// Records the characters that the window's fonts lack.
///
/// It is asked in the middle of a frame, so it never returns a font.
struct Missing {
    noted: Mutex<HashSet<char>>,
    sender: Sender<char>,
}

impl Missing {
    fn new() -> (Self, Receiver<char>) {
        let (sender, receiver) = unbounded();
        let noted = Mutex::default();
        (Self { noted, sender }, receiver)
    }
}

impl FontProvider for Missing {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let character = request.cluster.chars().next()?;
        // The window asks again for a character that the added fonts lack too; it is reported only once.
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.insert(character) {
            self.sender.send(character).ok();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use egui::FontId;
    use egui_kittest::Harness;

    use super::*;

    #[test]
    fn missing_characters_are_reported_once() {
        let (missing, receiver) = Missing::new();
        let mut missing = Some(missing);
        let mut harness = Harness::builder().allow_missing_glyphs().build_ui(move |ui| {
            if let Some(missing) = missing.take() {
                ui.ctx().add_font_provider(Arc::new(missing));
            }
            ui.label("Straße_Улица_οδός_路.jpg");
            ui.monospace("路 1");
        });
        harness.run_steps(3);
        let noted: Vec<char> = receiver.try_iter().collect();
        assert_eq!(noted, ['路']);
    }

    #[test]
    fn a_system_font_draws_missing_characters() {
        let mut database = Database::new();
        database.load_system_fonts();
        if choice::fonts_for(&database, &['中'], "").is_empty() {
            assert!(
                std::env::var_os("SEGSCOPE_REQUIRE_ALL").is_none(),
                "cannot run: no font with Chinese characters"
            );
            println!("skipped: no font with Chinese characters (on Debian: fonts-droid-fallback)");
            return;
        }
        let mut harness = Harness::builder().allow_missing_glyphs().build_ui_state(
            |ui, fonts: &mut Option<SystemFonts>| {
                let fonts = fonts.get_or_insert_with(|| SystemFonts::of(ui.ctx()));
                ui.label("中文.jpg");
                fonts.update(ui.ctx());
            },
            None,
        );
        let can_draw = |harness: &Harness<Option<SystemFonts>>, character| {
            let font = FontId::proportional(14.0);
            harness.ctx.fonts_mut(|fonts| fonts.has_glyph(&font, character))
        };
        assert!(!can_draw(&harness, '中'), "egui includes such a font now");
        let deadline = Instant::now() + Duration::from_secs(60);
        while !can_draw(&harness, '中') {
            assert!(Instant::now() < deadline, "no font was added");
            std::thread::park_timeout(Duration::from_millis(5));
            harness.step();
        }
        assert!(can_draw(&harness, 'a'), "the window's own fonts stay");
    }
}
