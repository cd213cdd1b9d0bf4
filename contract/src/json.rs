//! The JSON codecs of requests and responses, by full name: from JSON to the wire form
//! and back, through the typed message, so that the mapping is the canonical one.

use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::methods::MESSAGES;
use crate::secrets::HideSecrets;

/// Translates one message between JSON and the protobuf wire form.
#[derive(Clone, Copy, Debug)]
pub struct MessageCodec {
    /// The message's full name, such as `souk.orders.v1.PlaceOrderRequest`.
    pub full_name: &'static str,
    /// JSON text to wire form. Unknown fields and unknown enum words are errors.
    pub decode: fn(&[u8]) -> Result<Vec<u8>, serde_json::Error>,
    /// As `decode`, from JSON that is already parsed.
    pub decode_value: fn(serde_json::Value) -> Result<Vec<u8>, serde_json::Error>,
    /// Wire form to JSON text, appended to the buffer.
    pub encode: fn(&[u8], &mut Vec<u8>) -> Result<(), EncodeError>,
    /// As `encode`, with every secret hidden.
    pub encode_hidden: fn(&[u8], &mut Vec<u8>) -> Result<(), EncodeError>,
}

/// Why a message could not be written as JSON.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The bytes are not the message.
    #[error("not a message of this type: {0}")]
    Wire(#[from] prost::DecodeError),
    /// The message holds an enum number that the contract does not know.
    #[error("the message has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
}

impl MessageCodec {
    pub(crate) const fn of<M>(full_name: &'static str) -> Self
    where
        M: Message + Default + Serialize + DeserializeOwned + HideSecrets,
    {
        Self {
            full_name,
            decode: decode::<M>,
            decode_value: decode_value::<M>,
            encode: encode::<M>,
            encode_hidden: encode_hidden::<M>,
        }
    }
}

/// The codec of a request or response by its full name.
pub fn codec(full_name: &str) -> Option<&'static MessageCodec> {
    let index = MESSAGES
        .binary_search_by(|codec| codec.full_name.cmp(full_name))
        .ok()?;
    MESSAGES.get(index)
}

fn decode<M: Message + DeserializeOwned>(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::from_slice::<M>(json).map(|message| message.encode_to_vec())
}

fn decode_value<M: Message + DeserializeOwned>(
    json: serde_json::Value,
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::from_value::<M>(json).map(|message| message.encode_to_vec())
}

fn encode<M: Message + Default + Serialize>(
    wire: &[u8],
    json: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    Ok(serde_json::to_writer(json, &M::decode(wire)?)?)
}

fn encode_hidden<M: Message + Default + Serialize + HideSecrets>(
    wire: &[u8],
    json: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut message = M::decode(wire)?;
    message.hide_secrets();
    Ok(serde_json::to_writer(json, &message)?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Timestamp;
    use crate::souk::catalog::v1::{CreateProductRequest, Product};
    use crate::souk::stores::v1::UpdateStoreRequest;
    use crate::souk::users::v1::{User, user};

    fn parse<M: DeserializeOwned>(json: Value) -> M {
        serde_json::from_str(&json.to_string()).unwrap()
    }

    fn refusal<M: DeserializeOwned>(json: Value) -> String {
        match serde_json::from_str::<M>(&json.to_string()) {
            Ok(_) => panic!("{json} was taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_user_without_a_name_has_a_null_name_and_no_other_null() {
        let user = User {
            id: "usr_1".into(),
            phone: Some("9876543210".into()),
            role: user::Role::Customer.into(),
            ..User::default()
        };
        assert_eq!(
            serde_json::to_string(&user).unwrap(),
            r#"{"id":"usr_1","phone":"9876543210","name":null,"role":"CUSTOMER"}"#
        );
        let named = User {
            name: Some("Amine".into()),
            ..user
        };
        assert_eq!(
            serde_json::to_value(&named).unwrap(),
            json!({"id": "usr_1", "phone": "9876543210", "name": "Amine", "role": "CUSTOMER"})
        );
    }

    #[test]
    fn money_is_a_string_out_and_a_number_or_a_string_in() {
        for price in [json!(100), json!("100")] {
            let request: CreateProductRequest = parse(json!({"name": "Dates", "price": price}));
            assert_eq!(request.price, 100);
            assert_eq!(serde_json::to_value(&request).unwrap()["price"], "100");
        }
        refusal::<CreateProductRequest>(json!({"price": "much"}));
    }

    #[test]
    fn both_spellings_of_a_field_come_in_and_the_camel_one_goes_out() {
        let snake: CreateProductRequest = parse(json!({"store_id": "store_1"}));
        let camel: CreateProductRequest = parse(json!({"storeId": "store_1"}));
        assert_eq!(snake, camel);
        assert_eq!(serde_json::to_value(&snake).unwrap()["storeId"], "store_1");
    }

    #[test]
    fn defaults_are_written_and_unset_optional_fields_are_not() {
        let product = serde_json::to_value(Product::default()).unwrap();
        assert_eq!(product["price"], "0");
        assert_eq!(product["images"], json!([]));
        assert_eq!(product.get("createdAt"), None);
    }

    #[test]
    fn an_unknown_field_and_an_unknown_word_are_refused_by_name() {
        assert!(refusal::<CreateProductRequest>(json!({"colour": "red"})).contains("colour"));
        assert!(refusal::<User>(json!({"role": "KING"})).contains("CUSTOMER"));
        // The exact word is the only one here; other spellings are the edge's matter.
        refusal::<User>(json!({"role": "customer"}));
        let admin: User = parse(json!({"role": "ADMIN"}));
        assert_eq!(admin.role(), user::Role::Admin);
    }

    #[test]
    fn an_update_tells_a_missing_field_from_an_empty_one() {
        let request: UpdateStoreRequest = parse(json!({"id": "store_1", "description": ""}));
        assert_eq!(request.description.as_deref(), Some(""));
        assert_eq!(request.name, None);
    }

    #[test]
    fn a_product_keeps_its_times_through_json() {
        let product = Product {
            created_at: Some(Timestamp::from_micros(1_795_196_204_410_088)),
            ..Product::default()
        };
        let json = serde_json::to_value(&product).unwrap();
        assert_eq!(json["createdAt"], "2026-11-20T17:36:44.410088Z");
        assert_eq!(parse::<Product>(json), product);
    }

    #[test]
    fn codecs_translate_by_full_name() {
        let codec = codec("souk.auth.v1.RequestOtpResponse").unwrap();
        let text = br#"{"message":"OTP sent successfully","ttl":120}"#;
        let wire = (codec.decode)(text).unwrap();
        let value = serde_json::from_slice(text).unwrap();
        assert_eq!((codec.decode_value)(value).unwrap(), wire);
        let mut json = b"data: ".to_vec();
        (codec.encode)(&wire, &mut json).unwrap();
        assert_eq!(json, [b"data: ", text.as_slice()].concat());
        assert!((codec.encode)(b"\xff", &mut Vec::new()).is_err());
        assert!(super::codec("souk.auth.v1.Nothing").is_none());
    }

    #[test]
    fn a_codec_hides_secrets_where_it_is_asked_to() {
        let codec = codec("souk.auth.v1.LoginRequest").unwrap();
        let text = br#"{"email":"a@b.dz","password":"rain on the tin roof"}"#;
        let wire = (codec.decode)(text).unwrap();
        let mut json = Vec::new();
        (codec.encode_hidden)(&wire, &mut json).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["password"], "[secret]");
        assert_eq!(json["email"], "a@b.dz");
    }

    #[test]
    fn every_method_finds_the_codecs_of_its_messages() {
        for method in crate::methods::ALL {
            for message in [method.input, method.output] {
                let found = super::codec(message.full_name).unwrap();
                assert_eq!(found.full_name, message.full_name);
            }
        }
        let place = crate::methods::method("/souk.orders.v1.OrderService/PlaceOrder").unwrap();
        assert_eq!(place.input.full_name, "souk.orders.v1.PlaceOrderRequest");
        assert_eq!(place.output.full_name, "souk.orders.v1.PlaceOrderResponse");
    }
}
