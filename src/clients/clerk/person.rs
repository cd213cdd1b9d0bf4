//! What Clerk tells of people, by its API and its webhooks alike.

use serde::Deserialize;
use serde_json::Value;

use super::session::is_name;
use crate::kernel::Time;

/// Letters of names and addresses that are kept; the contract allows no more.
const NAME_MAX: usize = 60;
const EMAIL_MAX: usize = 254;
const URL_MAX: usize = 2048;

/// A person, as Clerk knows them. What is missing, or makes no sense, is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Names the person (`user_…`).
    pub subject: String,
    /// When Clerk changed it last.
    pub updated_at: Time,
    /// The primary e-mail address, in lower case.
    pub email: Option<String>,
    /// Clerk has seen that the address is the person's.
    pub email_verified: bool,
    /// The primary phone number, if Clerk has seen that it is the person's.
    pub phone: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// A picture.
    pub image_url: Option<String>,
}

/// What a webhook brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A person came or changed.
    Changed(Box<Person>),
    /// A person is gone.
    Deleted {
        /// Names the person.
        subject: String,
    },
    /// Something that does not matter here.
    Other,
}

#[derive(Deserialize)]
struct User {
    id: String,
    updated_at: i64,
    first_name: Option<String>,
    last_name: Option<String>,
    image_url: Option<String>,
    primary_email_address_id: Option<String>,
    #[serde(default)]
    email_addresses: Vec<Contact>,
    primary_phone_number_id: Option<String>,
    #[serde(default)]
    phone_numbers: Vec<Contact>,
}

#[derive(Deserialize)]
struct Contact {
    id: String,
    #[serde(alias = "email_address", alias = "phone_number")]
    value: String,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Verification {
    status: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    data: Value,
}

#[derive(Deserialize)]
struct Gone {
    id: String,
}

impl Person {
    /// Reads a user of Clerk's API.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        Self::of(serde_json::from_slice(json).ok()?)
    }

    fn of(user: User) -> Option<Self> {
        let email = primary(user.primary_email_address_id, user.email_addresses);
        let phone = primary(user.primary_phone_number_id, user.phone_numbers);
        let is_verified = email.as_ref().is_some_and(Contact::is_verified);
        let email = email.and_then(|email| address(&email.value));
        Some(Self {
            subject: Some(user.id).filter(|id| is_name(id))?,
            updated_at: Time::from_micros(user.updated_at.checked_mul(1000)?),
            email_verified: email.is_some() && is_verified,
            email,
            phone: phone.filter(Contact::is_verified).map(|phone| phone.value),
            first_name: user.first_name.and_then(|name| text(&name, NAME_MAX)),
            last_name: user.last_name.and_then(|name| text(&name, NAME_MAX)),
            image_url: user
                .image_url
                .filter(|url| url.starts_with("https://") && url.len() <= URL_MAX),
        })
    }
}

impl News {
    /// Reads the body of a webhook, with the type that it names.
    pub fn read(json: &[u8]) -> Option<(String, Self)> {
        let Message { kind, data } = serde_json::from_slice(json).ok()?;
        if !is_name(&kind) {
            return None;
        }
        let news = match kind.as_str() {
            "user.created" | "user.updated" => {
                Self::Changed(Box::new(Person::of(serde_json::from_value(data).ok()?)?))
            }
            "user.deleted" => {
                let Gone { id: subject } = serde_json::from_value(data).ok()?;
                is_name(&subject).then_some(Self::Deleted { subject })?
            }
            _ => Self::Other,
        };
        Some((kind, news))
    }
}

impl Contact {
    fn is_verified(&self) -> bool {
        let status = self
            .verification
            .as_ref()
            .and_then(|of| of.status.as_deref());
        status == Some("verified")
    }
}

fn primary(id: Option<String>, contacts: Vec<Contact>) -> Option<Contact> {
    let id = id?;
    contacts.into_iter().find(|contact| contact.id == id)
}

fn address(value: &str) -> Option<String> {
    let address = value.trim().to_lowercase();
    let (local, domain) = address.rsplit_once('@')?;
    let sound = !local.is_empty()
        && !domain.is_empty()
        && address.len() <= EMAIL_MAX
        && !address.contains(|letter: char| letter.is_control() || letter.is_whitespace());
    sound.then_some(address)
}

fn text(value: &str, max: usize) -> Option<String> {
    let text: String = value
        .trim()
        .chars()
        .filter(|letter| !letter.is_control())
        .take(max)
        .collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user() -> Value {
        json!({
            "id": "user_1", "object": "user", "updated_at": 1_700_000_000_123_i64,
            "first_name": " Amina ", "last_name": "", "image_url": "https://img.clerk.com/a",
            "primary_email_address_id": "idn_2",
            "email_addresses": [
                {"id": "idn_1", "email_address": "old@example.dz", "verification": {"status": "verified"}},
                {"id": "idn_2", "email_address": "Amina@Example.dz", "verification": {"status": "unverified"}},
            ],
            "primary_phone_number_id": "idn_3",
            "phone_numbers": [
                {"id": "idn_3", "phone_number": "+213551234567", "verification": {"status": "verified"}},
            ],
            "public_metadata": {"role": "admin"},
        })
    }

    fn read(user: &Value) -> Option<Person> {
        Person::read(user.to_string().as_bytes())
    }

    #[test]
    fn a_person_is_read_with_what_clerk_has_seen() {
        let person = read(&user()).unwrap();
        assert_eq!(person.updated_at, Time::from_micros(1_700_000_000_123_000));
        assert_eq!(person.email.as_deref(), Some("amina@example.dz"));
        assert!(!person.email_verified);
        assert_eq!(person.phone.as_deref(), Some("+213551234567"));
        assert_eq!(person.first_name.as_deref(), Some("Amina"));
        assert_eq!(person.last_name, None);
    }

    #[test]
    fn what_makes_no_sense_is_none_or_nobody() {
        let mut odd = user();
        odd["image_url"] = json!("javascript:alert(1)");
        odd["email_addresses"][1]["email_address"] = json!("nobody");
        odd["phone_numbers"][0]["verification"] = json!(null);
        let person = read(&odd).unwrap();
        assert_eq!(
            (person.image_url, person.email, person.phone),
            (None, None, None)
        );
        for (field, value) in [
            ("id", json!("")),
            ("id", json!("user\u{0}1")),
            ("id", json!(7)),
            ("updated_at", json!(i64::MAX)),
            ("updated_at", json!(null)),
            ("email_addresses", json!("none")),
        ] {
            let mut odd = user();
            odd[field] = value;
            assert_eq!(read(&odd), None, "{field}");
        }
    }

    #[test]
    fn a_webhook_brings_news_of_a_person_or_nothing_that_matters() {
        let news = |body: Value| News::read(body.to_string().as_bytes());
        let (kind, changed) = news(json!({"type": "user.updated", "data": user()})).unwrap();
        assert_eq!(kind, "user.updated");
        assert!(matches!(changed, News::Changed(person) if person.subject == "user_1"));
        let deleted = json!({"type": "user.deleted", "data": {"id": "user_1", "deleted": true}});
        let subject = "user_1".to_owned();
        assert_eq!(news(deleted).unwrap().1, News::Deleted { subject });
        let other = json!({"type": "session.created", "data": {"id": "sess_1"}});
        assert_eq!(news(other).unwrap().1, News::Other);
        assert!(news(json!({"type": "user.created", "data": {}})).is_none());
        assert!(news(json!({"data": {}})).is_none());
        assert!(news(json!({"type": "a b", "data": {}})).is_none());
        assert!(news(json!({"type": "user.deleted", "data": {"id": "\u{0}"}})).is_none());
        assert!(News::read(b"not json").is_none());
    }
}
