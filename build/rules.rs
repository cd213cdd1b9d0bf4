//! The rules of one value (`buf.validate.FieldRules`) as Rust conditions. A rule that
//! is not known here is refused, so that nothing in the contract is silently ignored.

use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, Value};

/// One thing that can be wrong with a value.
pub struct Check {
    /// A Rust condition over `v`, a reference to the value.
    pub fails_when: String,
    /// What a person is told.
    pub message: String,
}

impl Check {
    fn new(fails_when: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            fails_when: fails_when.into(),
            message: message.into(),
        }
    }
}

/// What holds of every text: PostgreSQL stores none with U+0000 in it.
pub fn storable() -> Check {
    Check::new("v.contains('\\0')", "must not contain the character U+0000")
}

/// The rules of one type, such as `string`, with their names; `required` stands apart.
pub struct Typed {
    /// The field must be set.
    pub required: bool,
    /// The type that the rules are for and the rules, when there are any.
    pub rules: Option<(String, DynamicMessage)>,
}

/// Takes a FieldRules message apart.
pub fn typed(rules: &DynamicMessage) -> Result<Typed, String> {
    refuse_unknown(rules, "buf.validate")?;
    let mut typed = Typed {
        required: false,
        rules: None,
    };
    for (field, value) in rules.fields() {
        match (field.name(), value) {
            ("required", Value::Bool(required)) => typed.required = *required,
            (name, Value::Message(inner)) => {
                refuse_unknown(inner, name)?;
                typed.rules = Some((name.to_owned(), inner.clone()));
            }
            (name, _) => return Err(unknown(name)),
        }
    }
    Ok(typed)
}

/// The checks of a single value, and the patterns that they use.
pub fn value_checks(
    kind: &Kind,
    rules: &(String, DynamicMessage),
    patterns: &mut Vec<String>,
) -> Result<Vec<Check>, String> {
    let (name, rules) = rules;
    match (kind, name.as_str()) {
        (Kind::String, "string") => string(rules, patterns),
        (Kind::Bytes, "bytes") => bytes(rules),
        (Kind::Enum(item), "enum") => enumeration(item, rules),
        (Kind::Double, "double")
        | (Kind::Float, "float")
        | (Kind::Int32, "int32")
        | (Kind::Int64, "int64")
        | (Kind::Uint32, "uint32")
        | (Kind::Uint64, "uint64") => number(name, rules),
        _ => Err(format!(
            "the rules of {name} do not fit a field of {kind:?}"
        )),
    }
}

/// How many elements a list or map may have; `noun` is what one and many are called.
pub fn count_check(name: &str, value: &Value, noun: (&str, &str)) -> Option<Check> {
    let limit = value.as_u64()?;
    let noun = if limit == 1 { noun.0 } else { noun.1 };
    match name {
        "min_items" | "min_pairs" if limit == 1 => {
            Some(Check::new("v.is_empty()", "must not be empty"))
        }
        "min_items" | "min_pairs" => Some(Check::new(
            format!("v.len() < {limit}"),
            format!("must have at least {limit} {noun}"),
        )),
        "max_items" | "max_pairs" => Some(Check::new(
            format!("v.len() > {limit}"),
            format!("must have at most {limit} {noun}"),
        )),
        _ => None,
    }
}

/// The refusal of a rule that no code is generated for.
pub fn unknown(name: &str) -> String {
    format!("the rule {name} is not known to build/rules.rs")
}

fn refuse_unknown(rules: &DynamicMessage, name: &str) -> Result<(), String> {
    match rules.unknown_fields().next() {
        Some(field) => Err(unknown(&format!("{name}.{}", field.number()))),
        None => Ok(()),
    }
}

fn string(rules: &DynamicMessage, patterns: &mut Vec<String>) -> Result<Vec<Check>, String> {
    let mut checks = Vec::new();
    for (field, value) in rules.fields() {
        let check = match (field.name(), value) {
            ("min_len", Value::U64(1)) => Check::new("v.is_empty()", "must not be empty"),
            ("min_len", Value::U64(limit)) => Check::new(
                format!("forms::is_shorter(v, {limit})"),
                format!("must be at least {limit} characters"),
            ),
            ("max_len", Value::U64(limit)) => Check::new(
                format!("forms::is_longer(v, {limit})"),
                format!("must be at most {limit} characters"),
            ),
            ("pattern", Value::String(pattern)) => pattern_check(pattern, patterns)?,
            ("in", Value::List(values)) => {
                let words: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                Check::new(
                    format!("!{words:?}.contains(&v.as_str())"),
                    format!("must be one of {}", words.join(", ")),
                )
            }
            (form @ ("email" | "uri" | "uuid"), Value::Bool(true)) => {
                let article = if form == "email" { "an" } else { "a" };
                let noun = match form {
                    "email" => "email address".to_owned(),
                    other => other.to_uppercase(),
                };
                Check::new(
                    format!("!forms::is_{form}(v)"),
                    format!("must be {article} {noun}"),
                )
            }
            (name, _) => return Err(unknown(&format!("string.{name}"))),
        };
        checks.push(check);
    }
    Ok(checks)
}

fn pattern_check(pattern: &str, patterns: &mut Vec<String>) -> Result<Check, String> {
    regex::Regex::new(pattern).map_err(|error| format!("string.pattern: {error}"))?;
    let index = patterns
        .iter()
        .position(|known| known == pattern)
        .unwrap_or_else(|| {
            patterns.push(pattern.to_owned());
            patterns.len() - 1
        });
    Ok(Check::new(
        format!("!PATTERN_{index}.is_match(v)"),
        format!("must match {pattern}"),
    ))
}

fn bytes(rules: &DynamicMessage) -> Result<Vec<Check>, String> {
    let mut checks = Vec::new();
    for (field, value) in rules.fields() {
        match (field.name(), value) {
            ("max_len", Value::U64(limit)) => checks.push(Check::new(
                format!("v.len() > {limit}"),
                format!("must be at most {limit} bytes"),
            )),
            (name, _) => return Err(unknown(&format!("bytes.{name}"))),
        }
    }
    Ok(checks)
}

/// Enum rules amount to a set of allowed words; the refusal lists them.
fn enumeration(item: &EnumDescriptor, rules: &DynamicMessage) -> Result<Vec<Check>, String> {
    let mut defined_only = false;
    let mut refused: Vec<i32> = Vec::new();
    for (field, value) in rules.fields() {
        match (field.name(), value) {
            ("defined_only", Value::Bool(wanted)) => defined_only = *wanted,
            ("not_in", Value::List(numbers)) => {
                refused = numbers.iter().filter_map(Value::as_i32).collect();
            }
            (name, _) => return Err(unknown(&format!("enum.{name}"))),
        }
    }
    let allowed: Vec<_> = item
        .values()
        .filter(|value| !refused.contains(&value.number()))
        .collect();
    // The unspecified value, where it is allowed, is not a choice to offer.
    let words: Vec<&str> = allowed
        .iter()
        .filter(|value| value.number() != 0)
        .map(|value| value.name())
        .collect();
    let message = format!("must be one of {}", words.join(", "));
    let alternatives = |numbers: Vec<i32>| {
        let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
        numbers.join(" | ")
    };
    let fails_when = match (defined_only, refused.is_empty()) {
        (true, _) => {
            let numbers = allowed.iter().map(|value| value.number()).collect();
            format!("!matches!(*v, {})", alternatives(numbers))
        }
        (false, false) => format!("matches!(*v, {})", alternatives(refused)),
        (false, true) => return Ok(Vec::new()),
    };
    Ok(vec![Check::new(fails_when, message)])
}

fn number(name: &str, rules: &DynamicMessage) -> Result<Vec<Check>, String> {
    let mut lower: Option<(&str, &str, Number)> = None;
    let mut upper: Option<(&str, &str, Number)> = None;
    let mut checks = Vec::new();
    for (field, value) in rules.fields() {
        let limit =
            Number::of(value).ok_or_else(|| unknown(&format!("{name}.{}", field.name())))?;
        match field.name() {
            "gte" => lower = Some((">=", "at least", limit)),
            "gt" => lower = Some((">", "more than", limit)),
            "lte" => upper = Some(("<=", "at most", limit)),
            "lt" => upper = Some(("<", "less than", limit)),
            "const" => checks.push(Check::new(
                format!("*v != {}", limit.literal),
                format!("must be {}", limit.human),
            )),
            other => return Err(unknown(&format!("{name}.{other}"))),
        }
    }
    match (lower, upper) {
        (Some((_, _, low)), Some((_, _, high))) if low.order >= high.order => {
            return Err(format!("{name}: the lower bound must be below the upper"));
        }
        (Some((">=", _, low)), Some(("<=", _, high))) => checks.push(Check::new(
            // The positive form, negated, also refuses a float that is not a number.
            format!("!(*v >= {} && *v <= {})", low.literal, high.literal),
            format!("must be between {} and {}", low.human, high.human),
        )),
        (lower, upper) => checks.extend([lower, upper].into_iter().flatten().map(
            |(operator, words, limit)| {
                Check::new(
                    format!("!(*v {operator} {})", limit.literal),
                    format!("must be {words} {}", limit.human),
                )
            },
        )),
    }
    Ok(checks)
}

struct Number {
    literal: String,
    human: String,
    order: f64,
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        let (literal, human, order) = match value {
            Value::I32(n) => (format!("{n}i32"), n.to_string(), f64::from(*n)),
            Value::I64(n) => (format!("{n}i64"), n.to_string(), *n as f64),
            Value::U32(n) => (format!("{n}u32"), n.to_string(), f64::from(*n)),
            Value::U64(n) => (format!("{n}u64"), n.to_string(), *n as f64),
            Value::F32(n) => (format!("{n:?}f32"), n.to_string(), f64::from(*n)),
            Value::F64(n) => (format!("{n:?}f64"), n.to_string(), *n),
            _ => return None,
        };
        Some(Self {
            literal,
            human,
            order,
        })
    }
}
