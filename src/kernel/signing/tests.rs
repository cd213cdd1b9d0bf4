use serde_json::{Value, json};

use super::testing::{ed25519, rsa};
use super::*;

#[test]
fn each_kind_of_key_checks_what_it_signed_and_nothing_else() {
    let secret = |text: &str| SigningKey::from_secret(&Secret::new(text.as_bytes().to_vec()));
    let keys = [
        secret("one secret"),
        secret("another secret"),
        SigningKey::from_pem(rsa().private.as_bytes()).unwrap(),
        SigningKey::from_pem(ed25519().private.as_bytes()).unwrap(),
    ];
    let algorithms = keys.each_ref().map(|key| key.checks().algorithm());
    assert_eq!(algorithms, ["HS256", "HS256", "RS256", "EdDSA"]);
    for (place, key) in keys.iter().enumerate() {
        let token = key.sign("test", &json!({"sub": "amina"})).unwrap();
        let token = Compact::of(&token).unwrap();
        let signed = keys.each_ref().map(|key| key.checks().signed(&token));
        for (other, signed) in signed.into_iter().enumerate() {
            assert_eq!(signed, other == place, "{place} {other}");
        }
        let header: Value = token.header().unwrap();
        assert_eq!(header["kid"], key.checks().id());
        assert_eq!(header["typ"], "test");
        assert_eq!(token.claims::<Value>().unwrap()["sub"], "amina");
    }
}

#[test]
fn the_public_half_is_the_same_key_by_the_same_name() {
    for pem in [rsa(), ed25519()] {
        let signing = SigningKey::from_pem(pem.private.as_bytes()).unwrap();
        for text in [&pem.public, &pem.private] {
            let checking = CheckingKey::from_pem(text.as_bytes()).unwrap();
            assert_eq!(checking.id(), signing.checks().id());
            assert_eq!(checking.public(), signing.checks().public());
            assert!(checking.public().is_some());
        }
        // A public key cannot sign.
        assert!(SigningKey::from_pem(pem.public.as_bytes()).is_err());
        assert!(!format!("{signing:?}").contains("BEGIN"));
    }
    let secret = SigningKey::from_secret(&Secret::new(b"a secret".to_vec()));
    assert_eq!(secret.checks().public(), None);
}

#[test]
fn an_id_is_the_thumbprint_of_the_standard() {
    // The example of RFC 8037, appendix A.3.
    let jwk: Jwk = serde_json::from_value(json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }))
    .unwrap();
    let key = CheckingKey::from_jwk(&jwk, Algorithm::EdDSA).unwrap();
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn what_is_no_key_or_a_weak_one_is_refused() {
    let elliptic = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n\
        q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n\
        -----END PUBLIC KEY-----\n";
    for text in [
        "",
        "secret",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        elliptic,
    ] {
        assert_eq!(SigningKey::from_pem(text.as_bytes()).err(), Some(NOT_A_KEY));
        assert_eq!(
            CheckingKey::from_pem(text.as_bytes()).err(),
            Some(NOT_A_KEY)
        );
    }
    let modulus = |bytes: usize, first: u8| {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = first;
        URL_SAFE_NO_PAD.encode(modulus)
    };
    let refused = |n: &str| CheckingKey::from_rsa("k", n, "AQAB").err();
    assert_eq!(refused(&modulus(256, 0x80)), None);
    assert_eq!(refused(&modulus(256, 0x7f)), Some(WEAK));
    assert_eq!(refused(&modulus(257, 0)), None);
    assert_eq!(refused(&modulus(1025, 1)), Some(WEAK));
    assert_eq!(refused(""), Some(WEAK));
    assert_eq!(refused("not base64!"), Some(NOT_A_KEY));
}

#[test]
fn a_token_is_three_parts_of_base64url() {
    assert!(Compact::of("YQ.Yg.Yw").is_some());
    let long = format!("YQ.{}.Yw", "Y".repeat(8 * 1024));
    for text in [
        "",
        ".",
        "..",
        "YQ",
        "YQ.Yg",
        "YQ.Yg.",
        ".Yg.Yw",
        "YQ..Yw",
        "YQ.Yg.Yw.ZA",
        "YQ.Yg.Yw.",
        "YQ.Yg.Y w",
        "YQ.Yg.Yw\n",
        "YQ==.Yg.Yw",
        "Y+.Yg.Yw",
        "Y/.Yg.Yw",
        "é.Yg.Yw",
        &long,
    ] {
        assert!(Compact::of(text).is_none(), "{text:?}");
    }
}
