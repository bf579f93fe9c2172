//! The house rules that a compiler does not hold: which part may know which, and who alone may use a
//! library. In test builds only.

use std::fs;
use std::path::{Path, PathBuf};

/// Parts of the library, and the parts each may use. Arrows only downwards.
const MAY_USE: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("private_file", &[]),
    ("listen", &[]),
    ("client", &["protocol"]),
    ("node", &["listen", "protocol"]),
    ("tui", &["private_file", "client", "protocol"]),
    ("web", &["listen", "client", "protocol"]),
    (
        "cli",
        &["private_file", "node", "tui", "web", "client", "protocol"],
    ),
    ("bin", &["cli", "node", "tui", "web", "client", "protocol"]),
];

/// Libraries, and the only folders whose files may name them.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("rusqlite::", &["src/node/store/"]),
    ("axum::", &["src/web/"]),
    ("tungstenite::", &["src/web/ws/"]),
    ("ratatui::", &["src/tui/"]),
    ("crossterm::", &["src/tui/"]),
    // The gossip's transport is a trait of `chitchat` that fails with it.
    ("anyhow::", &["src/bin/", "src/node/cluster/membership/"]),
    ("chitchat::", &["src/node/cluster/membership/"]),
];

/// Of the node, what an engine must not name: it has the node by its handle alone.
const BEHIND_THE_SEAM: &[&str] = &[
    "node::handle",
    "node::people",
    "node::presence",
    "node::shared",
    "node::stats",
];

/// The file that says which engine a node has when nobody names another.
const CHOOSES_THE_ENGINE: &str = "src/node/mod.rs";

/// What `protocol` must never name: it is plain data.
const NOT_IN_PROTOCOL: &[&str] = &[
    "tokio::",
    "std::net::Tcp",
    "std::fs",
    "SystemTime::now",
    "Instant::now",
];

/// Tests of `protocol` that hold files of the repository to the code.
const READS_FILES: &[&str] = &[
    "src/protocol/documented.rs",
    "src/protocol/golden.rs",
    "src/protocol/typescript.rs",
];

#[test]
fn parts_use_only_what_stands_below_them() {
    for file in sources() {
        let text = code_of(&file);
        let Some((_, allowed)) = MAY_USE.iter().find(|(part, _)| in_part(&file, part)) else {
            continue;
        };
        let own = file
            .components()
            .nth(1)
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        for (other, _) in MAY_USE {
            let named = text.contains(&format!("crate::{other}::"))
                || text.contains(&format!("chat::{other}::"));
            let ok = own.trim_end_matches(".rs") == *other || allowed.contains(other);
            assert!(
                !named || ok,
                "{} uses {other}, which does not stand below it",
                file.display()
            );
        }
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    for file in sources() {
        let text = code_of(&file);
        let path = file.to_string_lossy().into_owned();
        for (library, folders) in ONLY_IN {
            let ok = folders.iter().any(|folder| path.starts_with(folder));
            assert!(ok || !text.contains(library), "{path} names {library}");
        }
        if path.starts_with("src/protocol/") && !READS_FILES.contains(&path.as_str()) {
            for banned in NOT_IN_PROTOCOL {
                assert!(!text.contains(banned), "{path} names {banned}");
            }
        }
    }
}

#[test]
fn the_node_and_the_mesh_meet_at_the_seam_only() {
    for file in sources() {
        let (text, path) = (code_of(&file), file.to_string_lossy().into_owned());
        if path.starts_with("src/node/cluster/") {
            for hidden in BEHIND_THE_SEAM {
                assert!(!text.contains(hidden), "{path} names {hidden}");
            }
        } else if path.starts_with("src/node/") && path != CHOOSES_THE_ENGINE {
            assert!(!text.contains("cluster::"), "{path} names the mesh");
        }
    }
}

#[test]
fn every_file_can_be_read_in_one_sitting() {
    for file in sources() {
        let lines = fs::read_to_string(root().join(&file))
            .unwrap()
            .lines()
            .count();
        assert!(
            lines <= LINES_MAX,
            "{} has {lines} lines: split it by topic",
            file.display()
        );
    }
}

/// Lines of a source file, its tests counted.
const LINES_MAX: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn in_part(file: &Path, part: &str) -> bool {
    file.starts_with(format!("src/{part}")) || file == Path::new(&format!("src/{part}.rs"))
}

/// The file without its comments, so that documentation may name what code may not.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// All Rust files under `src`, by their path from the repository's root; this one not counted.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("house.rs") {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
