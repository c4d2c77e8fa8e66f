//! Downloads from a server on the loopback.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use adact_data::download::{Got, fetch, get};
use adact_data::{Kind, RemoteFile};

/// 100,000 bytes that do not repeat soon.
fn content() -> Vec<u8> {
    (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// The MD5 of [`content`].
const MD5: &str = "47ad96b71b4416286173c62838eeb5f7";

/// What the server does with a request.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Sends what is asked for.
    Good,
    /// Sends the whole whatever part is asked for.
    Whole,
    /// Breaks the connection off after 40,000 bytes of the answer, each time.
    CutsOff,
    /// Breaks the connection off at once, each time but the first, when it sends 40,000 bytes.
    Dies,
    /// Sends other bytes of the same length.
    Wrong,
    /// Sends a page of HTML.
    Page,
    /// Sends more than the file, without saying how much.
    Endless,
    /// Refuses any part, but sends the whole.
    NoPart,
    /// Has no such file.
    Absent,
}

/// A server, which notes the requests it gets as `PATH RANGE`.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = requests.clone();
        // The thread ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that went away is none of the server's business.
                let _ = answer(stream, manner, &noted);
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, manner: Manner, requests: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let path =
        lines.next().transpose()?.unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_string();
    let mut start = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse::<usize>().ok();
        }
    }
    let first = {
        let mut requests = requests.lock().unwrap();
        requests.push(format!("{path} {}", start.map_or("whole".into(), |start| format!("from {start}"))));
        requests.len() == 1
    };
    let mut body = content();
    let length = body.len();
    let close = "Connection: close\r\n\r\n";
    match (manner, start) {
        (Manner::Absent, _) => {
            return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{close}");
        }
        (Manner::Page, _) => {
            return write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n{close}<html></html");
        }
        (Manner::Endless, _) => {
            write!(stream, "HTTP/1.1 200 OK\r\n{close}")?;
            loop {
                stream.write_all(&body)?;
            }
        }
        (Manner::NoPart, Some(_)) => {
            return write!(stream, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n{close}");
        }
        (Manner::Wrong, _) => body.fill(7),
        _ => {}
    }
    match start.filter(|_| manner != Manner::Whole) {
        Some(start) => {
            body.drain(..start);
            let range = format!("Content-Range: bytes {start}-{}/{length}", length - 1);
            write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\n{range}\r\nContent-Length: {}\r\n{close}",
                body.len()
            )?;
        }
        None => write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{close}")?,
    }
    match manner {
        Manner::CutsOff => body.truncate(40_000),
        Manner::Dies => body.truncate(if first { 40_000 } else { 0 }),
        _ => {}
    }
    stream.write_all(&body)
}

const FILE: RemoteFile = RemoteFile { name: "a.bin", bytes: 100_000, md5: MD5, mirrors: &[] };

fn part(folder: &Path) -> std::path::PathBuf {
    folder.join("a.bin.part")
}

#[test]
fn a_file_is_downloaded_once_and_the_progress_ends_with_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new/folder");
    let server = Server::start(Manner::Good);
    let mut seen = Vec::new();
    let got = fetch(&FILE, &folder, Some(&server.url), &mut |p| seen.push((p.done, p.total))).unwrap();
    assert_eq!(got, Got::Downloaded);
    assert_eq!(fs::read(folder.join("a.bin")).unwrap(), content());
    assert!(!part(&folder).exists());
    assert_eq!((seen[0], *seen.last().unwrap()), ((0, 100_000), (100_000, 100_000)));
    assert!(seen.is_sorted());
    let again = fetch(&FILE, &folder, Some(&server.url), &mut |_| {}).unwrap();
    assert_eq!((again, server.requests()), (Got::AlreadyThere, vec!["/a.bin whole".into()]));
}

#[test]
fn the_address_of_the_file_itself_serves_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Manner::Good);
    let url = format!("{}/deep/a.bin", server.url);
    fetch(&FILE, folder.path(), Some(&url), &mut |_| {}).unwrap();
    assert_eq!(server.requests(), ["/deep/a.bin whole"]);
}

#[test]
fn a_broken_download_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(part(folder.path()), &content()[..33_333]).unwrap();
    let server = Server::start(Manner::Good);
    let mut first = None;
    fetch(&FILE, folder.path(), Some(&server.url), &mut |p| first = first.or(Some(p.done))).unwrap();
    assert_eq!((server.requests(), first), (vec!["/a.bin from 33333".into()], Some(33_333)));
    assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), content());
}

#[test]
fn a_server_that_knows_no_parts_sends_the_whole() {
    for manner in [Manner::Whole, Manner::NoPart] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(part(folder.path()), b"something old").unwrap();
        let server = Server::start(manner);
        fetch(&FILE, folder.path(), Some(&server.url), &mut |_| {}).unwrap();
        assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), content());
    }
}

#[test]
fn a_server_that_cuts_off_is_asked_for_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Manner::CutsOff);
    fetch(&FILE, folder.path(), Some(&server.url), &mut |_| {}).unwrap();
    assert_eq!(server.requests(), ["/a.bin whole", "/a.bin from 40000", "/a.bin from 80000"]);
    assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), content());
}

#[test]
fn what_came_before_a_server_died_is_kept_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Manner::Dies);
    let error = fetch(&FILE, folder.path(), Some(&server.url), &mut |_| {}).unwrap_err();
    assert_eq!((error.kind(), error.is_input()), (Kind::Network, false));
    assert!(error.to_string().contains("broke off after 40000 of 100000 bytes"), "{error}");
    assert!(!folder.path().join("a.bin").exists());
    assert_eq!(fs::metadata(part(folder.path())).unwrap().len(), 40_000);
    let good = Server::start(Manner::Good);
    fetch(&FILE, folder.path(), Some(&good.url), &mut |_| {}).unwrap();
    assert_eq!(good.requests(), ["/a.bin from 40000"]);
}

#[test]
fn wrong_bytes_never_get_the_files_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Manner::Wrong);
    let error = fetch(&FILE, folder.path(), Some(&server.url), &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), Kind::Checksum);
    assert!(error.to_string().contains("not the publisher's file (MD5 "), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_beginning_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(part(folder.path()), vec![1; 50_000]).unwrap();
    let server = Server::start(Manner::Good);
    fetch(&FILE, folder.path(), Some(&server.url), &mut |_| {}).unwrap();
    assert_eq!(server.requests(), ["/a.bin from 50000", "/a.bin whole"]);
    assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), content());
}

#[test]
fn pages_endless_answers_and_404_are_named() {
    for (manner, reason) in [
        (Manner::Page, "has 12 bytes instead of 100000"),
        (Manner::Endless, "sends more than the 100000 bytes"),
        (Manner::Absent, "answers 404 (Not Found)"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(manner);
        let error = fetch(&FILE, folder.path(), Some(&server.url), &mut |_| {}).unwrap_err();
        assert_eq!(error.kind(), Kind::Network);
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains(&server.url), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{reason}");
    }
}

#[test]
fn mirrors_are_tried_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let (absent, good) = (Server::start(Manner::Absent), Server::start(Manner::Good));
    let leak = |text: &str| -> &'static str { Box::leak(text.to_string().into_boxed_str()) };
    let mirrors: &'static [&'static str] = Box::leak(Box::new([leak(&absent.url), leak(&good.url)]));
    let file = RemoteFile { mirrors, ..FILE };
    fetch(&file, folder.path(), None, &mut |_| {}).unwrap();
    assert_eq!((absent.requests().len(), good.requests().len()), (1, 1));
}

#[test]
fn another_file_of_that_name_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.bin"), b"mine").unwrap();
    let error = fetch(&FILE, folder.path(), Some("http://127.0.0.1:1"), &mut |_| {}).unwrap_err();
    assert_eq!((error.kind(), error.is_input()), (Kind::Exists, true));
    assert_eq!(fs::read(folder.path().join("a.bin")).unwrap(), b"mine");
}

#[test]
fn without_a_network_the_error_tells_what_to_put_where() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens there.
    let error = get("svhn", Some(folder.path()), Some("http://127.0.0.1:1"), &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), Kind::Network);
    let text = error.to_string();
    for part in [
        "train_32x32.mat (182040794 bytes, MD5 e26dedcc434d2e4c54c9b2d4a06d8373)",
        "test_32x32.mat (64275384 bytes, MD5 eb5a983be6a315427106f1b164d9cef3)",
        &folder.path().join("svhn").display().to_string(),
    ] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    assert!(!text.contains('\n'));
}

#[test]
fn sets_without_a_download_say_so() {
    let message =
        |name, url| get(name, Some(Path::new("nowhere")), url, &mut |_| {}).unwrap_err().to_string();
    assert!(message("fer2013", None).contains("without an account"), "{}", message("fer2013", None));
    assert!(message("fmnist-mini", None).contains("part of the program"));
    assert!(message("cifar10", Some("ftp://x")).contains("does not begin with http"));
    assert!(!Path::new("nowhere").exists());
}
