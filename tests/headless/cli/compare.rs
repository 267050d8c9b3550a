//! `segscope compare`.

use segscope::model::{DecoderKind, Variant, published};

use super::program::*;

#[test]
fn the_page_has_images_and_a_table_of_all_patch_sizes() {
    let folder = empty_folder();
    let page = folder.path().join("report.html");
    let compare = |options: &[&str]| {
        let mut call = program();
        call.arg("compare").arg(sample()).arg("--out").arg(&page);
        run(call.args(["--device", "cpu"]).args(options))
    };
    let truth = in_repository("assets/samples/street-labels.png");
    let labels = ["--labels", truth.to_str().expect("a path")];
    compare(&labels).expect(0);
    let text = String::from_utf8(bytes(&page)).expect("UTF-8");
    assert_eq!(text.matches("<img ").count(), 4, "the image and three overlays");
    assert_eq!(
        text.matches("src=\"data:image/png;base64,").count(),
        4,
        "nothing is loaded from other servers"
    );
    let row = |patch: usize| -> Vec<String> {
        let title = published(Variant::Tiny, patch, &[DecoderKind::Mask], 11, 384).title();
        let start = format!("<tr><td>{title}</td><td>");
        let line = text.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("no row of patch {patch}"));
        line.split("</td><td>")
            .skip(1)
            .map(|cell| cell.replace("</td></tr>", ""))
            .collect()
    };
    // Number of tokens of windows of 384 pixels, or 192 with patch size 8.
    for (patch, tokens, windows) in [(32, "145", "2"), (16, "577", "2"), (8, "577", "12")] {
        let row = row(patch);
        assert_eq!([&row[0], &row[1], &row[2]], [&patch.to_string(), tokens, windows]);
        assert!(["f32", "bf16"].contains(&row[4].as_str()), "patch {patch}: {}", row[4]);
        let agreement: f64 = row[10].parse().expect("a share");
        assert!((0.0..=100.0).contains(&agreement), "patch {patch}: {agreement}");
    }
    compare(&labels).expect(2).complains_of(&["--overwrite", "report.html"]);
}

#[test]
fn a_label_map_of_another_size_is_refused() {
    let folder = empty_folder();
    let page = folder.path().join("report.html");
    let labels = in_repository("assets/screenshots/main.png");
    let mut call = program();
    call.arg("compare")
        .arg(sample())
        .arg("--labels")
        .arg(labels)
        .arg("--out")
        .arg(&page);
    run(&mut call).expect(2);
    assert!(!page.exists());
}
