//! The first frame of a video, by ffmpeg where the host has it. It is not part of souk: a
//! host without it is in order, and videos there have no poster of their own.
//!
//! It runs as a process of its own, so that what a hostile video does to a decoder it does
//! not do to souk: with no shell, no input, no way to other files or addresses than the one
//! that was handed over, bounded in time and in what it answers.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::check::{Kind, PIXELS_MAX, refused};
use crate::kernel::{Error, Result};

/// How long it may take.
const TIME_MAX: Duration = Duration::from_secs(20);
/// Where it is looked for; it sees nothing else of this process's environment.
const PLACES: &str = "/usr/local/bin:/usr/bin:/bin";
/// The largest frame in bytes.
const FRAME_MAX: u64 = 8 * 1024 * 1024;
/// The most memory that it may ask for at once, in bytes: enough for a frame of the most
/// pixels.
const ALLOCATED_MAX: u32 = 256 * 1024 * 1024;

/// Takes frames out of videos.
#[derive(Debug, Clone)]
pub struct Posters {
    program: PathBuf,
    time_max: Duration,
}

impl Default for Posters {
    fn default() -> Self {
        Self {
            program: PathBuf::from("ffmpeg"),
            time_max: TIME_MAX,
        }
    }
}

/// A process that does not outlive its purpose.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for one that has ended and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Posters {
    /// The first frame of the video at a path or an address, a JPEG; nothing where the host
    /// has no tool for it.
    ///
    /// # Errors
    /// UNSUPPORTED_MEDIA when it gives no frame, or takes too long: it would again.
    pub async fn frame(&self, source: &str, kind: Kind) -> Result<Option<Vec<u8>>> {
        let mut child = match self.command(source, kind).spawn() {
            Ok(child) => Running(child),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::internal(error)),
        };
        let Some(output) = child.0.stdout.take() else {
            return Err(Error::internal("a process without output"));
        };
        let reading = tokio::task::spawn_blocking(move || {
            let mut frame = Vec::new();
            let read = output.take(FRAME_MAX).read_to_end(&mut frame);
            read.map(|_| frame)
        });
        // The end of the process ends the reading.
        let frame = tokio::time::timeout(self.time_max, reading).await;
        drop(child);
        let late = |error| refused("the video takes too long to show").caused_by(error);
        let frame = frame.map_err(late)?.map_err(Error::internal)?;
        let frame = frame.map_err(Error::internal)?;
        match Kind::sniff(&frame) {
            Some(Kind::Jpeg) => Ok(Some(frame)),
            _ => Err(refused("the video shows no frame")),
        }
    }

    fn command(&self, source: &str, kind: Kind) -> Command {
        let is_address = source.starts_with("https://") || source.starts_with("http://");
        let protocols = match is_address {
            true => "http,https,tcp,tls",
            false => "file",
        };
        let source = match is_address {
            true => source.to_owned(),
            false => format!("file:{source}"),
        };
        let format = match kind {
            Kind::Avi => "avi",
            _ => "mov",
        };
        let mut command = Command::new(&self.program);
        // What stands before the source bounds the decoder, what stands after it the rest.
        command
            .args(["-nostdin", "-hide_banner", "-loglevel", "error"])
            .args(["-max_alloc", &ALLOCATED_MAX.to_string()])
            .args(["-threads", "1"])
            .args(["-max_pixels", &PIXELS_MAX.to_string()])
            .args([
                "-protocol_whitelist",
                protocols,
                "-f",
                format,
                "-i",
                &source,
            ])
            .args(["-map", "0:v:0", "-frames:v", "1", "-an", "-sn", "-dn"])
            .args(["-vf", "scale=w='min(1280,iw)':h=-2", "-threads", "1"])
            .args(["-f", "image2pipe", "-c:v", "mjpeg", "-"])
            .env_clear()
            .env("PATH", PLACES)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::kernel::Reason;

    /// A program of the test's own in the place of ffmpeg.
    #[expect(clippy::unwrap_used, reason = "what cannot be arranged fails the test")]
    fn posters(folder: &Path, script: &str, seconds: u64) -> Posters {
        let program = folder.join("ffmpeg");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        Posters {
            program,
            time_max: Duration::from_secs(seconds),
        }
    }

    #[tokio::test]
    async fn a_host_without_the_tool_has_no_posters() {
        let posters = Posters {
            program: PathBuf::from("/nowhere/ffmpeg"),
            time_max: TIME_MAX,
        };
        assert_eq!(posters.frame("/video.mp4", Kind::Mp4).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_tool_gets_one_source_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let script = format!(
            "echo \"$@\" > {}; printf '\\377\\330\\377\\340'",
            told.display()
        );
        let posters = posters(folder.path(), &script, 20);
        let frame = posters.frame("/a b.mp4", Kind::Mp4).await.unwrap();
        assert_eq!(frame.unwrap(), b"\xff\xd8\xff\xe0");
        let arguments = std::fs::read_to_string(&told).unwrap();
        assert!(arguments.starts_with("-nostdin "), "{arguments}");
        assert!(arguments.contains("-max_pixels 40000000 "), "{arguments}");
        let (before, after) = arguments.split_once(" -i ").unwrap();
        assert!(before.contains(" -max_alloc 268435456 -threads 1 "));
        assert!(after.contains(" -threads 1 "), "{after}");
        assert!(arguments.contains("-protocol_whitelist file -f mov -i file:/a b.mp4"));
        posters.frame("https://a/b?c=d", Kind::Avi).await.unwrap();
        let arguments = std::fs::read_to_string(&told).unwrap();
        assert!(
            arguments.contains("-protocol_whitelist http,https,tcp,tls -f avi -i https://a/b?c=d")
        );
    }

    #[tokio::test]
    async fn what_is_no_picture_is_no_poster() {
        let folder = tempfile::tempdir().unwrap();
        for script in ["exit 1", "echo hello", "head -c 20000000 /dev/zero"] {
            let posters = posters(folder.path(), script, 20);
            let refused = posters.frame("/video.mp4", Kind::Mp4).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::UnsupportedMedia, "{script}");
        }
    }

    #[tokio::test]
    async fn a_tool_that_hangs_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let id = folder.path().join("id");
        let script = format!("echo $$ > {}; exec sleep 600", id.display());
        let posters = posters(folder.path(), &script, 2);
        let refused = posters.frame("/video.mp4", Kind::Mp4).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::UnsupportedMedia);
        let id = std::fs::read_to_string(id).unwrap();
        let proc = Path::new("/proc").join(id.trim());
        assert!(!proc.exists(), "it still runs");
    }
}
