//! Pages of lists: a limit, and either an opaque cursor or a page number.

use uuid::Uuid;

use super::seal::Sealer;
use super::{Error, Reason, Result};

/// Items on a page when the caller names no number.
pub const DEFAULT_LIMIT: i32 = 20;
/// Items on a page at the most.
pub const MAX_LIMIT: i32 = 100;

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The first page.
    First,
    /// After the item that the cursor names; the list decides what the bytes mean.
    After(Vec<u8>),
    /// Page number `n`, counted from 1, with totals.
    Number(u32),
}

/// A checked request for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// 1 to [`MAX_LIMIT`].
    pub limit: u64,
    /// Where the page begins.
    pub start: Start,
}

impl PageRequest {
    /// Checks the three paging fields of a list request. `binding` says what the token
    /// is bound to: the method, the caller and the filter.
    ///
    /// # Errors
    /// VALIDATION_ERROR for a negative limit or page, or both page and token;
    /// PAGE_TOKEN_INVALID for a token that was not made for this list.
    pub fn new(
        sealer: &Sealer,
        binding: &str,
        limit: i32,
        page_token: &str,
        page: i32,
    ) -> Result<Self> {
        if limit < 0 {
            return Err(Error::field("limit", "must not be negative"));
        }
        if page < 0 {
            return Err(Error::field("page", "must not be negative"));
        }
        let limit = if limit == 0 {
            DEFAULT_LIMIT
        } else {
            Ord::min(limit, MAX_LIMIT)
        };
        let start = match (page_token, page) {
            ("", 0) => Start::First,
            ("", number) => Start::Number(number.unsigned_abs()),
            (token, 0) => Start::After(open(sealer, binding, token)?),
            _ => return Err(Error::field("page", "cannot be combined with pageToken")),
        };
        Ok(Self {
            limit: u64::from(limit.unsigned_abs()),
            start,
        })
    }

    /// Rows to skip in page mode.
    pub fn offset(&self) -> u64 {
        match self.start {
            Start::Number(number) => u64::from(number.saturating_sub(1)) * self.limit,
            Start::First | Start::After(_) => 0,
        }
    }

    /// The cursor, in cursor mode after the first page.
    pub fn cursor(&self) -> Option<&[u8]> {
        match &self.start {
            Start::After(cursor) => Some(cursor),
            Start::First | Start::Number(_) => None,
        }
    }

    /// Whether the caller pages by number and so expects totals.
    pub const fn is_numbered(&self) -> bool {
        matches!(self.start, Start::Number(_))
    }

    /// Makes the page of `rows`, of which the query fetched one more than the limit
    /// to learn whether there is a next page.
    pub fn finish<T>(
        &self,
        mut rows: Vec<T>,
        total: Option<u64>,
        cursor: impl Fn(&T) -> Vec<u8>,
    ) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(cursor) } else { None };
        let number = match self.start {
            Start::Number(number) => Some(number),
            Start::First | Start::After(_) => None,
        };
        Page {
            items: rows,
            next,
            limit: self.limit,
            number,
            total,
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The cursor of the next page, when there is one.
    pub next: Option<Vec<u8>>,
    /// The limit that was used.
    pub limit: u64,
    /// The page's number, in page mode.
    pub number: Option<u32>,
    /// All items of the list, in page mode.
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// The opaque token of the next page, or the empty string.
    pub fn next_token(&self, sealer: &Sealer, binding: &str) -> String {
        self.next
            .as_deref()
            .map(|cursor| sealer.seal(&purpose(binding), cursor))
            .unwrap_or_default()
    }

    /// The same page of other items.
    pub fn map<U>(mut self, each: impl FnMut(T) -> U) -> Page<U> {
        let items = std::mem::take(&mut self.items);
        self.with(items.into_iter().map(each).collect())
    }

    /// The same page of what became of its items.
    pub fn with<U>(self, items: Vec<U>) -> Page<U> {
        Page {
            items,
            next: self.next,
            limit: self.limit,
            number: self.number,
            total: self.total,
        }
    }
}

/// A cursor of a list that is ordered by a key and then by id.
pub fn cursor(id: Uuid, key: &[u8]) -> Vec<u8> {
    [id.as_bytes().as_slice(), key].concat()
}

/// The id and the key of a [`cursor`].
///
/// # Errors
/// INTERNAL for a cursor of another shape: tokens are authenticated.
pub fn read_cursor(cursor: &[u8]) -> Result<(Uuid, &[u8])> {
    let (id, key) = cursor
        .split_first_chunk::<16>()
        .ok_or_else(|| Error::internal(format!("a cursor of {} bytes", cursor.len())))?;
    Ok((Uuid::from_bytes(*id), key))
}

fn purpose(binding: &str) -> String {
    format!("page:{binding}")
}

fn open(sealer: &Sealer, binding: &str, token: &str) -> Result<Vec<u8>> {
    sealer.open(&purpose(binding), token).ok_or_else(|| {
        Error::new(
            Reason::PageTokenInvalid,
            "pageToken is not a token of this list",
        )
        .at("pageToken")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Secret;

    fn sealer() -> Sealer {
        Sealer::new(Secret::new(vec![7; 32]))
    }

    #[test]
    fn limits_are_defaulted_and_capped_and_negatives_refused() {
        for (asked, given) in [(0, 20), (1, 1), (100, 100), (5000, 100)] {
            assert_eq!(
                PageRequest::new(&sealer(), "x", asked, "", 0)
                    .unwrap()
                    .limit,
                given
            );
        }
        assert!(PageRequest::new(&sealer(), "x", -1, "", 0).is_err());
        assert!(PageRequest::new(&sealer(), "x", 1, "", -1).is_err());
    }

    #[test]
    fn a_token_continues_its_own_list_only() {
        let request = PageRequest::new(&sealer(), "a", 2, "", 0).unwrap();
        let page = request.finish(vec![1u8, 2, 3], None, |item| vec![*item]);
        assert_eq!(page.items, [1, 2]);
        let token = page.next_token(&sealer(), "a");
        let next = PageRequest::new(&sealer(), "a", 2, &token, 0).unwrap();
        assert_eq!(next.cursor(), Some(&[2u8][..]));
        let refused = PageRequest::new(&sealer(), "b", 2, &token, 0).unwrap_err();
        assert_eq!(refused.reason(), Reason::PageTokenInvalid);
    }
}
