//! Accounts by e-mail address, and the links that mails bring.

use souk::pb::souk::auth::v1::{LoginRequest, LoginResponse, RegisterRequest, RegisterResponse};
use tonic::Status;

use super::{Client, TestApp};

/// A password that tests sign in with.
pub const PASSWORD: &str = "SecurePass123!";

/// A request for an account with [`PASSWORD`].
pub fn registration(email: &str) -> RegisterRequest {
    RegisterRequest {
        email: email.into(),
        password: PASSWORD.into(),
        ..Default::default()
    }
}

impl Client {
    /// Opens an account.
    pub async fn register(&self, request: RegisterRequest) -> Result<RegisterResponse, Status> {
        Ok(self.auth().register(request).await?.into_inner())
    }

    /// Signs in with a password.
    pub async fn login(&self, email: &str, password: &str) -> Result<LoginResponse, Status> {
        let request = LoginRequest {
            email: email.into(),
            password: password.into(),
            device: None,
        };
        Ok(self.auth().login(request).await?.into_inner())
    }
}

impl TestApp {
    /// A new account with [`PASSWORD`], signed in.
    pub async fn registered(&self, email: &str) -> Client {
        let guest = self.guest().await;
        let new = guest.register(registration(email)).await.unwrap();
        let tokens = new.tokens.unwrap();
        let mut client = guest.with_token(&tokens.access_token);
        client.refresh_token = tokens.refresh_token;
        client.user_id = new.id;
        client
    }

    /// Sends what waits, and reads the token of the last mail that leads to `page`.
    pub async fn mailed_token(&self, page: &str) -> String {
        self.run_jobs().await;
        let start = format!("http://localhost:3000/{page}?token=");
        let letters = self.mail.sent();
        let mut ends = letters
            .iter()
            .rev()
            .filter_map(|letter| letter.text.split_once(&start));
        let (_, rest) = ends.next().unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }
}
