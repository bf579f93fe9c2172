//! How many connections are open from where.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections open, by address. Its clones are one count.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place in the count; given back when dropped.
#[derive(Debug)]
pub struct Counted {
    counts: Counts,
    /// An IPv4 address is one, whichever way it came.
    pub address: IpAddr,
}

impl Counts {
    /// One more from this address, if it has less than `max`.
    pub fn enter(&self, address: IpAddr, max: usize) -> Option<Counted> {
        let address = address.to_canonical();
        let mut by_address = self.lock();
        let count = by_address.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        let counts = self.clone();
        Some(Counted { counts, address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut by_address = self.counts.lock();
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_an_address_are_given_back() {
        let counts = Counts::default();
        let address = IpAddr::from([10, 0, 0, 1]);
        let first = counts.enter(address, 2);
        let second = counts.enter(address, 2);
        assert!(first.is_some() && second.is_some());
        assert!(counts.enter(address, 2).is_none());
        drop(first);
        let third = counts.enter(address, 2);
        assert!(third.is_some());
        drop((second, third));
        assert!(counts.lock().is_empty());
    }

    #[test]
    fn an_ipv4_address_is_one_whichever_way_it_came() {
        let counts = Counts::default();
        let plain = IpAddr::from([10, 0, 0, 1]);
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        let _first = counts.enter(plain, 1).unwrap();
        assert!(counts.enter(mapped, 1).is_none());
    }
}
