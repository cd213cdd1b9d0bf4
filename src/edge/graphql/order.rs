//! The order of an answer's fields: that of the question. The library gives them in the order
//! in which their calls came back.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Request, Response, Value};

/// The keys of the answer that a request within its bounds asks for; none when it cannot be
/// read.
pub fn keys(request: &mut Request) -> Vec<String> {
    let name = request.operation_name.clone();
    let mut keys = Vec::new();
    if let Ok(document) = request.parsed_query() {
        let mut operations = document.operations.iter();
        let meant = operations.find(|(known, _)| {
            name.is_none() || known.map(|known| known.as_str()) == name.as_deref()
        });
        if let Some((_, operation)) = meant {
            let set = &operation.node.selection_set.node;
            collect(document, set, &mut keys);
        }
    }
    keys
}

fn collect(document: &ExecutableDocument, set: &SelectionSet, keys: &mut Vec<String>) {
    for item in &set.items {
        let inner = match &item.node {
            Selection::Field(field) => {
                keys.push(field.node.response_key().node.to_string());
                continue;
            }
            Selection::InlineFragment(fragment) => &fragment.node.selection_set.node,
            Selection::FragmentSpread(spread) => {
                match document.fragments.get(&spread.node.fragment_name.node) {
                    Some(fragment) => &fragment.node.selection_set.node,
                    None => continue,
                }
            }
        };
        collect(document, inner, keys);
    }
}

/// The answer with its fields in that order.
pub fn apply(mut answer: Response, keys: &[String]) -> Response {
    if let Value::Object(data) = &mut answer.data {
        let place = |name: &str| keys.iter().position(|key| key == name);
        data.sort_by(|one, _, other, _| place(one).cmp(&place(other)));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_the_order_of_the_question_through_fragments() {
        let query = "query A { x } query B { b ...F a: c } fragment F on Query { d ... { e } }";
        let mut request = Request::new(query).operation_name("B");
        assert_eq!(keys(&mut request), ["b", "d", "e", "a"]);
        assert_eq!(keys(&mut Request::new("{ broken")), Vec::<String>::new());
    }
}
