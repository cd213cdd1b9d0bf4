use super::*;
use crate::clients::http::Reach;
use crate::kernel::Time;

fn blobs(path_style: bool) -> S3Blobs {
    let http = Http::new("s3", Reach::Public, limits(Limits::default())).unwrap();
    let bucket = S3Bucket {
        endpoint: "https://s3.example.com".to_owned(),
        access_key_id: "id".to_owned(),
        secret_access_key: Secret::new("key".to_owned()),
        name: "souk".to_owned(),
        public_url: "https://media.example.com".to_owned(),
        region: "auto".to_owned(),
        path_style,
    };
    S3Blobs::new(http, Clock::manual(Time::default()), bucket).unwrap()
}

#[test]
fn the_bucket_stands_in_the_path_or_in_the_host() {
    let new = NewBlob {
        key: "p/a.png".to_owned(),
        content_type: "image/png".to_owned(),
        size: 7,
    };
    for (path_style, begins) in [
        (true, "https://s3.example.com/souk/incoming/p/a.png?"),
        (false, "https://souk.s3.example.com/incoming/p/a.png?"),
    ] {
        let blobs = blobs(path_style);
        let ticket = blobs.ticket(&new, Duration::from_secs(600)).unwrap();
        assert!(ticket.url.starts_with(begins), "{}", ticket.url);
        let signed = "SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match&";
        assert!(ticket.url.contains(signed), "{}", ticket.url);
        assert!(ticket.url.contains("X-Amz-Expires=600"), "{}", ticket.url);
        // The length is what clients send by themselves.
        assert_eq!(ticket.headers.len(), 2);
    }
}

#[test]
fn no_key_leads_out_of_the_bucket() {
    let blobs = blobs(true);
    for key in ["../other/a.png", "/a.png", "incoming/a.png", "a?b", ""] {
        let new = NewBlob {
            key: key.to_owned(),
            content_type: "image/png".to_owned(),
            size: 1,
        };
        assert!(
            blobs.ticket(&new, Duration::from_secs(60)).is_err(),
            "{key}"
        );
        assert!(blobs.source(key, Duration::from_secs(60)).is_err(), "{key}");
        let url = format!("https://media.example.com/{key}");
        assert_eq!(blobs.key_of(&url), None, "{key}");
    }
    let url = blobs.url("p/a.png");
    assert_eq!(blobs.key_of(&url).as_deref(), Some("p/a.png"));
    assert_eq!(blobs.key_of("https://media.example.com.evil/p/a.png"), None);
}
