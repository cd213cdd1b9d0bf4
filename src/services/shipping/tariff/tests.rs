use super::*;

const EUR: &str = "EUR";
/// 2026-11-20, before the newest wilayas take over.
const TODAY: Time = Time::from_micros(1_795_132_800_000_000);
const IN_2027: Time = Time::from_micros(1_798_800_000_000_000);

const fn dinars(amount: i64) -> i64 {
    amount * DINAR
}

fn wilaya(text: &str) -> &'static Wilaya {
    Wilaya::find(text).unwrap()
}

fn to(text: &str) -> Destination {
    Destination::Wilaya(wilaya(text))
}

fn rate(text: &str, home: Option<i64>, desk: Option<i64>) -> Rate {
    Rate {
        wilaya: wilaya(text).code,
        home,
        desk,
        days: Some(3),
        enabled: true,
    }
}

fn terms<'a>(tables: &'a [&'a RateTable]) -> Terms<'a> {
    Terms {
        tables,
        from: Some(wilaya("Alger")),
        currency: Currency::DZD,
        mode: Mode::Zones,
        now: TODAY,
    }
}

fn prices(terms: &Terms<'_>, to: Destination, subtotal: i64) -> (Option<i64>, Option<i64>) {
    let tariff = terms.tariff(to, subtotal).unwrap();
    (tariff.home, tariff.desk)
}

#[test]
fn distance_decides_where_no_table_does() {
    let terms = terms(&[]);
    for (destination, home, desk) in [
        ("Alger", dinars(500), dinars(300)),
        ("Oran", dinars(700), dinars(450)),
        ("Djelfa", dinars(950), dinars(500)),
        ("Adrar", dinars(1250), dinars(750)),
        ("Tamanrasset", dinars(1600), dinars(800)),
    ] {
        let expected = (Some(home), Some(desk));
        assert_eq!(
            prices(&terms, to(destination), 1),
            expected,
            "{destination}"
        );
    }
    // A sender who does not tell the wilaya is near to nobody.
    let unknown = Terms {
        from: None,
        ..terms
    };
    assert_eq!(
        prices(&unknown, to("Alger"), 1),
        (Some(dinars(700)), Some(dinars(450)))
    );
}

#[test]
fn a_new_wilaya_is_priced_as_its_parent_until_its_day() {
    // El Aricha (zone 1) was split from Tlemcen; Aflou (zone 2) from Laghouat (zone 2).
    let table = RateTable {
        rates: vec![
            rate("Tlemcen", Some(1), None),
            rate("El Aricha", Some(2), None),
        ],
        ..RateTable::default()
    };
    let tables = [&table];
    let today = terms(&tables);
    assert_eq!(prices(&today, to("El Aricha"), 1), (Some(1), None));
    let later = Terms {
        now: IN_2027,
        ..terms(&tables)
    };
    assert_eq!(prices(&later, to("El Aricha"), 1), (Some(2), None));
    // Within one wilaya, as long as it is one.
    let from = Some(wilaya("Laghouat"));
    let near = Terms { from, ..terms(&[]) };
    assert_eq!(
        prices(&near, to("Aflou"), 1),
        (Some(dinars(500)), Some(dinars(300)))
    );
    let apart = Terms {
        from,
        now: IN_2027,
        ..terms(&[])
    };
    assert_eq!(
        prices(&apart, to("Aflou"), 1),
        (Some(dinars(950)), Some(dinars(500)))
    );
}

#[test]
fn the_stores_table_decides_before_the_marketplaces_and_that_before_distance() {
    let store = RateTable {
        rates: vec![rate("Oran", Some(10), Some(5))],
        ..RateTable::default()
    };
    let marketplace = RateTable {
        rates: vec![
            rate("Oran", Some(20), None),
            rate("Blida", Some(30), Some(15)),
        ],
        ..RateTable::default()
    };
    let tables = [&store, &marketplace];
    let terms = terms(&tables);
    assert_eq!(prices(&terms, to("Oran"), 1), (Some(10), Some(5)));
    assert_eq!(prices(&terms, to("Blida"), 1), (Some(30), Some(15)));
    assert_eq!(
        prices(&terms, to("Alger"), 1),
        (Some(dinars(500)), Some(dinars(300)))
    );
    assert_eq!(terms.tariff(to("Oran"), 1).unwrap().days, Some(3));
}

#[test]
fn one_price_covers_what_no_rate_names() {
    let store = RateTable {
        rates: vec![rate("Oran", Some(10), None)],
        flat: Some(77),
        ..RateTable::default()
    };
    let tables = [&store];
    let terms = terms(&tables);
    assert_eq!(prices(&terms, to("Oran"), 1), (Some(10), None));
    assert_eq!(prices(&terms, to("Adrar"), 1), (Some(77), Some(77)));
    assert_eq!(prices(&terms, Destination::Abroad, 1), (Some(77), Some(77)));
}

#[test]
fn flat_mode_costs_500_dinars_everywhere() {
    let terms = Terms {
        mode: Mode::Flat,
        ..terms(&[])
    };
    for destination in ["Alger", "Tamanrasset"] {
        assert_eq!(
            prices(&terms, to(destination), 1),
            (Some(dinars(500)), Some(dinars(500)))
        );
    }
}

#[test]
fn delivery_is_free_from_the_threshold_on() {
    let store = RateTable {
        rates: vec![rate("Oran", Some(10), None)],
        ..RateTable::default()
    };
    let marketplace = RateTable {
        free_from: Some(dinars(20_000)),
        ..RateTable::default()
    };
    let tables = [&store, &marketplace];
    let terms = terms(&tables);
    assert_eq!(
        prices(&terms, to("Oran"), dinars(20_000) - 1),
        (Some(10), None)
    );
    // What is not offered does not become offered by being free.
    assert_eq!(prices(&terms, to("Oran"), dinars(20_000)), (Some(0), None));
    assert_eq!(
        prices(&terms, to("Blida"), dinars(20_000)),
        (Some(0), Some(0))
    );
}

#[test]
fn what_is_not_delivered_is_refused_with_its_reason() {
    let mut closed = rate("Oran", Some(10), None);
    closed.enabled = false;
    let table = RateTable {
        rates: vec![
            closed,
            rate("Blida", Some(30), None),
            rate("Adrar", None, Some(1)),
        ],
        ..RateTable::default()
    };
    let tables = [&table];
    let here = terms(&tables);
    let reason = |terms: &Terms<'_>, to| terms.tariff(to, 1).unwrap_err().reason();
    assert_eq!(reason(&here, to("Oran")), Reason::ShippingUnavailable);
    assert_eq!(
        reason(&here, Destination::Abroad),
        Reason::ShippingUnavailable
    );
    // The built-in prices are dinars; another currency has none.
    let euro = Terms {
        currency: EUR.parse().unwrap(),
        ..terms(&[])
    };
    assert_eq!(reason(&euro, to("Alger")), Reason::ShippingUnavailable);

    let blida = here.tariff(to("Blida"), 1).unwrap();
    let refused = blida.price(Handover::StopDesk).unwrap_err();
    assert_eq!(refused.reason(), Reason::StopDeskUnavailable);
    assert_eq!(blida.price(Handover::Home).unwrap(), 30);
    assert_eq!(blida.price(Handover::Pickup).unwrap(), 0);
    let adrar = here.tariff(to("Adrar"), 1).unwrap();
    let refused = adrar.price(Handover::Home).unwrap_err();
    assert_eq!(refused.reason(), Reason::ShippingUnavailable);
}

#[test]
fn rates_come_back_from_the_database_as_they_were() {
    let mut closed = rate("Oran", None, Some(5));
    closed.enabled = false;
    let table = RateTable {
        rates: vec![rate("16", Some(10), None), closed],
        ..RateTable::default()
    };
    let text = table.rates_to_json();
    assert_eq!(RateTable::rates_from_json(&text).unwrap(), table.rates);
    assert!(RateTable::rates_from_json("[{}]").is_err());
}

#[test]
fn the_wilaya_is_required_in_algeria_only() {
    let read = |wilaya, country| Destination::parse("wilaya", wilaya, country);
    assert_eq!(read("16", None).unwrap(), to("Alger"));
    assert_eq!(read("", Some("France")).unwrap(), Destination::Abroad);
    let refused = read("", Some("Algérie")).unwrap_err();
    assert_eq!(refused.reason(), Reason::UnknownWilaya);
}
