//! Suites from untrusted sources: which files are found and read, and which are refused.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use wassay_testsuite::Case;
use wassay_testsuite::access::{Budget, Reach, Root};
use wassay_testsuite::directory::{OpenError, case_in, open, open_any, script};
use wassay_testsuite::wasi::Tree;
use wassay_testsuite::wasi::tree::Entry;

use crate::{folder, names, unreadable};

#[test]
fn a_loop_of_links_is_a_failing_case() {
    let folder = folder(&["a/a.wast", "b/b.wast"]);
    symlink("..", folder.path().join("a/again")).unwrap();
    symlink("../a", folder.path().join("b/other")).unwrap();
    let suite = open(folder.path()).unwrap();
    assert_eq!(names(&suite), ["a/a.wast", "b/b.wast", "b/other/a.wast"]);
    let path = folder.path().display();
    let looping = |name: &str| (name.to_owned(), format!("symbolic link loop back to {path}/"));
    assert_eq!(unreadable(&suite), [looping("a/again"), looping("b/other/again")]);
}

#[test]
fn links_to_scripts_are_followed_and_broken_ones_are_failing_cases() {
    let folder = folder(&["store/1", "proposals/gc/a.wast"]);
    symlink("../../store/1", folder.path().join("proposals/gc/b.wast")).unwrap();
    symlink("nowhere", folder.path().join("broken.wast")).unwrap();
    symlink("../store/gone", folder.path().join("store/folder?")).unwrap();
    let suite = open(folder.path()).unwrap();
    assert_eq!(names(&suite), ["proposals/gc/a.wast", "proposals/gc/b.wast"]);
    let b = &suite.scripts()[1];
    assert_eq!((b.read().unwrap().as_ref(), b.features()), ("store/1", "2.0,function-references,gc"));
    // The folder of the link decides, not that of the file it leads to.
    assert_eq!(script(b.path().unwrap()).unwrap().features(), b.features());
    let broken = |name: &str| (name.to_owned(), "broken symbolic link".to_owned());
    assert_eq!(unreadable(&suite), [broken("broken.wast"), broken("store/folder?")]);
}

#[test]
fn a_link_within_the_suite_may_have_any_form() {
    let folder = folder(&["s/store/a.wast", "s/x/b.wast"]);
    let s = folder.path().join("s");
    symlink(s.join("store/a.wast"), s.join("absolute.wast")).unwrap();
    symlink("../../s/store", s.join("x/out-and-in")).unwrap();
    symlink("s", folder.path().join("named")).unwrap();
    for root in [s, folder.path().join("named")] {
        let suite = open(&root).unwrap();
        assert_eq!(unreadable(&suite), []);
        assert_eq!(names(&suite), ["absolute.wast", "store/a.wast", "x/b.wast", "x/out-and-in/a.wast"]);
        for script in suite.scripts() {
            assert!(script.read().unwrap().starts_with("s/"), "{}", script.name());
        }
    }
}

#[test]
fn links_lead_out_of_the_suite_only_if_the_user_allows_it() {
    let folder =
        folder(&["s/a.wast", "s/wassay.toml", "shared/b.wast", "shared/deep/c.wast", "secret/d.wast"]);
    let (s, shared) = (folder.path().join("s"), folder.path().join("shared"));
    symlink("../shared", s.join("all")).unwrap();
    symlink("../secret/d.wast", s.join("d.wast")).unwrap();
    symlink("../secret", shared.join("back-door")).unwrap();
    fs::write(s.join("wassay.toml"), "links = [\"../shared\"]\n").unwrap();
    let outside = |name: &str| {
        (
            name.to_owned(),
            "symbolic link leads out of the suite; use --allow-links=DIR to allow links into the folder DIR"
                .to_owned(),
        )
    };
    let suite = open(&s).unwrap();
    assert_eq!(names(&suite), ["a.wast"]);
    assert_eq!(unreadable(&suite), [outside("all"), outside("d.wast")]);
    let granted = [
        Reach { folders: vec![shared.clone()], trust_suite: false },
        Reach { folders: vec![folder.path().join("s/../shared/deep/..")], trust_suite: false },
        Reach { folders: Vec::new(), trust_suite: true },
    ];
    for reach in granted {
        let suite = open_any(&s, &reach).unwrap();
        assert_eq!(names(&suite), ["a.wast", "all/b.wast", "all/deep/c.wast"]);
        assert_eq!(unreadable(&suite), [outside("all/back-door"), outside("d.wast")]);
        assert_eq!(suite.scripts()[2].read().unwrap(), "shared/deep/c.wast");
    }
    // The grant is for a folder, not for its path.
    let suite = open_any(&s, &Reach { folders: vec![shared.clone()], trust_suite: false }).unwrap();
    fs::rename(&shared, folder.path().join("moved")).unwrap();
    symlink("secret", &shared).unwrap();
    fs::write(folder.path().join("secret/b.wast"), "secret").unwrap();
    let error = suite.scripts()[1].read().unwrap_err().to_string();
    assert!(error.contains("symbolic link leads out of the suite"), "{error}");
}

#[test]
fn an_invalid_wassay_toml_is_an_error() {
    let folder = folder(&["s/a.wast"]);
    let s = folder.path().join("s");
    let reach = Reach { folders: Vec::new(), trust_suite: true };
    assert_eq!(names(&open_any(&s, &reach).unwrap()), ["a.wast"]);
    for (text, message) in [
        ("links = 3", "wassay.toml: cannot allow links: line 1: invalid type"),
        ("\nlink = []", "wassay.toml:2: unknown field `link`"),
        ("links = [\"../gone\"]", "s/../gone: cannot allow links: No such file"),
    ] {
        fs::write(s.join("wassay.toml"), text).unwrap();
        let error = open_any(&s, &reach).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        // Only the folders in it concern those alone who trust it.
        assert_eq!(open_any(&s, &Reach::default()).is_ok(), text.contains("gone"), "{text}");
    }
    fs::remove_file(s.join("wassay.toml")).unwrap();
    symlink("/proc/self/environ", s.join("wassay.toml")).unwrap();
    let error = open_any(&s, &reach).unwrap_err().to_string();
    assert!(error.contains("symbolic link leads out of the suite"), "{error}");
}

#[test]
fn a_file_that_is_not_regular_is_a_failing_case() {
    let folder = folder(&["a.wast", "g.json", "folder.wast/b.wast"]);
    let path = |name: &str| folder.path().join(name);
    let (mode, socket) = (rustix::fs::Mode::RUSR, rustix::fs::FileType::Socket);
    rustix::fs::mknodat(rustix::fs::CWD, path("socket.wast"), socket, mode, 0).unwrap();
    for name in ["pipe.wast", "g.wasm", "ignored"] {
        rustix::fs::mkfifoat(rustix::fs::CWD, path(name), rustix::fs::Mode::RUSR).unwrap();
    }
    symlink("pipe.wast", path("to-pipe.wast")).unwrap();
    let suite = open(folder.path()).unwrap();
    assert_eq!(names(&suite), ["a.wast", "folder.wast/b.wast"]);
    let odd = |name: &str, what: &str| (name.to_owned(), format!("expected a regular file, found {what}"));
    let expected = [odd("g.wasm", "a pipe"), odd("pipe.wast", "a pipe"), odd("socket.wast", "a socket")];
    let to_pipe = odd("to-pipe.wast", "a pipe");
    assert_eq!(unreadable(&suite), [&expected[..], &[to_pipe]].concat());
    let error = script(&path("socket.wast")).unwrap_err().to_string();
    assert!(
        error.ends_with("socket.wast: expected a regular file, found a device, socket or pipe"),
        "{error}"
    );
}

#[test]
fn a_name_that_is_not_utf_8_is_a_failing_case() {
    let folder = folder(&["a.wast"]);
    let path = |name: &[u8]| folder.path().join(std::ffi::OsStr::from_bytes(name));
    for name in [&b"\xff.wast"[..], b"\xfe.wast", b"\xff.txt"] {
        fs::write(path(name), "").unwrap();
    }
    fs::create_dir(path(b"\xff")).unwrap();
    fs::write(path(b"\xff/b.wast"), "").unwrap();
    let suite = open(folder.path()).unwrap();
    assert_eq!(names(&suite), ["a.wast"]);
    let reason = "the name of a case must be UTF-8; rename it";
    let odd = ["\u{fffd}.wast", "\u{fffd}.wast (2)", "\u{fffd}/b.wast"];
    assert_eq!(unreadable(&suite), odd.map(|name| (name.to_owned(), reason.to_owned())));
    let path = path(b"\xff.wast");
    assert!(matches!(script(&path), Err(OpenError::Name { path: p }) if p == path));
}

#[test]
fn files_that_belong_to_a_case_are_not_cases() {
    let folder = folder(&["a.wasm", "b.wasm", "c.wat", "manifest.json"]);
    symlink("/proc/self/environ", folder.path().join("a.json")).unwrap();
    symlink("/proc/self/environ", folder.path().join("b.stdin")).unwrap();
    symlink("/", folder.path().join("b.fs")).unwrap();
    symlink("/", folder.path().join("x.dir")).unwrap();
    symlink("nowhere", folder.path().join("d.stdin")).unwrap();
    let suite = open(folder.path()).unwrap();
    let names: Vec<String> = suite.cases().iter().map(|case| case.name().to_owned()).collect();
    assert_eq!(names, ["a.wasm", "b.wasm", "c.wat", "d.stdin"]);
    assert_eq!(unreadable(&suite).len(), 1);
}

#[test]
fn a_suite_that_is_replaced_while_it_is_read_is_an_error() {
    let folder = folder(&["s/a.wast", "s/d/b.wast", "secret/a.wast", "secret/b.wast"]);
    let s = folder.path().join("s");
    let suite = open(&s).unwrap();
    // A folder of the suite is replaced by a link.
    fs::rename(s.join("d"), s.join("old")).unwrap();
    symlink("../secret", s.join("d")).unwrap();
    let error = suite.scripts()[1].read().unwrap_err().to_string();
    assert!(error.contains("symbolic link leads out of the suite"), "{error}");
    fs::rename(&s, folder.path().join("old")).unwrap();
    symlink("secret", &s).unwrap();
    let error = suite.scripts()[0].read().unwrap_err().to_string();
    assert!(error.ends_with("the suite's folder was replaced during the run"), "{error}");
}

#[test]
fn a_race_of_links_never_leads_out() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = folder(&["s/d/a.wast", "s/g.wasm", "s/g.json", "s/x.dir/e/file", "secret/a.wast"]);
    fs::write(folder.path().join("secret/file"), "secret/file").unwrap();
    let s = folder.path().join("s");
    for (name, to) in [("d.link", "../secret"), ("x.dir/e.link", "../../secret")] {
        symlink(to, s.join(name)).unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for (one, two) in [("d", "d.link"), ("x.dir/e", "x.dir/e.link")] {
                    let cwd = rustix::fs::CWD;
                    let flags = rustix::fs::RenameFlags::EXCHANGE;
                    rustix::fs::renameat_with(cwd, s.join(one), cwd, s.join(two), flags).unwrap();
                }
            }
        });
        let (mut read, mut refused) = (0, 0);
        let root = Root::open(&s).unwrap();
        let Case::Guest(guest) = case_in(root.clone(), "g.wasm") else { panic!("a guest") };
        let Case::Script(script) = case_in(root, "d/a.wast") else { panic!("a script") };
        let (begun, mut rounds) = (Instant::now(), 0);
        // On a slow machine, go on until both outcomes have been seen.
        while rounds < 3000 || i32::min(read, refused) == 0 && begun.elapsed() < Duration::from_secs(60) {
            rounds += 1;
            match script.read() {
                Ok(text) => {
                    assert_eq!(text, "s/d/a.wast");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
            let Ok(tree) = guest.folder("x.dir", &mut Budget::default()) else { continue };
            for (path, entry) in tree.iter() {
                let Entry::File(content) = entry else { continue };
                let mut text = String::new();
                let read = content.open().and_then(|mut file| file.read_to_string(&mut text));
                assert!(read.is_err() || text == "s/x.dir/e/file", "{}: {text}", path.display());
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
    });
}

#[test]
fn a_suite_may_be_thousands_of_folders_deep() {
    let folder = folder(&["a.wast"]);
    // Paths are limited to 4096 bytes: deeper folders are created and removed relative to their
    // parents.
    let depth = 2200;
    let open_dir = |dir: &rustix::fd::OwnedFd, name: &str| {
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOFOLLOW;
        rustix::fs::openat(dir, name, flags, rustix::fs::Mode::empty()).unwrap()
    };
    let mut at = rustix::fd::OwnedFd::from(fs::File::open(folder.path()).unwrap());
    for _ in 0..depth {
        rustix::fs::mkdirat(&at, "d", rustix::fs::Mode::RWXU).unwrap();
        at = open_dir(&at, "d");
    }
    for name in ["deep.wast", "g.json", "g.wat"] {
        let mode = rustix::fs::Mode::RWXU;
        let file =
            rustix::fs::openat(&at, name, rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY, mode)
                .unwrap();
        rustix::io::write(&file, name.as_bytes()).unwrap();
    }
    let suite = open(folder.path()).unwrap();
    let deep: Vec<String> =
        suite.scripts().iter().map(|script| script.read().unwrap().into_owned()).collect();
    let Some(Case::Guest(guest)) = suite.cases().pop() else { panic!("a guest") };
    let module = guest.module(&mut Budget::default()).unwrap();
    let root = std::sync::Arc::new(Root::open(folder.path()).unwrap());
    let tree = Tree::read(&root, &mut Budget::default()).unwrap();
    for name in ["deep.wast", "g.json", "g.wat"] {
        rustix::fs::unlinkat(&at, name, rustix::fs::AtFlags::empty()).unwrap();
    }
    for _ in 0..depth {
        at = open_dir(&at, "..");
        rustix::fs::unlinkat(&at, "d", rustix::fs::AtFlags::REMOVEDIR).unwrap();
    }
    assert_eq!((unreadable(&suite), deep), (vec![], vec!["a.wast".to_owned(), "deep.wast".to_owned()]));
    assert_eq!((&*module, tree.iter().count()), (&b"g.wat"[..], 1 + depth + 3));
}

#[test]
fn the_number_of_linked_folders_is_limited() {
    let folder = folder(&["d0/a.wast"]);
    for level in 0..24 {
        let next = folder.path().join(format!("d{}", level + 1));
        fs::create_dir(&next).unwrap();
        for side in ["left", "right"] {
            symlink(format!("../d{level}"), next.join(side)).unwrap();
        }
    }
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "too many files and folders to list; run a subfolder, or remove links to large folders"
        ),
        "{error}"
    );
}
