//! A picture as it comes in a request: its bytes, or a form that has them as its one file.

use bytes::Bytes;
use multer::{Constraints, Multipart, SizeLimit};

use super::check::{Kind, refused};
use super::file::PICTURE_MAX;
use super::key;
use crate::kernel::{Error, Reason, Result};

/// Bytes of a whole form: a picture and what stands around it.
const FORM_MAX: u64 = PICTURE_MAX + 64 * 1024;
/// Fields of a form that are no file.
const FIELDS_MAX: usize = 20;
/// The type of bytes of which nothing is known.
const UNKNOWN: &str = "application/octet-stream";

/// Bytes and what the client says about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The bytes.
    pub bytes: Bytes,
    /// Their name on the client's side.
    pub name: String,
    /// Their type, when it was told.
    pub content_type: Option<String>,
}

impl Sent {
    /// Demands that the bytes are of the type that was told.
    ///
    /// # Errors
    /// UNSUPPORTED_MEDIA.
    pub fn check_type(&self, found: Kind) -> Result<()> {
        let told = self.content_type.as_deref().map(Kind::of_type);
        match told.is_none_or(|told| told == Some(found)) {
            true => Ok(()),
            false => Err(refused("the file is not of the type that was announced")),
        }
    }
}

/// The picture of a request.
///
/// # Errors
/// VALIDATION_ERROR when a form has not exactly one file; FILE_TOO_LARGE.
pub async fn sent(bytes: Bytes, content_type: &str) -> Result<Sent> {
    let sent = match content_type.trim_start().get(..10) {
        Some(start) if start.eq_ignore_ascii_case("multipart/") => {
            in_form(bytes, content_type).await?
        }
        _ => Sent {
            bytes,
            name: String::new(),
            content_type: told(content_type),
        },
    };
    if sent.bytes.len() as u64 > PICTURE_MAX {
        return Err(too_large());
    }
    if sent.bytes.is_empty() {
        return Err(Error::field("file", "must not be empty"));
    }
    Ok(sent)
}

/// The one file of a form, whatever the name of its field.
async fn in_form(bytes: Bytes, content_type: &str) -> Result<Sent> {
    let boundary = multer::parse_boundary(content_type).map_err(wrong)?;
    let limits = SizeLimit::new().whole_stream(FORM_MAX);
    let whole = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let constraints = Constraints::new().size_limit(limits);
    let mut form = Multipart::with_constraints(whole, boundary, constraints);
    let (mut found, mut fields) = (None, 0);
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        let Some(name) = field.file_name().map(str::to_owned) else {
            fields += 1;
            if fields > FIELDS_MAX {
                return Err(Error::field("file", "comes with too many fields"));
            }
            continue;
        };
        if found.is_some() {
            return Err(Error::field("file", "must be the only file of its form"));
        }
        key::check_name("file", &name)?;
        let content_type = field.content_type().map(|told| told.essence_str());
        let content_type = content_type.and_then(told);
        let bytes = field.bytes().await.map_err(wrong)?;
        found = Some(Sent {
            bytes,
            name,
            content_type,
        });
    }
    found.ok_or_else(|| Error::field("file", "must stand in the form"))
}

fn told(content_type: &str) -> Option<String> {
    let name = content_type.split(';').next().unwrap_or_default().trim();
    let is_known = !name.is_empty() && !name.eq_ignore_ascii_case(UNKNOWN);
    is_known.then(|| name.to_owned())
}

fn wrong(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => {
            too_large()
        }
        error => Error::field("file", "is no form that can be read").caused_by(error),
    }
}

fn too_large() -> Error {
    let message = format!("the file may have {PICTURE_MAX} bytes at the most");
    Error::new(Reason::FileTooLarge, message)
        .at("file")
        .with("max", PICTURE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORM: &str = "multipart/form-data; boundary=XX";

    fn form(parts: &[&str]) -> Bytes {
        let parts = parts.iter().map(|part| format!("--XX\r\n{part}\r\n"));
        Bytes::from(format!("{}--XX--\r\n", parts.collect::<String>()))
    }

    fn file(field: &str) -> String {
        format!(
            "Content-Disposition: form-data; name=\"{field}\"; filename=\"été.png\"\r\n\
             Content-Type: image/png\r\n\r\nbytes"
        )
    }

    #[tokio::test]
    async fn the_one_file_of_a_form_is_found_whatever_its_field_is_called() {
        let text = "Content-Disposition: form-data; name=\"alt\"\r\n\r\nhello";
        for field in ["file", "image", "anything"] {
            let found = sent(form(&[text, &file(field)]), FORM).await.unwrap();
            let expected = Sent {
                bytes: Bytes::from("bytes"),
                name: "été.png".to_owned(),
                content_type: Some("image/png".to_owned()),
            };
            assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn a_form_without_exactly_one_file_is_refused() {
        let two = [file("a"), file("b")];
        let two: Vec<&str> = two.iter().map(String::as_str).collect();
        let text = "Content-Disposition: form-data; name=\"file\"\r\n\r\nhello";
        let empty = file("a").replace("bytes", "");
        for (body, content_type) in [
            (form(&two), FORM),
            (form(&[text]), FORM),
            (form(&[]), FORM),
            (form(&[&empty]), FORM),
            (form(&[&file("a")]), "multipart/form-data"),
            (form(&[&file("a")]), "multipart/form-data; boundary=YY"),
            (form(&[&file("a")]), "multipart/mixed; boundary=XX"),
            (form(&[&file("a")]).slice(..40), FORM),
            (Bytes::new(), "image/png"),
        ] {
            let refused = sent(body.clone(), content_type).await.unwrap_err();
            assert_eq!(refused.violations()[0].field, "file", "{body:?}");
        }
    }

    #[tokio::test]
    async fn a_picture_larger_than_allowed_is_refused_with_and_without_a_form() {
        let large = "x".repeat(usize::try_from(PICTURE_MAX).unwrap() + 1);
        let in_form = form(&[&file("a").replace("bytes", &large)]);
        let larger = form(&[&file("a").replace("bytes", &large.repeat(2))]);
        for (body, content_type) in [
            (Bytes::from(large), "image/png"),
            (in_form, FORM),
            (larger, FORM),
        ] {
            let refused = sent(body, content_type).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::FileTooLarge, "{content_type}");
        }
    }

    #[tokio::test]
    async fn a_type_that_says_nothing_is_no_type() {
        for (content_type, told) in [
            ("", None),
            ("application/octet-stream", None),
            ("image/png; x=y", Some("image/png")),
            ("text/html", Some("text/html")),
        ] {
            let found = sent(Bytes::from("a"), content_type).await.unwrap();
            assert_eq!(found.content_type.as_deref(), told, "{content_type}");
            let fits = matches!(told, None | Some("image/png"));
            assert_eq!(found.check_type(Kind::Png).is_ok(), fits);
        }
    }

    proptest! {
        #[test]
        fn no_form_upsets_the_reader(body in any::<Vec<u8>>(), content_type in any::<String>()) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for content_type in [FORM, &content_type] {
                let _ = runtime.block_on(sent(body.clone().into(), content_type));
            }
        }
    }
}
