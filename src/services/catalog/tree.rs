//! The tree of categories, as a whole. Pure: there are few enough of them to be read at
//! once, so that finding one costs no query.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Category;
use crate::kernel::id::CategoryId;
use crate::kernel::page::{Page, PageRequest, cursor, read_cursor};
use crate::kernel::text::fold;
use crate::kernel::{Error, Result};

/// All categories, by place among all: position, then name.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    sorted: Vec<Category>,
    by_id: HashMap<Uuid, usize>,
}

impl Tree {
    /// The tree of these categories.
    pub fn new(mut categories: Vec<Category>) -> Self {
        categories.sort_by(|a, b| key(a).cmp(&key(b)));
        let by_id = categories
            .iter()
            .zip(0..)
            .map(|(category, at)| (category.id, at));
        Self {
            by_id: by_id.collect(),
            sorted: categories,
        }
    }

    /// A category.
    pub fn get(&self, id: CategoryId) -> Option<&Category> {
        self.by_id
            .get(&id.uuid())
            .and_then(|at| self.sorted.get(*at))
    }

    /// The category that a word names: its id, its slug, or its name in any spelling. Of
    /// several with the same name the first in the list's order.
    pub fn named(&self, word: &str) -> Option<&Category> {
        if let Ok(id) = word.parse::<CategoryId>() {
            return self.get(id);
        }
        let folded = fold(word);
        let by_slug = self.sorted.iter().find(|category| category.slug == word);
        by_slug.or_else(|| {
            let mut all = self.sorted.iter();
            all.find(|category| !folded.is_empty() && category.name_key == folded)
        })
    }

    /// A category and all below it.
    pub fn subtree(&self, id: CategoryId) -> Vec<CategoryId> {
        let mut found = vec![id.uuid()];
        let mut seen: HashSet<Uuid> = found.iter().copied().collect();
        let mut next = 0;
        while let Some(parent) = found.get(next).copied() {
            let children = self
                .sorted
                .iter()
                .filter(|child| child.parent_id == Some(parent));
            found.extend(children.map(|child| child.id).filter(|id| seen.insert(*id)));
            next += 1;
        }
        found.into_iter().map(CategoryId::from).collect()
    }

    /// Demands that `parent` exists and that `category` may stand below it.
    ///
    /// # Errors
    /// NOT_FOUND for an unknown parent; VALIDATION_ERROR when it is the category itself
    /// or stands below it.
    pub fn check_parent(&self, category: CategoryId, parent: CategoryId) -> Result<()> {
        if self.get(parent).is_none() {
            return Err(Error::not_found("category"));
        }
        if self.subtree(category).contains(&parent) {
            let message = "must not be the category itself or stand below it";
            return Err(Error::field("parentId", message));
        }
        Ok(())
    }

    /// A page of the whole tree, or of the children of one category.
    ///
    /// # Errors
    /// INTERNAL for a cursor that is not of this list.
    pub fn page(&self, parent: Option<CategoryId>, page: &PageRequest) -> Result<Page<Category>> {
        let listed: Vec<&Category> = self
            .sorted
            .iter()
            .filter(|category| {
                parent.is_none_or(|parent| category.parent_id == Some(parent.uuid()))
            })
            .collect();
        let skipped = match page.cursor() {
            Some(bytes) => {
                let after = read(bytes)?;
                listed.partition_point(|category| key(category) <= after.key())
            }
            None => usize::try_from(page.offset()).unwrap_or(usize::MAX),
        };
        let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let total = page.is_numbered().then_some(listed.len() as u64);
        let rows = listed.into_iter().skip(skipped).take(wanted + 1).cloned();
        Ok(page.finish(rows.collect(), total, |category| {
            let place = category.position.to_be_bytes();
            let key = [place.as_slice(), category.name_key.as_bytes()].concat();
            cursor(category.id, &key)
        }))
    }
}

fn key(category: &Category) -> (i32, &str, Uuid) {
    (category.position, &category.name_key, category.id)
}

/// The place after which a page begins.
struct After {
    position: i32,
    name_key: String,
    id: Uuid,
}

impl After {
    fn key(&self) -> (i32, &str, Uuid) {
        (self.position, &self.name_key, self.id)
    }
}

fn read(bytes: &[u8]) -> Result<After> {
    let (id, key) = read_cursor(bytes)?;
    let (position, name) = key
        .split_first_chunk::<4>()
        .ok_or_else(|| Error::internal("a cursor without a position"))?;
    Ok(After {
        position: i32::from_be_bytes(*position),
        name_key: String::from_utf8_lossy(name).into_owned(),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::page::Start;

    fn category(number: u128, parent: Option<u128>, position: i32, name: &str) -> Category {
        Category {
            id: Uuid::from_u128(number),
            parent_id: parent.map(Uuid::from_u128),
            name: name.to_owned(),
            name_key: fold(name),
            slug: fold(name).replace(' ', "-"),
            description: String::new(),
            image_url: String::new(),
            position,
            version: 1,
            created_at: 0,
            updated_at: 0,
        }
    }

    fn id(number: u128) -> CategoryId {
        Uuid::from_u128(number).into()
    }

    /// Beauty (1) with Hair Care (2) and Soap (3); Oils (4) in Hair Care; Phones (5).
    fn tree() -> Tree {
        Tree::new(vec![
            category(5, None, 2, "Phones"),
            category(4, Some(2), 0, "Oils"),
            category(3, Some(1), 1, "Soap"),
            category(2, Some(1), 1, "Hair Care"),
            category(1, None, 1, "Beauty"),
        ])
    }

    #[test]
    fn a_category_is_found_by_id_slug_and_name() {
        let tree = tree();
        for word in [id(2).to_string().as_str(), "hair-care", "HAIR  care"] {
            assert_eq!(tree.named(word).unwrap().id, id(2).uuid(), "{word}");
        }
        assert!(tree.named("").is_none());
        assert!(tree.named("hats").is_none());
    }

    #[test]
    fn a_subtree_holds_everything_below() {
        let mut below = tree().subtree(id(1));
        below.sort();
        assert_eq!(below, [id(1), id(2), id(3), id(4)]);
        assert_eq!(tree().subtree(id(5)), [id(5)]);
    }

    #[test]
    fn no_category_moves_below_itself() {
        let tree = tree();
        for parent in [1, 2, 4] {
            assert!(tree.check_parent(id(1), id(parent)).is_err(), "{parent}");
        }
        assert!(tree.check_parent(id(1), id(5)).is_ok());
        let unknown = tree.check_parent(id(1), id(9)).unwrap_err();
        assert_eq!(unknown.reason(), crate::kernel::Reason::NotFound);
    }

    #[test]
    fn pages_follow_position_and_name() {
        let tree = tree();
        let mut seen = Vec::new();
        let mut start = Start::First;
        loop {
            let page = tree.page(None, &PageRequest { limit: 2, start }).unwrap();
            seen.extend(page.items.into_iter().map(|category| category.name));
            match page.next {
                Some(next) => start = Start::After(next),
                None => break,
            }
        }
        assert_eq!(seen, ["Oils", "Beauty", "Hair Care", "Soap", "Phones"]);
        let numbered = PageRequest {
            limit: 1,
            start: Start::Number(2),
        };
        let page = tree.page(Some(id(1)), &numbered).unwrap();
        assert_eq!((page.items[0].name.as_str(), page.total), ("Soap", Some(2)));
    }
}
