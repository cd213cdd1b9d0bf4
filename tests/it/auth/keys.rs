//! The keys of access tokens, and tokens that nobody should take.

use std::time::Duration;

use jsonwebtoken::{DecodingKey, EncodingKey, Validation};
use reqwest::StatusCode;
use serde_json::{Value, json};
use souk::kernel::signing::CheckingKey;
use souk::pb::souk::users::v1::GetMeRequest;
use tempfile::TempDir;
use tonic::Code;

use crate::support::keys::{Pem, changed, claims, ed25519, rsa, sealed, signed};
use crate::support::{Client, TestApp, reason};

/// A file of a key, gone with the test.
fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

async fn published(app: &TestApp) -> Vec<Value> {
    let answer = app.get("/.well-known/jwks.json", None).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.body["keys"].as_array().unwrap().clone()
}

async fn works(client: &Client) -> bool {
    client.users().get_me(GetMeRequest {}).await.is_ok()
}

/// Checks a token as another service would, with nothing but the list of keys.
fn checked(token: &str, keys: &[Value]) -> Value {
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = keys.iter().find(|key| key["kid"] == kid.as_str()).unwrap();
    let key: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.clone()).unwrap();
    let algorithm = jsonwebtoken::decode_header(token).unwrap().alg;
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&["souk"]);
    validation.set_issuer(&["souk"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(&key).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &validation)
        .unwrap()
        .claims
}

#[tokio::test]
async fn with_a_shared_secret_no_key_is_published() {
    let app = TestApp::start().await;
    let answer = app.get("/.well-known/jwks.json", None).await;
    assert_eq!(answer.text, r#"{"success":true,"keys":[]}"#);
}

#[tokio::test]
async fn others_can_check_tokens_with_the_published_keys() {
    for (pem, algorithm, kind) in [
        (ed25519(), "EdDSA", "OKP"),
        (rsa(1).private.clone(), "RS256", "RSA"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "key.pem", &pem);
        let app = TestApp::with(&[("JWT_PRIVATE_KEY_FILE", &path)]).await;
        let client = app.customer().await;
        assert!(works(&client).await);
        let keys = published(&app).await;
        assert_eq!(keys.len(), 1);
        assert_eq!(
            (&keys[0]["alg"], &keys[0]["kty"]),
            (&json!(algorithm), &json!(kind))
        );
        assert!(keys[0].get("d").is_none());
        let claims = checked(client.token.as_deref().unwrap(), &keys);
        assert_eq!(claims["sub"], client.user_id);
        app.assert_sound().await;
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_still_checks_and_one_that_was_dropped_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (new, old, dropped) = (ed25519(), rsa(1), rsa(2));
    let (new, old_file) = (
        file(&folder, "new.pem", &new),
        file(&folder, "old.pem", &old.public),
    );
    let settings = [
        ("JWT_PRIVATE_KEY_FILE", new.as_str()),
        ("JWT_PREVIOUS_KEY_FILE", old_file.as_str()),
    ];
    let app = TestApp::with(&settings).await;
    let client = app.customer().await;
    let keys = published(&app).await;
    let algorithms: Vec<_> = keys.iter().map(|key| &key["alg"]).collect();
    assert_eq!(algorithms, ["EdDSA", "RS256"]);
    // The tokens of a moment ago, had the other keys signed them.
    let before = |pem: &Pem| {
        let kid = CheckingKey::from_pem(pem.public.as_bytes()).unwrap();
        let header = json!({"typ": "at+jwt", "alg": "RS256", "kid": kid.id()});
        signed(&header, &claims(client.token.as_deref().unwrap()), pem)
    };
    assert!(works(&client.with_token(&before(old))).await);
    let refused = client.with_token(&before(dropped));
    let refused = refused.users().get_me(GetMeRequest {}).await.unwrap_err();
    assert_eq!(reason(&refused), "TOKEN_INVALID");
}

#[tokio::test]
async fn a_token_of_the_secret_before_works_until_it_expires() {
    let old = "the secret before this one, for tests";
    let app = TestApp::with(&[("JWT_PREVIOUS_SECRET", old)]).await;
    let client = app.customer().await;
    let secret = souk::kernel::Secret::new(old.as_bytes().to_vec());
    let kid = CheckingKey::from_secret(&secret).id().to_owned();
    let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": kid});
    let key = EncodingKey::from_secret(old.as_bytes());
    let claims = claims(client.token.as_deref().unwrap());
    let token = sealed(&header, &claims, &key, jsonwebtoken::Algorithm::HS256);
    let before = client.with_token(&token);
    assert!(works(&before).await);
    app.advance(Duration::from_secs(900));
    let expired = before.users().get_me(GetMeRequest {}).await.unwrap_err();
    assert_eq!(reason(&expired), "TOKEN_EXPIRED");
    assert_eq!(expired.message(), "the access token is not valid");
    assert_eq!(published(&app).await.len(), 0);
}

#[tokio::test]
async fn every_hostile_token_is_refused_alike_over_both_wires() {
    let folder = tempfile::tempdir().unwrap();
    let (pem, kid) = (
        rsa(1),
        CheckingKey::from_pem(rsa(1).public.as_bytes()).unwrap(),
    );
    let path = file(&folder, "key.pem", &pem.private);
    let app = TestApp::with(&[("JWT_PRIVATE_KEY_FILE", &path)]).await;
    let (amina, yacine) = (app.customer().await, app.customer().await);
    let good = amina.token.clone().unwrap();
    let (header, claims) = (
        json!({"typ": "at+jwt", "alg": "RS256", "kid": kid.id()}),
        claims(&good),
    );
    let with_header = |changes| signed(&changed(header.clone(), changes), &claims, pem);
    let with_claims = |changes| signed(&header, &changed(claims.clone(), changes), pem);
    let public = EncodingKey::from_secret(pem.public.as_bytes());
    let hs256 = changed(header.clone(), json!({"alg": "HS256"}));
    let (signed_part, _) = good.rsplit_once('.').unwrap();
    assert!(works(&amina.with_token(&with_header(json!({})))).await);
    let hostile = [
        sealed(&hs256, &claims, &public, jsonwebtoken::Algorithm::HS256),
        format!("{signed_part}."),
        format!("{signed_part}.AAAA"),
        good.replacen('.', "..", 1),
        format!("{good}.{good}"),
        "nonsense".to_owned(),
        "A".repeat(8 * 1024 + 1),
        amina.refresh_token.clone(),
        signed(&header, &claims, rsa(2)),
        with_header(json!({"kid": "../../dev/null"})),
        with_header(json!({"kid": "x' OR '1'='1"})),
        with_header(json!({"jku": "http://127.0.0.1:9/jwks.json"})),
        with_header(json!({"crit": ["exp"]})),
        with_header(json!({"typ": "JWT"})),
        with_claims(json!({"iss": "bazaar"})),
        with_claims(json!({"aud": ["souk"]})),
        with_claims(json!({"exp": null})),
        with_claims(json!({"exp": 9_999_999_999_i64})),
        with_claims(json!({"sub": "root"})),
    ];
    let before = app.rows().await;
    for token in &hostile {
        let over_grpc = yacine.with_token(token);
        let over_grpc = over_grpc.users().get_me(GetMeRequest {}).await.unwrap_err();
        assert_eq!(over_grpc.code(), Code::Unauthenticated, "{token}");
        assert_eq!(reason(&over_grpc), "TOKEN_INVALID", "{token}");
        assert_eq!(over_grpc.message(), "the access token is not valid");
        let over_json = app.get("/user/me", Some(token)).await;
        assert_eq!(over_json.status, StatusCode::UNAUTHORIZED);
        assert_eq!(over_json.body["code"], "TOKEN_INVALID");
        assert_eq!(over_json.body["message"], over_grpc.message());
        // Where no token is needed, a bad one is refused as well.
        let open = app.get("/api/wilayas", Some(token)).await;
        assert_eq!(open.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(app.rows().await, before);
    // Even souk's own signature does not join one user with another one's session.
    let mixed = with_claims(json!({"sub": yacine.user_id}));
    assert!(!works(&yacine.with_token(&mixed)).await);
}

#[tokio::test]
async fn the_header_is_one_bearer_token_whatever_its_case() {
    let app = TestApp::start().await;
    let token = app.customer().await.token.unwrap();
    let me = async |values: &[String]| {
        let mut request = reqwest::Client::new().get(format!("{}/user/me", app.url));
        for value in values {
            request = request.header("authorization", value);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.text().await.unwrap())
    };
    for good in [format!("Bearer {token}"), format!("bearer  {token}")] {
        assert_eq!(me(&[good]).await.0, StatusCode::OK);
    }
    let bearer = format!("Bearer {token}");
    for bad in [
        vec![token.clone()],
        vec![format!("Basic {token}")],
        vec!["Bearer".to_owned()],
        vec![format!("Bearer {token}, Bearer {token}")],
        vec![format!("Bearer {token} {token}")],
        vec![bearer.clone(), bearer.clone()],
        vec![bearer.clone(), "Bearer x".to_owned()],
        vec!["Bearer é".to_owned()],
    ] {
        let (status, text) = me(&bad).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{bad:?}");
        assert!(text.contains("the access token is not valid"), "{text}");
        assert!(text.contains("TOKEN_INVALID"), "{text}");
    }
}
