//! Comments: writing, changing and deleting them in the caller's transaction, each change
//! with what it counts for; and listing them.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;

use super::matcher::{BlockedWords, is_blank};
use super::store::comments::{self as rows, Seen};
use super::store::stats::{self, Deltas, Stats};
use super::{Comment, Reels, store, words};
use crate::db::{Conn, NewEvent, Tx};
use crate::kernel::id::{ReelCommentId, ReelId, UserId};
use crate::kernel::page::{Page, PageRequest, cursor};
use crate::kernel::{Call, Error, Reason, Result, Time};
use crate::services::users::{self, User};

/// Letters of a comment at the most.
const LONGEST: usize = 500;

/// A comment, and who wrote it; nobody when the account is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The comment.
    pub comment: Comment,
    /// Its author.
    pub author: Option<User>,
}

/// A comment that the caller may see, held until commit.
pub(super) struct Held {
    pub(super) comment: Comment,
    /// Whether the caller wrote it.
    pub(super) is_own: bool,
    /// Whether the caller is a member of the reel's store.
    pub(super) is_member: bool,
}

impl Comment {
    fn new(reel: ReelId, author: UserId, content: String, now: Time) -> Self {
        Self {
            id: ReelCommentId::new(now).uuid(),
            reel_id: reel.uuid(),
            user_id: author.uuid(),
            content,
            edited: false,
            hidden: false,
            version: 1,
            created_at: now.micros(),
            updated_at: now.micros(),
            deleted_at: None,
        }
    }
}

impl Reels {
    /// Comments a reel.
    ///
    /// # Errors
    /// COMMENT_LENGTH, RESTRICTED_CONTENT, NOT_FOUND; REEL_NOT_READY while only its store
    /// sees the reel.
    pub(super) async fn comment(
        &self,
        tx: &Tx,
        call: &Call,
        reel: ReelId,
        content: &str,
        words: &BlockedWords,
    ) -> Result<Signed> {
        let content = checked(content, words)?;
        self.out(tx, call, reel).await?;
        // Held, so that an account that closes takes every comment with it.
        let author = users::lock_open(tx, call.user()?).await?;
        let author = author.ok_or_else(|| Error::not_found("user"))?;
        let comment = Comment::new(reel, author.user_id(), content, tx.now());
        rows::insert(tx, &comment).await?;
        count(tx, &comment, 1).await?;
        tell(tx, &comment, "comment.created");
        let author = Some(author);
        Ok(Signed { comment, author })
    }

    /// Changes a comment of the caller.
    ///
    /// # Errors
    /// COMMENT_LENGTH, RESTRICTED_CONTENT, NOT_FOUND, FORBIDDEN.
    pub(super) async fn rewrite(
        &self,
        tx: &Tx,
        call: &Call,
        id: ReelCommentId,
        content: &str,
        words: &BlockedWords,
    ) -> Result<Signed> {
        let content = checked(content, words)?;
        let held = self.lock_comment(tx, call, id).await?;
        if !held.is_own {
            return Err(Error::forbidden("only its author may change a comment"));
        }
        let mut comment = held.comment;
        if content != comment.content {
            (comment.content, comment.edited) = (content, true);
            save(tx, &mut comment, "comment.updated").await?;
        }
        sign(tx, comment).await
    }

    /// Deletes a comment.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN.
    pub(super) async fn take_down(&self, tx: &Tx, call: &Call, id: ReelCommentId) -> Result<()> {
        let held = self.lock_comment(tx, call, id).await?;
        if !held.is_own && !held.is_member {
            return Err(Error::forbidden(
                "only its author and the reel's store may delete a comment",
            ));
        }
        let mut comment = held.comment;
        comment.deleted_at = Some(tx.now().micros());
        if !comment.hidden {
            count(tx, &comment, -1).await?;
        }
        save(tx, &mut comment, "comment.deleted").await
    }

    /// The comment, held until commit, when the caller may see it.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn lock_comment(
        &self,
        tx: &Tx,
        call: &Call,
        id: ReelCommentId,
    ) -> Result<Held> {
        let comment = rows::lock(tx, id).await?.ok_or_else(not_found)?;
        let listed = store::find_in(tx, comment.reel_id.into()).await?;
        let listed = listed.ok_or_else(not_found)?;
        let is_own = call.caller.user_id() == Some(comment.user_id.into());
        let (stores, store) = (&self.0.stores, listed.reel.store());
        let is_member = stores.is_member(tx.conn(), call, store).await?;
        let is_shown = self.is_shown_to(tx.conn(), call, &listed).await? && !comment.hidden;
        if !is_own && !is_member && !is_shown {
            return Err(not_found());
        }
        Ok(Held {
            comment,
            is_own,
            is_member,
        })
    }

    /// A page of the comments to a reel, the newest first. Hidden ones are there for their
    /// author and the reel's store.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn comments(
        &self,
        call: &Call,
        reel: ReelId,
        page: &PageRequest,
    ) -> Result<Page<Signed>> {
        let db = &self.0.db;
        let seen = self.visible(call, reel).await?;
        let stores = &self.0.stores;
        let is_member = stores.is_member(db.read(), call, seen.store).await?;
        let seen = match is_member {
            true => Seen::All,
            false => Seen::By(call.caller.user_id()),
        };
        let (found, total) = rows::page(db.read(), db.dialect(), reel, seen, page).await?;
        let mut page = page.finish(found, total, |comment| cursor(comment.id, &[]));
        let comments = std::mem::take(&mut page.items);
        Ok(page.with(sign_all(db.read(), comments).await?))
    }
}

/// Comments leave with who wrote them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForgetComments;

#[async_trait]
impl users::Farewell for ForgetComments {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        let comments = rows::lock_of_user(tx, user).await?;
        rows::forget_user(tx, user).await?;
        for mut comment in comments {
            comment.version += 1;
            tell(tx, &comment, "comment.deleted");
        }
        Ok(())
    }
}

/// A comment with its author.
pub(super) async fn sign(tx: &Tx, comment: Comment) -> Result<Signed> {
    let author = users::find(tx.conn(), comment.user_id.into()).await?;
    Ok(Signed { comment, author })
}

/// Comments with their authors. One statement.
pub(super) async fn sign_all(conn: &impl Conn, comments: Vec<Comment>) -> Result<Vec<Signed>> {
    let ids: BTreeSet<UserId> = comments.iter().map(|it| it.user_id.into()).collect();
    let authors = users::find_all(conn, &Vec::from_iter(ids)).await?;
    let authors: HashMap<UserId, User> = authors
        .into_iter()
        .map(|author| (author.user_id(), author))
        .collect();
    let sign = |comment: Comment| Signed {
        author: authors.get(&comment.user_id.into()).cloned(),
        comment,
    };
    Ok(comments.into_iter().map(sign).collect())
}

/// Counts a comment that came to be seen, or no longer is.
pub(super) async fn count(tx: &Tx, comment: &Comment, change: i64) -> Result<()> {
    let counted = Stats {
        commented: change.max(0),
        uncommented: (-change).max(0),
        ..Stats::default()
    };
    stats::count(tx, &Deltas::from([(comment.reel_id.into(), counted)])).await
}

/// Writes the next version of a comment, which the caller has locked, and tells of it.
pub(super) async fn save(tx: &Tx, comment: &mut Comment, kind: &'static str) -> Result<()> {
    comment.version += 1;
    comment.updated_at = tx.now().micros();
    rows::save(tx, comment).await?;
    tell(tx, comment, kind);
    Ok(())
}

/// The event carries no payload: the log must not outlive what a closed account forgets.
fn tell(tx: &Tx, comment: &Comment, kind: &'static str) {
    tx.emit(NewEvent {
        topic: super::topic(comment.reel_id.into()),
        kind,
        aggregate: comment.id,
        version: comment.version,
        payload: Vec::new(),
    });
}

/// The text of a comment as it is kept.
///
/// # Errors
/// COMMENT_LENGTH, RESTRICTED_CONTENT.
fn checked(content: &str, words: &BlockedWords) -> Result<String> {
    let content = content.trim();
    // One of which nothing is seen is as good as none.
    if is_blank(content) || content.chars().count() > LONGEST {
        let message = format!("must have 1 to {LONGEST} characters");
        return Err(Error::new(Reason::CommentLength, message)
            .at("content")
            .with("max", LONGEST));
    }
    words::check(words, "content", content)?;
    Ok(content.to_owned())
}

pub(super) fn not_found() -> Error {
    Error::not_found("comment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_has_1_to_500_characters_whatever_their_bytes() {
        let words = BlockedWords::default();
        let reason = |text: &str| checked(text, &words).map_err(|error| error.reason());
        for wrong in ["", " \n\t ", "\u{200b}\u{3164} \u{fe0f}", &"é".repeat(501)] {
            assert_eq!(reason(wrong), Err(Reason::CommentLength));
        }
        let long = "🍊".repeat(500);
        assert_eq!(reason(&format!("  {long} ")), Ok(long));
        assert_eq!(reason(" oui "), Ok("oui".to_owned()));
    }
}
