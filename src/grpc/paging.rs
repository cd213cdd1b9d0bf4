//! Lists on the wire: what a page token is bound to, and the meta of an answer.

use prost::Message;
use sha2::{Digest, Sha256};

use crate::kernel::page::{Page, PageRequest};
use crate::kernel::seal::Sealer;
use crate::kernel::{Call, Result};
use crate::pb::souk::common::v1::PageMeta;

/// What a page token is bound to: the method, the caller and the filter. `filter` is
/// the request with `limit`, `page_token` and `page` cleared.
pub fn binding(call: &Call, filter: &impl Message) -> String {
    let mut hash = Sha256::new();
    hash.update(call.caller.to_string());
    hash.update(filter.encode_to_vec());
    let digest: [u8; 32] = hash.finalize().into();
    format!("{} {:032x}", call.method, u128_of(&digest))
}

/// Half of the digest is plenty: the token's own MAC is what resists forgery.
fn u128_of(digest: &[u8; 32]) -> u128 {
    digest[..16]
        .iter()
        .fold(0, |value, byte| (value << 8) | u128::from(*byte))
}

/// Takes the three paging fields out of a list request, so that what is left is its
/// filter.
macro_rules! take_paging {
    ($message:ident) => {
        (
            std::mem::take(&mut $message.limit),
            std::mem::take(&mut $message.page_token),
            std::mem::take(&mut $message.page),
        )
    };
}

pub(crate) use take_paging;

/// The page that a list request asks for, and what its tokens are bound to.
#[derive(Debug)]
pub struct Paged {
    /// Where the page begins and how long it is.
    pub page: PageRequest,
    binding: String,
}

impl Paged {
    /// Checks the paging fields, taken out of a request of which `filter` is left.
    ///
    /// # Errors
    /// As [`PageRequest::new`].
    pub fn new(
        sealer: &Sealer,
        call: &Call,
        (limit, token, number): (i32, String, i32),
        filter: &impl Message,
    ) -> Result<Self> {
        let binding = binding(call, filter);
        let page = PageRequest::new(sealer, &binding, limit, &token, number)?;
        Ok(Self { page, binding })
    }

    /// The meta of the page that was found.
    pub fn meta<T>(&self, page: &Page<T>, sealer: &Sealer) -> PageMeta {
        meta(page, sealer, &self.binding)
    }
}

/// The meta of a page, with the token of the next one.
pub fn meta<T>(page: &Page<T>, sealer: &Sealer, binding: &str) -> PageMeta {
    let total_pages = page.total.map(|total| total.div_ceil(page.limit.max(1)));
    PageMeta {
        limit: clamp(page.limit),
        next_page_token: page.next_token(sealer, binding),
        page: page.number.map(|number| clamp(u64::from(number))),
        total: page.total.map(clamp),
        total_pages: total_pages.map(clamp),
    }
}

/// Counts are shown as JSON numbers; none comes near the bound.
fn clamp(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Secret;
    use crate::pb::souk::ops::v1::ListJobsRequest;

    #[test]
    fn a_binding_differs_by_method_and_filter() {
        let jobs = |kind: &str| ListJobsRequest {
            kind: kind.to_owned(),
            ..ListJobsRequest::default()
        };
        let one = binding(&Call::system("/a"), &jobs("sms"));
        assert_eq!(one, binding(&Call::system("/a"), &jobs("sms")));
        assert_ne!(one, binding(&Call::system("/a"), &jobs("mail")));
        assert_ne!(one, binding(&Call::system("/b"), &jobs("sms")));
    }

    #[test]
    fn totals_are_told_in_page_mode() {
        let sealer = Sealer::new(Secret::new(vec![1; 32]));
        let request = PageRequest::new(&sealer, "x", 2, "", 3).unwrap();
        let page = request.finish(vec![5u8], Some(5), |_| Vec::new());
        let meta = meta(&page, &sealer, "x");
        assert_eq!((meta.limit, meta.page), (2, Some(3)));
        assert_eq!((meta.total, meta.total_pages), (Some(5), Some(3)));
        assert_eq!(meta.next_page_token, "");
    }
}
