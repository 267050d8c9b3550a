//! Stroke files.

use super::super::{Stroke, StrokeFile, TeachError};

const TEXT: &str = r##"{"picture":"a.png","licence":"CC0-1.0","width":48,"height":36,"classes":[{"id":3,"name":"sky","color":"#87ceeb"},{"id":7,"name":"ground","kind":"stuff"}],"initial":2,"strokes":[{"class":3,"width":3,"points":[[1,2],[4.5,6]],"by":"hand"},{"class":7,"width":2.5,"points":[[9,9]]}]}"##;

#[test]
fn a_file_is_read_and_written_with_its_unknown_keys() {
    let file = StrokeFile::from_json(TEXT.as_bytes()).expect("a stroke file");
    assert_eq!([file.width, file.height], [48, 36]);
    assert_eq!(file.classes[0].color, Some([0x87, 0xce, 0xeb]));
    assert_eq!(file.strokes[0].points, [[1.0, 2.0], [4.5, 6.0]]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.json");
    file.save(&path).expect("written");
    assert_eq!(StrokeFile::open(&path).expect("read"), file);
    let as_value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let written = std::fs::read_to_string(&path).expect("text");
    assert_eq!(as_value(&written), as_value(TEXT));
}

#[test]
fn colours_may_be_numbers() {
    let text = TEXT.replace(r##""#87ceeb""##, "[1,2,3]");
    let file = StrokeFile::from_json(text.as_bytes()).expect("a stroke file");
    assert_eq!(file.classes[0].color, Some([1, 2, 3]));
}

#[test]
fn bad_files_say_what_is_wrong() {
    for (from, to, sentence) in [
        (r#""width":48"#, r#""width":0"#, "0 x 36"),
        (r#""width":48"#, r#""width":4000000000"#, "4000000000 x 36"),
        (r#""id":7"#, r#""id":3"#, "found id 3 twice"),
        (r#""id":7"#, r#""id":65535"#, "up to 65534"),
        (
            r#""class":7"#,
            r#""class":8"#,
            "a listed class for stroke 2, found class 8",
        ),
        (r#""width":2.5"#, r#""width":-1"#, "found -1"),
        (r#""width":2.5"#, r#""width":1e9"#, "stroke 2, found 1000000000"),
        ("[[9,9]]", "[]", "at least one point for stroke 2"),
        ("[[9,9]]", "[[9,1e300]]", "within 1000000 pixels for stroke 2"),
        ("[[9,9]]", "[[9,1e999]]", "expected a stroke file"),
        ("[[9,9]]", "[[9]]", "expected a stroke file"),
        ("#87ceeb", "#87cee", "a colour is #rrggbb"),
        ("#87ceeb", "é87cee", "a colour is #rrggbb"),
        (r#""classes""#, r#""others""#, "missing field `classes`"),
    ] {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT);
        let why = StrokeFile::from_json(text.as_bytes()).expect_err(to).to_string();
        assert!(why.contains(sentence), "{why}");
    }
    assert!(StrokeFile::from_json(b"\x89PNG").is_err());
}

#[test]
fn a_file_that_does_not_exist_is_named() {
    let why = StrokeFile::open("no/such/file.json".as_ref()).expect_err("no file");
    assert!(matches!(why, TeachError::File("read", ..)));
    assert!(why.to_string().ends_with(": no/such/file.json"), "{why}");
}

#[test]
fn a_bad_stroke_is_not_written() {
    let mut file = StrokeFile::from_json(TEXT.as_bytes()).expect("a stroke file");
    file.strokes.push(Stroke::new(3, f64::NAN, vec![[1.0, 1.0]]));
    assert!(file.to_json().is_err());
}
