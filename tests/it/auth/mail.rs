//! Letters by a mail server, seen from both ends.

use std::sync::Arc;
use std::time::Duration;

use souk::clients::http::Limits;
use souk::clients::mail::{Letter, Mail};
use souk::db::NewJob;
use souk::jobs::{Jobs, JobsConfig, Registry};
use souk::kernel::Reason;
use souk::pb::souk::ops::v1::job::State;
use souk::pb::souk::ops::v1::{Job, ListJobsRequest};

use crate::support::smtp::{FakeSmtp, PASSWORD, Turn, USER};
use crate::support::{Client, TestApp};

const JOB: &str = "test.letter";

fn letter() -> Letter {
    Letter {
        to: "amina@example.dz".into(),
        subject: "Réinitialiser".into(),
        text: "Salut Amina,\n.\nà bientôt".into(),
    }
}

/// A server that the settings of the mail server are for; its mail as the settings say.
async fn app(smtp: &FakeSmtp) -> (TestApp, Arc<dyn Mail>) {
    let port = smtp.port.to_string();
    let app = TestApp::with(&[
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", &port),
        ("SMTP_TLS", "none"),
        ("SMTP_USER", USER),
        ("SMTP_PASSWORD", PASSWORD),
        ("MAIL_FROM", "souk <no-reply@example.com>"),
    ])
    .await;
    let mail = of(&app);
    (app, mail)
}

/// The mail of a server's settings, with little patience.
fn of(app: &TestApp) -> Arc<dyn Mail> {
    let limits = Limits {
        total: Duration::from_secs(1),
        ..Limits::default()
    };
    let mail = souk::app::mail(&app.running.app.config, &app.clock, limits);
    mail.unwrap().unwrap()
}

/// A worker that sends a letter for each of its jobs.
fn worker(app: &TestApp, mail: &Arc<dyn Mail>) -> Jobs {
    let mail = mail.clone();
    let registry = Registry::new().register(JOB, move |_run| {
        let mail = mail.clone();
        async move { mail.send(&letter()).await }
    });
    Jobs::new(app.db.clone(), registry, JobsConfig::default())
}

async fn enqueue(app: &TestApp) {
    let enqueue = |tx: souk::db::Tx| async move {
        tx.enqueue(NewJob::new("mail", JOB, "{}".into()));
        Ok(())
    };
    app.db.transact(enqueue).await.unwrap();
}

async fn jobs(admin: &Client) -> Vec<Job> {
    let request = ListJobsRequest {
        kind: JOB.into(),
        ..Default::default()
    };
    let listed = admin.ops().list_jobs(request).await.unwrap();
    listed.into_inner().jobs
}

#[tokio::test]
async fn a_letter_arrives_whole_and_logged_in() {
    for mechanisms in ["PLAIN", "LOGIN", "PLAIN LOGIN"] {
        let smtp = FakeSmtp::offering(mechanisms).await;
        let (_app, mail) = app(&smtp).await;
        mail.send(&letter()).await.unwrap();
        let received = smtp.received();
        assert_eq!(received.len(), 1);
        let login = Some((USER.to_owned(), PASSWORD.to_owned()));
        assert_eq!(received[0].login, login);
        assert_eq!(received[0].from, "no-reply@example.com");
        assert_eq!(received[0].to, ["amina@example.dz"]);
        assert!(
            received[0]
                .data
                .contains("From: souk <no-reply@example.com>")
        );
        assert!(received[0].data.contains("To: amina@example.dz"));
        assert!(!received[0].data.contains("Bcc"));
    }
}

#[tokio::test]
async fn a_server_that_is_busy_or_away_is_asked_again() {
    let smtp = FakeSmtp::start().await;
    let (app, mail) = app(&smtp).await;
    let (admin, worker) = (app.admin().await, worker(&app, &mail));
    for turn in [
        Turn::Recipient(450),
        Turn::Letter(451),
        Turn::Babble,
        Turn::HangUp,
        Turn::Silent,
    ] {
        smtp.will([turn]);
        let before = smtp.received().len();
        enqueue(&app).await;
        let run = tokio::time::timeout(Duration::from_secs(8), worker.run_due());
        run.await.expect("no server holds the jobs up").unwrap();
        let job = jobs(&admin).await.remove(0);
        assert_eq!((job.state(), job.attempts), (State::Pending, 1), "{turn:?}");
        assert!(
            job.last_error.unwrap().starts_with("UNAVAILABLE"),
            "{turn:?}"
        );
        // After so many failures the server is left alone for a while, too.
        app.advance(Duration::from_secs(60));
        worker.run_due().await.unwrap();
        let job = jobs(&admin).await.remove(0);
        assert_eq!((job.state(), job.attempts), (State::Done, 2), "{turn:?}");
        assert_eq!(smtp.received().len(), before + 1, "{turn:?}");
    }
}

#[tokio::test]
async fn a_letter_that_is_refused_for_good_is_parked_and_names_nobody() {
    let smtp = FakeSmtp::start().await;
    let (app, mail) = app(&smtp).await;
    let (admin, worker) = (app.admin().await, worker(&app, &mail));
    for (turn, code) in [(Turn::Recipient(550), "550"), (Turn::Letter(554), "554")] {
        smtp.will([turn]);
        // The newest job stands first.
        app.advance(Duration::from_secs(1));
        enqueue(&app).await;
        worker.run_due().await.unwrap();
        let job = jobs(&admin).await.remove(0);
        assert_eq!((job.state(), job.attempts), (State::Dead, 1), "{turn:?}");
        let error = job.last_error.unwrap();
        assert!(error.contains(code), "{error}");
        assert!(!error.contains("amina"), "{error}");
    }
    assert!(smtp.received().is_empty());
}

#[tokio::test]
async fn a_letter_cannot_be_turned_into_another() {
    let smtp = FakeSmtp::start().await;
    let (_app, mail) = app(&smtp).await;
    let forged = Letter {
        to: "amina@example.dz>\r\nRCPT TO:<all@example.dz".into(),
        ..letter()
    };
    let refused = mail.send(&forged).await.unwrap_err();
    assert!(refused.is_permanent());
    assert_eq!(smtp.connections(), 0);
    let forged = Letter {
        subject: "Hello\r\nBcc: all@example.dz\r\n\r\nforged".into(),
        text: "one\r\n.\r\nMAIL FROM:<x@example.dz>\r\nRCPT TO:<all@example.dz>\r\nDATA".into(),
        ..letter()
    };
    mail.send(&forged).await.unwrap();
    let received = smtp.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].to, ["amina@example.dz"]);
    let (head, _) = received[0].data.split_once("\n\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")));
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_left_alone() {
    let smtp = FakeSmtp::start().await;
    let (app, mail) = app(&smtp).await;
    smtp.will([Turn::Letter(451); 5]);
    for _ in 0..5 {
        mail.send(&letter()).await.unwrap_err();
    }
    let refused = mail.send(&letter()).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Unavailable);
    assert_eq!(smtp.connections(), 5);
    app.advance(refused.retry_delay().unwrap());
    mail.send(&letter()).await.unwrap();
}

#[tokio::test]
async fn letters_never_go_in_the_clear_unless_told_to() {
    let smtp = FakeSmtp::start().await;
    let port = smtp.port.to_string();
    for tls in ["starttls", "tls"] {
        let app = TestApp::with(&[
            ("SMTP_HOST", "localhost"),
            ("SMTP_PORT", &port),
            ("SMTP_TLS", tls),
            ("MAIL_FROM", "no-reply@example.com"),
        ])
        .await;
        // The server offers no TLS.
        let refused = of(&app).send(&letter()).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::Unavailable, "{tls}");
    }
    assert!(smtp.received().is_empty());
}
