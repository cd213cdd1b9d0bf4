//! Where files are kept, and for how long they may be sent.

use std::time::Duration;

use super::read::{Name, Problem, Reader, refused};
use crate::kernel::Secret;

const ENDPOINT: Name = ("R2_ENDPOINT", "media.endpoint");
const KEY_ID: Name = ("R2_ACCESS_KEY_ID", "media.access_key_id");
const KEY: Name = ("R2_SECRET_ACCESS_KEY", "media.secret_access_key");
const BUCKET: Name = ("R2_BUCKET_NAME", "media.bucket_name");
const PUBLIC: Name = ("R2_PUBLIC_URL", "media.public_url");
const REGION: Name = ("S3_REGION", "media.region");
const PATH_STYLE: Name = ("S3_PATH_STYLE", "media.path_style");
const OWN: Name = ("PUBLIC_URL", "server.public_url");
const OWN_TOO: Name = ("SERVER_URL", "server.server_url");
const LASTS: Name = ("UPLOAD_LASTS", "media.upload_lasts");
const OWNER_BYTES: Name = ("MEDIA_OWNER_MAX_BYTES", "media.owner_max_bytes");

/// What an address of files looks like.
const EXAMPLE: &str = "https://files.example.com";
/// How long an address to send bytes to is good, at the longest.
const LASTS_MAX: Duration = Duration::from_secs(15 * 60);
const LASTS_DEFAULT: Duration = Duration::from_secs(10 * 60);
/// The bytes of all files of one user: at the least one large video, and usually thousands
/// of pictures and hundreds of videos.
const OWNER_BYTES_LEAST: i64 = 100 * 1024 * 1024;
const OWNER_BYTES_DEFAULT: i64 = 20 * 1024 * 1024 * 1024;
const OWNER_BYTES_MOST: i64 = 1024 * OWNER_BYTES_DEFAULT;

/// Where files are kept.
#[derive(Debug, Clone)]
pub struct Media {
    /// The bucket; without one files lie in a folder of this host.
    pub bucket: Option<Bucket>,
    /// Where clients reach this server, without a slash at the end; unset, it is where it
    /// listens.
    pub own_url: Option<String>,
    /// How long an address to send bytes to is good.
    pub upload_lasts: Duration,
    /// The most bytes of all files of one user.
    pub owner_bytes_max: i64,
}

/// A bucket of a provider that speaks S3.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Where the provider's interface is.
    pub endpoint: String,
    /// The key's name.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret<String>,
    /// The bucket's name.
    pub name: String,
    /// Where everybody reads what is in it, without a slash at the end.
    pub public_url: String,
    /// Where it is.
    pub region: String,
    /// Its name stands in the path of addresses, not in their host.
    pub path_style: bool,
}

pub(super) fn read(reader: &mut Reader, production: bool, notes: &mut Vec<String>) -> Media {
    let bucket = bucket(reader);
    let own_url = own_url(reader);
    if production && bucket.is_none() && own_url.is_none() {
        notes.push(
            "files lie in a folder of this host, and their addresses begin with where this \
             server listens: set R2_ENDPOINT and its fellows, or PUBLIC_URL"
                .to_owned(),
        );
    }
    Media {
        bucket,
        own_url,
        upload_lasts: reader.span(LASTS, LASTS_DEFAULT, LASTS_MAX),
        owner_bytes_max: reader.number(
            OWNER_BYTES,
            OWNER_BYTES_DEFAULT,
            OWNER_BYTES_LEAST,
            OWNER_BYTES_MOST,
        ),
    }
}

fn own_url(reader: &mut Reader) -> Option<String> {
    let set = [OWN, OWN_TOO].map(|name| (name, reader.text(name)));
    let mut set = set.into_iter();
    let (name, url) = set.find_map(|(name, url)| Some((name, url?)))?;
    reader.base_url(name, &url, EXAMPLE)
}

/// All of it or nothing.
fn bucket(reader: &mut Reader) -> Option<Bucket> {
    let parts = [ENDPOINT, KEY_ID, KEY, BUCKET, PUBLIC].map(|name| (name, reader.text(name)));
    let region = reader.text(REGION).unwrap_or_else(|| "auto".to_owned());
    let path_style = reader.flag(PATH_STYLE, true);
    if parts.iter().all(|(_, part)| part.is_none()) {
        return None;
    }
    for (name, part) in &parts {
        if part.is_none() {
            reader.problem(*name, "must be set, as other settings of the bucket are");
        }
    }
    let [endpoint, key_id, key, name, public_url] = parts.map(|(_, part)| part);
    let endpoint = endpoint.and_then(|url| reader.base_url(ENDPOINT, &url, EXAMPLE));
    let public_url = public_url.and_then(|url| reader.base_url(PUBLIC, &url, EXAMPLE));
    // It becomes part of addresses.
    let name = name.filter(|name| {
        let is_name = is_bucket_name(name);
        if !is_name {
            reader.problem(BUCKET, "must be a bucket's name: letters, digits, . and -");
        }
        is_name
    });
    Some(Bucket {
        endpoint: endpoint?,
        access_key_id: key_id?,
        secret_access_key: Secret::new(key?),
        name: name?,
        public_url: public_url?,
        region,
        path_style,
    })
}

fn is_bucket_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    (3..=63).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(plain)
}

/// What production must not start with.
pub(super) fn refusals(media: &Media) -> Vec<Problem> {
    let message = "must be https: who reads along could change what is sent";
    refused(exposed(media).map(|setting| (true, setting, message)))
}

/// The setting by which files, or the right to send them, would travel in the clear.
fn exposed(media: &Media) -> Option<&'static str> {
    let is_plain = |url: &str| !url.starts_with("https://");
    let of_bucket = media.bucket.as_ref().and_then(|bucket| {
        let urls = [(&bucket.endpoint, ENDPOINT), (&bucket.public_url, PUBLIC)];
        let plain = urls.into_iter().find(|(url, _)| is_plain(url));
        plain.map(|(_, name)| name.0)
    });
    let own = media.own_url.as_deref().filter(|url| is_plain(url));
    of_bucket.or(own.map(|_| OWN.0))
}

#[cfg(test)]
mod tests {
    use super::super::read::testing;
    use super::*;

    const WHOLE: [(&str, &str); 5] = [
        ("R2_ENDPOINT", "https://0a1b.r2.cloudflarestorage.com/"),
        ("R2_ACCESS_KEY_ID", "0123456789abcdef"),
        ("R2_SECRET_ACCESS_KEY", "the-key-of-the-bucket"),
        ("R2_BUCKET_NAME", "souk"),
        ("R2_PUBLIC_URL", "https://media.example.com"),
    ];

    fn with(settings: &[(&str, &str)]) -> Result<Media, Vec<String>> {
        testing::with(settings, |reader| read(reader, false, &mut Vec::new()))
    }

    #[test]
    fn a_bucket_is_configured_whole_or_not_at_all() {
        let none = with(&[]).unwrap();
        assert!(none.bucket.is_none());
        assert_eq!(none.upload_lasts, Duration::from_secs(600));
        assert_eq!(none.owner_bytes_max, 20 << 30);
        let bucket = with(&WHOLE).unwrap().bucket.unwrap();
        assert_eq!(bucket.endpoint, "https://0a1b.r2.cloudflarestorage.com");
        assert_eq!((bucket.region.as_str(), bucket.path_style), ("auto", true));
        for (missing, _) in WHOLE {
            let rest: Vec<_> = WHOLE
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            let problems = with(&rest).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with(missing), "{problems:?}");
        }
    }

    #[test]
    fn what_would_lead_elsewhere_is_refused() {
        let wrong = [
            ("R2_ENDPOINT", "ftp://x"),
            ("R2_ENDPOINT", "https://a@evil.example"),
            ("R2_BUCKET_NAME", "../other"),
            ("R2_BUCKET_NAME", "a/b/c"),
            ("R2_PUBLIC_URL", "media.example.com"),
            ("R2_PUBLIC_URL", "https://media.example.com/?x=1"),
            ("PUBLIC_URL", "shop.example.com"),
            ("SERVER_URL", "shop.example.com"),
            ("UPLOAD_LASTS", "16m"),
            ("UPLOAD_LASTS", "0"),
            ("MEDIA_OWNER_MAX_BYTES", "1000"),
            ("MEDIA_OWNER_MAX_BYTES", "20G"),
        ];
        for (name, value) in wrong {
            let mut settings: Vec<_> = WHOLE
                .into_iter()
                .filter(|(other, _)| *other != name)
                .collect();
            settings.push((name, value));
            let problems = with(&settings).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with(name), "{problems:?}");
        }
    }

    #[test]
    fn plain_addresses_are_told_and_the_key_is_not() {
        let media = with(&WHOLE).unwrap();
        assert_eq!(exposed(&media), None);
        assert!(!format!("{media:?}").contains("the-key-of-the-bucket"));
        for name in ["R2_ENDPOINT", "R2_PUBLIC_URL", "PUBLIC_URL"] {
            let mut settings: Vec<_> = WHOLE
                .into_iter()
                .filter(|(other, _)| *other != name)
                .collect();
            settings.push((name, "http://files.example.com"));
            assert_eq!(exposed(&with(&settings).unwrap()), Some(name));
        }
    }
}
