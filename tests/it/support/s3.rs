//! A stand-in for a bucket over real HTTP: it checks every signature as S3 does, keeps
//! what it is given, and fails as the test says.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hmac::Mac;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use souk::kernel::Time;
use souk::kernel::seal::hmac;
use tokio::net::TcpListener;

const BUCKET: &str = "souk-files";
const KEY_ID: &str = "0123456789abcdef";
const SECRET: &str = "the-key-of-the-bucket-of-tests";
const REGION: &str = "auto";
const XMLNS: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// How the stand-in treats a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Fails.
    Broken,
    /// Asks to come again after so many seconds.
    Busy(u32),
    /// Never answers.
    Silent,
    /// Does nothing, says OK, and in the body that it failed.
    FailedLate,
}

/// What lies in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub bytes: Bytes,
    pub content_type: String,
    pub cache_control: String,
    pub etag: String,
}

/// The stand-in.
#[derive(Clone)]
pub struct FakeS3 {
    /// Where it is.
    pub url: String,
    /// Its clock, by which tickets run out.
    now: fn() -> Time,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    /// None for a call that is treated well.
    next: VecDeque<Option<Fault>>,
    always: Option<Fault>,
    calls: usize,
    later: Duration,
}

#[derive(Default)]
struct Upload {
    key: String,
    content_type: String,
    parts: BTreeMap<u32, (String, Bytes)>,
}

impl FakeS3 {
    pub async fn start(now: fn() -> Time) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            now,
            state: Arc::default(),
        };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = serving.clone();
                let service = service_fn(move |request| fake.clone().serve(request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        fake
    }

    /// Where everybody reads what is published: without a signature.
    pub fn public_url(&self) -> String {
        format!("{}/public", self.url)
    }

    /// The settings of a server that uses it.
    pub fn settings<'a>(&'a self, public_url: &'a str) -> [(&'a str, &'a str); 5] {
        [
            ("R2_ENDPOINT", &self.url),
            ("R2_ACCESS_KEY_ID", KEY_ID),
            ("R2_SECRET_ACCESS_KEY", SECRET),
            ("R2_BUCKET_NAME", BUCKET),
            ("R2_PUBLIC_URL", public_url),
        ]
    }

    /// How it treats the next calls; afterwards it does what it is asked.
    pub fn will(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().next.extend(faults.into_iter().map(Some));
    }

    /// How it treats one call, after so many others.
    pub fn will_after(&self, others: usize, fault: Fault) {
        let mut state = self.lock();
        state.next.extend(vec![None; others]);
        state.next.push_back(Some(fault));
    }

    /// How it treats every call from now on.
    pub fn always(&self, fault: Option<Fault>) {
        self.lock().always = fault;
    }

    /// Its clock is ahead by so much from now on.
    pub fn later(&self, by: Duration) {
        self.lock().later = by;
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    /// What lies under a name.
    pub fn object(&self, name: &str) -> Option<Object> {
        self.lock().objects.get(name).cloned()
    }

    /// The names of all that lies in it.
    pub fn names(&self) -> Vec<String> {
        self.lock().objects.keys().cloned().collect()
    }

    /// How many uploads in parts are open.
    pub fn uploads(&self) -> usize {
        self.lock().uploads.len()
    }

    /// Puts bytes there behind everybody's back.
    pub fn plant(&self, name: &str, bytes: &'static [u8]) {
        let object = object(Bytes::from_static(bytes), "image/png", "");
        self.lock().objects.insert(name.to_owned(), object);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn serve(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return Ok(error(StatusCode::BAD_REQUEST, "IncompleteBody"));
        };
        let fault = {
            let mut state = self.lock();
            state.calls += 1;
            state.next.pop_front().unwrap_or(state.always)
        };
        match fault {
            Some(Fault::Silent) => std::future::pending::<()>().await,
            Some(Fault::Broken) => {
                return Ok(error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"));
            }
            Some(Fault::Busy(wait)) => {
                let mut busy = error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
                busy.headers_mut().insert("retry-after", wait.into());
                return Ok(busy);
            }
            Some(Fault::FailedLate) => return Ok(error(StatusCode::OK, "InternalError")),
            None => {}
        }
        let call = Call {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body: body.to_bytes(),
        };
        let mut state = self.lock();
        if let Some(name) = call.path.strip_prefix("/public/") {
            return Ok(state.shown(name));
        }
        let seconds = u64::try_from((self.now)().seconds()).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + state.later;
        Ok(match call.refusal(now) {
            Some(code) => error(StatusCode::FORBIDDEN, code),
            None => state.answer(&call),
        })
    }
}

struct Call {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn text(&self, header: &str) -> Option<&str> {
        self.headers.get(header)?.to_str().ok()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        let found = pairs.find(|(known, _)| known == name)?;
        Some(found.1.into_owned())
    }

    /// What S3 finds wrong with the signature in the query.
    fn refusal(&self, now: SystemTime) -> Option<&'static str> {
        let need = |name| self.parameter(name);
        let (Some(date), Some(lasts), Some(signed), Some(shown), Some(credential)) = (
            need("X-Amz-Date"),
            need("X-Amz-Expires"),
            need("X-Amz-SignedHeaders"),
            need("X-Amz-Signature"),
            need("X-Amz-Credential"),
        ) else {
            return Some("AccessDenied");
        };
        let day = &date[..8];
        let scope = format!("{day}/{REGION}/s3/aws4_request");
        if credential != format!("{KEY_ID}/{scope}") {
            return Some("InvalidAccessKeyId");
        }
        let begun = chrono::NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ").unwrap();
        let begun = u64::try_from(begun.and_utc().timestamp()).unwrap();
        let end =
            SystemTime::UNIX_EPOCH + Duration::from_secs(begun + lasts.parse::<u64>().unwrap());
        if now > end {
            return Some("AccessDenied");
        }
        let mut query: Vec<&str> = self.query.split('&').collect();
        query.retain(|pair| !pair.starts_with("X-Amz-Signature="));
        query.sort_unstable();
        let headers: String = signed
            .split(';')
            .map(|name| format!("{name}:{}\n", self.text(name).unwrap_or_default().trim()))
            .collect();
        let (method, path, query) = (&self.method, &self.path, query.join("&"));
        let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{signed}\nUNSIGNED-PAYLOAD");
        let hash = hex(&Sha256::digest(canonical));
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
        let mut key = mac(format!("AWS4{SECRET}").as_bytes(), day);
        for part in [REGION, "s3", "aws4_request"] {
            key = mac(&key, part);
        }
        (hex(&mac(&key, &to_sign)) != shown).then_some("SignatureDoesNotMatch")
    }
}

impl State {
    fn answer(&mut self, call: &Call) -> Response<Full<Bytes>> {
        let Some(name) = call.path.strip_prefix(&format!("/{BUCKET}/")) else {
            return error(StatusCode::NOT_FOUND, "NoSuchBucket");
        };
        let upload = call.parameter("uploadId");
        match (call.method.as_str(), upload) {
            ("POST", None) if call.parameter("uploads").is_some() => self.begin(name, call),
            ("POST", Some(id)) => self.complete(name, &id, call),
            ("PUT", Some(id)) => self.put_part(name, &id, call),
            ("DELETE", Some(id)) => match self.uploads.remove(&id) {
                Some(_) => empty(StatusCode::NO_CONTENT),
                None => error(StatusCode::NOT_FOUND, "NoSuchUpload"),
            },
            ("PUT", None) if call.headers.contains_key("x-amz-copy-source") => {
                self.copy(name, call)
            }
            ("PUT", None) => self.put(name, call),
            ("GET" | "HEAD", None) => self.get(name, call),
            ("DELETE", None) => {
                self.objects.remove(name);
                empty(StatusCode::NO_CONTENT)
            }
            _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        }
    }

    /// What strangers read: what has come in is closed, as the documentation asks.
    fn shown(&self, name: &str) -> Response<Full<Bytes>> {
        if name.starts_with("incoming/") {
            return error(StatusCode::FORBIDDEN, "AccessDenied");
        }
        match self.objects.get(name) {
            Some(object) => read(object, 0..object.bytes.len(), StatusCode::OK),
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        }
    }

    fn put(&mut self, name: &str, call: &Call) -> Response<Full<Bytes>> {
        if call.text("if-none-match") == Some("*") && self.objects.contains_key(name) {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let text = |header| call.text(header).unwrap_or_default();
        let object = object(
            call.body.clone(),
            text("content-type"),
            text("cache-control"),
        );
        let answer = tagged(&object.etag);
        self.objects.insert(name.to_owned(), object);
        answer
    }

    fn copy(&mut self, name: &str, call: &Call) -> Response<Full<Bytes>> {
        let source = call.text("x-amz-copy-source").unwrap();
        let source = source.strip_prefix(&format!("/{BUCKET}/")).unwrap();
        let Some(found) = self.objects.get(source) else {
            return error(StatusCode::NOT_FOUND, "NoSuchKey");
        };
        if call.text("x-amz-copy-source-if-match") != Some(&found.etag) {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        assert_eq!(call.text("x-amz-metadata-directive"), Some("REPLACE"));
        let text = |header| call.text(header).unwrap_or_default();
        let copied = object(
            found.bytes.clone(),
            text("content-type"),
            text("cache-control"),
        );
        let etag = copied.etag.clone();
        self.objects.insert(name.to_owned(), copied);
        xml(format!(
            "<CopyObjectResult xmlns=\"{XMLNS}\"><ETag>{etag}</ETag></CopyObjectResult>"
        ))
    }

    fn get(&self, name: &str, call: &Call) -> Response<Full<Bytes>> {
        let Some(object) = self.objects.get(name) else {
            return error(StatusCode::NOT_FOUND, "NoSuchKey");
        };
        if call
            .text("if-match")
            .is_some_and(|etag| etag != object.etag)
        {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let size = object.bytes.len();
        let Some(range) = call.text("range") else {
            return read(object, 0..size, StatusCode::OK);
        };
        let (first, last) = range
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        let first: usize = first.parse().unwrap();
        if first >= size {
            return error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
        }
        let end = (last.parse::<usize>().unwrap() + 1).min(size);
        read(object, first..end, StatusCode::PARTIAL_CONTENT)
    }

    fn begin(&mut self, name: &str, call: &Call) -> Response<Full<Bytes>> {
        // Ids of real providers hold such letters.
        let id = format!("upload+{}/=", self.calls);
        let upload = Upload {
            key: name.to_owned(),
            content_type: call.text("content-type").unwrap_or_default().to_owned(),
            parts: BTreeMap::new(),
        };
        self.uploads.insert(id.clone(), upload);
        xml(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <InitiateMultipartUploadResult xmlns=\"{XMLNS}\"><Bucket>{BUCKET}</Bucket>\
             <Key>{name}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        ))
    }

    fn put_part(&mut self, name: &str, id: &str, call: &Call) -> Response<Full<Bytes>> {
        let number = call.parameter("partNumber").unwrap().parse().unwrap();
        match self.uploads.get_mut(id) {
            Some(upload) if upload.key == name => {
                let etag = etag(&call.body);
                let answer = tagged(&etag);
                upload.parts.insert(number, (etag, call.body.clone()));
                answer
            }
            _ => error(StatusCode::NOT_FOUND, "NoSuchUpload"),
        }
    }

    fn complete(&mut self, name: &str, id: &str, call: &Call) -> Response<Full<Bytes>> {
        let Some(upload) = self.uploads.get(id).filter(|upload| upload.key == name) else {
            return error(StatusCode::NOT_FOUND, "NoSuchUpload");
        };
        let body = String::from_utf8(call.body.to_vec()).unwrap();
        let mut whole = Vec::new();
        for part in body.split("<Part>").skip(1) {
            let inside = |name: &str| {
                let (_, rest) = part.split_once(&format!("<{name}>")).unwrap();
                rest.split_once("</").unwrap().0.replace("&quot;", "")
            };
            let number: u32 = inside("PartNumber").parse().unwrap();
            match upload.parts.get(&number) {
                Some((etag, bytes)) if etag.trim_matches('"') == inside("ETag") => {
                    whole.extend_from_slice(bytes);
                }
                _ => return error(StatusCode::BAD_REQUEST, "InvalidPart"),
            }
        }
        let object = object(Bytes::from(whole), &upload.content_type, "");
        let etag = object.etag.replace('"', "&quot;");
        self.objects.insert(name.to_owned(), object);
        self.uploads.remove(id);
        xml(format!(
            "<CompleteMultipartUploadResult xmlns=\"{XMLNS}\"><Bucket>{BUCKET}</Bucket>\
             <Key>{name}</Key><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
        ))
    }
}

fn object(bytes: Bytes, content_type: &str, cache_control: &str) -> Object {
    Object {
        etag: etag(&bytes),
        bytes,
        content_type: content_type.to_owned(),
        cache_control: cache_control.to_owned(),
    }
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", &hex(&Sha256::digest(bytes))[..32])
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = hmac(key);
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(
    object: &Object,
    range: std::ops::Range<usize>,
    status: StatusCode,
) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("etag", &object.etag)
        .header("content-type", &object.content_type)
        .body(Full::new(object.bytes.slice(range)))
        .unwrap()
}

fn tagged(etag: &str) -> Response<Full<Bytes>> {
    let builder = Response::builder().header("etag", etag);
    builder.body(Full::default()).unwrap()
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let builder = Response::builder().status(status);
    builder.body(Full::default()).unwrap()
}

fn xml(text: String) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from(text)))
}

fn error(status: StatusCode, code: &str) -> Response<Full<Bytes>> {
    let mut response = xml(format!("<Error><Code>{code}</Code></Error>"));
    *response.status_mut() = status;
    response
}
