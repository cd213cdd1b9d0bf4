//! What a request and a profile make of a receiver.

use super::*;
use crate::kernel::Reason;

fn wish() -> Wish {
    Wish {
        name: Some("Amina Benali".to_owned()),
        phone: Some("0551234567".to_owned()),
        wilaya: Some("alger".to_owned()),
        commune: Some("Bab Ezzouar".to_owned()),
        address: Some("12 rue des Frères Bouadou".to_owned()),
        ..Wish::default()
    }
}

fn read_all(wish: &Wish, delivery: DeliveryType) -> Result<Receiver> {
    read(wish, delivery, &Profile::default(), Needs::Everything, None)
}

#[test]
fn a_complete_wish_is_taken_in_normal_form() {
    let receiver = read_all(&wish(), DeliveryType::Home).unwrap();
    assert_eq!(receiver.phone, "+213551234567");
    assert_eq!(receiver.wilaya_code, "16");
    assert_eq!(receiver.country, "DZ");
}

#[test]
fn an_address_in_parts_tells_wilaya_commune_and_place() {
    let parts = Parts {
        line1: "12 rue Larbi Ben M'hidi".to_owned(),
        line2: "2e étage".to_owned(),
        city: "Oran".to_owned(),
        state: "Oran".to_owned(),
        latitude: Some(35.7),
        longitude: Some(-0.63),
        ..Parts::default()
    };
    let inside = Wish {
        wilaya: None,
        commune: None,
        address: None,
        parts: Some(parts),
        ..wish()
    };
    let receiver = read_all(&inside, DeliveryType::Home).unwrap();
    assert_eq!(receiver.wilaya_code, "31");
    assert_eq!(receiver.commune, "Oran");
    assert_eq!(receiver.address, "12 rue Larbi Ben M'hidi, 2e étage");
    assert!(receiver.location.is_some());
    let abroad = Parts {
        country: "fr".to_owned(),
        ..inside.parts.clone().unwrap()
    };
    let abroad = Wish {
        parts: Some(abroad),
        ..inside
    };
    let receiver = read_all(&abroad, DeliveryType::Home).unwrap();
    assert_eq!(
        (receiver.wilaya_code.as_str(), receiver.country.as_str()),
        ("", "FR")
    );
    assert_eq!(
        receiver.address,
        "12 rue Larbi Ben M'hidi, 2e étage, Oran, Oran"
    );
}

#[test]
fn the_way_of_delivery_decides_what_is_needed() {
    let bare = Wish {
        wilaya: None,
        commune: None,
        address: None,
        ..wish()
    };
    let fields = |delivery| match read_all(&bare, delivery) {
        Ok(_) => Vec::new(),
        Err(error) => error
            .violations()
            .iter()
            .map(|one| one.field.clone())
            .collect(),
    };
    assert_eq!(
        fields(DeliveryType::Home),
        ["customerWilaya", "shippingAddress"]
    );
    assert_eq!(fields(DeliveryType::StopDesk), ["customerWilaya"]);
    assert!(fields(DeliveryType::Pickup).is_empty());
}

#[test]
fn what_is_missing_comes_from_the_profile() {
    let profile = Profile {
        name: Some("Karim".to_owned()),
        phone: Some("+213661234567".to_owned()),
        email: None,
    };
    let unnamed = Wish {
        name: None,
        phone: None,
        ..wish()
    };
    let home = DeliveryType::Home;
    let receiver = read(&unnamed, home, &profile, Needs::Everything, None).unwrap();
    assert_eq!(
        (receiver.name.as_str(), receiver.phone.as_str()),
        ("Karim", "+213661234567")
    );
    let refused = read_all(&unnamed, home).unwrap_err();
    assert_eq!(refused.violations().len(), 2);
}

#[test]
fn contradictions_and_unknown_words_are_refused_by_name() {
    let both = Wish {
        other_address: Some("another address".to_owned()),
        ..wish()
    };
    let parts = Wish {
        parts: Some(Parts::default()),
        ..wish()
    };
    let nowhere = Wish {
        wilaya: Some("Paris".to_owned()),
        ..wish()
    };
    let phone = Wish {
        phone: Some("12".to_owned()),
        ..wish()
    };
    let cases = [
        (both, Reason::ValidationError, "customerAddress"),
        (parts, Reason::ValidationError, "deliveryAddress"),
        (nowhere, Reason::UnknownWilaya, "customerWilaya"),
        (phone, Reason::InvalidPhone, "customerPhone"),
    ];
    for (wish, reason, field) in cases {
        let error = read_all(&wish, DeliveryType::Home).unwrap_err();
        assert_eq!(
            (error.reason(), error.violations()[0].field.as_str()),
            (reason, field)
        );
    }
}
