//! Holders that live, die, and lose their file; with the system's locks and without.

use std::sync::Barrier;

use super::*;
use crate::error::Kind;
use crate::testing::StopAfter;

/// Terms that a test can wait for.
const QUICK: Terms = Terms {
    lock: File::try_lock,
    host: machine::host,
    beat: Duration::from_millis(40),
    patience: Duration::from_millis(800),
    settle: Duration::from_millis(100),
};

/// As on a file system that can't lock files.
const WITHOUT: Terms =
    Terms { lock: |_| Err(TryLockError::Error(io::Error::from(ErrorKind::Unsupported))), ..QUICK };

/// As on another machine, whose locks are not seen here.
const ELSEWHERE: Terms = Terms { host: || "elsewhere".into(), ..WITHOUT };

fn take(folder: &Path, terms: Terms) -> Result<Lock> {
    Lock::take_on(folder, terms, &StopAfter::new(None).control())
}

/// Writes the file of a holder that gives no sign of life.
fn dead(folder: &Path, host: &str) {
    let mut file = File::create(folder.join(NAME)).unwrap();
    Holder { pid: 1, ..Holder::new(host.into(), true) }.write(&mut file).unwrap();
}

fn holder(folder: &Path) -> Holder {
    read(&folder.join(NAME)).unwrap()
}

#[test]
fn a_folder_has_one_holder_and_is_free_afterwards() {
    // First and second holder; whether the first one has the system's lock.
    for (terms, other, system) in [
        (QUICK, QUICK, true),
        (WITHOUT, QUICK, false),
        (WITHOUT, WITHOUT, false),
        (ELSEWHERE, QUICK, false),
        (QUICK, ELSEWHERE, true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path(), terms).unwrap();
        assert_eq!(first.without_system().is_none(), system);
        let refused = take(dir.path(), other).unwrap_err();
        assert!(refused.is_input(), "{refused}");
        let words = format!("process {} on {}", std::process::id(), (terms.host)());
        assert!(refused.to_string().contains(&words), "{refused}");
        first.check().unwrap();
        drop(first);
        assert!(!dir.path().join(NAME).exists());
        take(dir.path(), other).unwrap();
    }
}

#[test]
fn the_file_of_a_dead_process_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let old = r#"{"pid":1,"host":"elsewhere","since":"2020-01-01T00:00:00Z"}"#; // of a program without signs of life
    let begin = Instant::now();
    for text in [Some(old), Some("garbage"), Some(""), None] {
        match text {
            Some(text) => fs::write(dir.path().join(NAME), text).unwrap(),
            None => dead(dir.path(), &machine::host()),
        }
        // The system's lock is proof: nobody waits.
        let lock = take(dir.path(), Terms { patience: Duration::from_secs(60), ..QUICK }).unwrap();
        assert_eq!(
            holder(dir.path()),
            Holder { alive: holder(dir.path()).alive, ..lock.held.holder.clone() }
        );
        assert!(begin.elapsed() < Duration::from_secs(30));
    }
    for (terms, host) in [(QUICK, "elsewhere"), (WITHOUT, &machine::host()), (WITHOUT, "elsewhere")] {
        dead(dir.path(), host);
        let begin = Instant::now();
        take(dir.path(), terms).unwrap();
        assert!(begin.elapsed() >= terms.patience);
    }
    fs::write(dir.path().join(NAME), "garbage").unwrap();
    take(dir.path(), WITHOUT).unwrap();
}

#[test]
fn of_several_who_find_a_holder_dead_one_takes_over() {
    for terms in [QUICK, WITHOUT] {
        let dir = tempfile::tempdir().unwrap();
        dead(dir.path(), "elsewhere");
        let all = Barrier::new(4);
        let taken: Vec<Result<Lock>> = thread::scope(|scope| {
            let one = || {
                all.wait();
                let lock = take(dir.path(), terms);
                all.wait(); // until every other one has tried
                lock
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let holding = taken.iter().flatten().filter(|lock| lock.check().is_ok());
        assert_eq!(holding.count(), 1, "{taken:?}");
    }
}

#[test]
fn the_wait_for_a_holder_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    dead(dir.path(), "elsewhere");
    let observer = StopAfter::new(Some(1));
    let terms = Terms { patience: Duration::from_secs(60), ..QUICK };
    let error = Lock::take_on(dir.path(), terms, &observer.control()).unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled);
}

#[test]
fn a_lock_file_that_is_removed_comes_back() {
    for terms in [QUICK, WITHOUT] {
        let dir = tempfile::tempdir().unwrap();
        let lock = take(dir.path(), terms).unwrap();
        for look in [true, false] {
            fs::remove_file(dir.path().join(NAME)).unwrap();
            if look {
                lock.check().unwrap();
            }
            let begin = Instant::now();
            while read(&dir.path().join(NAME)).is_none() {
                assert!(begin.elapsed() < Duration::from_secs(20), "no sign of life");
                thread::sleep(Duration::from_millis(5));
            }
            assert!(take(dir.path(), terms).unwrap_err().is_input());
            lock.recall().unwrap();
        }
    }
}

#[test]
fn whoever_loses_its_folder_notices_and_leaves_the_file_alone() {
    for terms in [QUICK, WITHOUT] {
        for look in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let lock = take(dir.path(), terms).unwrap();
            fs::remove_file(dir.path().join(NAME)).unwrap();
            dead(dir.path(), "elsewhere");
            let begin = Instant::now();
            while !look && lock.recall().is_ok() {
                assert!(begin.elapsed() < Duration::from_secs(20), "never noticed");
                thread::sleep(Duration::from_millis(5));
            }
            let error = lock.check().unwrap_err();
            assert_eq!((error.kind(), error.is_input()), (Kind::Taken, false));
            assert!(error.to_string().contains("process 1 on elsewhere"), "{error}");
            drop(lock);
            assert_eq!(holder(dir.path()).pid, 1);
        }
    }
}

#[test]
fn a_lock_file_that_is_emptied_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let lock = take(dir.path(), QUICK).unwrap();
    fs::write(dir.path().join(NAME), "").unwrap();
    lock.check().unwrap();
    assert_eq!(holder(dir.path()).token, lock.held.holder.token);
}

fn claim(folder: &Path, terms: Terms, seen: &Seen) -> Option<Lock> {
    Lock::claim_on(folder, terms, seen).unwrap()
}

#[test]
fn a_claim_does_not_wait() {
    for (terms, other) in [(QUICK, QUICK), (QUICK, ELSEWHERE), (ELSEWHERE, QUICK), (WITHOUT, WITHOUT)] {
        let (dir, seen) = (tempfile::tempdir().unwrap(), Seen::default());
        let first = claim(dir.path(), terms, &Seen::default()).unwrap();
        let begin = Instant::now();
        while begin.elapsed() < 2 * QUICK.patience {
            assert!(claim(dir.path(), other, &seen).is_none(), "its holder is alive");
            thread::sleep(QUICK.beat);
        }
        first.check().unwrap();
        drop(first);
        assert!(claim(dir.path(), other, &seen).is_some());
    }
}

#[test]
fn a_claim_that_stands_still_goes_to_one_of_those_who_saw_it() {
    let dir = tempfile::tempdir().unwrap();
    dead(dir.path(), "elsewhere");
    let meet = Barrier::new(4);
    let claims: Vec<Option<Lock>> = thread::scope(|scope| {
        let ask = || {
            let seen = Seen::default();
            assert!(claim(dir.path(), WITHOUT, &seen).is_none(), "it may be alive");
            thread::sleep(WITHOUT.patience);
            meet.wait();
            claim(dir.path(), WITHOUT, &seen)
        };
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let held = claims.iter().flatten().filter(|lock| lock.check().is_ok()).count();
    assert_eq!(held, 1);
    // That of a dead process of this machine, which had the system's lock, is free at once.
    let dir = tempfile::tempdir().unwrap();
    dead(dir.path(), &machine::host());
    assert!(claim(dir.path(), QUICK, &Seen::default()).is_some());
}

/// Clocks of machines differ, and jump. What a file says of the time is only compared with what it said before.
#[test]
fn clocks_that_jump_neither_kill_nor_revive() {
    let write = |folder: &Path, alive: &str| {
        let holder = Holder { alive: Some(alive.into()), ..Holder::new("elsewhere".into(), false) };
        let holder = Holder { token: "0123456789abcdef".into(), since: alive.into(), ..holder };
        holder.write(&mut File::create(folder.join(NAME)).unwrap()).unwrap();
    };
    // It was last alive in a future that never comes, or long ago: both are dead when they stand still, and not before.
    for alive in ["2199-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"] {
        let (dir, seen) = (tempfile::tempdir().unwrap(), Seen::default());
        write(dir.path(), alive);
        assert!(claim(dir.path(), QUICK, &seen).is_none());
        thread::sleep(QUICK.patience);
        assert!(claim(dir.path(), QUICK, &seen).is_some(), "{alive}");
    }
    // One whose clock runs backwards lives.
    let (dir, seen) = (tempfile::tempdir().unwrap(), Seen::default());
    for year in (1990..2010).rev() {
        write(dir.path(), &format!("{year}-01-01T00:00:00.000Z"));
        assert!(claim(dir.path(), QUICK, &seen).is_none());
        thread::sleep(QUICK.patience / 5);
    }
}

#[test]
fn who_lost_a_claim_notices() {
    let (dir, seen) = (tempfile::tempdir().unwrap(), Seen::default());
    // It gives no sign of life while the test waits.
    let first =
        claim(dir.path(), Terms { beat: Duration::from_secs(60), ..QUICK }, &Seen::default()).unwrap();
    assert!(claim(dir.path(), QUICK, &seen).is_none());
    thread::sleep(QUICK.patience);
    let second = claim(dir.path(), QUICK, &seen).unwrap();
    assert_eq!(first.check().unwrap_err().kind(), Kind::Taken);
    drop(first);
    second.check().unwrap();
}
