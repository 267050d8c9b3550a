//! Keeps the chosen class when another model comes into use.

use super::{Attention, MapChoice};
use crate::engine::{Token, Uncertainty};
use crate::labels::ClassSet;

impl Attention {
    /// Adapts to another model: a chosen class stays chosen if the new model has a class with its name.
    pub(super) fn follow_classes(&mut self, before: &ClassSet, now: &ClassSet) {
        let place_now = |id: usize| {
            let chosen = before.classes.get(id)?;
            now.classes.iter().position(|class| class.name == chosen.name)
        };
        if let Token::Class(class) = self.token {
            self.token = place_now(class).map_or(Token::Patch(self.patch.unwrap_or(0)), Token::Class);
        }
        if let MapChoice::Uncertainty(Uncertainty::Class(class)) = self.shown {
            let class = place_now(class.into()).and_then(|class| u16::try_from(class).ok());
            self.shown = class.map_or(MapChoice::default(), |class| {
                MapChoice::Uncertainty(Uncertainty::Class(class))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_class_is_matched_by_name() {
        let camvid = crate::datasets::classes_of("camvid").expect("a built-in set");
        let mut other = ClassSet::numbered(2);
        other.classes[1].name = "road".into();
        let mut attention = Attention {
            patch: Some(7),
            // Road.
            token: Token::Class(3),
            shown: MapChoice::Uncertainty(Uncertainty::Class(3)),
            ..Attention::default()
        };
        attention.follow_classes(&camvid, &other);
        assert_eq!(attention.token, Token::Class(1));
        assert_eq!(attention.shown, MapChoice::Uncertainty(Uncertainty::Class(1)));
        attention.follow_classes(&other, &ClassSet::numbered(4));
        assert_eq!(attention.token, Token::Patch(7));
        assert_eq!(attention.shown, MapChoice::default());
    }
}
