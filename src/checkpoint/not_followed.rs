//! Options of a configuration that Segscope does not follow: they are reported, because results then differ from the
//! published program's.

use super::mmseg::config::Value;

/// A sentence for each such option.
pub(super) fn remarks(config: &Value) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut differs = |is_so: bool, what: &str| {
        if is_so {
            remarks.push(format!(
                "the configuration inside the file says {what}, which is not followed: results differ"
            ));
        }
    };
    let model = config.get("model");
    differs(model.says("align_corners", true), "align_corners=True");
    let is_bgr = config.get("img_norm_cfg").says("to_rgb", false) || model.says("bgr_to_rgb", false);
    differs(is_bgr, "that images are BGR");
    let keeps_ratio = !["test_pipeline", "data", "test_dataloader"]
        .iter()
        .any(|part| config.get(part).says("keep_ratio", false));
    differs(!keeps_ratio, "keep_ratio=False");
    let test = [model.get("test_cfg"), config.get("test_cfg")];
    for key in ["crop_size", "stride"] {
        let sizes = test.iter().find_map(|test| test.get(key).height_and_width());
        if let Some([height, width]) = sizes.filter(|[height, width]| height != width) {
            remarks.push(format!(
                "the configuration inside the file says {key}=({height}, {width}); windows are square in Segscope, so \
                 {height} is used for both"
            ));
        }
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_not_followed_are_reported() {
        let published = Value::parse(
            "img_norm_cfg = dict(mean=[1, 2, 3], to_rgb=True)\nmodel = dict(decode_head=dict(align_corners=False), \
             test_cfg=dict(mode='slide', crop_size=(512, 512), stride=(341, 341)))\n\
             test_pipeline = [dict(type='Resize', keep_ratio=True)]\n",
        );
        assert_eq!(remarks(&published), Vec::<String>::new());
        let other = Value::parse(
            "img_norm_cfg = dict(to_rgb=False)\nmodel = dict(auxiliary_head=[dict(align_corners=True)], \
             test_cfg=dict(mode='slide', crop_size=(512, 1024), stride=(341, 341)))\n\
             test_pipeline = [dict(transforms=[dict(keep_ratio=False)])]\n",
        );
        let found = remarks(&other).join("\n");
        for part in ["align_corners=True", "BGR", "keep_ratio=False", "crop_size=(512, 1024)"] {
            assert!(found.contains(part), "{part} in {found}");
        }
        assert!(!found.contains("stride"), "{found}");
    }
}
