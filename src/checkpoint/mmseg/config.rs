//! The configuration text that mmsegmentation and official SETR store in their checkpoints: Python assignments of plain
//! values and `dict(…)` calls. Nothing is run; anything but a plain value becomes [`Value::Other`].

use std::collections::BTreeMap;

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::checkpoint) enum Value {
    Number(f64),
    Text(String),
    Flag(bool),
    List(Vec<Self>),
    Dict(BTreeMap<String, Self>),
    /// `None`, names, expressions.
    Other,
}

/// Maximum length of the text in bytes; published ones have 5 to 10 KB.
const MAX_BYTES: usize = 1 << 20;

/// Maximum depth of nesting; published ones have seven levels.
const DEEPEST: usize = 40;

impl Value {
    /// Reads all assignments of a text. What cannot be read is left out, because nothing depends on the whole text.
    pub(in crate::checkpoint) fn parse(text: &str) -> Self {
        let mut dict = BTreeMap::new();
        if text.len() > MAX_BYTES {
            return Self::Dict(dict);
        }
        let mut reader = Reader { text, at: 0 };
        while !reader.is_at_end() {
            reader.skip_blank();
            let name = reader.name();
            if !name.is_empty() && reader.takes('=') {
                let value = reader.value(0);
                dict.insert(name, value);
            }
            reader.skip_line();
        }
        Self::Dict(dict)
    }

    /// The value under a key of a dictionary.
    pub(in crate::checkpoint) fn get(&self, key: &str) -> &Self {
        match self {
            Self::Dict(dict) => dict.get(key).unwrap_or(&Self::Other),
            _ => &Self::Other,
        }
    }

    /// Elements of a list.
    pub(in crate::checkpoint) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The value as a non-negative whole number.
    pub(in crate::checkpoint) fn size(&self) -> Option<usize> {
        match self {
            Self::Number(n) if n.fract() == 0.0 && (0.0..=1e9).contains(n) => Some(*n as usize),
            _ => None,
        }
    }

    /// The first size of a list, or a single size: `(512, 512)` or `512`.
    pub(in crate::checkpoint) fn side(&self) -> Option<usize> {
        self.size().or_else(|| self.items().first()?.size())
    }

    /// The value as a list of non-negative whole numbers.
    pub(in crate::checkpoint) fn sizes(&self) -> Option<Vec<usize>> {
        match self {
            Self::List(items) => items.iter().map(Self::size).collect(),
            _ => None,
        }
    }

    /// The value as a number.
    pub(in crate::checkpoint) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// The first Boolean under `key`, in this value or nested in it.
    pub(in crate::checkpoint) fn find_flag(&self, key: &str) -> Option<bool> {
        match self {
            Self::Dict(dict) => match dict.get(key) {
                Some(Self::Flag(flag)) => Some(*flag),
                _ => dict.values().find_map(|value| value.find_flag(key)),
            },
            Self::List(items) => items.iter().find_map(|item| item.find_flag(key)),
            _ => None,
        }
    }

    /// Whether `key` has the value `flag` anywhere in this value.
    pub(in crate::checkpoint) fn says(&self, key: &str, flag: bool) -> bool {
        match self {
            Self::Dict(dict) => {
                dict.get(key) == Some(&Self::Flag(flag)) || dict.values().any(|value| value.says(key, flag))
            }
            Self::List(items) => items.iter().any(|item| item.says(key, flag)),
            _ => false,
        }
    }

    /// Height and width, or the side of a square: `(768, 512)` or `512`.
    pub(in crate::checkpoint) fn height_and_width(&self) -> Option<[usize; 2]> {
        match self.sizes().as_deref() {
            Some([height, width]) => Some([*height, *width]),
            Some(_) => None,
            None => self.size().map(|side| [side; 2]),
        }
    }

    /// The value as text.
    pub(in crate::checkpoint) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn skip_blank(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '#' => self.skip_line(),
                c if c.is_whitespace() => self.advance(),
                _ => return,
            }
        }
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').map_or(self.rest().len(), |end| end + 1);
    }

    fn takes(&mut self, c: char) -> bool {
        self.skip_blank();
        let found = self.peek() == Some(c);
        if found {
            self.advance();
        }
        found
    }

    fn name(&mut self) -> String {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let end = self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
        let name = self.rest()[..end].to_owned();
        self.at += end;
        name
    }

    fn value(&mut self, depth: usize) -> Value {
        self.skip_blank();
        if depth > DEEPEST {
            self.at = self.text.len();
            return Value::Other;
        }
        match self.peek() {
            Some('(' | '[') => {
                self.advance();
                self.list(depth)
            }
            Some('{') => {
                self.advance();
                self.dict(':', '}', depth)
            }
            Some(quote @ ('\'' | '"')) => {
                self.advance();
                self.quoted(quote)
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.numeral(),
            Some(c) if c.is_alphabetic() || c == '_' => self.word(depth),
            _ => {
                self.advance();
                Value::Other
            }
        }
    }

    fn word(&mut self, depth: usize) -> Value {
        let name = self.name();
        if self.takes('(') {
            let arguments = self.dict('=', ')', depth);
            return if name == "dict" { arguments } else { Value::Other };
        }
        match name.as_str() {
            "True" => Value::Flag(true),
            "False" => Value::Flag(false),
            _ => Value::Other,
        }
    }

    fn numeral(&mut self) -> Value {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let end = self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
        let number = self.rest()[..end].parse().map_or(Value::Other, Value::Number);
        self.at += end.max(1);
        number
    }

    fn quoted(&mut self, quote: char) -> Value {
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.advance();
            match c {
                c if c == quote => break,
                '\\' => {
                    text.extend(self.peek());
                    self.advance();
                }
                c => text.push(c),
            }
        }
        Value::Text(text)
    }

    fn list(&mut self, depth: usize) -> Value {
        let mut items = Vec::new();
        while !self.is_at_end() && !self.takes(')') && !self.takes(']') {
            items.push(self.value(depth + 1));
            self.takes(',');
        }
        Value::List(items)
    }

    /// Keys, quoted or not, each followed by `between` and a value.
    fn dict(&mut self, between: char, end: char, depth: usize) -> Value {
        let mut dict = BTreeMap::new();
        while !self.is_at_end() && !self.takes(end) {
            self.skip_blank();
            let key = match self.peek() {
                Some(quote @ ('\'' | '"')) => {
                    self.advance();
                    self.quoted(quote).text().unwrap_or_default().to_owned()
                }
                _ => self.name(),
            };
            if self.takes(between) {
                let value = self.value(depth + 1);
                dict.insert(key, value);
            } else if key.is_empty() {
                self.advance();
            }
            self.takes(',');
        }
        Value::Dict(dict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_published_configuration() {
        let config = Value::parse(
            "norm_cfg = dict(type='SyncBN', requires_grad=True)  # shared\nmodel = dict(\n    backbone=dict(\n        \
             img_size=(768, 512),\n        norm_cfg=dict(type='LN', eps=1e-06)),\n    auxiliary_head=[\n        \
             dict(in_index=0), dict(in_index=1)\n    ],\n    test_cfg=dict(mode='slide', crop_size=(64, 64)))\n\
             data = {'a b': [1.5, -2], \"c\": None}\nload_from = None\n",
        );
        let model = config.get("model");
        assert_eq!(model.get("backbone").get("img_size").sizes(), Some(vec![768, 512]));
        assert_eq!(model.get("backbone").get("norm_cfg").get("eps").number(), Some(1e-6));
        assert_eq!(model.get("auxiliary_head").items().len(), 2);
        assert_eq!(model.get("test_cfg").get("crop_size").side(), Some(64));
        assert_eq!(model.get("test_cfg").get("mode").text(), Some("slide"));
        assert_eq!(config.get("norm_cfg").get("requires_grad"), &Value::Flag(true));
        assert_eq!(
            config.get("data").get("a b").items(),
            [Value::Number(1.5), Value::Number(-2.0)]
        );
        assert_eq!(config.get("data").get("c"), &Value::Other);
        assert_eq!(config.get("missing").get("deeper"), &Value::Other);
    }

    #[test]
    fn hostile_text_terminates() {
        for text in [
            "a = (".repeat(5000),
            "a = ".to_owned() + &"[".repeat(100_000),
            "a = dict(b dict(c".into(),
            "a = 'never closed".into(),
            "a = {'k' 1, : }".into(),
            "= = ) ] }".into(),
            "a = dict(****)".into(),
        ] {
            Value::parse(&text);
        }
    }
}
