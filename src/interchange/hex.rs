//! Colours as `#rrggbb`.

/// A colour as `#rrggbb`.
pub(super) fn of_color([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The colour of `#rrggbb` or `#rgb`, in either case.
pub(super) fn color(text: &str) -> Option<[u8; 3]> {
    let digits = text.trim().strip_prefix('#')?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        6 => Some([16, 8, 0].map(|shift| (value >> shift) as u8)),
        3 => Some([8, 4, 0].map(|shift| (value >> shift & 15) as u8 * 17)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_come_back() {
        assert_eq!(of_color([128, 64, 255]), "#8040ff");
        assert_eq!(color("#8040FF"), Some([128, 64, 255]));
        assert_eq!(color(" #f0a "), Some([255, 0, 170]));
        for text in ["", "#", "red", "#12345", "#+12345", "8040ff", "#\u{e9}\u{e9}\u{e9}"] {
            assert_eq!(color(text), None, "{text}");
        }
    }
}
