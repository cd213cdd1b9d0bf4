//! The WHERE of a list that is put together from filters.

use sea_orm::Value;

use super::dialect::Dialect;

/// Conditions that must all hold, with the values of their parameters.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    all: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition without values. It is part of the program, never of a request.
    pub fn always(&mut self, condition: impl Into<String>) {
        self.all.push(condition.into());
    }

    /// Adds a condition in which each `?` stands for the next of the values.
    pub fn with(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        let mut parts = condition.split('?');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (value, part) in values.into_iter().zip(parts) {
            text.push_str(&format!("${}", self.bind(value)));
            text.push_str(part);
        }
        self.all.push(text);
    }

    /// Adds the condition that a column is one of the values; none of them fits nothing.
    pub fn one_of(&mut self, column: &str, values: impl IntoIterator<Item = Value>) {
        let first = self.values.len() + 1;
        self.values.extend(values);
        let count = self.values.len() + 1 - first;
        self.all.push(if count == 0 {
            "FALSE".to_owned()
        } else {
            format!("{column} IN ({})", Dialect::placeholders(first, count))
        });
    }

    /// Adds a value; answers the number of its parameter.
    pub fn bind(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    /// The conditions, joined; for the place after WHERE.
    pub fn sql(&self) -> String {
        if self.all.is_empty() {
            "TRUE".to_owned()
        } else {
            self.all.join(" AND ")
        }
    }

    /// The values of the parameters, in their order.
    pub fn values(&self) -> Vec<Value> {
        self.values.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_in_the_order_of_the_conditions() {
        let mut conditions = Conditions::default();
        assert_eq!(conditions.sql(), "TRUE");
        conditions.always("status = 'ACTIVE'");
        conditions.with("price BETWEEN ? AND ?", [1.into(), 2.into()]);
        conditions.one_of("id", [3.into(), 4.into()]);
        conditions.one_of("id", []);
        assert_eq!(
            conditions.sql(),
            "status = 'ACTIVE' AND price BETWEEN $1 AND $2 AND id IN ($3, $4) AND FALSE"
        );
        assert_eq!(conditions.values().len(), 4);
    }
}
