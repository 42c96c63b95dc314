//! A thread pool: work is divided into parts, which the calling thread and all helpers take in turn. Without helpers, as in the terminal
//! and in a page that may not share memory, the caller does all parts. Each number is computed by the same operations in the same
//! order on whichever thread, so that a run is the same on any number of threads.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};

/// A closure that each thread runs; it returns when no part is left.
type Work<'a> = &'a (dyn Fn() + Sync);

struct Pool {
    helpers: AtomicUsize,
    /// Whether a helper has died.
    lost: AtomicBool,
    /// Whether work is in progress. A second caller, or a part that is itself divided, then runs on its own thread.
    busy: AtomicBool,
    /// Whether helpers may begin ([`OPEN`]), the number of the work, and how many helpers are inside ([`INSIDE`]).
    gate: AtomicU32,
    work: UnsafeCell<Work<'static>>,
    asleep: Mutex<usize>,
    wake: Condvar,
}

// SAFETY: `work` is written by the thread that holds `busy`, while the gate is closed and no helper is inside, and read inside.
unsafe impl Sync for Pool {}

const OPEN: u32 = 1 << 31;
/// The low bits count helpers; the bits between number the work.
const INSIDE: u32 = 0xffff;
const NEXT: u32 = 1 << 16;

/// Polls of the gate before a helper goes to sleep: some tens of microseconds, about as long as waking takes.
const SPINS: usize = 20_000;

static POOL: Pool = Pool {
    helpers: AtomicUsize::new(0),
    lost: AtomicBool::new(false),
    busy: AtomicBool::new(false),
    gate: AtomicU32::new(0),
    work: UnsafeCell::new(&|| {}),
    asleep: Mutex::new(0),
    wake: Condvar::new(),
};

/// Threads in the pool: this one and all helpers.
pub fn threads() -> usize {
    1 + POOL.helpers.load(SeqCst)
}

/// Makes this thread a helper; it does not return.
pub fn help() -> ! {
    POOL.helpers.fetch_add(1, SeqCst);
    let mut done = 0;
    loop {
        let gate = POOL.next(done);
        // One more inside, unless the gate was closed meanwhile.
        if POOL.gate.compare_exchange(gate, gate + 1, SeqCst, SeqCst).is_ok() {
            let inside = Inside;
            // SAFETY: the work is not changed until every helper has left.
            let work = unsafe { *POOL.work.get() };
            work();
            std::mem::forget(inside);
            POOL.gate.fetch_sub(1, SeqCst);
            done = number(gate);
        }
    }
}

/// Reports that a helper has died. In a tab nothing else does: the thread just ends, in the middle of a part.
pub fn lost() {
    POOL.lost.store(true, SeqCst);
}

/// The number of the work.
fn number(gate: u32) -> u32 {
    gate & !OPEN & !INSIDE
}

/// Aborts where a helper panics: its part of the result would be missing.
struct Inside;

impl Drop for Inside {
    fn drop(&mut self) {
        std::process::abort();
    }
}

impl Pool {
    /// Waits until the gate is open for other work than `done`.
    fn next(&self, done: u32) -> u32 {
        let open = || Some(self.gate.load(SeqCst)).filter(|&gate| gate & OPEN != 0 && number(gate) != done);
        for _ in 0..SPINS {
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

    /// A helper that is just falling asleep may miss the call and takes part in the next work. A page's main thread may not wait for a lock.
    fn any_asleep(&self) -> bool {
        self.asleep.try_lock().map_or(true, |asleep| *asleep > 0)
    }

    /// Runs `work` on this thread and all helpers that come; returns when all have finished.
    fn run(&self, work: Work) {
        if threads() == 1 || self.busy.swap(true, SeqCst) {
            return work();
        }
        // SAFETY: no helper is inside, and `GateGuard` waits until none is before `work` ends.
        unsafe { *self.work.get() = std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        let number = number(self.gate.load(SeqCst).wrapping_add(NEXT)).max(NEXT);
        self.gate.store(OPEN | number, SeqCst);
        let opened = GateGuard(self);
        if self.any_asleep() {
            self.wake.notify_all();
        }
        work();
        drop(opened);
    }
}

/// Closes the gate and waits for the helpers inside, also where the caller's own part has panicked.
struct GateGuard<'a>(&'a Pool);

impl Drop for GateGuard<'_> {
    fn drop(&mut self) {
        self.0.gate.fetch_and(!OPEN, SeqCst);
        while self.0.gate.load(SeqCst) & INSIDE > 0 {
            assert!(!self.0.lost.load(SeqCst), "a helper has died in the middle of a part");
            std::hint::spin_loop();
        }
        self.0.busy.store(false, SeqCst);
    }
}

/// Multiplications in a part: about ten microseconds.
const MULTIPLICATIONS_PER_PART: f64 = 262_144.0;

/// The number of parts for this number of multiplications: a few for each thread, so that a slow one delays nobody. The number is
/// given as sizes, whose product may not fit 32 bits.
pub fn part_count(sizes: &[usize]) -> usize {
    let multiplications: f64 = sizes.iter().map(|&n| n as f64).product();
    match threads() {
        1 => 1,
        n => ((multiplications / MULTIPLICATIONS_PER_PART) as usize).clamp(1, 4 * n),
    }
}

/// Fewer parts are done sooner without helpers that must be woken: with them a step of `gan2d` takes a tenth longer.
const MIN_PARTS_WORTH_WAKING: usize = 4;

/// [`part_count`], for work that is not followed by more at once: little work is a single part.
pub fn standalone_part_count(sizes: &[usize]) -> usize {
    Some(part_count(sizes)).filter(|&parts| parts >= MIN_PARTS_WORTH_WAKING).unwrap_or(1)
}

/// Calls `part` with each number below `parts`. Each thread that takes part makes its own scratch space first.
pub fn each_part<R>(parts: usize, scratch: impl Fn() -> R + Sync, part: impl Fn(&mut R, usize) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut own = None;
        loop {
            match next.fetch_add(1, SeqCst) {
                i if i < parts => part(own.get_or_insert_with(&scratch), i),
                _ => return,
            }
        }
    };
    if parts > 1 { POOL.run(&work) } else { work() }
}

/// Calls `part` with each chunk of `size` values; the last may be shorter.
pub fn each_chunk<T: Send, R>(
    values: &mut [T],
    size: usize,
    scratch: impl Fn() -> R + Sync,
    part: impl Fn(&mut R, usize, &mut [T]) + Sync,
) {
    let (length, all) = (values.len(), SharedPtr(values.as_mut_ptr()));
    each_part(length.div_ceil(size), scratch, |scratch, i| {
        let from = i * size;
        // SAFETY: inside the values, and chunks do not overlap.
        let chunk = unsafe { std::slice::from_raw_parts_mut(all.at(from), size.min(length - from)) };
        part(scratch, i, chunk);
    });
}

/// A pointer that several threads write through, each at its own places.
#[derive(Clone, Copy)]
struct SharedPtr<T>(*mut T);

// SAFETY: its users make sure that no two threads write to one place.
unsafe impl<T: Send> Sync for SharedPtr<T> {}

impl<T> SharedPtr<T> {
    /// # Safety
    /// The place is inside the slice that the pointer was made from.
    unsafe fn at(&self, place: usize) -> *mut T {
        // SAFETY: see above.
        unsafe { self.0.add(place) }
    }
}

/// A mutable view of a row-major matrix whose rows are `stride` numbers apart; several threads may write parts of it.
pub struct MatMut<'a> {
    values: SharedPtr<f32>,
    length: usize,
    stride: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

impl<'a> MatMut<'a> {
    pub fn new(values: &'a mut [f32], stride: usize) -> Self {
        Self { values: SharedPtr(values.as_mut_ptr()), length: values.len(), stride, borrowed: PhantomData }
    }

    /// The view from a row and a column on.
    ///
    /// # Safety
    /// No place is written through two views at a time.
    pub unsafe fn part(&self, row: usize, col: usize) -> MatMut<'_> {
        let begin = row * self.stride + col;
        assert!(begin <= self.length, "a part outside of its matrix");
        // SAFETY: just checked.
        let values = SharedPtr(unsafe { self.values.at(begin) });
        MatMut { values, length: self.length - begin, stride: self.stride, borrowed: PhantomData }
    }

    /// Panics unless the view has this number of rows and columns.
    pub fn check(&self, [rows, cols]: [usize; 2]) {
        let needed = if rows == 0 { 0 } else { (rows - 1) * self.stride + cols };
        assert!(cols <= self.stride && needed <= self.length, "a matrix of another shape");
    }

    /// A range of columns of a row.
    #[inline(always)]
    pub fn row(&mut self, row: usize, col: usize, cols: usize) -> &mut [f32] {
        let begin = row * self.stride + col;
        assert!(begin <= self.length && cols <= self.length - begin, "a row outside of its matrix");
        // SAFETY: just checked.
        unsafe { std::slice::from_raw_parts_mut(self.values.at(begin), cols) }
    }
}
