//! Work in parts, by as many threads as help. One that wants work done takes part itself and waits for nobody who has not begun:
//! without helpers, as in the terminal and in a page that may not share memory, it does all parts alone. Each number is computed
//! by the same operations in the same order whoever does it, so that a run is the same on any number of threads.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};

/// What all threads are to do at once; it returns when nothing is left.
type Work<'a> = &'a (dyn Fn() + Sync);

struct Pool {
    helpers: AtomicUsize,
    /// Whether one of them has died.
    lost: AtomicBool,
    /// Whether somebody's work is being done. A second thread that comes meanwhile, or a part of a part, does its own alone.
    busy: AtomicBool,
    /// Whether the work may be begun ([`OPEN`]), which one it is, and how many helpers are at it ([`INSIDE`]).
    gate: AtomicU32,
    work: UnsafeCell<Work<'static>>,
    asleep: Mutex<usize>,
    wake: Condvar,
}

// SAFETY: `work` is written by who holds `busy` while the gate is shut and nobody inside, and read inside.
unsafe impl Sync for Pool {}

const OPEN: u32 = 1 << 31;
/// The lowest bits count helpers; the ones between number the work.
const INSIDE: u32 = 0xffff;
const NEXT: u32 = 1 << 16;

/// Looks at the gate before a helper lies down: some tens of microseconds, about as long as waking takes.
const LOOKS: usize = 20_000;

static POOL: Pool = Pool {
    helpers: AtomicUsize::new(0),
    lost: AtomicBool::new(false),
    busy: AtomicBool::new(false),
    gate: AtomicU32::new(0),
    work: UnsafeCell::new(&|| {}),
    asleep: Mutex::new(0),
    wake: Condvar::new(),
};

/// Threads that work: this one and all that help.
pub fn threads() -> usize {
    1 + POOL.helpers.load(SeqCst)
}

/// Lends this thread to the pool, for good.
pub fn help() -> ! {
    POOL.helpers.fetch_add(1, SeqCst);
    let mut done = 0;
    loop {
        let gate = POOL.next(done);
        // One more inside, unless the gate was shut meanwhile.
        if POOL.gate.compare_exchange(gate, gate + 1, SeqCst, SeqCst).is_ok() {
            let inside = Inside;
            // SAFETY: the work stays as it is until everybody is outside again.
            let work = unsafe { *POOL.work.get() };
            work();
            std::mem::forget(inside);
            POOL.gate.fetch_sub(1, SeqCst);
            done = number(gate);
        }
    }
}

/// Says that a helper has died. In a tab nothing else tells: its thread just ends, in the middle of a part.
pub fn lost() {
    POOL.lost.store(true, SeqCst);
}

/// Which work.
fn number(gate: u32) -> u32 {
    gate & !OPEN & !INSIDE
}

/// A helper that panics would leave a hole in the result.
struct Inside;

impl Drop for Inside {
    fn drop(&mut self) {
        std::process::abort();
    }
}

impl Pool {
    /// The gate, open, of other work than `done`.
    fn next(&self, done: u32) -> u32 {
        let open = || Some(self.gate.load(SeqCst)).filter(|&gate| gate & OPEN != 0 && number(gate) != done);
        for _ in 0..LOOKS {
            if let Some(gate) = open() {
                return gate;
            }
            std::hint::spin_loop();
        }
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        *asleep += 1;
        loop {
            if let Some(gate) = open() {
                *asleep -= 1;
                return gate;
            }
            asleep = self.wake.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One that is just lying down may miss the call, and comes to the next. A page's own thread may not wait for a lock.
    fn somebody_sleeps(&self) -> bool {
        self.asleep.try_lock().map_or(true, |asleep| *asleep > 0)
    }

    /// Does `work` on all threads that come; returns when none is at it any more.
    fn together(&self, work: Work) {
        if threads() == 1 || self.busy.swap(true, SeqCst) {
            return work();
        }
        // SAFETY: nobody is inside, and `Opened` waits until nobody is again before `work` ends.
        unsafe { *self.work.get() = std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        let number = number(self.gate.load(SeqCst).wrapping_add(NEXT)).max(NEXT);
        self.gate.store(OPEN | number, SeqCst);
        let opened = Opened(self);
        if self.somebody_sleeps() {
            self.wake.notify_all();
        }
        work();
        drop(opened);
    }
}

/// Shuts the gate and waits for those inside, also where a part of our own has panicked.
struct Opened<'a>(&'a Pool);

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.0.gate.fetch_and(!OPEN, SeqCst);
        while self.0.gate.load(SeqCst) & INSIDE > 0 {
            assert!(!self.0.lost.load(SeqCst), "a helper has died in the middle of a part");
            std::hint::spin_loop();
        }
        self.0.busy.store(false, SeqCst);
    }
}

/// Multiplications that are worth a part: about ten microseconds.
const WORTH: f64 = 262_144.0;

/// Into how many parts to cut so many multiplications: a few for each thread, so that a slow one holds nobody up.
/// They are given as sizes, whose product may be more than 32 bits hold.
pub fn worthwhile(sizes: &[usize]) -> usize {
    let multiplications: f64 = sizes.iter().map(|&n| n as f64).product();
    match threads() {
        1 => 1,
        n => ((multiplications / WORTH) as usize).clamp(1, 4 * n),
    }
}

/// Fewer parts are done sooner alone where helpers have lain down since the last: `gan2d`'s step takes a tenth longer with them.
const WAKING: usize = 4;

/// [`worthwhile`], for work that stands alone: where it is little, it is one part.
pub fn worth_waking(sizes: &[usize]) -> usize {
    Some(worthwhile(sizes)).filter(|&parts| parts >= WAKING).unwrap_or(1)
}

/// Calls `part` with each number below `parts`. Each thread that takes any makes its `room` first.
pub fn each_part<R>(parts: usize, room: impl Fn() -> R + Sync, part: impl Fn(&mut R, usize) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut own = None;
        loop {
            match next.fetch_add(1, SeqCst) {
                i if i < parts => part(own.get_or_insert_with(&room), i),
                _ => return,
            }
        }
    };
    if parts > 1 { POOL.together(&work) } else { work() }
}

/// Calls `part` with each `size` of the values, the last of which may be fewer.
pub fn each_chunk<T: Send, R>(
    values: &mut [T],
    size: usize,
    room: impl Fn() -> R + Sync,
    part: impl Fn(&mut R, usize, &mut [T]) + Sync,
) {
    let (length, all) = (values.len(), Shared(values.as_mut_ptr()));
    each_part(length.div_ceil(size), room, |room, i| {
        let from = i * size;
        // SAFETY: within the values, and no two parts share any.
        let chunk = unsafe { std::slice::from_raw_parts_mut(all.at(from), size.min(length - from)) };
        part(room, i, chunk);
    });
}

/// What threads write to, each at its own places.
#[derive(Clone, Copy)]
struct Shared<T>(*mut T);

// SAFETY: whoever uses it sees to it that no two threads write to one place.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// # Safety
    /// The place is within what was shared.
    unsafe fn at(&self, place: usize) -> *mut T {
        // SAFETY: see above.
        unsafe { self.0.add(place) }
    }
}

/// A matrix that is written to, by several threads if need be: rows at a distance of `stride`.
pub struct Target<'a> {
    values: Shared<f32>,
    length: usize,
    stride: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

impl<'a> Target<'a> {
    pub fn new(values: &'a mut [f32], stride: usize) -> Self {
        Self { values: Shared(values.as_mut_ptr()), length: values.len(), stride, borrowed: PhantomData }
    }

    /// The same from a row and a column on.
    ///
    /// # Safety
    /// No place is written to through two of these at a time.
    pub unsafe fn part(&self, row: usize, col: usize) -> Target<'_> {
        let begin = row * self.stride + col;
        assert!(begin <= self.length, "a part outside of its matrix");
        // SAFETY: just checked.
        let values = Shared(unsafe { self.values.at(begin) });
        Target { values, length: self.length - begin, stride: self.stride, borrowed: PhantomData }
    }

    /// Panics unless so many rows and columns are there.
    pub fn check(&self, [rows, cols]: [usize; 2]) {
        let needed = if rows == 0 { 0 } else { (rows - 1) * self.stride + cols };
        assert!(cols <= self.stride && needed <= self.length, "a matrix of another shape");
    }

    /// Some columns of a row.
    #[inline(always)]
    pub fn row(&mut self, row: usize, col: usize, cols: usize) -> &mut [f32] {
        let begin = row * self.stride + col;
        assert!(begin <= self.length && cols <= self.length - begin, "a row outside of its matrix");
        // SAFETY: just checked.
        unsafe { std::slice::from_raw_parts_mut(self.values.at(begin), cols) }
    }
}
