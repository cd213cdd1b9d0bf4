//! The lists of stores. Written as SQL, so that the test on the query plan reads what runs.

use std::sync::LazyLock;

use sea_orm::{EntityTrait, FromQueryResult, Iterable, Statement, Value};

use super::map;
use crate::db::{Conn, Db, Dialect};
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::page::PageRequest;
use crate::kernel::wilaya::WilayaCode;
use crate::kernel::{Error, Result};
use crate::services::stores::cells::{self, Cover, Unit};
use crate::services::stores::entity::row;
use crate::services::stores::model::Store;

static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<String> = row::Column::iter()
        .map(|column| format!("stores.{}", sea_orm::IdenStatic::as_str(&column)))
        .collect();
    names.join(", ")
});

/// Conditions that hold together, with the values of their parameters.
struct Filter {
    sql: String,
    values: Vec<Value>,
}

impl Filter {
    fn new(sql: &str, values: Vec<Value>) -> Self {
        Self {
            sql: sql.to_owned(),
            values,
        }
    }

    /// Adds a condition on one value; `condition` writes it for the parameter's place.
    fn and(&mut self, value: impl Into<Value>, condition: impl FnOnce(usize) -> String) {
        self.values.push(value.into());
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition(self.values.len()));
    }

    fn rows(mut self, dialect: Dialect, order: &str, page: &PageRequest) -> Statement {
        let limit = self.values.len() + 1;
        self.values.push(bigint(page.limit + 1));
        self.values.push(bigint(page.offset()));
        let sql = format!(
            "SELECT {} FROM stores WHERE {} ORDER BY {order} LIMIT ${limit} OFFSET ${}",
            *COLUMNS,
            self.sql,
            limit + 1
        );
        dialect.statement(sql, self.values)
    }

    async fn count(
        &self,
        conn: &impl Conn,
        dialect: Dialect,
        page: &PageRequest,
    ) -> Result<Option<u64>> {
        if !page.is_numbered() {
            return Ok(None);
        }
        let sql = format!("SELECT count(*) AS total FROM stores WHERE {}", self.sql);
        count(conn, dialect.statement(sql, self.values.clone())).await
    }
}

async fn count(conn: &impl Conn, statement: Statement) -> Result<Option<u64>> {
    let counted = conn.query_one_raw(statement).await?;
    let total: i64 = counted.map_or(Ok(0), |row| row.try_get("", "total"))?;
    Ok(u64::try_from(total).ok())
}

fn bigint(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// A page of a list, one more than asked, and the total where it is wanted.
pub(in crate::services::stores) type Rows<T> = (Vec<T>, Option<u64>);

async fn stores(conn: &impl Conn, statement: Statement) -> Result<Vec<Store>> {
    let rows = row::Entity::find()
        .from_raw_sql(statement)
        .all(conn)
        .await?;
    rows.into_iter().map(map::store).collect()
}

/// What to search active stores for; all of it must match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Folded words of the name and the description; may be empty.
    pub words: String,
    /// The folded city.
    pub city: Option<String>,
    /// The wilaya.
    pub wilaya: Option<WilayaCode>,
}

/// Active stores by name.
pub(in crate::services::stores) async fn search(
    conn: &impl Conn,
    dialect: Dialect,
    search: &Search,
    after: Option<(String, StoreId)>,
    page: &PageRequest,
) -> Result<Rows<Store>> {
    let mut filter = Filter::new("stores.status = 'ACTIVE'", Vec::new());
    if let Some(city) = &search.city {
        filter.and(city.clone(), |place| format!("stores.city_key = ${place}"));
    }
    if let Some(wilaya) = search.wilaya {
        filter.and(wilaya.to_string(), |place| {
            format!("stores.wilaya = ${place}")
        });
    }
    if !search.words.is_empty() {
        let words = dialect.words(&search.words);
        filter.and(words, |place| dialect.matches("stores", place));
    }
    let total = filter.count(conn, dialect, page).await?;
    if let Some((name, id)) = after {
        filter.values.push(name.into());
        filter.and(id.uuid(), |place| {
            format!("(stores.name_key, stores.id) > (${}, ${place})", place - 1)
        });
    }
    let rows = filter.rows(dialect, "stores.name_key, stores.id", page);
    Ok((stores(conn, rows).await?, total))
}

const OWN: &str = "stores.status <> 'DELETED' AND (stores.owner_id = $1 OR stores.id IN \
                   (SELECT store_id FROM store_managers WHERE user_id = $1))";

/// The condition that a column names a store that a user owns or works for; the user is
/// the parameter of this number.
pub fn is_of_member(column: &str, place: usize) -> String {
    format!(
        "{column} IN (SELECT id FROM stores WHERE owner_id = ${place} \
         UNION ALL SELECT store_id FROM store_managers WHERE user_id = ${place})"
    )
}

/// The stores that a user owns or works for, the newest first.
pub(in crate::services::stores) async fn mine(
    db: &Db,
    user: UserId,
    after: Option<StoreId>,
    page: &PageRequest,
) -> Result<Rows<Store>> {
    let mut filter = Filter::new(OWN, vec![user.uuid().into()]);
    let total = filter.count(db.read(), db.dialect(), page).await?;
    if let Some(id) = after {
        filter.and(id.uuid(), |place| format!("stores.id < ${place}"));
    }
    let rows = filter.rows(db.dialect(), "stores.id DESC", page);
    Ok((stores(db.read(), rows).await?, total))
}

/// The ids of the stores that a user owns or works for.
pub(in crate::services::stores) async fn of_user(
    conn: &impl Conn,
    dialect: Dialect,
    user: UserId,
) -> Result<Vec<StoreId>> {
    let sql = format!("SELECT stores.id FROM stores WHERE {OWN}");
    let statement = dialect.statement(sql, [user.uuid().into()]);
    let rows = conn.query_all_raw(statement).await?;
    let ids = rows.iter().map(|row| row.try_get::<uuid::Uuid>("", "id"));
    Ok(ids
        .map(|id| id.map(StoreId::from))
        .collect::<Result<_, _>>()?)
}

/// A store and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearby {
    /// The store.
    pub store: Store,
    /// The square of the chord to it on the unit sphere: what the list is ordered by.
    pub chord_squared: f64,
}

impl Nearby {
    /// Great-circle distance in kilometres.
    pub fn distance_km(&self) -> f64 {
        cells::kilometres(self.chord_squared)
    }
}

#[derive(FromQueryResult)]
struct Near {
    #[sea_orm(nested)]
    row: row::Model,
    chord: f64,
}

/// The active stores within `radius_km` of `centre`, the nearest first.
pub(in crate::services::stores) async fn nearby(
    conn: &impl Conn,
    dialect: Dialect,
    centre: GeoPoint,
    radius_km: f64,
    after: Option<(f64, StoreId)>,
    page: &PageRequest,
) -> Result<Rows<Nearby>> {
    let disk = Disk::new(dialect, centre, radius_km);
    let total = match page.is_numbered() {
        true => count(conn, disk.total()).await?,
        false => None,
    };
    let rows = conn.query_all_raw(disk.rows(after, page)).await?;
    let near = rows.iter().map(|row| {
        let Near { row, chord } = Near::from_query_result(row, "")?;
        Ok::<_, Error>(Nearby {
            store: map::store(row)?,
            chord_squared: chord,
        })
    });
    Ok((near.collect::<Result<_>>()?, total))
}

/// The statements of a search in a disk: the index finds the cells, arithmetic the rest.
pub(in crate::services::stores) struct Disk {
    dialect: Dialect,
    /// The stores of the cover, with `chord`.
    from: String,
    values: Vec<Value>,
}

impl Disk {
    pub(in crate::services::stores) fn new(
        dialect: Dialect,
        centre: GeoPoint,
        radius_km: f64,
    ) -> Self {
        let cover = Cover::disk(centre, radius_km);
        let in_cover = dialect.in_list(&format!("stores.{}", cover.column), 1);
        let Unit { x, y, z } = Unit::of(centre);
        let chord = "(stores.unit_x - $2) * (stores.unit_x - $2) \
                     + (stores.unit_y - $3) * (stores.unit_y - $3) \
                     + (stores.unit_z - $4) * (stores.unit_z - $4)";
        Self {
            dialect,
            from: format!(
                "(SELECT {}, {chord} AS chord FROM stores \
                 WHERE stores.status = 'ACTIVE' AND {in_cover}) AS near WHERE chord <= $5",
                *COLUMNS
            ),
            values: vec![
                dialect.list(cover.cells),
                x.into(),
                y.into(),
                z.into(),
                cells::chord_squared(radius_km).into(),
            ],
        }
    }

    pub(in crate::services::stores) fn total(&self) -> Statement {
        let sql = format!("SELECT count(*) AS total FROM {}", self.from);
        self.dialect.statement(sql, self.values.clone())
    }

    pub(in crate::services::stores) fn rows(
        self,
        after: Option<(f64, StoreId)>,
        page: &PageRequest,
    ) -> Statement {
        let mut values = self.values;
        values.push(bigint(page.limit + 1));
        values.push(bigint(page.offset()));
        let further = match after {
            Some((chord, id)) => {
                values.push(chord.into());
                values.push(id.uuid().into());
                " AND (chord, id) > ($8, $9)"
            }
            None => "",
        };
        let sql = format!(
            "SELECT * FROM {}{further} ORDER BY chord, id LIMIT $6 OFFSET $7",
            self.from
        );
        self.dialect.statement(sql, values)
    }
}
