//! Adding images to the list and removing them, and undoing that.

use super::{AppState, Arrangement};
use crate::app::action::Request;
use crate::app::chrome::{Toast, ToastAction};
use crate::app::command::Command;
use crate::engine::ImageSource;

impl AppState {
    /// Finds out which images are listed. Called once per frame.
    pub(in crate::app) fn update_listed(&mut self) {
        let arrangement = &self.library.images.arrangement;
        let class = arrangement.class.as_ref().and_then(|name| {
            let classes = &self.library.models.used()?.classes.classes;
            classes.iter().position(|class| class.name == *name)
        });
        let class = class.and_then(|id| u16::try_from(id).ok());
        self.library.images.update_listed(class);
    }

    /// Changes which images are listed and in which order.
    pub(in crate::app) fn arrange(&mut self, arrangement: Arrangement) {
        self.library.images.arrangement = arrangement;
        self.update_listed();
    }

    /// Adds images to the list and shows the first of them. A list of the sample alone, with which the program starts,
    /// is replaced.
    pub(in crate::app) fn add_images(&mut self, sources: Vec<ImageSource>) {
        let images = &mut self.library.images;
        let is_start = images.sources().all(|source| *source == ImageSource::Sample);
        if is_start {
            return self.open_images(sources);
        }
        let new: Vec<ImageSource> = sources
            .iter()
            .filter(|source| images.place(source).is_none())
            .cloned()
            .collect();
        let first = sources.first().cloned();
        let count = new.len();
        if count > 0 {
            images.note_list();
            let all = images.sources().cloned().chain(new).collect();
            images.set(all);
            self.keep_list_in_session();
            let text = match count {
                1 => "1 photo added to the list".into(),
                count => format!("{count} photos added to the list"),
            };
            let undo = ToastAction::Perform(Command::RestoreImages);
            self.actions.toast(Toast::info(text).with_action(undo));
        }
        if let Some(place) = first.and_then(|first| self.library.images.place(&first)) {
            self.library.images.go_to(place);
        }
        self.cancel();
        self.show_wanted();
    }

    /// Removes images from the list. Their files are not changed.
    pub(in crate::app) fn remove_images(&mut self, removed: &[ImageSource]) {
        let images = &mut self.library.images;
        let count = images.sources().filter(|source| removed.contains(source)).count();
        if count == 0 {
            return;
        }
        images.note_list();
        // The next image that stays, or else the last one before.
        let current = images.current();
        let stays = |source: &ImageSource| !removed.contains(source);
        let after = (current..images.len()).filter_map(|i| images.source(i));
        let before = (0..current).rev().filter_map(|i| images.source(i));
        let next = after.chain(before).find(|source| stays(source)).cloned();
        let left: Vec<ImageSource> = images.sources().filter(|source| stays(source)).cloned().collect();
        let text = match count {
            1 => "1 photo removed from the list".into(),
            count => format!("{count} photos removed from the list"),
        };
        let undo = ToastAction::Perform(Command::RestoreImages);
        self.actions.toast(Toast::info(text).with_action(undo));
        let Some(next) = next else {
            return self.close_all();
        };
        self.stop_batch();
        let images = &mut self.library.images;
        images.set(left);
        if let Some(place) = images.place(&next) {
            images.go_to(place);
        }
        self.after_list_change();
    }

    /// Undoes the last change of the list.
    pub(in crate::app) fn restore_images(&mut self) {
        self.stop_batch();
        if self.library.images.restore_list() {
            self.after_list_change();
        }
    }

    fn after_list_change(&mut self) {
        self.keep_list_in_session();
        self.keep_paused_in_list();
        self.cancel();
        self.show_wanted();
    }

    /// Forgets those images of a paused run that are no longer listed.
    pub(super) fn keep_paused_in_list(&mut self) {
        let images = &self.library.images;
        if let Some(paused) = &mut self.jobs.paused {
            paused.rest.retain(|source| images.place(source).is_some());
        }
        self.jobs.paused.take_if(|paused| paused.rest.is_empty());
    }

    /// Stores the list in the session, and watches its files.
    fn keep_list_in_session(&mut self) {
        let files = self.library.images.sources().filter_map(|source| source.file());
        self.session.images = files.map(std::path::Path::to_owned).collect();
        self.actions.request(Request::WatchFiles);
    }
}
