//! A person's pictures in the tab: the browser decodes and shrinks them, one at a time, while the session goes on.

use super::blob::BlobBytes;
use super::library::Shelf;
use super::scope::{say, scope, set_timeout};
use crate::error::Error;
use crate::session::protocol::Event;
use crate::weights::Bytes;
use crate::weights::import_pictures::{Cut, Decode, Fit, Offered, import};
use async_trait::async_trait;
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File, ImageBitmap, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

/// Milliseconds between two reports, and between two turns of the browser's event loop.
const REPORT: f64 = 200.0;
const TURN: f64 = 20.0;

/// Makes sets of pictures; one at a time.
pub struct Darkroom {
    shelf: Shelf,
    emit: fn(Event),
    /// Ends the one that is being made.
    stop: RefCell<Rc<Cell<bool>>>,
}

impl Darkroom {
    pub fn new(shelf: Shelf, emit: fn(Event)) -> Self {
        Self { shelf, emit, stop: RefCell::default() }
    }

    /// Ends the set that is being made, within a picture.
    pub fn cancel(&self) {
        self.stop.borrow().set(true);
    }

    /// Makes a set of `files`, and keeps it; tells of it in the end, and what is kept then.
    pub fn develop(&self, files: &Array, fit: Fit) {
        self.cancel();
        self.stop.replace(Rc::default());
        let (emit, shelf, stop) = (self.emit, self.shelf.clone(), self.stop.borrow().clone());
        let files = files.iter().filter_map(|f| Some(offer(f.dyn_into().ok()?))).collect();
        spawn_local(async move {
            let enlarger =
                Enlarger { emit, stop, canvas: RefCell::default(), told: Cell::default(), turned: Cell::default() };
            let outcome = match import(files, fit, &enlarger).await {
                Ok(Some((set, taken))) => {
                    let name = format!("pictures-{}.idx", taken.count);
                    shelf.keep(&name, &taken.sha256, &set).await.map(|stored| Some((taken, stored)))
                }
                ended => ended.map(|_| None),
            };
            emit(Event::Progress { what: String::new(), done: 1.0, total: 1.0, bytes: false });
            match outcome {
                Ok(Some((taken, stored))) => {
                    emit(Event::Pictures(taken));
                    emit(Event::Library(stored));
                }
                Ok(None) => {}
                Err(error) => emit(Event::error(error, 0, false)),
            }
        });
    }
}

fn offer(file: File) -> Offered {
    // A folder's files tell the way to them.
    let path = Reflect::get(&file, &"webkitRelativePath".into()).ok().and_then(|p| p.as_string());
    let name = path.filter(|p| !p.is_empty()).unwrap_or_else(|| file.name());
    let (bytes, blob) = (file.size() as u64, Blob::from(file));
    let open = move || match BlobBytes::new(blob.clone()) {
        Ok(bytes) => Ok(Rc::new(bytes) as Rc<dyn Bytes>),
        Err(fault) => Err(Error::bad_file(format!("It cannot be read: {fault:?}."))),
    };
    Offered { name, bytes, open: Box::new(open) }
}

/// The canvas on which one set is drawn.
struct Enlarger {
    emit: fn(Event),
    stop: Rc<Cell<bool>>,
    canvas: RefCell<Option<(u32, u32, OffscreenCanvasRenderingContext2d)>>,
    told: Cell<f64>,
    turned: Cell<f64>,
}

#[async_trait(?Send)]
impl Decode for Enlarger {
    async fn decode(&self, file: Vec<u8>, fit: Fit) -> Result<(Vec<u8>, u32, u32), String> {
        let failed = |e: JsValue| say(&e);
        let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(&file[..]))).map_err(failed)?;
        drop(file);
        // Upright as its EXIF data say, and only the first picture of an animation: the browser's defaults.
        let promise = scope().create_image_bitmap_with_blob(&blob).map_err(failed)?;
        let bitmap: ImageBitmap = JsFuture::from(promise).await.and_then(JsCast::dyn_into).map_err(failed)?;
        let cut = fit.cut(bitmap.width(), bitmap.height());
        let drawn = self.draw(&bitmap, cut);
        // A large picture is not left to the browser's collector.
        bitmap.close();
        Ok((drawn.map_err(failed)?, cut.to_width, cut.to_height))
    }

    async fn turn(&self, done: f64, total: f64) -> bool {
        let now = js_sys::Date::now();
        if now - self.told.get() >= REPORT {
            self.told.set(now);
            (self.emit)(Event::Progress { what: "pictures".into(), done, total, bytes: true });
        }
        if now - self.turned.get() >= TURN {
            let promise = Promise::new(&mut |resolve, _| {
                set_timeout(&resolve, 0.0);
            });
            let _ = JsFuture::from(promise).await;
            self.turned.set(js_sys::Date::now());
        }
        !self.stop.get()
    }
}

impl Enlarger {
    fn context(&self, width: u32, height: u32) -> Result<OffscreenCanvasRenderingContext2d, JsValue> {
        if let Some((w, h, context)) = &*self.canvas.borrow()
            && (*w, *h) == (width, height)
        {
            return Ok(context.clone());
        }
        let options = Object::new();
        Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
        let canvas = OffscreenCanvas::new(width, height)?;
        let context = canvas.get_context_with_context_options("2d", &options)?;
        let context: OffscreenCanvasRenderingContext2d = context.ok_or("there is no canvas")?.unchecked_into();
        Reflect::set(&context, &"imageSmoothingQuality".into(), &"high".into())?;
        context.set_fill_style_str("white");
        *self.canvas.borrow_mut() = Some((width, height, context.clone()));
        Ok(context)
    }

    /// The part of a picture over white, as RGB.
    fn draw(&self, bitmap: &ImageBitmap, cut: Cut) -> Result<Vec<u8>, JsValue> {
        let context = self.context(cut.to_width, cut.to_height)?;
        let [x, y, w, h, to_w, to_h] =
            [cut.x, cut.y, cut.width, cut.height, cut.to_width, cut.to_height].map(f64::from);
        context.fill_rect(0.0, 0.0, to_w, to_h);
        context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
            bitmap, x, y, w, h, 0.0, 0.0, to_w, to_h,
        )?;
        let data = context.get_image_data(0.0, 0.0, to_w, to_h)?.data();
        Ok(data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect())
    }
}
