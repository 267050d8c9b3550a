//! Class colours from a file, as a palette.

use std::path::Path;
use std::sync::Arc;

use super::{AppState, OwnPalette, Palette};
use crate::datasets::palette_of_file;

impl AppState {
    /// Gives the classes of the model in use the colours that a file has for their names, whatever their case.
    pub(in crate::app) fn take_palette(&mut self, path: &Path) {
        let colors = match palette_of_file(path) {
            Ok(colors) => colors,
            Err(why) => return self.actions.error(why.to_string()),
        };
        let Some(model) = self.library.models.used() else {
            return self.actions.info("Open a model first; its classes take the colours");
        };
        let names: Vec<String> = colors.iter().take(4).map(|(name, _)| name.clone()).collect();
        let title = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let palette = OwnPalette::new(title.into_owned(), colors);
        let classes = model.classes.classes.iter();
        let count = classes.filter(|class| palette.color_of(&class.name).is_some()).count();
        let of = model.classes.len();
        if count == 0 {
            return self.actions.error(format!(
                "Expected the names of this model's classes, found {}; rename them in the file: {}",
                names.join(", "),
                path.display()
            ));
        }
        self.view.change(|view| {
            view.palette = Palette::File;
            view.own_palette = Some(Arc::new(palette));
        });
        self.actions
            .info(format!("{count} of {of} classes have colours from the file"));
    }
}

#[cfg(test)]
mod tests {
    use crate::app::state::ViewState;
    use crate::app::state::testing::Bench;

    #[test]
    fn classes_take_colours_by_name_and_undo_brings_the_others_back() {
        let mut bench = Bench::with_images(&["a"]);
        let classes = bench.state.library.models.used().expect("a model").classes.clone();
        let before = bench.state.view.colors(&classes);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("labelmap.txt");
        std::fs::write(
            &path,
            format!("{}:1,2,3::\nnone:4,5,6::\n", classes.classes[3].name.to_uppercase()),
        )
        .expect("a file");
        bench.state.take_palette(&path);
        let now = bench.state.view.colors(&classes);
        assert_eq!(now[3], [1, 2, 3]);
        assert_eq!((&now[..3], &now[4..]), (&before[..3], &before[4..]));
        let kept = toml::to_string(&*bench.state.view).expect("text");
        let again: ViewState = toml::from_str(&kept).expect("a view");
        assert_eq!(again.colors(&classes), now, "the next start has it");
        bench.state.view.undo();
        assert_eq!(bench.state.view.colors(&classes), before);
        std::fs::write(&path, "none:4,5,6::\n").expect("a file");
        bench.state.take_palette(&path);
        assert_eq!(bench.state.view.colors(&classes), before);
    }
}
