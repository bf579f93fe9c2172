//! A map of which most have one entry, or none: for that it takes no memory beside itself.

use litemap::LiteMap;

/// See the module.
#[derive(Debug)]
pub struct Few<K, V>(Entries<K, V>);

#[derive(Debug)]
enum Entries<K, V> {
    One(K, V),
    /// None, or a map that has had more than one.
    Others(Option<Box<LiteMap<K, V>>>),
}

impl<K: Ord, V> Default for Few<K, V> {
    fn default() -> Few<K, V> {
        Few(Entries::Others(None))
    }
}

impl<K: Ord, V> Few<K, V> {
    pub fn len(&self) -> usize {
        match &self.0 {
            Entries::One(..) => 1,
            Entries::Others(None) => 0,
            Entries::Others(Some(map)) => map.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match &mut self.0 {
            Entries::One(only, value) => (only == key).then_some(value),
            Entries::Others(map) => map.as_mut()?.get_mut(key),
        }
    }

    pub fn contains_key(&self, key: &K) -> bool {
        match &self.0 {
            Entries::One(only, _) => only == key,
            Entries::Others(map) => map.as_ref().is_some_and(|map| map.contains_key(key)),
        }
    }

    /// Puts the value there; what was there before, if anything.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match std::mem::replace(&mut self.0, Entries::Others(None)) {
            Entries::Others(None) => {
                self.0 = Entries::One(key, value);
                None
            }
            Entries::One(only, before) if only == key => {
                self.0 = Entries::One(key, value);
                Some(before)
            }
            Entries::One(only, before) => {
                let mut map = LiteMap::with_capacity(2);
                map.insert(only, before);
                map.insert(key, value);
                self.0 = Entries::Others(Some(Box::new(map)));
                None
            }
            Entries::Others(Some(mut map)) => {
                let before = map.insert(key, value);
                self.0 = Entries::Others(Some(map));
                before
            }
        }
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        match std::mem::replace(&mut self.0, Entries::Others(None)) {
            Entries::One(only, value) if only == *key => Some(value),
            Entries::Others(Some(mut map)) => {
                let removed = map.remove(key);
                self.0 = Entries::Others(Some(map).filter(|map| !map.is_empty()));
                removed
            }
            others => {
                self.0 = others;
                None
            }
        }
    }

    /// By key.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        let (one, others) = match &self.0 {
            Entries::One(only, _) => (Some(only), None),
            Entries::Others(map) => (None, map.as_deref()),
        };
        one.into_iter()
            .chain(others.into_iter().flat_map(LiteMap::keys))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_entry_is_as_large_as_itself() {
        assert_eq!(size_of::<Few<Arc<str>, ()>>(), size_of::<Arc<str>>());
    }

    proptest! {
        #[test]
        fn it_does_what_a_map_does(steps in prop::collection::vec((any::<bool>(), 0u8..5, any::<u8>()), 0..40)) {
            let (mut few, mut map) = (Few::default(), BTreeMap::new());
            for (puts, key, value) in steps {
                if puts {
                    prop_assert_eq!(few.insert(key, value), map.insert(key, value));
                } else {
                    prop_assert_eq!(few.remove(&key), map.remove(&key));
                }
                prop_assert_eq!(few.len(), map.len());
                prop_assert_eq!(few.is_empty(), map.is_empty());
                prop_assert_eq!(few.contains_key(&key), map.contains_key(&key));
                prop_assert_eq!(few.get_mut(&key), map.get_mut(&key));
                prop_assert!(few.keys().eq(map.keys()));
            }
        }
    }
}
