//! A stand-in for Twilio over real HTTP: it checks account and form as Twilio does, and
//! answers as the test says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SID: &str = "AC0123456789abcdef0123456789abcdef";
/// The account's password.
pub const AUTH_TOKEN: &str = "5d41402abc4b2a76b9719d911017c592";
/// The number that messages come from.
pub const FROM: &str = "+12025550100";

/// How the stand-in treats a message that is in order.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Takes it.
    Created,
    /// Refuses it for good, with a code of Twilio's.
    Refused(u32),
    /// Asks to come again after so many seconds.
    Busy(u32),
    /// Fails.
    Broken,
    /// Says that it took it, in no words of Twilio's.
    Html,
    /// Sends the caller elsewhere.
    Redirect(String),
    /// Never answers.
    Silent,
    /// Answers without end: 100 MiB at least.
    Flood,
}

/// The form of a message that was taken.
pub type Text = BTreeMap<String, String>;

/// The stand-in.
#[derive(Clone)]
pub struct FakeTwilio {
    /// Where it is.
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    calls: usize,
    texts: Vec<Text>,
}

impl FakeTwilio {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        fake
    }

    /// The settings of a server that uses it.
    pub fn settings(&self) -> [(&str, &str); 4] {
        [
            ("TWILIO_API_URL", &self.url),
            ("TWILIO_ACCOUNT_SID", SID),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
            ("TWILIO_FROM", FROM),
        ]
    }

    /// How it treats the next messages; afterwards it takes them.
    pub fn will(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.lock().unwrap().replies.extend(replies);
    }

    /// Forgets what it was told to do: it takes every message again.
    #[allow(dead_code, reason = "for tests/deps, which shares this file")]
    pub fn forget(&self) {
        self.state.lock().unwrap().replies.clear();
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    /// The messages that it took.
    pub fn texts(&self) -> Vec<Text> {
        self.state.lock().unwrap().texts.clone()
    }

    async fn serve(self, mut stream: TcpStream) {
        // One request a connection.
        let Some((head, body)) = read(&mut stream).await else {
            return;
        };
        self.state.lock().unwrap().calls += 1;
        let (status, extra, text) = match judge(&head, &body) {
            Err((status, code)) => (status, String::new(), refused(code)),
            Ok(form) => {
                let reply = self.state.lock().unwrap().replies.pop_front();
                let reply = reply.unwrap_or(Reply::Created);
                match reply {
                    Reply::Created => {
                        let mut state = self.state.lock().unwrap();
                        state.texts.push(form);
                        let text = format!(r#"{{"sid":"SM{}","status":"queued"}}"#, state.calls);
                        ("201 Created", String::new(), text)
                    }
                    Reply::Refused(code) => ("400 Bad Request", String::new(), refused(code)),
                    Reply::Busy(wait) => (
                        "429 Too Many Requests",
                        format!("retry-after: {wait}\r\n"),
                        refused(20429),
                    ),
                    Reply::Broken => ("500 Internal Server Error", String::new(), refused(20500)),
                    Reply::Html => ("201 Created", String::new(), "<html>ok</html>".into()),
                    Reply::Redirect(to) => (
                        "307 Temporary Redirect",
                        format!("location: {to}\r\n"),
                        "".into(),
                    ),
                    Reply::Silent => std::future::pending().await,
                    Reply::Flood => return flood(stream).await,
                }
            }
        };
        let length = text.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\nconnection: close\r\n{extra}\r\n{text}"
        );
        stream.write_all(answer.as_bytes()).await.ok();
        stream.shutdown().await.ok();
    }
}

fn refused(code: u32) -> String {
    format!(r#"{{"code":{code},"message":"refused","status":400}}"#)
}

async fn flood(mut stream: TcpStream) {
    let length = 100 * 1024 * 1024;
    let head = format!("HTTP/1.1 201 Created\r\ncontent-length: {length}\r\n\r\n{{\"sid\":\"");
    let mut result = stream.write_all(head.as_bytes()).await;
    let mut sent = 0;
    while result.is_ok() && sent < length {
        result = stream.write_all(&[b'x'; 65536]).await;
        sent += 65536;
    }
}

/// Head and body of a request.
async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").and_then(|text| text.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The form of a request that is in order, or how Twilio refuses it.
fn judge(head: &str, body: &str) -> Result<Text, (&'static str, u32)> {
    let path = format!("POST /2010-04-01/Accounts/{SID}/Messages.json HTTP/1.1");
    if !head.starts_with(&path) {
        return Err(("404 Not Found", 20404));
    }
    let basic = STANDARD.encode(format!("{SID}:{AUTH_TOKEN}"));
    if header(head, "authorization") != Some(&format!("Basic {basic}")) {
        return Err(("401 Unauthorized", 20003));
    }
    if header(head, "content-type") != Some("application/x-www-form-urlencoded") {
        return Err(("400 Bad Request", 21604));
    }
    let form: Text = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let is_e164 = |to: &String| to.starts_with('+') && to[1..].bytes().all(|b| b.is_ascii_digit());
    if !form.get("To").is_some_and(is_e164) {
        return Err(("400 Bad Request", 21211));
    }
    if form.contains_key("From") == form.contains_key("MessagingServiceSid") {
        return Err(("400 Bad Request", 21603));
    }
    if form.get("Body").is_none_or(String::is_empty) {
        return Err(("400 Bad Request", 21602));
    }
    Ok(form)
}
