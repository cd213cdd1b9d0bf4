//! The comments of the contract, by the element they stand above.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FileDescriptor};

/// Every leading comment.
pub struct Comments(HashMap<(String, Vec<i32>), String>);

impl Comments {
    /// Collects the comments of every file.
    pub fn of(pool: &DescriptorPool) -> Self {
        let mut comments = HashMap::new();
        for file in pool.files() {
            let Some(info) = &file.file_descriptor_proto().source_code_info else {
                continue;
            };
            for place in &info.location {
                if let Some(comment) = &place.leading_comments {
                    let key = (file.name().to_owned(), place.path.clone());
                    comments.insert(key, clean(comment));
                }
            }
        }
        Self(comments)
    }

    /// The comment above the element at a descriptor path; empty where there is none.
    pub fn at(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        self.0
            .get(&(file.name().to_owned(), path.to_vec()))
            .map_or("", String::as_str)
    }
}

/// The text without the space after each slash pair.
fn clean(comment: &str) -> String {
    let lines: Vec<&str> = comment
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim().to_owned()
}

/// The first sentence, without its full stop, for a title.
pub fn title(comment: &str) -> String {
    let paragraph = comment.split("\n\n").next().unwrap_or_default();
    let line = paragraph.replace('\n', " ");
    let end = line.find(". ").unwrap_or(line.len());
    line[..end].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_sentence() {
        assert_eq!(title("Places an\norder. Then waits."), "Places an order");
        assert_eq!(title("Ends it.\n\nFor good."), "Ends it");
        assert_eq!(title(""), "");
    }

    #[test]
    fn comments_lose_their_indent_and_keep_their_lists() {
        assert_eq!(
            clean(" One.\n\n - two\n   three\n"),
            "One.\n\n- two\n  three"
        );
    }
}
