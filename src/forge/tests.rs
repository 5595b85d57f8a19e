//! Bundles that somebody made to do harm, and honest ones, against the real git.

use super::flags::check;
use super::git::{Git, init};
use super::incoming::{Incoming, Taken};
use super::rewrite::{COMMITS, Identity};
use super::sandboxed::{HEAD, LEFT};
use crate::domain::refname::is_branch;
use crate::error::Result;
use crate::secrets::Redactor;
use std::path::{Path, PathBuf};

/// A repository that a worker may write anything into, beside the one it began from.
struct Craft {
    root: tempfile::TempDir,
    git: Git,
    base: String,
    tree: String,
}

const DATE: &str = "1700000000 +0000";
const SECRET: &str = "canary-secret-value-1";

impl Craft {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let git = Git::new(&[("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())], None);
        let mut craft = Self { root, git, base: String::new(), tree: String::new() };
        init(&craft.git, &craft.worker()).unwrap();
        let blob = craft.blob(b"hello\n");
        craft.tree = craft.tree(&[("100644", b"a", &blob)]);
        craft.base = craft.commit(&craft.tree, &[], "base");
        let mirror = craft.path("mirror.git");
        init(&craft.git, &mirror).unwrap();
        let (from, spec) =
            (craft.worker().display().to_string(), format!("{}:refs/heads/main", craft.base));
        craft.git.ask(&mirror, &["fetch", "--quiet", &from, &spec]).unwrap();
        craft
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn worker(&self) -> PathBuf {
        self.path("worker.git")
    }

    /// Any object, right or wrong.
    fn object(&self, kind: &str, bytes: &[u8]) -> String {
        let arguments = ["hash-object", "-t", kind, "-w", "--literally", "--stdin"];
        // Nothing at all would be no standard input.
        let done = self.git.run(&self.worker(), &arguments, bytes).unwrap();
        assert!(done.status.success(), "{:?}", done.said());
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    fn blob(&self, bytes: &[u8]) -> String {
        self.object("blob", bytes)
    }

    fn tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut raw = Vec::new();
        for (mode, name, id) in entries {
            raw.extend_from_slice(mode.as_bytes());
            raw.push(b' ');
            raw.extend_from_slice(name);
            raw.push(0);
            raw.extend((0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()));
        }
        self.object("tree", &raw)
    }

    fn commit(&self, tree: &str, parents: &[&str], message: &str) -> String {
        let parents: String = parents.iter().map(|id| format!("parent {id}\n")).collect();
        let by = format!("A <a@b> {DATE}");
        self.object(
            "commit",
            format!("tree {tree}\n{parents}author {by}\ncommitter {by}\n\n{message}\n").as_bytes(),
        )
    }

    /// A commit on the base with one more entry in its tree.
    fn with(&self, mode: &str, name: &[u8], id: &str) -> String {
        let mut entries =
            [("100644", b"a".as_slice(), self.base_blob()), (mode, name, id.to_owned())];
        entries.sort_by(|one, other| one.1.cmp(other.1));
        let entries: Vec<_> =
            entries.iter().map(|(mode, name, id)| (*mode, *name, id.as_str())).collect();
        self.commit(&self.tree(&entries), &[&self.base], "change")
    }

    fn base_blob(&self) -> String {
        self.git.ask_text(&self.worker(), &["rev-parse", &format!("{}:a", self.base)]).unwrap()
    }

    /// Every object that the worker's repository holds.
    fn pack(&self) -> Vec<u8> {
        let all = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"];
        let all = self.git.ask(&self.worker(), &all).unwrap();
        self.git.run(&self.worker(), &["pack-objects", "--stdout", "-q"], &all).unwrap().stdout
    }

    fn bundle(&self, header: &str, pack: &[u8]) -> PathBuf {
        let path = self.path("commits.bundle");
        std::fs::write(&path, [header.as_bytes(), pack].concat()).unwrap();
        path
    }

    fn of(&self, head: &str) -> PathBuf {
        self.bundle(&format!("# v2 git bundle\n-{}\n{head} {HEAD}\n\n", self.base), &self.pack())
    }

    fn take(&self, bundle: &Path) -> Result<Taken> {
        let incoming = Incoming {
            git: &self.git,
            dir: &self.path("session.git"),
            mirror: &self.path("mirror.git"),
            base: &self.base,
            session: "7f3a",
            identity: &Identity::of(None, None),
            redactor: &Redactor::new(&[SECRET]),
        };
        incoming.take(bundle)
    }

    /// What was said, and that nothing but the session's repository was touched.
    fn told(&self, bundle: &Path) -> String {
        let taken = self.take(bundle);
        let mut beside: Vec<String> = std::fs::read_dir(self.root.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        beside.retain(|name| name != "session.git");
        beside.sort();
        assert_eq!(beside, ["commits.bundle", "mirror.git", "worker.git"]);
        let dir = self.path("session.git");
        let refs = if dir.exists() {
            self.git.ask_text(&dir, &["for-each-ref", "--format=%(refname)"]).unwrap()
        } else {
            String::new()
        };
        match taken {
            Err(failed) => {
                assert!(!refs.contains("refs/heads"), "{failed}: {refs}");
                "refused".to_owned()
            }
            Ok(Taken { head: None, .. }) => "nothing".to_owned(),
            Ok(taken) => {
                let failed = taken.checks.iter().filter(|check| !check.passed);
                failed.map(|check| check.name.clone()).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// A name, and what makes the head of it.
type Case = (&'static str, fn(&Craft) -> String, &'static str);

const OBJECTS: [Case; 49] = [
    ("honest", |c| c.with("100644", b"b", &c.blob(b"x")), ""),
    (".git", |c| c.with("100644", b".git", &c.blob(b"x")), "refused"),
    (".GIT", |c| c.with("100644", b".GIT", &c.blob(b"x")), "refused"),
    (
        ".git/config",
        |c| c.with("40000", b".git", &c.tree(&[("100644", b"config", &c.blob(b"x"))])),
        "refused",
    ),
    ("git~1", |c| c.with("100644", b"git~1", &c.blob(b"x")), "refused"),
    ("a joiner in .git", |c| c.with("40000", ".g\u{200c}it".as_bytes(), &c.tree), "refused"),
    (".git and a space", |c| c.with("40000", b".git ", &c.tree), "refused"),
    (".git and a dot", |c| c.with("40000", b".git.", &c.tree), "refused"),
    (".git as a stream", |c| c.with("40000", b".git::$INDEX_ALLOCATION", &c.tree), "refused"),
    ("a backslash to .git", |c| c.with("100644", b"x\\.git\\config", &c.blob(b"x")), "refused"),
    ("a slash", |c| c.with("100644", b"x/y", &c.blob(b"x")), "refused"),
    ("up", |c| c.with("40000", b"..", &c.tree), "refused"),
    ("here", |c| c.with("40000", b".", &c.tree), "refused"),
    ("no name", |c| c.with("100644", b"", &c.blob(b"x")), "refused"),
    ("twice", |c| c.with("100644", b"a", &c.blob(b"x")), "refused"),
    (
        "a file and a folder",
        |c| {
            let blob = c.blob(b"x");
            c.commit(&c.tree(&[("100644", b"a", &blob), ("40000", b"a", &c.tree)]), &[&c.base], "m")
        },
        "refused",
    ),
    (
        "out of order",
        |c| {
            let blob = c.blob(b"x");
            c.commit(&c.tree(&[("100644", b"b", &blob), ("100644", b"a", &blob)]), &[&c.base], "m")
        },
        "refused",
    ),
    ("padded mode", |c| c.with("0100644", b"b", &c.blob(b"x")), "refused"),
    ("no mode", |c| c.with("777777", b"b", &c.blob(b"x")), "submodules"),
    ("the null object", |c| c.with("100644", b"b", &"0".repeat(40)), "refused"),
    ("a missing file", |c| c.with("100644", b"b", &"1".repeat(40)), "refused"),
    ("a missing folder", |c| c.with("40000", b"b", &"1".repeat(40)), "refused"),
    ("a folder that is a file", |c| c.with("40000", b"b", &c.blob(b"x")), "refused"),
    (".gitmodules as a link", |c| c.with("120000", b".gitmodules", &c.blob(b"x")), "refused"),
    (".GITMODULES as a link", |c| c.with("120000", b".GITMODULES", &c.blob(b"x")), "refused"),
    ("gitmod~1 as a link", |c| c.with("120000", b"gitmod~1", &c.blob(b"x")), "refused"),
    (
        "a submodule's address as an option",
        |c| c.with("100644", b".gitmodules", &c.blob(b"[submodule \"a\"]\npath=a\nurl=-u./x\n")),
        "refused",
    ),
    (
        "a submodule's path as an option",
        |c| {
            c.with(
                "100644",
                b".gitmodules",
                &c.blob(b"[submodule \"a\"]\npath=-x\nurl=https://x/y\n"),
            )
        },
        "refused",
    ),
    (
        "a submodule's name upwards",
        |c| {
            c.with(
                "100644",
                b".gitmodules",
                &c.blob(b"[submodule \"../x\"]\npath=a\nurl=https://x/y\n"),
            )
        },
        "refused",
    ),
    (
        "a submodule's command",
        |c| {
            let text = b"[submodule \"a\"]\npath=a\nurl=https://x/y\nupdate=!touch /tmp/x\n";
            c.with("100644", b".gitmodules", &c.blob(text))
        },
        "refused",
    ),
    ("a link out", |c| c.with("120000", b"b", &c.blob(b"/etc/passwd")), "links"),
    ("a link up", |c| c.with("120000", b"b", &c.blob(b"../../x")), "links"),
    ("a submodule", |c| c.with("160000", b"b", &c.base), "submodules"),
    ("attributes", |c| c.with("100644", b".gitattributes", &c.blob(b"* filter=x")), "attributes"),
    ("a new line in a name", |c| c.with("100644", b"b\nc", &c.blob(b"x")), "names"),
    (
        "a name that runs backwards",
        |c| c.with("100644", "b\u{202e}c".as_bytes(), &c.blob(b"x")),
        "names",
    ),
    ("a name of no characters", |c| c.with("100644", b"b\xff\xfe", &c.blob(b"x")), "names"),
    (
        "a workflow",
        |c| {
            let file = c.tree(&[("100644", b"ci.yml", &c.blob(b"x"))]);
            c.with("40000", b".github", &c.tree(&[("40000", b"workflows", &file)]))
        },
        "workflows",
    ),
    (
        "a workflow that is gone again",
        |c| {
            let file = c.tree(&[("100644", b"ci.yml", &c.blob(b"x"))]);
            let first = c.with("40000", b".github", &c.tree(&[("40000", b"workflows", &file)]));
            c.commit(&c.tree, &[&first], "undo")
        },
        "workflows",
    ),
    (
        "a secret",
        |c| c.with("100644", b"b", &c.blob(format!("key={SECRET}").as_bytes())),
        "secrets",
    ),
    (
        "a secret that is gone again",
        |c| {
            let first = c.with("100644", b"b", &c.blob(SECRET.as_bytes()));
            c.commit(&c.tree, &[&first], "undo")
        },
        "secrets",
    ),
    ("a file as the head", |c| c.blob(b"x"), "refused"),
    ("a tree as the head", |c| c.tree.clone(), "refused"),
    (
        "a tag as the head",
        |c| {
            let text =
                format!("object {}\ntype commit\ntag x\ntagger A <a@b> {DATE}\n\nm\n", c.base);
            c.object("tag", text.as_bytes())
        },
        "refused",
    ),
    ("another history", |c| c.commit(&c.tree, &[], "root"), "refused"),
    ("a missing parent", |c| c.commit(&c.tree, &[&"1".repeat(40), &c.base], "m"), "refused"),
    (
        "a commit without an author",
        |c| c.object("commit", format!("tree {}\nparent {}\n\nm\n", c.tree, c.base).as_bytes()),
        "refused",
    ),
    (
        "a commit of another time",
        |c| {
            let by = "A <a@b> 99999999999999999999 +0000";
            let text =
                format!("tree {}\nparent {}\nauthor {by}\ncommitter {by}\n\nm\n", c.tree, c.base);
            c.object("commit", text.as_bytes())
        },
        "refused",
    ),
    (
        "more commits than anybody reads",
        |c| {
            let mut head = c.base.clone();
            for at in 0..=COMMITS {
                head = c.commit(&c.tree, &[&head], &at.to_string());
            }
            head
        },
        "refused",
    ),
];

#[test]
fn objects_that_do_harm() {
    for (name, head, wanted) in OBJECTS {
        let craft = Craft::new();
        let head = head(&craft);
        assert_eq!(craft.told(&craft.of(&head)), wanted, "{name}");
    }
}

#[test]
fn bundles_that_do_harm() {
    let craft = Craft::new();
    let head = craft.with("100644", b"b", &craft.blob(b"x"));
    let base = craft.base.clone();
    let pack = craft.pack();
    let good = format!("# v2 git bundle\n{head} {HEAD}\n\n");
    let header = |lines: &str| format!("# v2 git bundle\n{lines}\n\n");
    let mut flipped = pack.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x40;
    let mut miscounted = pack.clone();
    miscounted[11] = miscounted[11].wrapping_add(1);
    let cases: Vec<(&str, String, Vec<u8>)> = vec![
        ("nothing", String::new(), Vec::new()),
        ("no bundle", "hello\n\n".to_owned(), pack.clone()),
        ("version 1", good.replace("v2", "v1"), pack.clone()),
        (
            "version 3",
            good.replace("v2 git bundle", "v3 git bundle\n@object-format=sha1"),
            pack.clone(),
        ),
        (
            "a filter",
            good.replace("v2 git bundle", "v3 git bundle\n@filter=blob:none"),
            pack.clone(),
        ),
        (
            "an address",
            good.replace("v2 git bundle", "v2 git bundle\n[bundle]\nuri=x"),
            pack.clone(),
        ),
        ("no end", format!("# v2 git bundle\n{head} {HEAD}"), Vec::new()),
        ("a header for ever", header(&format!("-{base}\n").repeat(3_000)), pack.clone()),
        ("another branch", header(&format!("{head} refs/heads/main")), pack.clone()),
        ("HEAD", header(&format!("{head} HEAD")), pack.clone()),
        ("the base", header(&format!("{head} refs/loop/base")), pack.clone()),
        ("a way up", header(&format!("{head} refs/loop/head/../../heads/x")), pack.clone()),
        ("one too many", header(&format!("{head} {HEAD}\n{head} refs/heads/x")), pack.clone()),
        ("half an id", header(&format!("{} {HEAD}", &head[..10])), pack.clone()),
        ("an id in capitals", header(&format!("{} {HEAD}", "A".repeat(40))), pack.clone()),
        ("an option", header(&format!("--output=/tmp/x {HEAD}\n-x y")), pack.clone()),
        ("an id that is not there", header(&format!("{} {HEAD}", "1".repeat(40))), pack.clone()),
        ("no text", String::from("# v2 git bundle\n\u{0}\u{1}\n\n"), pack.clone()),
        ("no pack", good.clone(), Vec::new()),
        ("half a pack", good.clone(), pack[..pack.len() / 2].to_vec()),
        ("a pack that was damaged", good.clone(), flipped),
        ("a pack of another number", good.clone(), miscounted),
        ("a pack and more", good.clone(), [pack.as_slice(), b"more".as_slice()].concat()),
        ("no pack at all", good.clone(), vec![0; 4096]),
        ("before the base", header(&format!("{base} {LEFT}\n{} {HEAD}", craft.tree)), pack.clone()),
    ];
    for (name, header, pack) in cases {
        let bundle = craft.bundle(&header, &pack);
        assert_eq!(craft.told(&bundle), "refused", "{name}");
    }
    let huge = craft.bundle(&good, &pack);
    std::fs::File::options().write(true).open(&huge).unwrap().set_len(300 << 20).unwrap();
    assert_eq!(craft.told(&huge), "refused", "a huge one");
    assert_eq!(craft.told(&craft.bundle(&good, &pack)), "", "and an honest one is taken");
}

#[test]
fn what_was_left_is_a_patch_or_a_commit() {
    let craft = Craft::new();
    let head = craft.with("100644", b"b", &craft.blob(b"x\n"));
    let tree = craft.tree(&[("100644", b"a", &craft.blob(b"changed\n"))]);
    let left = craft.commit(&tree, &[&head], "left");
    let alone = craft.commit(&tree, &[&craft.base], "left");
    let pack = craft.pack();
    let both = format!("# v2 git bundle\n{head} {HEAD}\n{left} {LEFT}\n\n");
    let taken = craft.take(&craft.bundle(&both, &pack)).unwrap();
    let patch = String::from_utf8(taken.patch.unwrap()).unwrap();
    assert!(patch.contains("-hello\n+changed"), "{patch}");
    assert!(taken.checks.iter().any(|check| check.name == "committed"));
    let only = format!("# v2 git bundle\n{alone} {LEFT}\n\n");
    let taken = craft.take(&craft.bundle(&only, &pack)).unwrap();
    assert_eq!((taken.subject.as_str(), taken.patch), ("left", None));
    assert!(taken.checks.contains(&check(
        "committed",
        true,
        "the worker committed nothing; what it changed was committed for it"
    )));
}

/// The commits of a second turn stand on those of the first.
#[test]
fn writing_anew_is_the_same_each_time() {
    let craft = Craft::new();
    let first = craft.with("100644", b"b", &craft.blob(b"x"));
    let one = craft.take(&craft.of(&first)).unwrap().head.unwrap();
    let second = craft.commit(&craft.tree, &[&first], "more\n\nCo-authored-by: X <x@y>");
    let two = craft.take(&craft.of(&second)).unwrap().head.unwrap();
    let parent = craft.git.ask_text(&craft.path("session.git"), &["rev-parse", &format!("{two}^")]);
    assert_eq!(parent.unwrap(), one);
    let text =
        craft.git.ask_text(&craft.path("session.git"), &["cat-file", "commit", &two]).unwrap();
    let wanted = format!("author loop <loop@localhost> {DATE}");
    assert!(text.contains(&wanted) && !text.contains("x@y"), "{text}");
}

/// What names are put together from.
const MIDDLES: [&str; 40] = [
    "",
    "x",
    "-x",
    "upload-pack=touch /tmp/x",
    "output=/tmp/x",
    "exec=sh",
    "..",
    "@{",
    "@{u}",
    "~1",
    "^{commit}",
    ":x",
    "?",
    "*",
    "[a]",
    "\\",
    " ",
    "\n",
    "\0",
    "\u{7f}",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{200b}",
    "$(id)",
    "`id`",
    "|id",
    ";id",
    "&&id",
    "'",
    "\"",
    "<x>",
    "x.lock",
    ".hidden",
    "x.",
    "ext::sh -c id",
    "é",
    "名",
    "{a,b}",
    "%2e%2e",
    "x//y",
];

/// 500 names that somebody made up: what we take for a branch's name, git does too, and it can be no
/// option, range or revision.
#[test]
fn names_of_branches() {
    let starts = ["", "-", "--", "/", ".", "a/", "refs/heads/", "HEAD/", "a..", "@", "a@{"];
    let ends = ["", "/", ".lock"];
    let git = Git::new(&[("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())], None);
    let (mut count, mut good) = (0, Vec::new());
    for start in starts {
        for middle in MIDDLES {
            for end in ends {
                let name = format!("{start}{middle}{end}");
                count += 1;
                if is_branch(&name) {
                    assert!(!name.starts_with('-') && !name.contains("..") && !name.contains('\0'));
                    good.push(name);
                }
            }
        }
    }
    assert!(count > 1_000 && good.len() > 10, "{count} {}", good.len());
    for name in good {
        let full = format!("refs/heads/{name}");
        assert!(git.ask(Path::new("/"), &["check-ref-format", &full]).is_ok(), "{name}");
        assert!(
            git.ask(Path::new("/"), &["check-ref-format", "--branch", &name]).is_ok(),
            "{name}"
        );
    }
}
