//! A small mail server over real TCP, which takes letters or refuses them as the test
//! says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The user that it knows.
pub const USER: &str = "souk@example.com";
/// And the password.
pub const PASSWORD: &str = "pa ss\u{e9}";

/// How the server treats the next letter.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// Takes it.
    Take,
    /// Refuses the recipient with a code.
    Recipient(u16),
    /// Refuses the whole letter, after its last line, with a code.
    Letter(u16),
    /// Speaks no SMTP.
    Babble,
    /// Closes the connection in the middle.
    HangUp,
    /// Never says anything.
    Silent,
}

/// A letter as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    pub login: Option<(String, String)>,
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

/// The server.
#[derive(Clone)]
pub struct FakeSmtp {
    pub port: u16,
    state: Arc<Mutex<State>>,
    mechanisms: &'static str,
}

#[derive(Default)]
struct State {
    turns: VecDeque<Turn>,
    connections: usize,
    received: Vec<Received>,
}

type Lines = BufReader<TcpStream>;

impl FakeSmtp {
    pub async fn start() -> Self {
        Self::offering("PLAIN LOGIN").await
    }

    /// A server that takes these ways to log in.
    pub async fn offering(mechanisms: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
            mechanisms,
        };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(BufReader::new(stream)).await });
            }
        });
        fake
    }

    /// How it treats the next letters; afterwards it takes them.
    pub fn will(&self, turns: impl IntoIterator<Item = Turn>) {
        self.state.lock().unwrap().turns.extend(turns);
    }

    /// The letters that it took.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// How often somebody came.
    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    async fn serve(&self, mut lines: Lines) -> Option<()> {
        let turn = {
            let mut state = self.state.lock().unwrap();
            state.connections += 1;
            state.turns.pop_front().unwrap_or(Turn::Take)
        };
        match turn {
            Turn::Silent => std::future::pending().await,
            Turn::Babble => return say(&mut lines, "HTTP/1.1 400 Bad Request").await,
            _ => say(&mut lines, "220 mail.test ESMTP").await?,
        }
        let mut letter = Received::default();
        loop {
            let line = hear(&mut lines).await?;
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let offers = format!(
                        "250-mail.test\r\n250-8BITMIME\r\n250 AUTH {}",
                        self.mechanisms
                    );
                    say(&mut lines, &offers).await?;
                }
                "AUTH" => {
                    letter.login = log_in(&mut lines, &line).await?;
                    let known = letter.login == Some((USER.to_owned(), PASSWORD.to_owned()));
                    let answer = if known {
                        "235 welcome"
                    } else {
                        "535 who are you"
                    };
                    say(&mut lines, answer).await?;
                }
                "MAIL" => {
                    letter.from = address(&line);
                    say(&mut lines, "250 ok").await?;
                }
                "RCPT" => {
                    letter.to.push(address(&line));
                    let code = match turn {
                        Turn::Recipient(code) => format!("{code} <{}> not here", address(&line)),
                        _ => "250 ok".to_owned(),
                    };
                    say(&mut lines, &code).await?;
                }
                "DATA" if matches!(turn, Turn::HangUp) => return None,
                "DATA" => {
                    say(&mut lines, "354 go on").await?;
                    letter.data = data(&mut lines).await?;
                    if let Turn::Letter(code) = turn {
                        say(&mut lines, &format!("{code} no")).await?;
                    } else {
                        let taken = std::mem::take(&mut letter);
                        self.state.lock().unwrap().received.push(taken);
                        say(&mut lines, "250 taken").await?;
                    }
                }
                "QUIT" => return say(&mut lines, "221 bye").await,
                _ => say(&mut lines, "250 ok").await?,
            }
        }
    }
}

async fn say(lines: &mut Lines, words: &str) -> Option<()> {
    let words = format!("{words}\r\n");
    lines.get_mut().write_all(words.as_bytes()).await.ok()
}

async fn hear(lines: &mut Lines) -> Option<String> {
    let mut line = String::new();
    let length = lines.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn data(lines: &mut Lines) -> Option<String> {
    let mut text = String::new();
    loop {
        let line = hear(lines).await?;
        if line == "." {
            return Some(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
}

async fn log_in(lines: &mut Lines, line: &str) -> Option<Option<(String, String)>> {
    let decode = |text: &str| {
        let bytes = STANDARD.decode(text).ok()?;
        String::from_utf8(bytes).ok()
    };
    let mut words = line.split(' ').skip(1);
    let (mechanism, initial) = (words.next()?, words.next());
    if mechanism == "PLAIN" {
        let whole = decode(initial?)?;
        let mut parts = whole.split('\0').skip(1);
        return Some(
            parts
                .next()
                .map(str::to_owned)
                .zip(parts.next().map(str::to_owned)),
        );
    }
    let user = match initial {
        Some(user) => user.to_owned(),
        None => {
            say(lines, "334 VXNlcm5hbWU6").await?;
            hear(lines).await?
        }
    };
    say(lines, "334 UGFzc3dvcmQ6").await?;
    let password = hear(lines).await?;
    Some(decode(&user).zip(decode(&password)))
}

fn address(line: &str) -> String {
    let inside = line.split(['<', '>']).nth(1);
    inside.unwrap_or_default().to_owned()
}
