//! Downloading the publishers' files: resumed where they broke off, checked, and renamed into place.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use ureq::Agent;

use crate::catalogue::{RemoteFile, data_dir, entry};
use crate::error::{Error, Kind, Result};
use crate::https;
use crate::verify::{md5_of, md5_of_open};

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Bytes that are on the disk, those of an earlier download included.
    pub done: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// It was downloaded, or the rest of it.
    Downloaded,
    /// It was there already, with the publisher's bytes.
    AlreadyThere,
}

/// How often one server is asked for the rest of a file that it breaks off.
const TRIES: u32 = 20;

/// Downloads the publisher's files of a data set into its folder below the data folder (see
/// [`data_dir`]), and returns that folder. Files that are there already are kept.
///
/// `url` is a folder on a server that has the files, used instead of the publisher's servers and the mirrors.
/// `progress` is called as bytes arrive. A broken download stays as `NAME.part`, and the next call goes on from there.
///
/// # Errors
/// When no server gives the file: the message names the files, their checksums and the folder to put them in by hand.
pub fn get(
    name: &str,
    dir: Option<&Path>,
    url: Option<&str>,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    let entry = entry(name)?;
    if entry.files.is_empty() {
        let message = format!("{name} is part of the program: there is nothing to download");
        return Err(Error::new(Kind::Unsupported, message));
    }
    let folder = entry.home(&data_dir(dir)?);
    for file in entry.files {
        fetch(file, &folder, url, progress).map_err(|error| match error.kind() {
            Kind::Network | Kind::Checksum => {
                let missing = entry.files.iter().filter(|file| !folder.join(file.name).exists());
                let list =
                    missing.map(|file| format!("{} ({} bytes, MD5 {})", file.name, file.bytes, file.md5));
                let list = list.collect::<Vec<_>>().join(", ");
                let by_hand =
                    format!("by hand: put {list} from {} into {}", entry.homepage, folder.display());
                Error::new(error.kind(), format!("{error}; {by_hand}, or give a server with --url"))
            }
            _ => error,
        })?;
    }
    Ok(folder)
}

/// Downloads one file into `folder`; see [`get`].
pub fn fetch(
    file: &RemoteFile,
    folder: &Path,
    url: Option<&str>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Got> {
    let target = folder.join(file.name);
    if target.exists() {
        let (bytes, md5) = md5_of(&target)?;
        if md5 == file.md5 {
            return Ok(Got::AlreadyThere);
        }
        let message = format!(
            "{}: is there, but is not the publisher's file ({bytes} bytes, MD5 {md5}): move it away to download it",
            target.display()
        );
        return Err(Error::new(Kind::Exists, message));
    }
    let urls: Vec<String> = match url {
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => vec![join(url, file.name)],
        Some(url) => {
            let message = format!("the URL {url:?} does not begin with http:// or https://");
            return Err(Error::new(Kind::Unsupported, message));
        }
        None => file.mirrors.iter().map(|mirror| join(mirror, file.name)).collect(),
    };
    if urls.is_empty() {
        let message = format!("{}: cannot be downloaded without an account at the publisher", file.name);
        return Err(Error::new(Kind::Network, message));
    }
    fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create it", &e))?;
    let path = folder.join(format!("{}.part", file.name));
    let mut part = Part::open(path)?;
    let (agent, has_https) = https::client();
    let mut failures = Vec::new();
    let mut kind = Kind::Network;
    for url in &urls {
        if url.starts_with("https://") && !has_https {
            failures.push(format!("{url}: https is not possible on this processor"));
            continue;
        }
        match part.complete(&agent, url, file, progress)? {
            None => {
                part.finish(&target)?;
                return Ok(Got::Downloaded);
            }
            Some(failure) => {
                kind = if failure.is_checksum { Kind::Checksum } else { kind };
                failures.push(format!("{url}: {}", failure.reason));
            }
        }
    }
    part.remove_if_empty();
    Err(Error::new(kind, format!("{}: cannot be downloaded ({})", file.name, failures.join("; "))))
}

/// The address of a file in a folder on a server; the address of the file itself serves as well.
fn join(url: &str, name: &str) -> String {
    match url.rsplit_once('/') {
        Some((_, last)) if last == name => url.into(),
        _ => format!("{}/{name}", url.trim_end_matches('/')),
    }
}

/// Why a server did not give the file.
struct Failure {
    reason: String,
    is_checksum: bool,
}

/// A failed request: the server's fault, or the disk's.
enum Stop {
    Server(String),
    Disk(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// The file as far as it is here.
struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    fn open(path: PathBuf) -> Result<Self> {
        let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let file = open.map_err(|e| Error::io(&path, "write it", &e))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: another download is writing it", path.display());
                Err(Error::new(Kind::Exists, message))
            }
            // A file system without locks is no reason not to download.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { path, file }),
        }
    }

    fn len(&self) -> Result<u64> {
        self.file.metadata().map(|meta| meta.len()).map_err(|e| Error::io(&self.path, "read it", &e))
    }

    /// Asks one server until the file is complete and right, or the server fails.
    fn complete(
        &mut self,
        agent: &Agent,
        url: &str,
        file: &RemoteFile,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Failure>> {
        let mut reason = String::new();
        for tries in 0..TRIES {
            if tries > 0 {
                sleep(Duration::from_millis(250));
            }
            let before = self.len()?;
            match self.request(agent, url, file, progress) {
                Ok(()) => {
                    // By the same handle: on Windows the lock keeps others out.
                    let read = md5_of_open(&mut self.file);
                    let (_, md5) = read.map_err(|e| Error::io(&self.path, "read it", &e))?;
                    if md5 == file.md5 {
                        return Ok(None);
                    }
                    self.file.set_len(0).map_err(|e| Error::io(&self.path, "write it", &e))?;
                    reason = format!("not the publisher's file (MD5 {md5} instead of {})", file.md5);
                    // The beginning may have come from another server: try the whole once more.
                    if before == 0 {
                        return Ok(Some(Failure { reason, is_checksum: true }));
                    }
                }
                Err(Stop::Disk(error)) => return Err(Error::io(&self.path, "write it", &error)),
                Err(Stop::Server(why)) => {
                    reason = why;
                    // A server that gave something may give the rest; one that can't give the rest may give the whole.
                    let length = self.len()?;
                    if length <= before && (length > 0 || before == 0) {
                        break;
                    }
                }
            }
        }
        Ok(Some(Failure { reason, is_checksum: false }))
    }

    /// One request for what is still missing.
    fn request(
        &mut self,
        agent: &Agent,
        url: &str,
        file: &RemoteFile,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Stop> {
        let mut done = self.file.seek(SeekFrom::End(0))?;
        if done > file.bytes {
            done = self.restart()?;
        }
        if done == file.bytes {
            return Ok(());
        }
        let mut request = agent.get(url).header("Accept-Encoding", "identity");
        if done > 0 {
            request = request.header("Range", format!("bytes={done}-"));
        }
        let mut response = request.call().map_err(|e| match e {
            ureq::Error::Io(e) => Stop::Server(e.to_string()),
            other => Stop::Server(other.to_string()),
        })?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        match response.status().as_u16() {
            200 => {
                let length = header("Content-Length").and_then(|length| length.parse::<u64>().ok());
                if let Some(length) = length.filter(|&length| length != file.bytes) {
                    return Err(Stop::Server(format!("has {length} bytes instead of {}", file.bytes)));
                }
                done = self.restart()?;
            }
            206 if header("Content-Range")
                == Some(&format!("bytes {done}-{}/{}", file.bytes - 1, file.bytes)) => {}
            206 | 416 => {
                self.restart()?;
                return Err(Stop::Server("does not have the rest of the file".into()));
            }
            status => {
                let text = response.status().canonical_reason().unwrap_or("no reason");
                return Err(Stop::Server(format!("answers {status} ({text})")));
            }
        }
        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 16];
        progress(Progress { file: file.name, done, total: file.bytes });
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Stop::Server(format!(
                        "broke off after {done} of {} bytes ({error})",
                        file.bytes
                    )));
                }
            };
            if done + count as u64 > file.bytes {
                self.restart()?;
                return Err(Stop::Server(format!("sends more than the {} bytes of the file", file.bytes)));
            }
            self.file.write_all(&buffer[..count])?;
            done += count as u64;
            progress(Progress { file: file.name, done, total: file.bytes });
        }
        if done < file.bytes {
            return Err(Stop::Server(format!("broke off after {done} of {} bytes", file.bytes)));
        }
        Ok(())
    }

    fn restart(&mut self) -> io::Result<u64> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))
    }

    fn finish(self, target: &Path) -> Result<()> {
        self.file.sync_all().map_err(|e| Error::io(&self.path, "write it", &e))?;
        fs::rename(&self.path, target).map_err(|e| Error::io(&self.path, "rename it", &e))
    }

    /// Nothing worth resuming is left lying about.
    fn remove_if_empty(self) {
        if self.len().is_ok_and(|length| length == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
