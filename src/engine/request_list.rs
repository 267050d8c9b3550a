//! A background thread that works through a list of requests, which can be replaced at any time.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::ticket::{Asked, Ticket};
use super::wake::Wake;
use crate::runtime::cores;

/// Handle of a thread that makes a `V` for each request `K` of a list, one at a time.
///
/// When the handle is dropped, the thread ends after the current request at the latest.
#[derive(Debug)]
pub struct RequestList<K, V> {
    requests: Arc<RequestQueue<K>>,
    ready: Receiver<(K, V)>,
}

/// The list of requests, which the window writes and the thread reads.
#[derive(Debug)]
struct RequestQueue<K> {
    list: Mutex<List<K>>,
    changed: Condvar,
}

#[derive(Debug)]
struct List<K> {
    /// Requests that are not started; the most important is first.
    waiting: VecDeque<K>,
    /// The request in progress.
    begun: Option<(K, Asked)>,
    /// Finished requests whose values the window has not taken yet.
    made: Vec<K>,
    /// Whether the handle was dropped.
    closed: bool,
}

impl<K: Clone + PartialEq + Send + 'static, V: Send + 'static> RequestList<K, V> {
    /// Starts the thread with a name. `wake` is called after each value; the thread pauses while `most_ready` values
    /// have not been taken.
    ///
    /// `make` gets a request and a ticket that shows whether the request is still on the list. If it is not, `make` may
    /// give up and return `None`; the request then counts as not started.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(
        name: &str,
        most_ready: usize,
        wake: Wake,
        make: impl Fn(&K, &Ticket) -> Option<V> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, ready) = bounded(most_ready);
        let requests = Arc::new(RequestQueue {
            list: Mutex::new(List {
                waiting: VecDeque::new(),
                begun: None,
                made: Vec::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let of_thread = requests.clone();
        Builder::new()
            .name(name.into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || work(&of_thread, &sender, &wake, make))?;
        Ok(Self { requests, ready })
    }

    /// Replaces the list of requests; the most important comes first.
    ///
    /// A request that is no longer on the list is not started; if it is in progress, its ticket is withdrawn. A request
    /// that is in progress, or finished but not taken, is not started again.
    pub fn want(&self, keys: Vec<K>) {
        let mut list = self.requests.lock();
        let List {
            waiting, begun, made, ..
        } = &mut *list;
        if let Some((key, asked)) = begun
            && !keys.contains(key)
        {
            asked.cancel();
        }
        // A withdrawn request may be given up at any moment, so if it is wanted again, it is queued again.
        let being_made = begun.as_ref().filter(|(_, asked)| asked.ticket().is_wanted());
        let being_made = being_made.map(|(key, _)| key);
        waiting.clear();
        waiting.extend(
            keys.into_iter()
                .filter(|key| being_made != Some(key) && !made.contains(key)),
        );
        self.requests.changed.notify_one();
    }

    /// The next finished request with its value, if there is one.
    pub fn poll(&self) -> Option<(K, V)> {
        let (key, value) = self.ready.try_recv().ok()?;
        self.requests.lock().made.retain(|made| *made != key);
        Some((key, value))
    }
}

impl<K, V> Drop for RequestList<K, V> {
    fn drop(&mut self) {
        let mut list = self.requests.lock();
        list.closed = true;
        // This withdraws its ticket.
        list.begun = None;
        drop(list);
        self.requests.changed.notify_one();
    }
}

impl<K> RequestQueue<K> {
    fn lock(&self) -> MutexGuard<'_, List<K>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + PartialEq> RequestQueue<K> {
    /// Waits for the next request; `None` when the handle was dropped.
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

    /// Ends the request in progress, which was either finished (`made`) or given up.
    fn end(&self, made: bool) {
        let mut list = self.lock();
        let Some((key, _)) = list.begun.take() else { return };
        if made {
            // The same request may be on the list twice, or may have been added again.
            list.waiting.retain(|other| *other != key);
            list.made.push(key);
        }
    }
}

fn work<K: Clone + PartialEq, V>(
    requests: &RequestQueue<K>,
    ready: &Sender<(K, V)>,
    wake: &Wake,
    make: impl Fn(&K, &Ticket) -> Option<V>,
) {
    while let Some((key, ticket)) = requests.next() {
        let made = make(&key, &ticket);
        requests.end(made.is_some());
        let Some(value) = made else { continue };
        // Waits while the channel is full, and fails when the handle was dropped.
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

    /// A list whose thread reports each request that it starts, and finishes it only on demand.
    struct Held {
        list: RequestList<u32, u32>,
        begun: Receiver<(u32, Ticket)>,
        keep_going: Sender<()>,
    }

    /// With `gives_up`, requests that are no longer wanted are given up.
    fn held(gives_up: bool) -> Held {
        let (say, begun) = channel();
        let (keep_going, may_go_on) = channel();
        let make = move |key: &u32, ticket: &Ticket| {
            say.send((*key, ticket.clone())).ok();
            may_go_on.recv().ok();
            (!gives_up || ticket.is_wanted()).then_some(10 * key)
        };
        Held {
            list: RequestList::start("requests of a test", 8, Box::new(|| ()), make).expect("a thread"),
            begun,
            keep_going,
        }
    }

    impl Held {
        fn begun(&self) -> (u32, Ticket) {
            self.begun.recv_timeout(Duration::from_secs(60)).expect("a request")
        }

        fn finish(&self) {
            self.keep_going.send(()).expect("a thread");
        }

        fn made(&self) -> (u32, u32) {
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                if let Some(made) = self.list.poll() {
                    return made;
                }
                assert!(Instant::now() < deadline, "no value arrives");
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    #[test]
    fn requests_removed_from_the_list_are_dropped() {
        let held = held(true);
        held.list.want(vec![1, 2, 3]);
        let (first, ticket) = held.begun();
        assert_eq!(first, 1);
        held.list.want(vec![3, 4]);
        assert!(!ticket.is_wanted());
        held.finish();
        // Neither 1, which is given up, nor 2, which is never started.
        for key in [3, 4] {
            assert_eq!(held.begun().0, key);
            held.finish();
            assert_eq!(held.made(), (key, 10 * key));
        }
    }

    #[test]
    fn repeated_requests_are_started_once() {
        let held = held(true);
        held.list.want(vec![1, 1, 2]);
        let (_, ticket) = held.begun();
        held.list.want(vec![2, 1]);
        assert!(ticket.is_wanted());
        held.finish();
        assert_eq!(held.begun().0, 2);
        // Finished, but not taken.
        held.list.want(vec![1, 2, 3]);
        held.finish();
        assert_eq!(held.begun().0, 3);
        held.finish();
        assert_eq!([held.made().0, held.made().0, held.made().0], [1, 2, 3]);
        held.list.want(vec![1]);
        assert_eq!(held.begun().0, 1, "a taken request can be made again");
        held.finish();
    }

    #[test]
    fn given_up_request_is_started_again_when_requested_again() {
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
    fn withdrawn_but_finished_request_is_not_started_again() {
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
    fn dropping_the_handle_withdraws_the_request_in_progress() {
        let held = held(true);
        held.list.want(vec![1, 2]);
        let (_, ticket) = held.begun();
        let Held {
            list,
            begun,
            keep_going,
        } = held;
        drop(list);
        assert!(!ticket.is_wanted());
        keep_going.send(()).expect("a thread");
        assert!(
            begun.recv_timeout(Duration::from_secs(60)).is_err(),
            "no further request is started"
        );
    }
}
