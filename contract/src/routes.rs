//! The HTTP routes of every method, as its `google.api.http` option states them.

include!(concat!(env!("OUT_DIR"), "/routes.rs"));

/// One way to reach a method over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method in capitals.
    pub method: &'static str,
    /// Literal segments and variables, such as `/api/orders/{id}/cancel`. A variable
    /// names a scalar field of the request, with dots for fields of its messages.
    pub pattern: &'static str,
    /// The gRPC path of the method that answers.
    pub grpc_path: &'static str,
    /// Where the request's body goes.
    pub body: Body,
    /// The fields that headers fill.
    pub headers: &'static [HeaderField],
    /// The main binding; `false` for additional ones.
    pub primary: bool,
}

/// Where the body of an HTTP request goes. What neither the path nor the body fills
/// may come from the query, unless the body is the whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// It holds every field that is not in the path.
    Whole,
    /// It holds this one field, given by its proto name.
    Field(&'static str),
    /// It is this bytes field as it arrived, of whatever type; the query says nothing.
    Raw(&'static str),
}

/// A field that holds a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderField {
    /// The field's proto name.
    pub field: &'static str,
    /// Header names in lower case; the first that is there fills the field.
    pub names: &'static [&'static str],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::policy;

    #[test]
    fn every_route_leads_to_a_method() {
        for route in ROUTES {
            assert!(policy(route.grpc_path).is_some(), "{route:?}");
        }
    }

    #[test]
    fn a_method_has_one_main_binding_and_any_number_of_others() {
        let send: Vec<_> = ROUTES
            .iter()
            .filter(|route| route.grpc_path == "/souk.auth.v1.AuthService/RequestOtp")
            .map(|route| (route.method, route.pattern, route.body, route.primary))
            .collect();
        assert_eq!(
            send,
            [
                ("POST", "/api/auth/otp/send", Body::Whole, true),
                ("POST", "/otp/send", Body::Whole, false),
            ]
        );
    }

    #[test]
    fn a_webhook_takes_its_body_and_signature_as_they_arrive() {
        let webhook = ROUTES
            .iter()
            .find(|route| route.pattern == "/api/webhooks/clerk")
            .unwrap();
        assert_eq!(webhook.body, Body::Raw("body"));
        assert_eq!(
            webhook.headers[0],
            HeaderField {
                field: "message_id",
                names: &["svix-id", "webhook-id"],
            }
        );
        assert_eq!(webhook.headers.len(), 3);
    }
}
