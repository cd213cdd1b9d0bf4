//! Tokens that nobody should take, each with what is wrong with it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{Forge, SECRET, alone, bearer, changed, now, sealed, secret};
use crate::kernel::Role;
use crate::kernel::signing::SigningKey;
use crate::kernel::signing::testing::rsa;

/// Tokens that must be refused, each with what is wrong with it.
pub(super) fn hostile(forge: &Forge) -> Vec<(&'static str, String)> {
    let good = forge.good();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("not a token: {good}")
    };
    let mut tokens = unsigned_or_signed_otherwise(forge, header, claims, signature);
    tokens.extend(odd_headers(forge));
    tokens.extend(odd_claims(forge));
    tokens.extend(odd_payloads(forge));
    tokens.extend(odd_shapes(forge, &good, header, claims, signature));
    tokens
}

fn unsigned_or_signed_otherwise(
    forge: &Forge,
    header: &str,
    claims: &str,
    signature: &str,
) -> Vec<(&'static str, String)> {
    let stranger = rsa();
    let foreign = EncodingKey::from_rsa_pem(stranger.private.as_bytes()).unwrap();
    let claims_text = forge.claims().to_string();
    let foreign = sealed(
        &forge.header().to_string(),
        claims_text.as_bytes(),
        &foreign,
        Algorithm::RS256,
    );
    let foreign_key = SigningKey::from_pem(stranger.private.as_bytes()).unwrap();
    let own = EncodingKey::from_rsa_pem(forge.pem.private.as_bytes()).unwrap();
    let rs512 = changed(forge.header(), json!({"alg": "RS512"})).to_string();
    let ps256 = changed(forge.header(), json!({"alg": "PS256"})).to_string();
    let promoted = changed(forge.claims(), json!({"role": "ADMIN"})).to_string();
    let promoted = URL_SAFE_NO_PAD.encode(promoted);
    let somebody = changed(forge.claims(), json!({"jti": "b"})).to_string();
    let somebody = URL_SAFE_NO_PAD.encode(somebody);
    vec![
        ("alg none", forge.unsigned("none")),
        ("alg NONE", forge.unsigned("NONE")),
        ("alg nOnE", forge.unsigned("nOnE")),
        ("alg empty", forge.unsigned("")),
        (
            "alg none with a signature",
            format!("{}{signature}", forge.unsigned("none")),
        ),
        (
            "HS256 with the public key in PEM",
            forge.confused(forge.pem.public.as_bytes()),
        ),
        (
            "HS256 with the public key in PEM, trimmed",
            forge.confused(forge.pem.public.trim().as_bytes()),
        ),
        ("HS256 with an empty secret", forge.confused(b"")),
        (
            "HS256 with the secret of refresh tokens",
            forge.confused(SECRET),
        ),
        (
            "RS512 with our key",
            sealed(&rs512, claims_text.as_bytes(), &own, Algorithm::RS512),
        ),
        (
            "PS256 with our key",
            sealed(&ps256, claims_text.as_bytes(), &own, Algorithm::PS256),
        ),
        ("another RSA key under our name", foreign),
        (
            "another RSA key under its own name",
            alone(foreign_key)
                .issue(now(), bearer(), Role::Admin)
                .unwrap(),
        ),
        ("a changed role", format!("{header}.{promoted}.{signature}")),
        (
            "the signature of another token",
            format!("{header}.{somebody}.{signature}"),
        ),
        (
            "a signature cut short",
            format!("{header}.{claims}.{}", &signature[..signature.len() - 4]),
        ),
        (
            "a signature with more",
            format!("{header}.{claims}.{signature}AAAA"),
        ),
        (
            "a signature of zeros",
            format!("{header}.{claims}.{}", "A".repeat(342)),
        ),
        (
            "header and claims swapped",
            format!("{claims}.{header}.{signature}"),
        ),
    ]
}

fn odd_headers(forge: &Forge) -> Vec<(&'static str, String)> {
    let claims = forge.claims().to_string();
    let twice = format!(
        r#"{{"alg":"none","typ":"at+jwt","kid":"{}","alg":"RS256"}}"#,
        forge.kid
    );
    let own = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
    let own: Value = serde_json::from_str(own).unwrap();
    vec![
        ("typ JWT", forge.with_header(json!({"typ": "JWT"}))),
        (
            "typ in capitals",
            forge.with_header(json!({"typ": "AT+JWT"})),
        ),
        ("no typ", forge.with_header(json!({"typ": null}))),
        ("no alg", forge.with_header(json!({"alg": null}))),
        (
            "alg as a list",
            forge.with_header(json!({"alg": ["RS256"]})),
        ),
        (
            "alg of another kind",
            forge.with_header(json!({"alg": "EdDSA"})),
        ),
        (
            "alg in lower case",
            forge.with_header(json!({"alg": "rs256"})),
        ),
        ("no kid", forge.with_header(json!({"kid": null}))),
        ("kid empty", forge.with_header(json!({"kid": ""}))),
        ("kid as a number", forge.with_header(json!({"kid": 1}))),
        (
            "kid of nobody",
            forge.with_header(json!({"kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"})),
        ),
        (
            "kid as a path",
            forge.with_header(json!({"kid": "../../../../dev/null"})),
        ),
        (
            "kid as SQL",
            forge.with_header(json!({"kid": "' UNION SELECT 'secret' --"})),
        ),
        (
            "kid as a URL",
            forge.with_header(json!({"kid": "https://evil.example/key"})),
        ),
        (
            "kid with our name and more",
            forge.with_header(json!({"kid": format!("{}\u{0}", forge.kid)})),
        ),
        (
            "jku",
            forge.with_header(json!({"jku": "https://evil.example/jwks.json"})),
        ),
        (
            "x5u",
            forge.with_header(json!({"x5u": "https://evil.example/cert.pem"})),
        ),
        ("x5c", forge.with_header(json!({"x5c": ["MIIB"]}))),
        ("jwk", forge.with_header(json!({"jwk": own}))),
        ("crit", forge.with_header(json!({"crit": ["exp"]}))),
        ("crit empty", forge.with_header(json!({"crit": []}))),
        (
            "b64 false",
            forge.with_header(json!({"b64": false, "crit": ["b64"]})),
        ),
        ("zip", forge.with_header(json!({"zip": "DEF"}))),
        ("cty JWT", forge.with_header(json!({"cty": "JWT"}))),
        ("alg twice", forge.signed(&twice, claims.as_bytes())),
        (
            "a header that is a list",
            forge.signed("[]", claims.as_bytes()),
        ),
        (
            "a header that is a text",
            forge.signed("\"RS256\"", claims.as_bytes()),
        ),
        (
            "a header that is no JSON",
            forge.signed("alg=RS256", claims.as_bytes()),
        ),
    ]
}

fn odd_claims(forge: &Forge) -> Vec<(&'static str, String)> {
    let at = now().seconds();
    let order = "ord_01h455vb4pex5vsknk084sn02q";
    let cases = [
        ("no sub", json!({"sub": null})),
        ("sub of another kind", json!({"sub": order})),
        (
            "sub without a kind",
            json!({"sub": "01h455vb4pex5vsknk084sn02q"}),
        ),
        ("sub empty", json!({"sub": ""})),
        ("sub as a number", json!({"sub": 1})),
        ("no sid", json!({"sid": null})),
        ("sid of another kind", json!({"sid": order})),
        ("no role", json!({"role": null})),
        ("no jti", json!({"jti": null})),
        ("no iss", json!({"iss": null})),
        (
            "iss of somebody else",
            json!({"iss": "https://evil.example"}),
        ),
        ("iss in capitals", json!({"iss": "SOUK"})),
        ("iss as a list", json!({"iss": ["souk"]})),
        ("no aud", json!({"aud": null})),
        ("aud of another service", json!({"aud": "bazaar"})),
        ("aud as a list", json!({"aud": ["souk", "bazaar"]})),
        ("no exp", json!({"exp": null})),
        ("exp as a text", json!({"exp": (at + 900).to_string()})),
        ("exp with a fraction", json!({"exp": at as f64 + 900.5})),
        ("exp negative", json!({"exp": -1})),
        ("exp zero", json!({"exp": 0})),
        ("exp before nbf", json!({"exp": at - 1})),
        ("exp years ahead", json!({"exp": at + 86_400 * 365})),
        ("exp the greatest number", json!({"exp": i64::MAX})),
        ("exp beyond the greatest number", json!({"exp": u64::MAX})),
        ("exp without bounds", json!({"exp": 1e300})),
        ("exp true", json!({"exp": true})),
        ("no nbf", json!({"nbf": null})),
        ("nbf ahead", json!({"nbf": at + 60})),
        ("nbf as a text", json!({"nbf": at.to_string()})),
        ("nbf the least number", json!({"nbf": i64::MIN})),
        ("no iat", json!({"iat": null})),
        ("iat as a text", json!({"iat": "yesterday"})),
        ("iat ahead of nbf", json!({"iat": at + 1})),
        ("iat negative", json!({"iat": -5})),
    ];
    cases
        .into_iter()
        .map(|(name, changes)| (name, forge.with_claims(changes)))
        .collect()
}

fn odd_payloads(forge: &Forge) -> Vec<(&'static str, String)> {
    let claims = forge.claims().to_string();
    let twice = |member: &str| format!("{},{member}}}", &claims[..claims.len() - 1]);
    let other = bearer().user;
    vec![
        (
            "sub twice",
            forge.with_payload(twice(&format!(r#""sub":"{other}""#)).as_bytes()),
        ),
        (
            "exp twice",
            forge.with_payload(twice(r#""exp":9999999999"#).as_bytes()),
        ),
        (
            "iss twice",
            forge.with_payload(twice(r#""iss":"souk""#).as_bytes()),
        ),
        (
            "claims as a list",
            forge.with_payload(format!("[{claims}]").as_bytes()),
        ),
        (
            "claims within claims",
            forge.with_payload(format!("{{\"claims\":{claims}}}").as_bytes()),
        ),
        (
            "claims as a text",
            forge.with_payload(json!(claims).to_string().as_bytes()),
        ),
        ("claims null", forge.with_payload(b"null")),
        ("claims empty", forge.with_payload(b"{}")),
        (
            "claims with more behind",
            forge.with_payload(format!("{claims}{claims}").as_bytes()),
        ),
        (
            "claims that are no UTF-8",
            forge.with_payload(b"{\"sub\":\"\xff\xfe\"}"),
        ),
        (
            "claims nested without end",
            forge.with_payload("[".repeat(4000).as_bytes()),
        ),
        (
            "a token within the token",
            forge.with_payload(forge.good().as_bytes()),
        ),
    ]
}

fn odd_shapes(
    forge: &Forge,
    good: &str,
    header: &str,
    claims: &str,
    signature: &str,
) -> Vec<(&'static str, String)> {
    let standard = STANDARD.encode(forge.header().to_string());
    let padded = format!("{claims}{}", "=".repeat((4 - claims.len() % 4) % 4 + 4));
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = letters.find(good.chars().last().unwrap()).unwrap();
    let last = letters.as_bytes()[last ^ 1] as char;
    let pair = alone(secret(SECRET));
    let refresh = super::super::RefreshToken::first();
    vec![
        ("nothing", String::new()),
        ("a space", " ".to_owned()),
        ("dots", "..".to_owned()),
        ("words", "a.b.c".to_owned()),
        ("letters of another alphabet", "é.è.à".to_owned()),
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("an empty signature", format!("{header}.{claims}.")),
        ("an empty header", format!(".{claims}.{signature}")),
        ("empty claims", format!("{header}..{signature}")),
        ("four parts", format!("{good}.{signature}")),
        (
            "five parts, as encrypted tokens have",
            format!("{header}.{claims}.{signature}.AAAA.BBBB"),
        ),
        ("a dot at the end", format!("{good}.")),
        (
            "a newline within",
            format!("{header}.{claims}\n.{signature}"),
        ),
        ("a newline at the end", format!("{good}\n")),
        ("a space within", format!("{header}. {claims}.{signature}")),
        ("a zero byte", format!("{good}\u{0}")),
        ("padding", format!("{header}.{padded}.{signature}")),
        (
            "standard base64",
            format!("{standard}=.{claims}.{signature}"),
        ),
        ("percent signs", good.replace('.', "%2e")),
        (
            "stray bits in the last letter",
            format!("{}{last}", &good[..good.len() - 1]),
        ),
        (
            "64 KiB",
            format!("{header}.{}.{signature}", "A".repeat(64 * 1024)),
        ),
        ("64 KiB of dots", ".".repeat(64 * 1024)),
        (
            "the JSON form",
            json!({"payload": claims, "protected": header, "signature": signature}).to_string(),
        ),
        ("a refresh token", refresh.expose().to_owned()),
        (
            "a token signed by the secret of refresh tokens",
            pair.issue(now(), bearer(), Role::Customer).unwrap(),
        ),
    ]
}
