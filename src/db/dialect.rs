//! The only SQL that differs between the two databases.

use sea_orm::{DbBackend, Statement, Value};

use crate::kernel::{Error, Result};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, in WAL mode, one writer.
    Sqlite,
    /// PostgreSQL, READ COMMITTED.
    Postgres,
}

/// What a column of [`Dialect::table`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An id.
    Id,
    /// A whole number.
    Number,
    /// A text.
    Text,
}

impl Dialect {
    /// The database that a URL names.
    ///
    /// # Errors
    /// VALIDATION_ERROR for a URL of neither.
    pub fn of_url(url: &str) -> Result<Self> {
        match url.split(':').next() {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => Err(Error::field(
                "DATABASE_URL",
                "must begin with sqlite: or postgres:",
            )),
        }
    }

    /// The word that operators know.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// A statement with `$1`-style parameters, which both databases read.
    pub fn statement(
        self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        Statement::from_sql_and_values(self.backend(), sql, values)
    }

    /// Locks the rows of a select until commit. SQLite's one writer needs no lock.
    pub const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// Keeps the rows that a select with joins reads from one table from being deleted or
    /// locked for good, until commit; others may do the same.
    pub fn for_key_share_of(self, table: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR KEY SHARE OF {table}"),
        }
    }

    /// Locks the rows of a select and skips those that others hold.
    pub const fn for_update_skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// `$first, $first+1, …` for `count` parameters.
    pub fn placeholders(first: usize, count: usize) -> String {
        let mut out = String::with_capacity(count * 5);
        for place in first..first + count {
            if place > first {
                out.push_str(", ");
            }
            out.push('$');
            out.push_str(&place.to_string());
        }
        out
    }

    /// `column` is one of the whole numbers in the list that parameter `$place` carries,
    /// as [`Dialect::list`] writes it. One statement text, however long the list is.
    pub fn in_list(self, column: &str, place: usize) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT value FROM json_each(${place}))"),
            Self::Postgres => format!("{column} = ANY(CAST(${place} AS bigint[]))"),
        }
    }

    /// The value for [`Dialect::in_list`].
    pub fn list(self, numbers: impl IntoIterator<Item = i64>) -> Value {
        let (open, close) = match self {
            Self::Sqlite => ("[", "]"),
            Self::Postgres => ("{", "}"),
        };
        let numbers: Vec<String> = numbers
            .into_iter()
            .map(|number| number.to_string())
            .collect();
        format!("{open}{}{close}", numbers.join(",")).into()
    }

    /// A table of the rows that parameter `$place` carries as [`Dialect::rows`] writes them,
    /// for the place after FROM. One statement text, however many rows there are.
    pub fn table(self, columns: &[(&str, Kind)], place: usize) -> String {
        let column = |(at, (name, kind)): (usize, &(&str, Kind))| {
            let value = format!("value->>{at}");
            let typed = match (kind, self) {
                (Kind::Text, _) => value,
                (Kind::Number, _) => format!("CAST({value} AS bigint)"),
                (Kind::Id, Self::Postgres) => format!("CAST({value} AS uuid)"),
                (Kind::Id, Self::Sqlite) => format!("unhex({value})"),
            };
            format!("{typed} AS {name}")
        };
        let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
        let rows = match self {
            Self::Sqlite => format!("json_each(${place})"),
            Self::Postgres => format!("json_array_elements(CAST(${place} AS json))"),
        };
        format!("(SELECT {} FROM {rows})", columns.join(", "))
    }

    /// The value for [`Dialect::table`]: each row an array of its columns, ids without
    /// dashes.
    pub fn rows(rows: impl IntoIterator<Item = serde_json::Value>) -> Value {
        serde_json::Value::Array(rows.into_iter().collect())
            .to_string()
            .into()
    }

    /// Rows of `table` whose `search_text` holds a word that begins with each word of the
    /// query in parameter `$place`, as [`Dialect::words`] writes it. The table's full-text
    /// index must exist: on SQLite the FTS5 table `<table>_search` over `number`, on
    /// PostgreSQL the tsvector column `search`.
    pub fn matches(self, table: &str, place: usize) -> String {
        match self {
            Self::Sqlite => format!(
                "{table}.number IN (SELECT rowid FROM {table}_search \
                 WHERE {table}_search MATCH ${place})"
            ),
            Self::Postgres => format!("{table}.search @@ to_tsquery('simple', ${place})"),
        }
    }

    /// The value for [`Dialect::matches`], from a text that [`kernel::text::fold`] folded:
    /// its words hold letters and digits only, so nothing in them is an operator.
    ///
    /// [`kernel::text::fold`]: crate::kernel::text::fold
    pub fn words(self, folded: &str) -> Value {
        let words: Vec<String> = folded
            .split_whitespace()
            .map(|word| match self {
                Self::Sqlite => format!("\"{word}\"*"),
                Self::Postgres => format!("{word}:*"),
            })
            .collect();
        words
            .join(match self {
                Self::Sqlite => " ",
                Self::Postgres => " & ",
            })
            .into()
    }

    /// Like [`Dialect::words`], for rows that hold the words in one of several columns of
    /// the index: the one that SQLite calls `column` and PostgreSQL gave the `weight`.
    pub fn words_in(self, column: &str, weight: char, folded: &str) -> Value {
        let words = folded.split_whitespace();
        match self {
            Self::Sqlite => {
                let words: Vec<String> = words.map(|word| format!("\"{word}\"*")).collect();
                format!("{column} : ({})", words.join(" AND "))
            }
            Self::Postgres => {
                let words: Vec<String> = words.map(|word| format!("{word}:*{weight}")).collect();
                words.join(" & ")
            }
        }
        .into()
    }

    const fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }
}
