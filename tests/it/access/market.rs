//! The marketplace of the matrix: everything that its rows name, arranged once and
//! copied for whoever plays.

use std::collections::BTreeMap;

use tokio::sync::OnceCell;
use tonic::Status;

use super::matrix::{Row, Step, Who};
use super::stage::arrange;
use crate::support::rows::{Rows, changed};
use crate::support::{Client, Frozen, TestApp};

/// The id of nothing.
const ABSENT: &str = "01h455vb4pex5vsknk084sn02q";

/// Placeholders and what they stand for.
pub type Ids = BTreeMap<&'static str, String>;

/// A marketplace with everything that the rows name.
pub struct Market {
    pub app: TestApp,
    people: BTreeMap<Who, Client>,
    ids: Ids,
}

/// The market before anybody plays.
pub struct Template {
    pub frozen: Frozen,
    pub people: BTreeMap<Who, Client>,
    pub ids: Ids,
}

async fn template() -> &'static Template {
    static TEMPLATE: OnceCell<Template> = OnceCell::const_new();
    TEMPLATE.get_or_init(arrange).await
}

impl Market {
    /// Fails when any invariant is broken. That somebody who is switched off has a session
    /// was arranged past every service, so it is undone first.
    pub async fn assert_sound(&self) {
        let on = "UPDATE users SET is_active = TRUE WHERE deleted_at IS NULL";
        self.app.execute(on, []).await;
        self.app.assert_sound().await;
    }

    /// A market of its own: nobody else changes it.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// The same, with some settings.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let template = template().await;
        let app = template.frozen.thaw(settings).await;
        Self::on(app, template)
    }

    /// The same market with nothing cached, for reading.
    pub async fn reopen(self) -> Self {
        let app = self.app.beside().await;
        self.app.running.app.close().await;
        Self::on(app, template().await)
    }

    fn on(app: TestApp, template: &Template) -> Self {
        let people = template.people.iter();
        Self {
            people: people.map(|(who, it)| (*who, app.recall(it))).collect(),
            ids: template.ids.clone(),
            app,
        }
    }

    /// Lets somebody else have the database.
    pub async fn close(self) {
        template().await.frozen.take_back(self.app).await;
    }

    pub fn person(&self, who: Who) -> &Client {
        &self.people[&who]
    }

    pub fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    /// A text with the ids of this market for one caller.
    pub fn fill(&self, text: &str, who: Who) -> String {
        self.replace(text, who, |_, id| id.to_owned())
    }

    /// The row's request for one caller.
    pub fn request(&self, row: &Row, who: Who) -> String {
        self.fill(row.request, who)
    }

    /// The row's request with ids that do not exist.
    pub fn missing(&self, row: &Row, who: Who) -> String {
        self.replace(row.request, who, absent)
    }

    fn replace(&self, text: &str, who: Who, value: impl Fn(&str, &str) -> String) -> String {
        // `$order` begins `$order_two`: the longest names go first.
        let mut names: Vec<_> = self.ids.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let own = &self.people[&who].refresh_token;
        let text = text.replace("$fresh", &format!("05519999{:02}", who as u8));
        let text = match own.is_empty() {
            true => text,
            false => text.replace("$refresh", own),
        };
        names.into_iter().fold(text, |text, (name, id)| {
            text.replace(name, &value(name, id))
        })
    }

    /// Does what has to be done before the row's callers.
    pub async fn prepare(&mut self, row: &Row) {
        for step in row.steps {
            match *step {
                Step::Call(who, rpc, request) => {
                    let done = self.person(who).call(rpc, &self.fill(request, who)).await;
                    done.unwrap_or_else(|refused| panic!("{}: {rpc}: {refused:?}", row.rpc));
                }
                Step::Each(..) => {}
                Step::Sql(sql) => self.app.execute(sql, []).await,
                Step::Mail => self.read_mail().await,
            }
        }
    }

    /// Does what one of the row's callers has to do before.
    pub async fn prepare_for(&mut self, row: &Row, who: Who) {
        for step in row.steps {
            match *step {
                Step::Each(rpc, request) => {
                    let done = self.person(who).call(rpc, &self.fill(request, who)).await;
                    done.unwrap_or_else(|refused| panic!("{}: {rpc}: {refused:?}", row.rpc));
                }
                Step::Mail => self.read_mail().await,
                Step::Call(..) | Step::Sql(_) => {}
            }
        }
    }

    /// The token in the last mail becomes `$link`.
    async fn read_mail(&mut self) {
        self.app.run_jobs().await;
        if let Some(letter) = self.app.mail.sent().pop() {
            self.ids.insert("$link", token_in(&letter.text));
        }
    }

    /// Everything that the database holds.
    pub async fn rows(&self) -> Rows {
        self.app.rows().await
    }

    /// What a call has changed since `before`, in words; the next call is measured from
    /// there.
    pub async fn changes(&self, before: &mut Rows) -> Option<String> {
        let after = self.rows().await;
        let tables = changed(before, &after).join(", ");
        *before = after;
        (!tables.is_empty()).then(|| format!("changed {tables}"))
    }
}

/// What stands where an id stood, but names nothing.
pub fn absent(name: &str, id: &str) -> String {
    match id.split_once('_') {
        Some((prefix, _)) if name != "$slug" => format!("{prefix}_{ABSENT}"),
        _ => format!("{id}-absent"),
    }
}

/// The longest word of a letter that may be a token.
fn token_in(text: &str) -> String {
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let words = text.split(|letter| !is_token(letter));
    let longest = words.max_by_key(|word| word.len()).unwrap_or_default();
    longest.to_owned()
}

/// Status, reason and sentence: all that tells one refusal from another.
pub fn told(refused: &Status) -> (tonic::Code, String, String) {
    let reason = crate::support::reason(refused);
    (refused.code(), reason, refused.message().to_owned())
}
