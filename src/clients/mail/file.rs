//! Mail for development: files that any mail reader opens.

use std::path::PathBuf;

use async_trait::async_trait;
use lettre::message::Mailbox;

use super::{Letter, Mail, message};
use crate::kernel::{Clock, Error, Result, random};

/// Writes letters to a folder instead of sending them, and says in the log where.
#[derive(Debug, Clone)]
pub struct FileMail {
    folder: PathBuf,
    from: Mailbox,
    clock: Clock,
}

impl FileMail {
    /// Writes to `folder`, which is made when the first letter comes.
    pub fn new(folder: PathBuf, from: Mailbox, clock: Clock) -> Self {
        Self {
            folder,
            from,
            clock,
        }
    }
}

#[async_trait]
impl Mail for FileMail {
    async fn send(&self, letter: &Letter) -> Result<()> {
        let now = self.clock.now();
        let message = message::message(&self.from, letter, now)?;
        let name = format!("{}-{}.eml", now.micros(), random::code(8));
        let path = self.folder.join(name);
        let write = async {
            tokio::fs::create_dir_all(&self.folder).await?;
            tokio::fs::write(&path, message.formatted()).await
        };
        write
            .await
            .map_err(|error| Error::unavailable("the letter cannot be written", error))?;
        tracing::info!(
            file = %path.display(),
            subject = letter.subject,
            "letter, written to a file instead of sent"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_letter_is_a_file_of_its_own() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("mail");
        let from = "souk@localhost".parse().unwrap();
        let mail = FileMail::new(folder.clone(), from, Clock::manual(Default::default()));
        let letter = Letter {
            to: "amina@example.dz".to_owned(),
            subject: "Welcome".to_owned(),
            text: "Open https://souk.example/verify?token=abc".to_owned(),
        };
        for _ in 0..2 {
            mail.send(&letter).await.unwrap();
        }
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert_eq!(files.len(), 2);
        for file in files {
            let path = file.unwrap().path();
            assert_eq!(path.extension().unwrap(), "eml");
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains("To: amina@example.dz") && text.contains("token=abc"));
        }
    }
}
