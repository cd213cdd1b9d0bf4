//! The words that no caption and no comment may hold.

use std::sync::Arc;

use super::matcher::{BlockedWords, plain};
use super::store::words as rows;
use super::{Reels, Word};
use crate::db::{NewEvent, Tx};
use crate::kernel::id::BlockedWordId;
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Error, Reason, Result};

/// What the topics of blocked words begin with.
pub(super) const TOPIC: &str = "blocked_word/";

impl Reels {
    /// The blocked words, ready to be looked for. Costs no statement when they are cached.
    pub(super) async fn words(&self) -> Result<Arc<BlockedWords>> {
        let load = || async {
            let words = rows::all(self.0.db.read()).await?;
            Ok(Arc::new(BlockedWords::new(words)))
        };
        self.0.words.get_or_load(&(), load).await
    }

    /// A page of the words, by their plain form.
    pub(super) async fn all_words(&self, page: &PageRequest) -> Result<Page<Word>> {
        let db = &self.0.db;
        let (found, total) = rows::page(db.read(), db.dialect(), page).await?;
        Ok(page.finish(found, total, |word| word.word_key.clone().into_bytes()))
    }
}

/// Blocks a word.
///
/// # Errors
/// VALIDATION_ERROR when nothing of it is a letter; CONFLICT when it is blocked.
pub(super) async fn add(tx: &Tx, word: &str) -> Result<Word> {
    let word_key = plain(word);
    if word_key.is_empty() {
        return Err(Error::field("word", "must hold letters or digits"));
    }
    let new = Word {
        id: BlockedWordId::new(tx.now()).uuid(),
        word: word.trim().to_owned(),
        word_key,
        created_at: tx.now().micros(),
    };
    if !rows::insert(tx, &new).await? {
        return Err(Error::new(Reason::Conflict, "this word is blocked already").at("word"));
    }
    tell(tx, new.id.into(), "blocked_word.added", 1);
    Ok(new)
}

/// Allows a word again.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn remove(tx: &Tx, id: BlockedWordId) -> Result<()> {
    if !rows::remove(tx, id).await? {
        return Err(Error::not_found("blocked word"));
    }
    tell(tx, id, "blocked_word.removed", 2);
    Ok(())
}

/// Refuses a text with a blocked word; it does not say which.
///
/// # Errors
/// RESTRICTED_CONTENT that names the field.
pub(super) fn check(words: &BlockedWords, field: &str, text: &str) -> Result<()> {
    if !words.are_in(text) {
        return Ok(());
    }
    let message = "holds a word that is not allowed here";
    Err(Error::new(Reason::RestrictedContent, message).at(field))
}

fn tell(tx: &Tx, id: BlockedWordId, kind: &'static str, version: i64) {
    tx.emit(NewEvent {
        topic: format!("{TOPIC}{}", id.uuid()),
        kind,
        aggregate: id.uuid(),
        version,
        payload: Vec::new(),
    });
}
