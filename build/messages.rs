//! Messages, gRPC services and the JSON form of both, by prost, tonic and pbjson.

use std::fmt::Write;
use std::path::Path;

use prost::Message;

use crate::names::snake;
use crate::nulls;
use crate::schema::Schema;
use crate::secrets;

/// Types that the contract's messages use but that are not compiled here: our own
/// Timestamp (its JSON form ends in `Z`), the rest of the well-known types, and the
/// annotation packages, of which no message makes use.
const EXTERN_TYPES: &[(&str, &str)] = &[
    (".google.protobuf", "::pbjson_types"),
    (".google.protobuf.Timestamp", "crate::time::Timestamp"),
    (".google.api", "crate::annotations_are_not_compiled"),
    (".buf.validate", "crate::annotations_are_not_compiled"),
    (".souk.options", "crate::annotations_are_not_compiled"),
];

/// Writes one file per package, its JSON twin, and `modules.rs` that joins them.
pub fn generate(schema: &Schema, out_dir: &Path) -> Result<(), String> {
    write(out_dir, "descriptors.binpb", &schema.bytes)?;
    services(schema)?;
    json(schema, out_dir)?;
    write(out_dir, "modules.rs", modules(schema, out_dir).as_bytes())
}

fn services(schema: &Schema) -> Result<(), String> {
    let descriptors = tonic_prost_build::FileDescriptorSet::decode(schema.bytes.as_slice())
        .map_err(|error| error.to_string())?;
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names().btree_map(["."]);
    let secret = secrets::messages(schema);
    let secret = secret
        .iter()
        .map(|message| format!(".{}", message.full_name()));
    let mut builder = tonic_prost_build::configure()
        .compile_well_known_types(true)
        .codec_path("crate::codec::ContractCodec")
        .skip_debug(secret);
    for (proto, rust) in EXTERN_TYPES {
        builder = builder.extern_path(proto, rust);
    }
    builder
        .compile_fds_with_config(descriptors, config)
        .map_err(|error| error.to_string())
}

fn json(schema: &Schema, out_dir: &Path) -> Result<(), String> {
    let mut builder = pbjson_build::Builder::new();
    builder
        .register_descriptors(&schema.bytes)
        .map_err(|error| error.to_string())?;
    builder
        .out_dir(out_dir)
        .btree_map(["."])
        .emit_fields()
        .exclude([".souk.options"]);
    for (proto, rust) in EXTERN_TYPES {
        builder.extern_path(*proto, *rust);
    }
    builder
        .build(&[".souk"])
        .map_err(|error| error.to_string())?;
    nulls::apply(schema, out_dir)
}

/// Nested modules that mirror the packages, each including its generated files.
fn modules(schema: &Schema, out_dir: &Path) -> String {
    let mut code = String::new();
    let mut open: Vec<String> = Vec::new();
    for package in schema.packages() {
        let segments: Vec<String> = package.split('.').map(str::to_owned).collect();
        let shared = open
            .iter()
            .zip(&segments)
            .take_while(|(a, b)| a == b)
            .count();
        code.push_str(&"}\n".repeat(open.len() - shared));
        for segment in &segments[shared..] {
            let _ = writeln!(
                code,
                "/// Messages and services of the contract.\npub mod {} {{",
                snake(segment)
            );
        }
        for file in [format!("{package}.rs"), format!("{package}.serde.rs")] {
            if out_dir.join(&file).exists() {
                let _ = writeln!(code, "include!(concat!(env!(\"OUT_DIR\"), \"/{file}\"));");
            }
        }
        open = segments;
    }
    code.push_str(&"}\n".repeat(open.len()));
    code
}

fn write(out_dir: &Path, name: &str, content: &[u8]) -> Result<(), String> {
    std::fs::write(out_dir.join(name), content).map_err(|error| format!("{name}: {error}"))
}
