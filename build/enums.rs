//! The words of every enum with their numbers and aliases.

use std::collections::HashMap;
use std::fmt::Write;

use prost_reflect::{EnumDescriptor, EnumValueDescriptor};

use crate::schema::Schema;

/// The code of the table.
pub fn generate(schema: &Schema) -> String {
    let mut code = String::from(
        "/// Every enum of the contract, sorted by full name.\npub static ALL: &[EnumTable] = &[\n",
    );
    for item in schema.enums() {
        check_words(schema, &item);
        let _ = writeln!(
            code,
            "EnumTable {{ full_name: {:?}, words: &[",
            item.full_name()
        );
        for value in item.values() {
            let _ = writeln!(
                code,
                "Word {{ name: {:?}, number: {}, aliases: &{:?} }},",
                value.name(),
                value.number(),
                aliases(schema, &value),
            );
        }
        code.push_str("] },\n");
    }
    code.push_str("];\n");
    code
}

fn aliases(schema: &Schema, value: &EnumValueDescriptor) -> Vec<String> {
    let option = schema.option(&value.options(), "souk.options.v1.alias");
    let words = option.as_ref().and_then(|option| option.as_list());
    words
        .unwrap_or_default()
        .iter()
        .filter_map(|word| Some(word.as_str()?.to_owned()))
        .collect()
}

/// Words are compared without regard to case, so no two may differ by case alone.
fn check_words(schema: &Schema, item: &EnumDescriptor) {
    let mut owners: HashMap<String, i32> = HashMap::new();
    for value in item.values() {
        let mut words = aliases(schema, &value);
        words.push(value.name().to_owned());
        for word in words {
            let owner = owners.insert(word.to_ascii_uppercase(), value.number());
            if owner.is_some_and(|number| number != value.number()) {
                schema.problem(
                    item.parent_file().name(),
                    item.full_name(),
                    format!("the word {word} names two values"),
                );
            }
        }
    }
}
