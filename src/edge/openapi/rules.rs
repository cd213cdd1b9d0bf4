//! The `buf.validate` rules of a field as JSON Schema keywords.

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Value as Rule};
use serde_json::{Map, Value, json};

/// The rules of one field.
pub struct Rules {
    /// The field must be set.
    pub required: bool,
    rules: Option<DynamicMessage>,
}

impl Rules {
    /// Reads the rules that stand on a field.
    pub fn of(pool: &DescriptorPool, field: &FieldDescriptor) -> Self {
        Self::from_message(option(pool, field, "buf.validate.field"))
    }

    fn from_message(rules: Option<DynamicMessage>) -> Self {
        let required = rules.as_ref().is_some_and(|rules| {
            rules
                .get_field_by_name("required")
                .is_some_and(|value| value.as_bool() == Some(true))
        });
        Self { required, rules }
    }

    /// Adds the keywords of a single value, a list or a map.
    pub fn apply(&self, schema: &mut Map<String, Value>) {
        for (rule, value) in self.typed() {
            if let Some((keyword, value)) = keyword(&rule, &value) {
                schema.insert(keyword.to_owned(), value);
            }
        }
    }

    /// The rules of the items of a list, or of the values of a map.
    pub fn inner(&self) -> Self {
        let inner = self
            .typed()
            .into_iter()
            .find(|(rule, _)| matches!(rule.as_str(), "items" | "values"))
            .and_then(|(_, value)| value.as_message().cloned());
        Self::from_message(inner)
    }

    /// The rules that depend on the type, each with its name.
    fn typed(&self) -> Vec<(String, Rule)> {
        let Some(rules) = &self.rules else {
            return Vec::new();
        };
        rules
            .fields()
            .filter_map(|(_, value)| value.as_message())
            .flat_map(|typed| {
                typed
                    .fields()
                    .map(|(rule, value)| (rule.name().to_owned(), value.clone()))
            })
            .collect()
    }
}

/// A message-valued option of a field.
pub fn option(
    pool: &DescriptorPool,
    field: &FieldDescriptor,
    name: &str,
) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name(name)?;
    let options = field.options();
    options
        .has_extension(&extension)
        .then(|| options.get_extension(&extension).as_message().cloned())?
}

fn keyword(rule: &str, value: &Rule) -> Option<(&'static str, Value)> {
    let keyword = match rule {
        "email" | "uuid" if value.as_bool() != Some(true) => return None,
        "email" => return Some(("format", json!("email"))),
        "uuid" => return Some(("format", json!("uuid"))),
        "min_len" => "minLength",
        "max_len" => "maxLength",
        "pattern" => "pattern",
        "in" => "enum",
        "const" => "const",
        "gt" => "exclusiveMinimum",
        "gte" => "minimum",
        "lt" => "exclusiveMaximum",
        "lte" => "maximum",
        "min_items" => "minItems",
        "max_items" => "maxItems",
        "unique" => "uniqueItems",
        "min_pairs" => "minProperties",
        "max_pairs" => "maxProperties",
        _ => return None,
    };
    Some((keyword, json_value(value)?))
}

fn json_value(value: &Rule) -> Option<Value> {
    Some(match value {
        Rule::Bool(value) => json!(value),
        Rule::I32(value) => json!(value),
        Rule::I64(value) => json!(value),
        Rule::U64(value) => json!(value),
        // Whole bounds read better without a fraction.
        Rule::F64(value) if value.fract() == 0.0 => json!(*value as i64),
        Rule::F64(value) => json!(value),
        Rule::String(value) => json!(value),
        Rule::List(values) => values.iter().filter_map(json_value).collect(),
        _ => return None,
    })
}
