//! The contract as loaded: descriptors with their options, and the list of what
//! is wrong with it. Every other part of the build reads the contract through here.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, ExtensionDescriptor, MessageDescriptor,
    MethodDescriptor, Value,
};

/// The compiled protos.
pub struct Schema {
    /// The encoded FileDescriptorSet: imports, comments and extension options included.
    pub bytes: Vec<u8>,
    pool: DescriptorPool,
    problems: RefCell<Vec<String>>,
}

impl Schema {
    /// Compiles every proto under `root`.
    pub fn load(root: &Path) -> Result<Self, String> {
        let mut files = Vec::new();
        collect_protos(root, &mut files).map_err(|error| format!("{}: {error}", root.display()))?;
        files.sort();

        let mut compiler = protox::Compiler::new([root]).map_err(|error| format!("{error:?}"))?;
        compiler.include_imports(true).include_source_info(true);
        compiler
            .open_files(&files)
            .map_err(|error| format!("{error:?}"))?;
        // The encoded form keeps extension options, which the typed one drops.
        let bytes = compiler.encode_file_descriptor_set();
        let pool = DescriptorPool::decode(bytes.as_slice()).map_err(|error| error.to_string())?;
        Ok(Self {
            bytes,
            pool,
            problems: RefCell::default(),
        })
    }

    /// The names of the packages that become Rust modules, sorted.
    pub fn packages(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .pool
            .files()
            .map(|file| file.package_name().to_owned())
            .filter(|name| is_compiled(name))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Every message of the contract, sorted by full name.
    pub fn messages(&self) -> Vec<MessageDescriptor> {
        let mut messages: Vec<_> = self
            .pool
            .all_messages()
            .filter(|message| is_compiled(message.package_name()) && !message.is_map_entry())
            .collect();
        messages.sort_by(|a, b| a.full_name().cmp(b.full_name()));
        messages
    }

    /// Every enum of the contract, sorted by full name.
    pub fn enums(&self) -> Vec<EnumDescriptor> {
        let mut enums: Vec<_> = self
            .pool
            .all_enums()
            .filter(|item| is_compiled(item.package_name()))
            .collect();
        enums.sort_by(|a, b| a.full_name().cmp(b.full_name()));
        enums
    }

    /// Every method of the contract, sorted by its gRPC path.
    pub fn methods(&self) -> Vec<MethodDescriptor> {
        let mut methods: Vec<_> = self
            .pool
            .services()
            .filter(|service| is_compiled(service.package_name()))
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .collect();
        methods.sort_by_key(grpc_path);
        methods
    }

    /// An enum by its full name, also of the packages that are not compiled.
    pub fn any_enum(&self, full_name: &str) -> Option<EnumDescriptor> {
        self.pool.get_enum_by_name(full_name)
    }

    /// The extension `name` of some options, when it is set.
    pub fn option(&self, options: &DynamicMessage, name: &str) -> Option<Value> {
        let extension: ExtensionDescriptor = self.pool.get_extension_by_name(name)?;
        options
            .has_extension(&extension)
            .then(|| options.get_extension(&extension).into_owned())
    }

    /// As [`Schema::option`], for an extension that is a message.
    pub fn message_option(&self, options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
        self.option(options, name)?.as_message().cloned()
    }

    /// Notes that something in the contract is wrong; the build will fail.
    pub fn problem(&self, file: &str, subject: &str, message: impl AsRef<str>) {
        let message = message.as_ref();
        self.problems
            .borrow_mut()
            .push(format!("proto/{file}: {subject}: {message}"));
    }

    /// Notes a problem with a method.
    pub fn method_problem(&self, method: &MethodDescriptor, message: impl AsRef<str>) {
        self.problem(method.parent_file().name(), method.full_name(), message);
    }

    /// The problems noted so far.
    pub fn take_problems(&self) -> Vec<String> {
        self.problems.take()
    }
}

/// The path by which gRPC calls a method.
pub fn grpc_path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// A field of an options message, or its default when unset.
pub fn get(message: &DynamicMessage, field: &str) -> Value {
    message
        .get_field_by_name(field)
        .map_or(Value::Bool(false), |value| value.into_owned())
}

/// Annotation packages carry options only; nothing at run time needs their types.
fn is_compiled(package: &str) -> bool {
    package.starts_with("souk.") && !package.starts_with("souk.options.")
}

fn collect_protos(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_protos(&path, files)?;
        } else if path.extension().is_some_and(|kind| kind == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
