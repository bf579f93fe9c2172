//! The browser's types of the server's frames, made from ours; in test builds only. A test holds the
//! committed file to what the sources make; with `CHAT_BLESS=1` it writes the file instead.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use ts_rs::{Config, TS, TypeVisitor};

use super::server::ServerFrame;

const PATH: &str = "web/src/protocol/generated.ts";

/// Declarations by name, so that the file does not depend on the order of visiting.
struct Declarations<'a> {
    config: &'a Config,
    seen: HashSet<TypeId>,
    by_name: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        // What has no path of its own is built in: numbers, strings, lists.
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            let text = format!("{docs}export {}\n", T::decl(self.config));
            self.by_name.insert(T::ident(self.config), text);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

fn generated() -> String {
    let config = Config::new().with_large_int("number");
    let mut all = Declarations {
        config: &config,
        seen: HashSet::new(),
        by_name: BTreeMap::new(),
    };
    all.visit::<ServerFrame>();
    let head =
        "// Made from src/protocol by `CHAT_BLESS=1 cargo test typescript`. Not to be edited.\n";
    let body: Vec<String> = all.by_name.into_values().collect();
    format!("{head}\n{}", body.join("\n"))
}

#[test]
fn the_browsers_types_are_what_the_sources_make() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PATH);
    let made = generated();
    if std::env::var_os("CHAT_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "{PATH} is out of date: CHAT_BLESS=1 cargo test typescript"
    );
}
