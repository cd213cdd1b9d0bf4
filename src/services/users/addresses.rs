//! Address books. Every change first holds the owner's row, so that changes of one book
//! take turns and it always has exactly one default, or no entry.

use super::{Address, store};
use crate::db::{Conn, Tx};
use crate::kernel::address::{self, AddressParts};
use crate::kernel::id::{AddressId, UserId};
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::text::change;
use crate::kernel::wilaya::{Wilaya, is_algeria};
use crate::kernel::{Error, Reason, Result};

/// Entries of one book at the most.
const ADDRESSES_MAX: u64 = 50;

/// What a request says of an entry: what is present changes.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub title: Option<String>,
    pub address: AddressParts,
}

/// A page of the book: the default, then the newest.
pub(super) async fn list(
    conn: &impl Conn,
    owner: UserId,
    page: &PageRequest,
) -> Result<Page<Address>> {
    let after = page.cursor().map(from_cursor).transpose()?;
    let rows = store::list_addresses(conn, owner, after, page).await?;
    let total = match page.is_numbered() {
        true => Some(store::count_addresses(conn, owner).await?),
        false => None,
    };
    Ok(page.finish(rows, total, to_cursor))
}

/// Adds an entry; the first one is the default, and so is one that asks to be.
pub(super) async fn create(
    tx: &Tx,
    owner: UserId,
    parts: &Parts,
    wants_default: bool,
) -> Result<Address> {
    store::lock(tx, owner).await?;
    let count = store::count_addresses(tx.conn(), owner).await?;
    if count >= ADDRESSES_MAX {
        return Err(Error::new(
            Reason::AddressLimit,
            format!("an address book has at most {ADDRESSES_MAX} entries"),
        )
        .with("max", ADDRESSES_MAX));
    }
    let is_default = wants_default || count == 0;
    let entry = apply(blank(tx, owner, is_default), parts)?;
    if is_default && count > 0 {
        store::clear_default(tx, owner).await?;
    }
    store::insert_address(tx, &entry).await?;
    Ok(entry)
}

/// Changes an entry.
pub(super) async fn update(
    tx: &Tx,
    owner: UserId,
    id: AddressId,
    parts: &Parts,
) -> Result<Address> {
    store::lock(tx, owner).await?;
    let before = store::find_address(tx.conn(), owner, id).await?;
    let after = Address {
        updated_at: tx.now().micros(),
        ..apply(before, parts)?
    };
    store::save_address(tx, &after).await?;
    Ok(after)
}

/// Removes an entry; the newest that remains takes the place of the default.
pub(super) async fn delete(tx: &Tx, owner: UserId, id: AddressId) -> Result<()> {
    store::lock(tx, owner).await?;
    let entry = store::find_address(tx.conn(), owner, id).await?;
    store::delete_address(tx, id).await?;
    if entry.is_default {
        store::promote_newest(tx, owner).await?;
    }
    Ok(())
}

/// Makes an entry the default.
pub(super) async fn set_default(tx: &Tx, owner: UserId, id: AddressId) -> Result<Address> {
    store::lock(tx, owner).await?;
    let entry = store::find_address(tx.conn(), owner, id).await?;
    if entry.is_default {
        return Ok(entry);
    }
    // Two statements: the index that allows one default is checked row by row.
    store::clear_default(tx, owner).await?;
    let chosen = Address {
        is_default: true,
        updated_at: tx.now().micros(),
        ..entry
    };
    store::save_address(tx, &chosen).await?;
    Ok(chosen)
}

fn blank(tx: &Tx, owner: UserId, is_default: bool) -> Address {
    Address {
        id: AddressId::new(tx.now()).uuid(),
        user_id: owner.uuid(),
        title: String::new(),
        street: None,
        line2: None,
        city: None,
        commune: None,
        state: None,
        wilaya: None,
        postal_code: None,
        country: None,
        latitude: None,
        longitude: None,
        is_default,
        created_at: tx.now().micros(),
        updated_at: tx.now().micros(),
    }
}

fn apply(mut entry: Address, parts: &Parts) -> Result<Address> {
    if let Some(title) = parts.title.as_deref().map(str::trim) {
        if title.is_empty() {
            return Err(Error::field("title", "must not be empty"));
        }
        title.clone_into(&mut entry.title);
    }
    let sent = &parts.address;
    change(&mut entry.street, sent.street.as_deref());
    change(&mut entry.line2, sent.line2.as_deref());
    change(&mut entry.city, sent.city.as_deref());
    change(&mut entry.commune, sent.commune.as_deref());
    change(&mut entry.state, sent.state.as_deref());
    change(&mut entry.wilaya, sent.wilaya.as_deref());
    change(&mut entry.postal_code, sent.postal_code.as_deref());
    change(&mut entry.country, sent.country.as_deref());
    entry.latitude = sent.latitude.or(entry.latitude);
    entry.longitude = sent.longitude.or(entry.longitude);
    address::location(entry.latitude, entry.longitude)?;
    let places = [&entry.street, &entry.city, &entry.commune, &entry.wilaya];
    if places.iter().all(|place| place.is_none()) {
        return Err(Error::field(
            "address",
            "must name a street, a city, a commune or a wilaya",
        ));
    }
    in_country(entry)
}

/// Algeria has wilayas by name or code; elsewhere the word stays as it came.
fn in_country(mut entry: Address) -> Result<Address> {
    entry.country = entry.country.as_deref().map(address::country);
    if is_algeria(entry.country.as_deref())
        && let Some(wilaya) = &entry.wilaya
    {
        entry.wilaya = Some(Wilaya::parse("address.wilaya", wilaya)?.name.to_owned());
    }
    Ok(entry)
}

fn to_cursor(last: &Address) -> Vec<u8> {
    let mut cursor = vec![u8::from(last.is_default)];
    cursor.extend_from_slice(last.id.as_bytes());
    cursor
}

fn from_cursor(cursor: &[u8]) -> Result<(bool, AddressId)> {
    let (flag, id) = cursor.split_first().unwrap_or((&0, &[]));
    let id: [u8; 16] = id.try_into().map_err(Error::internal)?;
    Ok((*flag == 1, uuid::Uuid::from_bytes(id).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Address {
        Address {
            id: uuid::Uuid::nil(),
            user_id: uuid::Uuid::nil(),
            title: "Home".to_owned(),
            street: Some("12 rue Didouche Mourad".to_owned()),
            line2: None,
            city: None,
            commune: None,
            state: None,
            wilaya: None,
            postal_code: None,
            country: None,
            latitude: None,
            longitude: None,
            is_default: true,
            created_at: 1,
            updated_at: 1,
        }
    }

    fn of_address(address: AddressParts) -> Parts {
        Parts {
            title: None,
            address,
        }
    }

    #[test]
    fn a_wilaya_gets_its_french_name_in_algeria_only() {
        let parts = |country: Option<&str>, wilaya: &str| {
            of_address(AddressParts {
                country: country.map(str::to_owned),
                wilaya: Some(wilaya.to_owned()),
                ..AddressParts::default()
            })
        };
        let algiers = apply(entry(), &parts(None, "16")).unwrap();
        assert_eq!(algiers.wilaya.as_deref(), Some("Alger"));
        assert_eq!(algiers.country, None);
        let named = apply(entry(), &parts(Some("Algérie"), "الجزائر")).unwrap();
        assert_eq!(named.country.as_deref(), Some("DZ"));
        let abroad = apply(entry(), &parts(Some("tn"), "Sousse")).unwrap();
        assert_eq!(abroad.wilaya.as_deref(), Some("Sousse"));
        assert_eq!(abroad.country.as_deref(), Some("TN"));
        let refused = apply(entry(), &parts(None, "Atlantis")).unwrap_err();
        assert_eq!(refused.reason(), Reason::UnknownWilaya);
    }

    #[test]
    fn half_a_position_and_a_place_without_name_are_refused() {
        let half = of_address(AddressParts {
            latitude: Some(36.7),
            ..AddressParts::default()
        });
        assert_eq!(
            apply(entry(), &half).unwrap_err().violations()[0].field,
            "address.longitude"
        );
        let nowhere = of_address(AddressParts {
            street: Some(" ".to_owned()),
            ..AddressParts::default()
        });
        assert_eq!(
            apply(entry(), &nowhere).unwrap_err().violations()[0].field,
            "address"
        );
    }

    #[test]
    fn a_cursor_names_its_row() {
        let (was_default, id) = from_cursor(&to_cursor(&entry())).unwrap();
        assert!(was_default);
        assert_eq!(id.uuid(), entry().id);
        assert!(from_cursor(&[]).is_err());
    }
}
