//! Names of images in the addresses that Label Studio uses.

/// Where Label Studio serves files of the machine; the path follows.
const LOCAL: &str = "/data/local-files/?d=";

/// Digits that Label Studio puts before the names of uploaded files, with a hyphen.
const UPLOAD_DIGITS: usize = 8;

/// The address of an image below the folder that Label Studio serves.
pub(super) fn address(name: &str) -> String {
    let mut text = String::from(LOCAL);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The name of an image by its address: the path of a local file, or the last part of another address. Uploaded files
/// lose the digits that Label Studio gave them.
pub(super) fn name(address: &str) -> String {
    let local = address.split_once("?d=").or_else(|| address.split_once("&d="));
    if let Some((_, path)) = local {
        let path = path.split('&').next().unwrap_or_default();
        return decoded(path).trim_start_matches('/').to_owned();
    }
    let is_address = address.contains("://");
    let path = match is_address {
        true => address.split(['?', '#']).next().unwrap_or_default(),
        false => address,
    };
    let forward = path.replace('\\', "/");
    let is_absolute = forward.starts_with('/') || forward.as_bytes().get(1) == Some(&b':');
    if !is_address && !is_absolute {
        return forward;
    }
    let last = forward.rsplit('/').next().unwrap_or_default();
    let last = decoded(last);
    let given = last
        .split_once('-')
        .filter(|(digits, _)| digits.len() == UPLOAD_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    match given {
        Some((_, rest)) if forward.contains("/data/upload/") => rest.to_owned(),
        _ => last,
    }
}

/// Text with `%XX` as bytes; as it is where that is no text.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        let digits = bytes
            .get(place + 1..place + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits
            .filter(|_| *byte == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(escaped.unwrap_or(*byte));
        place += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for plain in ["a.png", "val/a b&c=%41#.png", "\u{8f66}/+.jpg"] {
            assert_eq!(name(&address(plain)), plain);
        }
        assert_eq!(address("val/a b.png"), "/data/local-files/?d=val/a%20b.png");
    }

    #[test]
    fn addresses_have_names() {
        let cases = [
            ("/data/upload/3/0123abcd-a.png", "a.png"),
            ("/data/upload/3/street-a.png", "street-a.png"),
            ("https://host/x/a%20b.png?token=1", "a b.png"),
            ("s3://bucket/x/a.png", "a.png"),
            ("/data/local-files/?d=/x/a.png&v=2", "x/a.png"),
            ("/home/me/a.png", "a.png"),
            ("C:\\me\\a.png", "a.png"),
            ("val\\a.png", "val/a.png"),
            ("val/a#1.png", "val/a#1.png"),
            ("/data/local-files/?d=%zz%", "%zz%"),
        ];
        for (given, wanted) in cases {
            assert_eq!(name(given), wanted, "{given}");
        }
    }
}
