//! Small changes to the pickle of a golden checkpoint: other strings, further entries, fewer channels.

/// A string.
pub fn text(value: &str) -> Vec<u8> {
    let length = u32::try_from(value.len()).expect("a short text");
    [&b"X"[..], &length.to_le_bytes()[..], value.as_bytes()].concat()
}

/// A tuple of these concatenated items.
pub fn tuple(items: &[u8]) -> Vec<u8> {
    [&b"("[..], items, b"t"].concat()
}

/// A dictionary of these concatenated keys and values.
pub fn dictionary(entries: &[u8]) -> Vec<u8> {
    [&b"}("[..], entries, b"u"].concat()
}

fn find(pickle: &[u8], part: &[u8]) -> usize {
    let at = pickle.windows(part.len()).position(|found| found == part);
    at.unwrap_or_else(|| panic!("the pickle has no {}", String::from_utf8_lossy(part)))
}

/// Inserts a key and its value before the first entry with the key `key`.
pub fn insert_before(pickle: &mut Vec<u8>, key: &str, entry: &[u8]) {
    let at = find(pickle, &text(key));
    pickle.splice(at..at, entry.iter().copied());
}

/// Changes the text of the configuration.
pub fn rewrite_config(pickle: &mut Vec<u8>, change: impl FnOnce(String) -> String) {
    let start = find(pickle, b"norm_cfg = dict");
    let length: [u8; 4] = pickle[start - 4..start].try_into().expect("four bytes");
    let end = start + u32::from_le_bytes(length) as usize;
    let before = String::from_utf8(pickle[start..end].to_vec()).expect("a text");
    pickle.splice(start - 5..end, text(&change(before)));
}

/// Reduces the weight and bias of a classifier with four channels to the first channel.
pub fn keep_one_channel(pickle: &mut [u8], layer: &str) {
    let weight = find(pickle, &text(&format!("{layer}.weight")));
    // The start of the shape [4, …, 1, 1]: a mark, then the sizes.
    let shape = weight + find(&pickle[weight..], b"QK\x00(K\x04K");
    pickle[shape + 5] = 1;
    let bias = find(pickle, &text(&format!("{layer}.bias")));
    let shape = bias + find(&pickle[bias..], b"QK\x00K\x04\x85");
    pickle[shape + 4] = 1;
}
