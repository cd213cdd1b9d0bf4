//! The table of methods, and the JSON codecs of their messages.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::names::message_path;
use crate::raw;
use crate::schema::{Schema, grpc_path};

/// The code of both tables.
pub fn generate(schema: &Schema) -> String {
    let methods = schema.methods();
    let messages: BTreeMap<String, String> = methods
        .iter()
        .flat_map(|method| [method.input(), method.output()])
        .map(|message| (message.full_name().to_owned(), message_path(&message)))
        .collect();
    let index: BTreeMap<&str, usize> = messages
        .keys()
        .enumerate()
        .map(|(index, name)| (name.as_str(), index))
        .collect();
    let codec = |name: &str| index.get(name).copied().unwrap_or_default();

    let mut code = String::from(
        "/// The JSON codec of every request and response, sorted by full name.\n\
         pub static MESSAGES: &[MessageCodec] = &[\n",
    );
    for (name, path) in &messages {
        let _ = writeln!(code, "MessageCodec::of::<{path}>({name:?}),");
    }
    code.push_str("];\n/// Every method, sorted by path.\npub static ALL: &[Method] = &[\n");
    for method in &methods {
        let deprecated = method
            .method_descriptor_proto()
            .options
            .as_ref()
            .is_some_and(|options| options.deprecated());
        let _ = writeln!(
            code,
            "Method {{ path: {:?}, input: &MESSAGES[{}], output: &MESSAGES[{}], \
             client_streaming: {}, server_streaming: {}, deprecated: {deprecated}, \
             text: {} }},",
            grpc_path(method),
            codec(method.input().full_name()),
            codec(method.output().full_name()),
            method.is_client_streaming(),
            method.is_server_streaming(),
            raw::answer(schema, method),
        );
    }
    code.push_str("];\n");
    code
}
