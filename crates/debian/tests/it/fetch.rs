//! The fetcher against a server that misbehaves. Slow servers, redirects and the forms of `Retry-After` are in the tests of
//! `http`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base::Hint as _;
use qus_debian::fetch::{Address, Error, Options};
use qus_debian::progress::{Progress, Silent};
use qus_debian::testing::{Fault, Server};
use qus_debian::{Cache, Fetcher};
use sha256::Digest;
use tokio::net::TcpSocket;

use crate::setup::Reports;

const PATH: &str = "pool/a.deb";

/// More than one read's worth, and nothing that repeats.
fn body() -> Vec<u8> {
    (0..300_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn options() -> Options {
    let ms = Duration::from_millis;
    let http = http::Options {
        stall: ms(1000),
        window: ms(1000),
        least: 100,
        attempts: 3,
        pause: ms(10),
        longest_wait: Duration::from_secs(4),
        ..http::Options::default()
    };
    Options { http, ..Options::default() }
}

struct Setup {
    server: Server,
    dir: tempfile::TempDir,
}

impl Setup {
    fn new() -> Setup {
        let server = Server::start(BTreeMap::from([(PATH.to_owned(), body())])).unwrap();
        Setup { server, dir: tempfile::tempdir().unwrap() }
    }

    fn fetcher(&self, options: Options) -> Fetcher {
        Fetcher::new(Cache::open(self.dir.path()).unwrap(), options)
    }

    fn urls(&self) -> Vec<Address> {
        vec![format!("{}/{PATH}", self.server.url()).parse().unwrap()]
    }

    /// The file from the first of `urls` that has it.
    async fn pinned(&self, urls: &[Address], progress: &dyn Progress) -> Result<PathBuf, Error> {
        self.fetcher(options()).pinned(urls, body().len() as u64, Digest::of(&body()), progress).await
    }

    async fn fetch_with(&self, options: Options) -> Result<(), Error> {
        let (size, digest) = (body().len() as u64, Digest::of(&body()));
        let path = self.fetcher(options).pinned(&self.urls(), size, digest, &Silent).await?;
        assert_eq!(std::fs::read(path).unwrap(), body());
        let left = std::fs::read_dir(self.dir.path().join("partial")).unwrap().count();
        assert_eq!(left, 0, "a complete download leaves no partial file");
        Ok(())
    }

    async fn fetch(&self) -> Result<(), Error> {
        self.fetch_with(options()).await
    }

    fn partial(&self) -> PathBuf {
        self.dir.path().join("partial").join(Digest::of(&body()).hex())
    }

    /// Leaves the beginning of a download behind.
    fn put_partial(&self, bytes: &[u8]) {
        // Makes the folder.
        self.fetcher(options());
        std::fs::write(self.partial(), bytes).unwrap();
    }
}

/// Faults in sequence, and the requests that then lead to the whole file.
async fn recovers(faults: &[Fault], requests: &[&str]) {
    let setup = Setup::new();
    for fault in faults {
        setup.server.once(PATH, fault.clone());
    }
    setup.fetch().await.unwrap();
    assert_eq!(setup.server.requests(), requests, "{faults:?}");
    // From the cache from now on.
    setup.fetch().await.unwrap();
    assert_eq!(setup.server.requests().len(), requests.len());
}

/// A fault that never ends, and the message it leads to (`URL` stands for the address).
async fn fails(fault: Fault, requests: usize, expected: &str) {
    let setup = Setup::new();
    setup.server.always(PATH, fault);
    let error = setup.fetch().await.unwrap_err();
    assert_eq!(error.to_string().replace(&setup.urls()[0].to_string(), "URL"), expected);
    assert_eq!(setup.server.requests().len(), requests, "{expected}");
    assert!(!setup.dir.path().join("sha256").join(Digest::of(&body()).hex()).exists());
}

#[tokio::test]
async fn a_file_is_fetched_once() {
    recovers(&[], &[PATH]).await;
}

#[tokio::test]
async fn a_refusal_for_now_is_asked_again() {
    recovers(&[Fault::Status(500, None)], &[PATH, PATH]).await;
    recovers(&[Fault::Status(503, None), Fault::Status(429, None)], &[PATH, PATH, PATH]).await;
}

#[tokio::test]
async fn a_cut_or_stalled_download_resumes() {
    recovers(&[Fault::Cut(100_000)], &[PATH, "pool/a.deb from 100000"]).await;
    recovers(&[Fault::Stall(200_000)], &[PATH, "pool/a.deb from 200000"]).await;
    recovers(
        &[Fault::Cut(100_000), Fault::Cut(5)],
        &[PATH, "pool/a.deb from 100000", "pool/a.deb from 100005"],
    )
    .await;
}

#[tokio::test]
async fn a_server_without_ranges_sends_it_all_again() {
    recovers(&[Fault::Cut(100_000), Fault::NoRange], &[PATH, "pool/a.deb from 100000"]).await;
}

#[tokio::test]
async fn an_answer_to_another_question_starts_over() {
    recovers(&[Fault::Cut(100_000), Fault::WrongRange], &[PATH, "pool/a.deb from 100000", PATH]).await;
    // The server's file ends before the part that is there (416).
    let setup = Setup::new();
    setup.put_partial(&body()[..1000]);
    setup.server.put(PATH, b"short".to_vec());
    let error = setup.fetch().await.unwrap_err().to_string();
    assert_eq!(error, format!("cannot fetch `a.deb`: {}: has 5 bytes, not 1200000", setup.urls()[0]));
    assert_eq!(setup.server.requests(), ["pool/a.deb from 1000", PATH]);
    assert!(!setup.partial().exists(), "nothing is left to resume");
}

#[tokio::test]
async fn a_partial_file_may_be_wrong_complete_or_too_long() {
    for (partial, requests) in [
        (b"not the beginning".to_vec(), &["pool/a.deb from 17", PATH][..]),
        (body(), &[]),
        ([body(), b"more".to_vec()].concat(), &[PATH]),
    ] {
        let setup = Setup::new();
        setup.put_partial(&partial);
        setup.fetch().await.unwrap();
        assert_eq!(setup.server.requests(), requests, "{} bytes", partial.len());
    }
}

#[tokio::test]
async fn what_stays_wrong_is_an_error_that_says_what() {
    let wrong = body().iter().map(|byte| !byte).collect::<Vec<u8>>();
    let (right, got) = (Digest::of(&body()), Digest::of(&wrong));
    fails(Fault::Status(404, None), 1, "cannot fetch `a.deb`: URL: HTTP 404 Not Found").await;
    fails(Fault::Status(403, None), 1, "cannot fetch `a.deb`: URL: HTTP 403 Forbidden").await;
    fails(Fault::Status(500, None), 3, "cannot fetch `a.deb`: URL: HTTP 500 Internal Server Error").await;
    fails(Fault::Stall(0), 3, "cannot fetch `a.deb`: URL: nothing moved for 1 s").await;
    fails(Fault::Empty, 1, "cannot fetch `a.deb`: URL: has 0 bytes, not 1200000").await;
    fails(Fault::Extra(b"x".to_vec()), 1, "cannot fetch `a.deb`: URL: sent more than 1200000 bytes").await;
    fails(Fault::Other(b"short".to_vec()), 1, "cannot fetch `a.deb`: URL: has 5 bytes, not 1200000").await;
    fails(Fault::Other(wrong), 1, &format!("cannot fetch `a.deb`: URL: sent {got}, not {right}")).await;
}

#[tokio::test]
async fn a_server_that_cuts_at_the_same_byte_forever_is_given_up() {
    let setup = Setup::new();
    setup.server.always(PATH, Fault::Cut(0));
    let error = setup.fetch().await.unwrap_err().to_string();
    assert!(error.starts_with("cannot fetch `a.deb`: "), "{error}");
    assert_eq!(setup.server.requests().len(), 3);
}

#[tokio::test]
async fn each_status_is_final_or_asked_again() {
    const AGAIN: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];
    let setup = Setup::new();
    let fetcher = setup.fetcher(options());
    for status in (400..=431).chain(500..=511) {
        // 416 answers a range, and none is asked for here.
        let path = format!("dists/{status}");
        setup.server.put(&path, Vec::new());
        setup.server.always(&path, Fault::Status(status, None));
        let url = format!("{}/{path}", setup.server.url()).parse().unwrap();
        let error = fetcher.unpinned(&url, 9, &Silent).await.unwrap_err().to_string();
        assert!(error.contains(&format!("{url}: HTTP {status}")), "{error}");
        let tries = setup.server.requests().iter().filter(|request| **request == path).count();
        // 509 has no meaning, and counts as 500.
        let again = AGAIN.contains(&status) || status == 509;
        assert_eq!(tries, if again { 3 } else { 1 }, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_kept_or_ends_it_at_once() {
    let setup = Setup::new();
    setup.server.once(PATH, Fault::Status(429, Some("1".to_owned())));
    let start = Instant::now();
    setup.fetch().await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));

    let start = Instant::now();
    fails(
        Fault::Status(503, Some("86400".to_owned())),
        1,
        "cannot fetch `a.deb`: URL: HTTP 503 Service Unavailable: the server asks to wait 86400 seconds, \
         and at most 4 are waited",
    )
    .await;
    assert!(start.elapsed() < Duration::from_secs(60));
}

/// An address that refuses connections as long as the socket is held: nobody listens, and nobody else gets it.
fn refusing() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn a_mirrors_password_is_in_no_message() {
    let setup = Setup::new();
    let base = setup.server.url().replace("http://", "http://ada:s3cret@");
    let (_socket, free) = refusing();
    for (name, fault) in [
        ("status", Fault::Status(500, None)),
        ("stall", Fault::Stall(0)),
        ("cut", Fault::Cut(0)),
        ("wait", Fault::Status(503, Some("86400".to_owned()))),
        ("loop", Fault::Redirect(302, "/pool/loop?s3cret".to_owned())),
        ("scheme", Fault::Redirect(302, "ftp://ada:s3cret@x/".to_owned())),
        ("nowhere", Fault::Redirect(302, format!("http://bob:s3cret@{free}/?s3cret"))),
    ] {
        let path = format!("pool/{name}");
        setup.server.put(&path, body());
        setup.server.always(&path, fault.clone());
        setup.server.always("pool/loop?s3cret", fault);
        let urls: [Address; 1] = [format!("{base}/{path}").parse().unwrap()];
        let reports = Reports::default();
        let fetcher = setup.fetcher(options());
        let (size, digest) = (body().len() as u64, Digest::of(&body()));
        let error = fetcher.pinned(&urls, size, digest, &reports).await.unwrap_err();
        let start = format!("cannot fetch `{name}`: http://***@{}/{path}: ", &setup.server.url()[7..]);
        assert!(error.to_string().starts_with(&start), "{name}: {error}");
        let all = format!("{error} {error:?} {:?} {reports:?} {fetcher:?}", error.hint());
        assert!(!all.contains("s3cret"), "{name}: {all}");
    }
    assert!(setup.server.requests().iter().any(|request| request.ends_with(" with credentials")));

    // Nor is it in the cache, whose files other people may see.
    let urls: [Address; 2] =
        [format!("{base}/absent").parse().unwrap(), format!("{base}/{PATH}").parse().unwrap()];
    setup.pinned(&urls, &Silent).await.unwrap();
    let mut folders = vec![setup.dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert!(!path.to_string_lossy().contains("s3cret"), "{}", path.display());
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let bytes = std::fs::read(&path).unwrap();
                    assert!(!bytes.windows(6).any(|window| window == b"s3cret"), "{}", path.display());
                }
            }
        }
    }
}

#[tokio::test]
async fn the_next_address_is_asked_when_one_fails() {
    let setup = Setup::new();
    let urls = [format!("{}/gone/a.deb", setup.server.url()).parse().unwrap(), setup.urls()[0].clone()];
    setup.pinned(&urls, &Silent).await.unwrap();
    assert_eq!(setup.server.requests(), ["gone/a.deb", PATH]);
}

#[tokio::test]
async fn a_package_that_is_gone_everywhere_has_a_hint() {
    let setup = Setup::new();
    setup.server.remove(PATH);
    let error = setup.fetch().await.unwrap_err();
    let expected = "the archive has moved on: `cargo xtask lock` resolves anew, --mirror names another copy";
    assert_eq!(qus_debian::hint(&error).as_deref(), Some(expected));
}

#[tokio::test]
async fn an_unreachable_server_is_an_error_after_some_tries() {
    let setup = Setup::new();
    let (_socket, free) = refusing();
    let url: Address = format!("http://{free}/a.deb").parse().unwrap();
    let fetched = setup.pinned(std::slice::from_ref(&url), &Silent).await;
    let expected = format!("cannot fetch `a.deb`: {url}: Connection refused (os error 111)");
    assert_eq!(fetched.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn offline_means_the_cache_only() {
    let setup = Setup::new();
    let offline = Options { offline: true, ..options() };
    let error = setup.fetch_with(offline.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), "`a.deb` is not in the cache, and --offline was given");
    assert_eq!(error.hint().as_deref(), Some("run once without --offline"));
    setup.fetch().await.unwrap();
    setup.fetch_with(offline.clone()).await.unwrap();
    let unpinned =
        setup.fetcher(offline).unpinned(&"http://x/dists/sid/InRelease".parse().unwrap(), 9, &Silent).await;
    assert_eq!(
        unpinned.unwrap_err().to_string(),
        "`sid/InRelease` is not in the cache, and --offline was given"
    );
    assert_eq!(setup.server.requests().len(), 1);
}

#[tokio::test]
async fn a_damaged_file_in_the_cache_is_found_out() {
    let setup = Setup::new();
    setup.fetch().await.unwrap();
    let (size, digest) = (body().len() as u64, Digest::of(&body()));
    let cached = Cache::open(setup.dir.path()).unwrap().path(&digest);
    let mut bytes = body();
    bytes[5] ^= 1;
    std::fs::write(&cached, &bytes).unwrap();
    setup.fetcher(options()).verified(&setup.urls(), size, digest, &Silent).await.unwrap();
    assert_eq!(std::fs::read(&cached).unwrap(), body());
    std::fs::write(&cached, b"short").unwrap();
    setup.fetch().await.unwrap();
    assert_eq!(setup.server.requests().len(), 3);
}

#[tokio::test]
async fn small_files_are_fetched_whole_and_within_their_limit() {
    let setup = Setup::new();
    let url = &setup.urls()[0];
    setup.server.once(PATH, Fault::Cut(10));
    let fetcher = setup.fetcher(options());
    assert_eq!(fetcher.unpinned(url, 2_000_000, &Silent).await.unwrap(), body());
    let error = fetcher.unpinned(url, 1000, &Silent).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot fetch `a.deb`: {url}: sent more than 1000 bytes"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_fetch_once() {
    let setup = Setup::new();
    let (one, two) = tokio::join!(setup.fetch(), setup.fetch());
    one.unwrap();
    two.unwrap();
    assert_eq!(setup.server.requests(), [PATH]);
}

#[tokio::test]
async fn progress_says_what_is_fetched_and_why_it_waits() {
    let setup = Setup::new();
    setup.server.once(PATH, Fault::Status(500, None));
    let reports = Reports::default();
    setup.pinned(&setup.urls(), &reports).await.unwrap();
    assert_eq!(*reports.starts.lock().unwrap(), ["a.deb 1200000"]);
    let note = format!("{}: HTTP 500 Internal Server Error; trying again in 0.0 s", setup.urls()[0]);
    assert_eq!(*reports.notes.lock().unwrap(), [note]);
}

/// The process that [`a_killed_download_resumes`] kills; by itself it does nothing.
#[tokio::test]
async fn victim() {
    let (Ok(dir), Ok(url)) = (std::env::var("QUS_TEST_DIR"), std::env::var("QUS_TEST_URL")) else { return };
    let fetcher = Fetcher::new(Cache::open(Path::new(&dir)).unwrap(), Options::default());
    fetcher.pinned(&[url.parse().unwrap()], body().len() as u64, Digest::of(&body()), &Silent).await.unwrap();
}

#[tokio::test]
async fn a_killed_download_resumes() {
    let setup = Setup::new();
    setup.server.once(PATH, Fault::Stall(400_000));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fetch::victim"])
        .env("QUS_TEST_DIR", setup.dir.path())
        .env("QUS_TEST_URL", setup.urls()[0].url().as_str())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::fs::metadata(setup.partial()).map_or(0, |metadata| metadata.len()) < 400_000 {
        assert!(Instant::now() < deadline, "the download did not get anywhere");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    setup.fetch().await.unwrap();
    assert_eq!(setup.server.requests(), [PATH, "pool/a.deb from 400000"]);
}
