//! What a run needs of the machine, and what of it is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TOOLS: [&str; 10] = [
    "ip",
    "nft",
    "losetup",
    "findmnt",
    "mount",
    "mkfs.ext4",
    "fallocate",
    "cp",
    "unshare",
    "nsenter",
];

/// Where libraries of Debian's packages are.
const LIBRARIES: &str = "/usr/lib";

/// Libraries that stand between a node and the system.
#[derive(Clone, Debug, Default)]
pub struct Preloads {
    /// Makes a clock wrong.
    pub faketime: PathBuf,
    /// Makes a disk that does not wait.
    pub eatmydata: PathBuf,
}

/// What is missing, each with a word on where to get it.
pub fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    let root = output("id", &["-u"]).is_some_and(|uid| uid.trim() == "0");
    if !root {
        missing.push("root".to_owned());
    }
    for tool in TOOLS {
        if !is_tool(tool) {
            missing.push(tool.to_owned());
        }
    }
    let preloads = preloads();
    if preloads.faketime.as_os_str().is_empty() {
        missing.push("libfaketime".to_owned());
    }
    if preloads.eatmydata.as_os_str().is_empty() {
        missing.push("libeatmydata1".to_owned());
    }
    if missing.is_empty()
        && output("unshare", &["--net", "--mount", "--pid", "--fork", "true"]).is_none()
    {
        missing.push("the right to make namespaces".to_owned());
    }
    if missing.is_empty() && !Path::new("/dev/loop-control").exists() {
        missing.push("loop devices".to_owned());
    }
    missing
}

pub fn preloads() -> Preloads {
    Preloads {
        faketime: library("faketime/libfaketimeMT.so.1"),
        eatmydata: library("libeatmydata.so.1"),
    }
}

/// In the folder of whatever kind of processor this is.
fn library(name: &str) -> PathBuf {
    let folders = std::fs::read_dir(LIBRARIES).into_iter().flatten().flatten();
    let mut paths = folders.map(|folder| folder.path().join(name));
    paths.find(|path| path.exists()).unwrap_or_default()
}

fn is_tool(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(more)
        .any(|folder| folder.join(name).exists())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    let output = command
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}
