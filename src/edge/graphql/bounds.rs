//! The bounds of a query that hold before the library looks at it. It reads what is nested
//! by recursion, and follows fragments wherever they are spread before it looks at depth
//! and cost, so that a short text could keep it busy for ever.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Request};

/// The longest request, in bytes.
const MAX_LENGTH: usize = 32 * 1024;
/// How deep brackets may nest in the text, and selections with what their fragments hold;
/// the library ends at that depth too.
const MAX_DEPTH: usize = 32;
/// How often the text may name variables: the library copies the value each time.
const MAX_VARIABLES: usize = 32;
/// How many fragments there may be.
const MAX_FRAGMENTS: usize = 32;
/// How many fields, arguments, directives and fragments there may be, each counted as often
/// as the fragment that holds it is spread. What tools ask for the schema has 500.
const MAX_PARTS: usize = 1024;

const TOO_DEEP: &str = "the query is nested too deep, or a fragment holds itself";
const TOO_MANY: &str = "the query has too many parts, with those of its fragments";

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Looks at a request that came in so many bytes. What cannot be read is for the library to
/// tell.
///
/// # Errors
/// Why it is refused, in words for people.
pub fn check(request: &mut Request, length: usize) -> Result<(), &'static str> {
    if length > MAX_LENGTH {
        return Err("the request is too long");
    }
    let (depth, variables) = outline(&request.query);
    if depth > MAX_DEPTH {
        return Err(TOO_DEEP);
    }
    if variables > MAX_VARIABLES {
        return Err("the query names variables too often");
    }
    let Ok(document) = request.parsed_query() else {
        return Ok(());
    };
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err("the query has too many fragments");
    }
    let mut walk = Walk {
        fragments: &document.fragments,
        left: MAX_PARTS,
    };
    for (_, operation) in document.operations.iter() {
        walk.spend(1, &operation.node.directives)?;
        walk.set(&operation.node.selection_set.node, 1)?;
    }
    // Those that nobody spreads too: the library looks at them all the same.
    for fragment in document.fragments.values() {
        walk.fragment(&fragment.node, 1)?;
    }
    Ok(())
}

/// A walk that ends, because it may only go so far and so deep.
struct Walk<'d> {
    fragments: &'d Fragments,
    left: usize,
}

impl Walk<'_> {
    fn set(&mut self, set: &SelectionSet, depth: usize) -> Result<(), &'static str> {
        for item in &set.items {
            if depth > MAX_DEPTH {
                return Err(TOO_DEEP);
            }
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    self.spend(1 + field.arguments.len(), &field.directives)?;
                    self.set(&field.selection_set.node, depth + 1)?;
                }
                Selection::InlineFragment(fragment) => {
                    self.spend(1, &fragment.node.directives)?;
                    self.set(&fragment.node.selection_set.node, depth + 1)?;
                }
                Selection::FragmentSpread(spread) => {
                    self.spend(1, &spread.node.directives)?;
                    let fragments = self.fragments;
                    if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                        self.fragment(&fragment.node, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn fragment(
        &mut self,
        fragment: &FragmentDefinition,
        depth: usize,
    ) -> Result<(), &'static str> {
        self.spend(1, &fragment.directives)?;
        self.set(&fragment.selection_set.node, depth)
    }

    fn spend(
        &mut self,
        parts: usize,
        directives: &[Positioned<Directive>],
    ) -> Result<(), &'static str> {
        let of = |directive: &Positioned<Directive>| 1 + directive.node.arguments.len();
        let parts = parts + directives.iter().map(of).sum::<usize>();
        self.left = self.left.checked_sub(parts).ok_or(TOO_MANY)?;
        Ok(())
    }
}

/// How deep `{`, `(` and `[` nest, and how many `$` there are, outside strings and comments.
fn outline(text: &str) -> (usize, usize) {
    let (mut depth, mut deepest, mut variables) = (0usize, 0, 0);
    let mut left = text.as_bytes();
    while let Some((byte, after)) = left.split_first() {
        left = after;
        match byte {
            b'{' | b'(' | b'[' => {
                depth += 1;
                deepest = Ord::max(deepest, depth);
            }
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            b'$' => variables += 1,
            b'#' => {
                let end = after.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                left = end.map_or(&[], |end| &after[end..]);
            }
            b'"' => left = after_string(after),
            _ => {}
        }
    }
    (deepest, variables)
}

/// What follows a string of which the first quote is gone. It must end where it ends for the
/// library, or brackets could hide in it: a block without an end is no block there, but an
/// empty string and then another one.
fn after_string(text: &[u8]) -> &[u8] {
    const BLOCK: &[u8] = b"\"\"\"";
    let inner = text.strip_prefix(&BLOCK[1..]);
    let block = inner.and_then(|inner| after(inner, BLOCK, &[b"\\\"\"\""]));
    block
        .or_else(|| after(text, b"\"", &[b"\\\\", b"\\\""]))
        .unwrap_or_default()
}

/// What follows the first `end` that is no part of an escape.
fn after<'t>(mut text: &'t [u8], end: &[u8], escapes: &[&[u8]]) -> Option<&'t [u8]> {
    loop {
        if let Some(rest) = text.strip_prefix(end) {
            return Some(rest);
        }
        let escape = escapes.iter().find_map(|escape| text.strip_prefix(*escape));
        text = escape.or_else(|| text.get(1..))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> Option<&'static str> {
        check(&mut Request::new(query), query.len()).err()
    }

    /// Fragments of which each spreads the next one so often.
    fn chain(many: usize, times: usize) -> String {
        let link = |number: usize| {
            let spreads = format!("...F{} ", number + 1).repeat(times);
            format!("fragment F{number} on Query {{ {spreads} }} ")
        };
        let links: String = (1..many).map(link).collect();
        format!("{links} fragment F{many} on Query {{ hello }}")
    }

    #[test]
    fn fragments_are_followed_only_so_far() {
        let wide = "hello ".repeat(MAX_PARTS);
        for (query, why) in [
            (format!("{{ ...F1 }} {}", chain(5, 2)), None),
            (format!("{{ ...F1 }} {}", chain(31, 2)), Some(TOO_MANY)),
            (format!("{{ hello }} {}", chain(31, 2)), Some(TOO_MANY)),
            (format!("{{ {wide} }}"), Some(TOO_MANY)),
            (
                format!("{{ hello {} }}", "@a".repeat(MAX_PARTS)),
                Some(TOO_MANY),
            ),
        ] {
            assert_eq!(refusal(&query), why, "{query}");
        }
        let many = format!("{{ hello }} {}", chain(MAX_FRAGMENTS + 1, 1));
        assert!(refusal(&many).unwrap().contains("fragments"));
    }

    #[test]
    fn a_fragment_that_holds_itself_ends() {
        for query in [
            "{ ...F } fragment F on Query { a ...F }",
            "{ a } fragment F on Query { ...G } fragment G on Query { b { ...F } }",
        ] {
            assert_eq!(refusal(query), Some(TOO_DEEP), "{query}");
        }
    }

    #[test]
    fn what_is_long_or_names_many_variables_is_refused() {
        let long = format!("{{ hello }} # {}", "x".repeat(MAX_LENGTH));
        assert!(refusal(&long).unwrap().contains("long"));
        let copied = format!("{{ a(b: [{}]) }}", "$c ".repeat(MAX_VARIABLES + 1));
        assert!(refusal(&copied).unwrap().contains("variables"));
    }

    #[test]
    fn brackets_nest_only_so_deep_wherever_strings_end() {
        let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
        for before in [
            "",
            r#""" "#,
            r#""a" "#,
            r#""\\" "#,
            r#""\"" "#,
            r#""""a""" "#,
            r#""""a\"""b""" "#,
            // A block that does not end.
            r#""""a" "#,
            "# a \" comment\n",
            "# a \" comment\r",
        ] {
            let query = format!("{{ a(b: [{before}{deep}]) }}");
            assert_eq!(refusal(&query), Some(TOO_DEEP), "{before}");
        }
        for text in [
            format!(r#""{deep}""#),
            format!(r#""\"{deep}""#),
            format!(r#""""\"""{deep}""""#),
            format!("# {deep}\n 1"),
        ] {
            let query = format!("{{ a(b: [{text}]) }}");
            assert_eq!(refusal(&query), None, "{text}");
        }
    }
}
