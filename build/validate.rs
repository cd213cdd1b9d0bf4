//! The validation code: one `Validate` impl per message, from the standard
//! `buf.validate` options; besides, every text must be one that can be stored. A field that
//! tracks presence is checked when it is set; any other field is always checked, its zero
//! value included.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

use crate::names::{camel, message_path, oneof_path, snake};
use crate::rules::{self, Check, Typed};
use crate::schema::{Schema, get};

/// The code of every impl, and of the patterns that they share.
pub fn generate(schema: &Schema) -> String {
    let requests: BTreeSet<String> = schema
        .methods()
        .iter()
        .map(|method| method.input().full_name().to_owned())
        .collect();
    let mut generator = Generator {
        schema,
        patterns: Vec::new(),
    };
    let mut code = String::new();
    for message in schema.messages() {
        let body = generator.message(&message);
        let _ = writeln!(
            code,
            "impl Validate for {} {{\nconst REQUEST: bool = {};\n\
             fn validate(&self, at: &Path<'_>, out: &mut Vec<Violation>) {{\n{body}}}\n}}",
            message_path(&message),
            requests.contains(message.full_name()),
        );
    }
    for (index, pattern) in generator.patterns.iter().enumerate() {
        let _ = writeln!(
            code,
            "static PATTERN_{index}: LazyLock<Regex> = LazyLock::new(|| \
             Regex::new({pattern:?}).expect(\"the build has compiled this pattern\"));"
        );
    }
    code
}

/// Writes the checks of one message after the other.
pub struct Generator<'a> {
    schema: &'a Schema,
    patterns: Vec<String>,
}

impl Generator<'_> {
    fn message(&mut self, message: &MessageDescriptor) -> String {
        let mut body = String::new();
        for field in message.fields() {
            let is_in_oneof = field
                .containing_oneof()
                .is_some_and(|oneof| !oneof.is_synthetic());
            if !is_in_oneof {
                body.push_str(&self.field(&field));
            }
        }
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            body.push_str(&self.oneof(&oneof));
        }
        body
    }

    fn field(&mut self, field: &FieldDescriptor) -> String {
        let typed = self.rules(field);
        let access = format!("&self.{}", snake(field.name()));
        let at = format!("at.field({:?})", field.json_name());
        if field.is_list() || field.is_map() {
            return self.collection(field, &typed, &access, &at);
        }
        let mut checks = self.checks(field, &field.kind(), typed.rules.as_ref(), &at);
        checks.push_str(&self.nested(&field.kind(), &at));
        let missing = match typed.required {
            true => format!("{at}.fail(out, \"is required\");\n"),
            false => String::new(),
        };
        if checks.is_empty() && missing.is_empty() {
            String::new()
        } else if field.supports_presence() {
            format!("match {access} {{\nSome(v) => {{\n{checks}}}\nNone => {{\n{missing}}}\n}}\n")
        } else if typed.required {
            let zero = zero(&field.kind());
            format!("{{\nlet v = {access};\nif {zero} {{\n{missing}}} else {{\n{checks}}}\n}}\n")
        } else {
            format!("{{\nlet v = {access};\n{checks}}}\n")
        }
    }

    fn oneof(&mut self, oneof: &OneofDescriptor) -> String {
        let rules = self
            .schema
            .message_option(&oneof.options(), "buf.validate.oneof");
        let required = rules.is_some_and(|rules| get(&rules, "required").as_bool() == Some(true));
        let path = oneof_path(oneof);
        let mut arms = String::new();
        let mut names = Vec::new();
        for field in oneof.fields() {
            let typed = self.rules(&field);
            let at = format!("at.field({:?})", field.json_name());
            let mut checks = self.checks(&field, &field.kind(), typed.rules.as_ref(), &at);
            checks.push_str(&self.nested(&field.kind(), &at));
            if !checks.is_empty() {
                let variant = camel(field.name());
                let _ = write!(arms, "Some({path}::{variant}(v)) => {{\n{checks}}}\n");
            }
            names.push(field.json_name().to_owned());
        }
        if required {
            let name = heck::AsLowerCamelCase(oneof.name()).to_string();
            let message = format!("one of {} is required", names.join(", "));
            let _ = writeln!(arms, "None => at.field({name:?}).fail(out, {message:?}),");
        }
        if arms.is_empty() {
            return String::new();
        }
        format!(
            "match &self.{} {{\n{arms}_ => {{}}\n}}\n",
            snake(oneof.name())
        )
    }

    /// The checks of a single value of some kind, which stands at `at`.
    pub fn checks(
        &mut self,
        field: &FieldDescriptor,
        kind: &Kind,
        rules: Option<&(String, DynamicMessage)>,
        at: &str,
    ) -> String {
        let mut code = match kind {
            Kind::String => render(&[rules::storable()], at),
            _ => String::new(),
        };
        let Some(rules) = rules else {
            return code;
        };
        match rules::value_checks(kind, rules, &mut self.patterns) {
            Ok(checks) => code.push_str(&render(&checks, at)),
            Err(problem) => self.problem(field, problem),
        }
        code
    }

    /// The step into a message value, left out where no rule lies below.
    pub fn nested(&self, kind: &Kind, at: &str) -> String {
        match kind {
            Kind::Message(inner) if self.has_rules(inner) => {
                format!("v.validate(&{at}, out);\n")
            }
            _ => String::new(),
        }
    }

    fn has_rules(&self, root: &MessageDescriptor) -> bool {
        let mut seen = HashSet::new();
        let mut waiting = vec![root.clone()];
        while let Some(message) = waiting.pop() {
            if !seen.insert(message.full_name().to_owned()) {
                continue;
            }
            let is_ruled = |options, name| self.schema.option(&options, name).is_some();
            let in_field = message.fields().any(|field| {
                field.kind() == Kind::String || is_ruled(field.options(), "buf.validate.field")
            });
            let in_oneof = message
                .oneofs()
                .any(|oneof| is_ruled(oneof.options(), "buf.validate.oneof"));
            if in_field || in_oneof {
                return true;
            }
            waiting.extend(message.fields().filter_map(|field| match field.kind() {
                Kind::Message(inner) => Some(inner),
                _ => None,
            }));
        }
        false
    }

    fn rules(&self, field: &FieldDescriptor) -> Typed {
        let none = Typed {
            required: false,
            rules: None,
        };
        let option = self
            .schema
            .message_option(&field.options(), "buf.validate.field");
        match option.as_ref().map(rules::typed) {
            Some(Ok(typed)) => typed,
            Some(Err(problem)) => {
                self.problem(field, problem);
                none
            }
            None => none,
        }
    }

    /// Notes that a field's rules are wrong.
    pub fn problem(&self, field: &FieldDescriptor, message: impl AsRef<str>) {
        let file = field.parent_message().parent_file();
        self.schema.problem(file.name(), field.full_name(), message);
    }
}

/// The statements of some checks, which note a failure at `at`.
pub fn render(checks: &[Check], at: &str) -> String {
    checks
        .iter()
        .map(|check| statement(&check.fails_when, &check.message, at))
        .collect()
}

/// One statement.
pub fn statement(fails_when: &str, message: &str, at: &str) -> String {
    format!("if {fails_when} {{\n{at}.fail(out, {message:?});\n}}\n")
}

/// Whether a value of this kind, without presence, counts as not set.
fn zero(kind: &Kind) -> &'static str {
    match kind {
        Kind::String | Kind::Bytes => "v.is_empty()",
        Kind::Bool => "!*v",
        Kind::Double | Kind::Float => "*v == 0.0",
        _ => "*v == 0",
    }
}
