//! The rules of fields, compiled from the standard `buf.validate` options.
//!
//! A field that tracks presence is checked when it is set; any other field is always
//! checked, its zero value included. All violations of a message are reported at once.

use std::fmt::{self, Display};

pub mod forms;
mod generated {
    #![allow(
        clippy::all,
        clippy::expect_used,
        unused_variables,
        unreachable_patterns,
        reason = "generated; messages without rules use no argument, and patterns were compiled by the build"
    )]
    use std::sync::LazyLock;

    use regex::Regex;

    use super::{Path, Validate, Violation, forms};

    include!(concat!(env!("OUT_DIR"), "/validate.rs"));
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field by its JSON names, with indexes: `items[0].quantity`.
    pub field: String,
    /// What is wrong, to follow the field's name: `must be at least 3 characters`.
    pub message: String,
}

/// A message whose rules can be checked.
pub trait Validate {
    /// Whether the message is the request of a method; only those are checked when
    /// they are decoded.
    const REQUEST: bool;

    /// Adds every violation below `self`, which stands at `at`, to `out`.
    fn validate(&self, at: &Path<'_>, out: &mut Vec<Violation>);
}

/// Every violation of a message; empty where it keeps all rules.
pub fn check<M: Validate>(message: &M) -> Vec<Violation> {
    let mut violations = Vec::new();
    message.validate(&Path::ROOT, &mut violations);
    violations
}

/// Where a value stands in the message that is checked. Paths live on the stack and
/// become text only for a violation, so that a valid message allocates nothing.
#[derive(Clone, Copy)]
pub struct Path<'a>(Step<'a>);

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a Path<'a>, &'static str),
    Item(&'a Path<'a>, &'static str, usize),
    Entry(&'a Path<'a>, &'static str, &'a dyn Display),
}

impl<'a> Path<'a> {
    /// The message itself.
    pub const ROOT: Path<'static> = Path(Step::Root);

    /// A field, by its JSON name.
    pub fn field(&'a self, name: &'static str) -> Path<'a> {
        Path(Step::Field(self, name))
    }

    /// An element of a list, counted from 0.
    pub fn item(&'a self, name: &'static str, index: usize) -> Path<'a> {
        Path(Step::Item(self, name, index))
    }

    /// An entry of a map.
    pub fn entry(&'a self, name: &'static str, key: &'a dyn Display) -> Path<'a> {
        Path(Step::Entry(self, name, key))
    }

    /// Notes that the value here breaks a rule.
    pub fn fail(&self, out: &mut Vec<Violation>, message: &'static str) {
        out.push(Violation {
            field: self.to_string(),
            message: message.to_owned(),
        });
    }

    fn parent(&self) -> Option<&Path<'a>> {
        match self.0 {
            Step::Root => None,
            Step::Field(parent, _) | Step::Item(parent, ..) | Step::Entry(parent, ..) => {
                Some(parent)
            }
        }
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent()
            && parent.parent().is_some()
        {
            write!(f, "{parent}.")?;
        }
        match self.0 {
            Step::Root => Ok(()),
            Step::Field(_, name) => f.write_str(name),
            Step::Item(_, name, index) => write!(f, "{name}[{index}]"),
            Step::Entry(_, name, key) => write!(f, "{name}[\"{key}\"]"),
        }
    }
}
