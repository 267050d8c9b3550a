//! Chooses the system fonts that draw given characters.

use std::sync::Arc;

use egui::{FontData, FontFamily, FontInsert, FontPriority, InsertFontFamily};
use fontdb::{Database, FaceInfo, Style, Weight};
use ttf_parser::Face;

/// Maximum size of a font file that is loaded, in bytes: twice the size of the largest collections of Chinese, Japanese
/// and Korean fonts.
const MAX_BYTES: usize = 256 << 20;

/// Last words of the names of fonts that draw the same Han characters in the style of one region.
const REGIONS: [&str; 5] = ["SC", "TC", "HK", "JP", "KR"];

/// As few fonts as are needed for all those characters that some font has.
pub(super) fn fonts_for(database: &Database, characters: &[char], language: &str) -> Vec<FontInsert> {
    let region = region_of(language);
    let mut faces: Vec<&FaceInfo> = database.faces().collect();
    faces.sort_by_key(|face| unsuitability(face, region));
    let mut missing = characters.to_vec();
    let mut fonts = Vec::new();
    while let Some((face, drawn)) = best(database, &faces, &missing) {
        missing.retain(|character| !drawn.contains(character));
        // A font that cannot be loaded is not tried again, because its characters no longer count as missing.
        fonts.extend(loaded(database, face));
    }
    fonts
}

/// The face that draws most of the characters, with those characters; the first one in a tie.
fn best<'a>(database: &Database, faces: &[&'a FaceInfo], missing: &[char]) -> Option<(&'a FaceInfo, Vec<char>)> {
    let mut best: Option<(&FaceInfo, Vec<char>)> = None;
    for &face in faces {
        let most = best.as_ref().map_or(0, |(_, drawn)| drawn.len());
        if most == missing.len() {
            break;
        }
        let drawn = drawn_by(database, face, missing);
        if drawn.len() > most {
            best = Some((face, drawn));
        }
    }
    best
}

/// The characters for which a face has an outline, or any glyph in the case of white space.
fn drawn_by(database: &Database, face: &FaceInfo, characters: &[char]) -> Vec<char> {
    let draws = |font: &Face, character: char| {
        let glyph = font.glyph_index(character);
        glyph.is_some_and(|glyph| character.is_whitespace() || font.glyph_bounding_box(glyph).is_some())
    };
    let drawn = database.with_face_data(face.id, |data, index| {
        let font = Face::parse(data, index).ok()?;
        Some(characters.iter().copied().filter(|c| draws(&font, *c)).collect())
    });
    drawn.flatten().unwrap_or_default()
}

fn loaded(database: &Database, face: &FaceInfo) -> Option<FontInsert> {
    let (bytes, index) = database.with_face_data(face.id, |data, index| {
        (data.len() <= MAX_BYTES).then(|| (data.to_vec(), index))
    })??;
    let name = format!("{} {index}", face.post_script_name);
    let families = [FontFamily::Proportional, FontFamily::Monospace];
    let families = families.map(|family| InsertFontFamily {
        family,
        priority: FontPriority::Lowest,
    });
    let data = FontData::from_blob(Arc::new(bytes), index);
    Some(FontInsert::new(&name, data, families.into()))
}

/// How badly a face matches the window's own fonts: upright, sans serif and of normal weight. Lower is better.
fn unsuitability(face: &FaceInfo, region: &str) -> (bool, bool, bool, u16) {
    let family = face.families.first().map_or("", |(name, _)| name);
    let with_serifs = ["Serif", "Mono"].iter().any(|word| family.contains(word));
    let ending = family.split_whitespace().next_back().unwrap_or_default();
    let elsewhere = REGIONS.contains(&ending) && ending != region;
    let weight = face.weight.0.abs_diff(Weight::NORMAL.0);
    (face.style != Style::Normal, with_serifs, elsewhere, weight)
}

/// The region, one of [`REGIONS`], whose style of Han characters goes with a language.
fn region_of(language: &str) -> &'static str {
    match language {
        l if l.starts_with("ja") => "JP",
        l if l.starts_with("ko") => "KR",
        l if l.starts_with("zh_HK") => "HK",
        l if l.starts_with("zh_TW") || l.starts_with("zh_MO") => "TC",
        _ => "SC",
    }
}

/// The user's language, such as `zh_TW.UTF-8`.
pub(super) fn language() -> String {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let mut set = names.into_iter().filter_map(|name| std::env::var(name).ok());
    set.find(|value| !value.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use fontdb::{ID, Language, Source, Stretch};

    use super::*;

    fn face(family: &str, style: Style, weight: u16) -> FaceInfo {
        FaceInfo {
            id: ID::dummy(),
            source: Source::Binary(Arc::new(Vec::<u8>::new())),
            index: 0,
            families: vec![(family.to_owned(), Language::English_UnitedStates)],
            post_script_name: family.to_owned(),
            style,
            weight: Weight(weight),
            stretch: Stretch::Normal,
            monospaced: false,
        }
    }

    #[test]
    fn a_regular_face_of_the_users_region_is_preferred() {
        let mut faces = [
            face("Noto Sans CJK JP", Style::Italic, 400),
            face("Noto Serif CJK JP", Style::Normal, 400),
            face("Noto Sans CJK KR", Style::Normal, 400),
            face("Noto Sans CJK JP", Style::Normal, 700),
            face("Noto Sans CJK JP", Style::Normal, 400),
        ];
        faces.sort_by_key(|face| unsuitability(face, region_of("ja_JP.UTF-8")));
        let order = faces.map(|face| (face.families[0].0.clone(), face.style, face.weight.0));
        let jp = "Noto Sans CJK JP".to_owned();
        assert_eq!(order[0], (jp.clone(), Style::Normal, 400));
        assert_eq!(order[1], (jp.clone(), Style::Normal, 700));
        assert_eq!(order[2].0, "Noto Sans CJK KR");
        assert_eq!(order[3].0, "Noto Serif CJK JP");
        assert_eq!(order[4], (jp, Style::Italic, 400));
        for (language, region) in [
            ("zh_TW.UTF-8", "TC"),
            ("zh_CN", "SC"),
            ("ko_KR", "KR"),
            ("de_DE", "SC"),
            ("", "SC"),
        ] {
            assert_eq!(region_of(language), region, "{language}");
        }
    }

    #[test]
    fn no_font_is_chosen_for_a_character_that_none_has() {
        let mut database = Database::new();
        assert!(fonts_for(&database, &['中', 'a'], "").is_empty());
        database.load_font_data(b"no font".to_vec());
        assert!(fonts_for(&database, &['中'], "").is_empty());
    }
}
