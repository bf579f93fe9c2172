//! A node's disk: an ext4 in a file, so that its power can be cut.
//!
//! What the node has not made the file system write is in memory only, and not in the file. A copy of
//! the file is the disk as a power cut would leave it: all that the disk was told to write, and nothing
//! of what was still to be told. (That the disk itself forgets what it was told is not modelled.)

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

use crate::shell;

/// Bytes of a disk beside what is written to it: the write-ahead log, indices, the file system's own.
const DISK_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes that a thing written takes, amply.
const OP_BYTES: u64 = 4 * 1024;
/// How long a disk may go on writing after its node has stopped.
const QUIET_DEADLINE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// A file that leaves no room for others.
const FILLER: &str = "filler";

#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    mounted_at: PathBuf,
}

impl Disk {
    /// Makes and mounts an empty one.
    pub fn make(folder: &Path, name: &str, ops: u64) -> Result<Disk> {
        let disk = Disk {
            image: folder.join(format!("{name}.disk")),
            mounted_at: folder.join(name),
        };
        let file = std::fs::File::create(&disk.image)?;
        file.set_len(DISK_BYTES + ops * OP_BYTES)?;
        drop(file);
        // Nothing is left to be set up in the background: the disk is quiet when its node is.
        let image = path(&disk.image);
        let lazy = "lazy_itable_init=0,lazy_journal_init=0";
        shell::line(&format!("mkfs.ext4 -q -m 0 -J size=8 -E {lazy} {image}"))?;
        std::fs::create_dir_all(&disk.mounted_at)?;
        disk.mount()?;
        Ok(disk)
    }

    /// The node's data folder.
    pub fn data(&self) -> PathBuf {
        self.mounted_at.join("data")
    }

    pub fn mount(&self) -> Result<()> {
        let (image, at) = (path(&self.image), path(&self.mounted_at));
        shell::line(&format!("mount -o loop,noatime {image} {at}")).map(|_| ())
    }

    pub fn unmount(&self) -> Result<()> {
        shell::line(&format!("umount {}", path(&self.mounted_at))).map(|_| ())
    }

    /// A copy of what is on the disk at this moment; its node stands still. Background writing may go
    /// on, and a copy with the end of it and not the beginning is none that a power cut makes: so it
    /// is made again until nothing was written meanwhile.
    pub async fn copy_as_cut(&self, to: &str) -> Result<PathBuf> {
        let copy = self.image.with_extension(to);
        let deadline = Instant::now() + QUIET_DEADLINE;
        while Instant::now() < deadline {
            let before = self.written()?;
            if before.in_flight == 0 {
                self.copy_image(&copy)?;
                if self.written()? == before {
                    return Ok(copy);
                }
            }
            sleep(LOOK).await;
        }
        bail!("{} goes on writing", self.image.display())
    }

    /// A copy of an unmounted disk.
    pub fn copy_image(&self, copy: &Path) -> Result<()> {
        shell::line(&format!(
            "cp --sparse=always {} {}",
            path(&self.image),
            path(copy)
        ))
        .map(|_| ())
    }

    pub fn copy_name(&self, to: &str) -> PathBuf {
        self.image.with_extension(to)
    }

    /// From now on the disk is that copy. It is unmounted before and mounted after.
    pub fn become_copy(&self, copy: &Path) -> Result<()> {
        self.unmount()?;
        std::fs::rename(copy, &self.image)?;
        self.mount()
    }

    /// Leaves no block free.
    pub fn fill(&self) -> Result<()> {
        let filler = self.mounted_at.join(FILLER);
        // What cannot be had in one piece is had in smaller ones.
        let mut piece = DISK_BYTES;
        let mut length: u64 = 0;
        while piece >= 4096 {
            let words = format!("fallocate -o {length} -l {piece} {}", path(&filler));
            if shell::line(&words).is_ok() {
                length += piece;
            } else {
                length = std::fs::metadata(&filler).map_or(0, |file| file.len());
                length = length.next_multiple_of(4096);
                piece /= 2;
            }
        }
        Ok(())
    }

    pub fn make_room(&self) -> Result<()> {
        std::fs::remove_file(self.mounted_at.join(FILLER)).context("removing the filler")
    }

    /// What the disk's device was told to write so far.
    fn written(&self) -> Result<Written> {
        let device = shell::line(&format!("findmnt -n -o SOURCE {}", path(&self.mounted_at)))?;
        let device = device
            .trim()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let stat = std::fs::read_to_string(format!("/sys/block/{device}/stat"))?;
        let figures: Vec<u64> = stat
            .split_whitespace()
            .filter_map(|figure| figure.parse().ok())
            .collect();
        // The fields of Documentation/block/stat.rst.
        match figures[..] {
            [_, _, _, _, writes, _, sectors, _, in_flight, ..] => Ok(Written {
                writes,
                sectors,
                in_flight,
            }),
            _ => bail!("/sys/block/{device}/stat says {stat:?}"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Written {
    writes: u64,
    sectors: u64,
    in_flight: u64,
}

/// The run's folder has no blanks in its name.
fn path(path: &Path) -> String {
    path.display().to_string()
}
