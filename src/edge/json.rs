//! Strict JSON: what the parsers that everybody uses let pass, and this edge refuses —
//! a key given twice, nesting without end, bytes that are not UTF-8.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::problem::{FieldError, Problem};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 64;

/// What a look over the bytes tells before anything is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// The deepest nesting.
    pub depth: usize,
    /// A `null` stands somewhere.
    pub has_null: bool,
}

/// Looks over JSON text without parsing it. It may be wrong only about text that is
/// not JSON, which the parser refuses afterwards.
pub fn outline(json: &[u8]) -> Outline {
    let mut outline = Outline {
        depth: 0,
        has_null: false,
    };
    let mut depth = 0usize;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                outline.depth = outline.depth.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'n' => outline.has_null = true,
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => {
                            bytes.next();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    outline
}

/// Parses JSON text.
///
/// # Errors
/// VALIDATION_ERROR that says where the text is wrong, or names every key that is
/// given twice.
pub fn parse(json: &[u8]) -> Result<Value, Problem> {
    if std::str::from_utf8(json).is_err() {
        return Err(Problem::invalid("the body is not UTF-8 text"));
    }
    let twice = RefCell::new(Vec::new());
    let path = RefCell::new(String::new());
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let strict = Strict {
        path: &path,
        twice: &twice,
        depth: 0,
    };
    let value = strict
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| Problem::invalid(format!("the body is not valid JSON: {error}")))?;
    match twice.into_inner() {
        twice if twice.is_empty() => Ok(value),
        twice => Err(Problem::fields(twice)),
    }
}

/// Appends a member's name to a path, and gives the length to cut it back to.
pub fn enter(path: &mut String, name: &str) -> usize {
    let length = path.len();
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
    length
}

/// Appends an element's index to a path, and gives the length to cut it back to.
pub fn enter_item(path: &mut String, index: usize) -> usize {
    use fmt::Write;
    let length = path.len();
    // Writing to a string does not fail.
    let _ = write!(path, "[{index}]");
    length
}

/// Builds a value while it watches for keys that come twice.
struct Strict<'a> {
    path: &'a RefCell<String>,
    twice: &'a RefCell<Vec<FieldError>>,
    depth: usize,
}

impl Strict<'_> {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        match self.depth {
            MAX_DEPTH => Err(E::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            ))),
            depth => Ok(Self {
                path: self.path,
                twice: self.twice,
                depth: depth + 1,
            }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let length = enter_item(&mut self.path.borrow_mut(), items.len());
            let item = access.next_element_seed(self.inner()?)?;
            self.path.borrow_mut().truncate(length);
            match item {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let length = enter(&mut self.path.borrow_mut(), &key);
            let value = access.next_value_seed(self.inner::<A::Error>()?)?;
            if members.insert(key, value).is_some() {
                self.twice.borrow_mut().push(FieldError {
                    field: self.path.borrow().clone(),
                    message: "is given twice".to_owned(),
                });
            }
            self.path.borrow_mut().truncate(length);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &[u8]) -> String {
        let problem = parse(json).expect_err("a refusal");
        String::from_utf8(problem.to_json("r")).expect("text")
    }

    #[test]
    fn keys_given_twice_are_named_with_their_path() {
        let text = refusal(br#"{"a": [{"b": 1}, {"b": 1, "c": null, "b": 2}], "a": 3}"#);
        assert!(text.contains(r#""field":"a[1].b""#), "{text}");
        assert!(text.contains(r#""field":"a""#), "{text}");
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(refusal(&nested(MAX_DEPTH + 1)).contains("nested deeper than 64 levels"));
        assert_eq!(outline(&nested(70)).depth, 70);
    }

    #[test]
    fn text_that_is_no_json_is_refused_with_its_place() {
        assert!(refusal(br#"{"a": 1,}"#).contains("line 1 column 9"));
        assert!(refusal(b"{} {}").contains("trailing characters"));
        assert!(refusal(b"{\"a\": \"\xff\"}").contains("not UTF-8"));
        assert!(refusal(b"{\"a\": 1e999}").contains("number out of range"));
    }

    #[test]
    fn brackets_and_nulls_in_strings_do_not_count() {
        let outline = outline(br#"{"a": "[[[ null \" {"}"#);
        assert_eq!(outline.depth, 1);
        assert!(!outline.has_null);
        assert!(super::outline(b"[null]").has_null);
    }
}
