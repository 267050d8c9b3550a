//! A thread that makes what is on a list, which may become another list at any time.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::ticket::{Asked, Ticket};
use super::wake::Wake;
use crate::runtime::cores;

/// A thread that makes a `V` for each wish `K` of a list, one at a time. It ends with this handle, at the latest after
/// what it is at.
#[derive(Debug)]
pub struct WishList<K, V> {
    wishes: Arc<Wishes<K>>,
    ready: Receiver<(K, V)>,
}

/// What is wanted; the window writes it and the thread waits for it.
#[derive(Debug)]
struct Wishes<K> {
    list: Mutex<List<K>>,
    changed: Condvar,
}

#[derive(Debug)]
struct List<K> {
    /// Not begun, the most wanted first.
    waiting: VecDeque<K>,
    /// What the thread is at.
    begun: Option<(K, Asked)>,
    /// Made, and not taken by the window yet.
    made: Vec<K>,
    /// The window is gone.
    closed: bool,
}

impl<K: Clone + PartialEq + Send + 'static, V: Send + 'static> WishList<K, V> {
    /// Starts the thread under a name. `wake` is called after each wish that is made; the thread waits while `most_ready`
    /// of them are not taken.
    ///
    /// `make` gets a wish with a ticket that tells whether it is still on the list. It may give up and return `None` when
    /// it is not; the wish counts as not begun then.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        name: &str,
        most_ready: usize,
        wake: Wake,
        make: impl Fn(&K, &Ticket) -> Option<V> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, ready) = bounded(most_ready);
        let wishes = Arc::new(Wishes {
            list: Mutex::new(List {
                waiting: VecDeque::new(),
                begun: None,
                made: Vec::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let of_thread = wishes.clone();
        Builder::new()
            .name(name.into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || work(&of_thread, &sender, &wake, make))?;
        Ok(Self { wishes, ready })
    }

    /// Replaces the whole list of what is wanted, the most wanted first. What is not on it any more is not begun, and the
    /// ticket of what is being made is withdrawn. What is being made, or made and not taken, is not begun again.
    pub fn want(&self, keys: Vec<K>) {
        let mut list = self.wishes.lock();
        let List {
            waiting, begun, made, ..
        } = &mut *list;
        if let Some((key, asked)) = begun
            && !keys.contains(key)
        {
            asked.cancel();
        }
        // What was withdrawn once may be given up at any moment, so it waits for another turn.
        let being_made = begun.as_ref().filter(|(_, asked)| asked.ticket().is_wanted());
        let being_made = being_made.map(|(key, _)| key);
        waiting.clear();
        waiting.extend(
            keys.into_iter()
                .filter(|key| being_made != Some(key) && !made.contains(key)),
        );
        self.wishes.changed.notify_one();
    }

    /// The next wish that was made, if there is one, with what was made of it.
    pub fn poll(&self) -> Option<(K, V)> {
        let (key, value) = self.ready.try_recv().ok()?;
        self.wishes.lock().made.retain(|made| *made != key);
        Some((key, value))
    }
}

impl<K, V> Drop for WishList<K, V> {
    fn drop(&mut self) {
        let mut list = self.wishes.lock();
        list.closed = true;
        // Withdraws its ticket.
        list.begun = None;
        drop(list);
        self.wishes.changed.notify_one();
    }
}

impl<K> Wishes<K> {
    fn lock(&self) -> MutexGuard<'_, List<K>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + PartialEq> Wishes<K> {
    /// Waits for the next wish; `None` when the window is gone.
    fn next(&self) -> Option<(K, Ticket)> {
        let mut list = self.lock();
        loop {
            if list.closed {
                return None;
            }
            if let Some(key) = list.waiting.pop_front() {
                let asked = Asked::new();
                let ticket = asked.ticket();
                list.begun = Some((key.clone(), asked));
                return Some((key, ticket));
            }
            list = self.changed.wait(list).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends what was begun, made or given up.
    fn end(&self, made: bool) {
        let mut list = self.lock();
        let Some((key, _)) = list.begun.take() else { return };
        if made {
            // The same one may be on the list twice, or again.
            list.waiting.retain(|other| *other != key);
            list.made.push(key);
        }
    }
}

fn work<K: Clone + PartialEq, V>(
    wishes: &Wishes<K>,
    ready: &Sender<(K, V)>,
    wake: &Wake,
    make: impl Fn(&K, &Ticket) -> Option<V>,
) {
    while let Some((key, ticket)) = wishes.next() {
        let made = make(&key, &ticket);
        wishes.end(made.is_some());
        let Some(value) = made else { continue };
        // Waits while the window is behind, and fails when it is gone.
        if ready.send((key, value)).is_err() {
            return;
        }
        wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// A list whose thread says what it begins, and waits for a word before it is done.
    struct Held {
        list: WishList<u32, u32>,
        begun: Receiver<(u32, Ticket)>,
        go_on: Sender<()>,
    }

    /// With `gives_up`, what is not wanted any more is not made.
    fn held(gives_up: bool) -> Held {
        let (say, begun) = channel();
        let (go_on, may_go_on) = channel();
        let make = move |key: &u32, ticket: &Ticket| {
            say.send((*key, ticket.clone())).ok();
            may_go_on.recv().ok();
            (!gives_up || ticket.is_wanted()).then_some(10 * key)
        };
        Held {
            list: WishList::start("wishes of a test", 8, Box::new(|| ()), make).expect("a thread"),
            begun,
            go_on,
        }
    }

    impl Held {
        fn begun(&self) -> (u32, Ticket) {
            self.begun.recv_timeout(Duration::from_secs(60)).expect("a wish")
        }

        fn finish(&self) {
            self.go_on.send(()).expect("a thread");
        }

        fn made(&self) -> (u32, u32) {
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                if let Some(made) = self.list.poll() {
                    return made;
                }
                assert!(Instant::now() < deadline, "nothing is made");
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    #[test]
    fn what_is_not_on_the_list_any_more_is_dropped() {
        let held = held(true);
        held.list.want(vec![1, 2, 3]);
        let (first, ticket) = held.begun();
        assert_eq!(first, 1);
        held.list.want(vec![3, 4]);
        assert!(!ticket.is_wanted());
        held.finish();
        // Neither 1, which is given up, nor 2, which is never begun.
        for key in [3, 4] {
            assert_eq!(held.begun().0, key);
            held.finish();
            assert_eq!(held.made(), (key, 10 * key));
        }
    }

    #[test]
    fn what_is_wanted_twice_or_still_is_begun_once() {
        let held = held(true);
        held.list.want(vec![1, 1, 2]);
        let (_, ticket) = held.begun();
        held.list.want(vec![2, 1]);
        assert!(ticket.is_wanted());
        held.finish();
        assert_eq!(held.begun().0, 2);
        // Made, and not taken.
        held.list.want(vec![1, 2, 3]);
        held.finish();
        assert_eq!(held.begun().0, 3);
        held.finish();
        assert_eq!([held.made().0, held.made().0, held.made().0], [1, 2, 3]);
        held.list.want(vec![1]);
        assert_eq!(held.begun().0, 1, "what was taken can be wanted again");
        held.finish();
    }

    #[test]
    fn what_is_given_up_and_wanted_again_is_begun_again() {
        let held = held(true);
        held.list.want(vec![1]);
        let (_, ticket) = held.begun();
        held.list.want(vec![]);
        held.list.want(vec![1]);
        assert!(!ticket.is_wanted());
        held.finish();
        assert_eq!(held.begun().0, 1);
        held.finish();
        assert_eq!(held.made(), (1, 10));
    }

    #[test]
    fn what_is_made_all_the_same_is_not_made_again() {
        let held = held(false);
        held.list.want(vec![1]);
        held.begun();
        held.list.want(vec![]);
        held.list.want(vec![1, 2]);
        held.finish();
        assert_eq!(held.begun().0, 2);
        held.finish();
        assert_eq!([held.made().0, held.made().0], [1, 2]);
    }

    #[test]
    fn dropping_the_list_withdraws_what_is_being_made() {
        let held = held(true);
        held.list.want(vec![1, 2]);
        let (_, ticket) = held.begun();
        let Held { list, begun, go_on } = held;
        drop(list);
        assert!(!ticket.is_wanted());
        go_on.send(()).expect("a thread");
        assert!(
            begun.recv_timeout(Duration::from_secs(60)).is_err(),
            "nothing more is begun"
        );
    }
}
