//! The checks of lists and maps: their own rules, then those of each element.

use std::fmt::Write;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use crate::names::snake;
use crate::rules::{self, Typed};
use crate::validate::{Generator, render, statement};

/// The rules that the elements of a collection have.
#[derive(Default)]
struct Elements {
    /// Those of a list's items or a map's values.
    values: Option<DynamicMessage>,
    /// Those of a map's keys.
    keys: Option<DynamicMessage>,
}

impl Generator<'_> {
    /// The checks of a list or map field that is read by `access` and stands at `at`.
    pub fn collection(
        &mut self,
        field: &FieldDescriptor,
        typed: &Typed,
        access: &str,
        at: &str,
    ) -> String {
        let (whole, elements) = self.whole(field, typed, at);
        let mut code = String::new();
        if typed.required {
            let missing = statement("v.is_empty()", "is required", at);
            let _ = write!(
                code,
                "{{\nlet v = {access};\n{missing}else {{\n{whole}}}\n}}\n"
            );
        } else if !whole.is_empty() {
            let _ = write!(code, "{{\nlet v = {access};\n{whole}}}\n");
        }
        code.push_str(&self.elements(field, elements, access));
        code
    }

    /// The checks of the collection as a whole, and the rules left for its elements.
    fn whole(&self, field: &FieldDescriptor, typed: &Typed, at: &str) -> (String, Elements) {
        let mut code = String::new();
        let mut elements = Elements::default();
        let Some((name, rules)) = &typed.rules else {
            return (code, elements);
        };
        let (expected, noun) = match field.is_map() {
            true => ("map", ("entry", "entries")),
            false => ("repeated", ("item", "items")),
        };
        if name != expected {
            self.problem(field, format!("the rules of {name} do not fit the field"));
            return (code, elements);
        }
        for (rule, value) in rules.fields() {
            match (rule.name(), value) {
                ("items" | "values", Value::Message(rules)) => {
                    elements.values = Some(rules.clone());
                }
                ("keys", Value::Message(rules)) => elements.keys = Some(rules.clone()),
                ("unique", Value::Bool(true)) => code.push_str(&statement(
                    "!forms::is_unique(v)",
                    "must not have the same item twice",
                    at,
                )),
                (other, value) => match rules::count_check(other, value, noun) {
                    Some(check) => code.push_str(&render(&[check], at)),
                    None => self.problem(field, rules::unknown(&format!("{name}.{other}"))),
                },
            }
        }
        (code, elements)
    }

    /// The loop over the elements, left out where they have no rules.
    fn elements(&mut self, field: &FieldDescriptor, rules: Elements, access: &str) -> String {
        let json_name = field.json_name();
        if let Kind::Message(entry) = field.kind()
            && field.is_map()
        {
            let key = self.element(field, &entry.map_entry_key_field().kind(), rules.keys);
            let value = self.element(field, &entry.map_entry_value_field().kind(), rules.values);
            if key.is_empty() && value.is_empty() {
                return String::new();
            }
            return format!(
                "for (key, v) in {access} {{\nlet at = at.entry({json_name:?}, key);\n{value}\
                 let v = key;\n{key}}}\n"
            );
        }
        let item = self.element(field, &field.kind(), rules.values);
        if item.is_empty() {
            return String::new();
        }
        format!(
            "for (index, v) in self.{}.iter().enumerate() {{\n\
             let at = at.item({json_name:?}, index);\n{item}}}\n",
            snake(field.name()),
        )
    }

    /// The checks of one element, whose place is `at` itself.
    fn element(
        &mut self,
        field: &FieldDescriptor,
        kind: &Kind,
        rules: Option<DynamicMessage>,
    ) -> String {
        let typed = match rules.as_ref().map(rules::typed) {
            Some(Ok(typed)) if typed.required => {
                self.problem(field, "an element cannot be required");
                None
            }
            Some(Ok(typed)) => typed.rules,
            Some(Err(problem)) => {
                self.problem(field, problem);
                None
            }
            None => None,
        };
        let mut code = self.checks(field, kind, typed.as_ref(), "at");
        code.push_str(&self.nested(kind, "at"));
        code
    }
}
