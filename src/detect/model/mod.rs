//! The model as the inference library runs it: where it comes from, what it wants, what it says.

mod embedded;

use std::{fs, io, path::Path, sync::Arc};

use ndarray::ArrayViewD;
use tract_onnx::{
    model::Onnx,
    prelude::{
        DatumType, Framework, InferenceFact, InferenceModel, InferenceModelExt, IntoRunnable, TValue, Tensor,
        TractError, TypedModel, TypedRunnableModel, TypedSimpleState, onnx, tvec,
    },
    tract_hir::infer::Factoid,
};

use super::{DetectError, Labels, agreement::Agreement, heads::Head, prepare::Preparation, sidecar::Sidecar};
use crate::settings::ModelSource;

/// A model that is ready to run, shared by all workers.
#[derive(Debug, Clone)]
pub struct Model {
    plan: Arc<TypedRunnableModel>,
    /// How it wants to see pictures.
    pub preparation: Preparation,
    /// What its outputs mean.
    pub head: Head,
    /// What its classes are called.
    pub labels: Labels,
    /// The least score that counts, where the settings say nothing.
    pub min_score: f32,
    /// How sure several boxes are together, where that is known.
    pub agreement: Option<Agreement>,
}

impl Model {
    /// More than any detector that runs on a small machine.
    const MOST_BYTES: u64 = 512 << 20;

    /// Makes the model that the settings name ready to run.
    ///
    /// # Errors
    /// What is wrong with the model, its input, its outputs, or the sidecar.
    pub fn open(source: &ModelSource) -> Result<Self, DetectError> {
        match source {
            ModelSource::Embedded => Self::embedded(),
            ModelSource::File(path) => Self::load(path),
        }
    }

    /// The person detector that this program carries.
    ///
    /// # Errors
    /// The same as of a file, and then this build is broken.
    pub fn embedded() -> Result<Self, DetectError> {
        Self::new(embedded::NAME, embedded::model()?, &embedded::sidecar()?)
    }

    /// Reads an ONNX file and the sidecar beside it, if there is one, and optimises the model for this machine.
    ///
    /// # Errors
    /// What is wrong with the file, its input, its outputs, or the sidecar.
    pub fn load(path: &Path) -> Result<Self, DetectError> {
        let sidecar = Sidecar::beside(path)?;
        Self::new(&path.display().to_string(), read(path)?, &sidecar)
    }

    fn new(name: &str, model: InferenceModel, sidecar: &Sidecar) -> Result<Self, DetectError> {
        let size = input_size(&model, sidecar)?;
        let unusable = |source: TractError| DetectError::Model { model: name.to_owned(), source: source.into() };
        let model = optimised(model, size).map_err(unusable)?;
        let shapes = output_shapes(&model)?;
        let plan = model.into_runnable().map_err(unusable)?;
        let head = Head::new(sidecar.head, shapes, size, sidecar.strides())?;
        let preparation = sidecar.preparation(head.layout().preparation(size));
        let labels = labels(&head, sidecar)?;
        let (min_score, agreement) = (sidecar.min_score(), sidecar.agreement);
        let model = Self { plan, preparation, head, labels, min_score, agreement };
        // Once on an empty picture: what fails at every frame is said now.
        let mut session = model.session()?;
        session.infer()?.arrays()?;
        Ok(model)
    }

    /// A worker's own state.
    ///
    /// # Errors
    /// `Inference`.
    pub fn session(&self) -> Result<Session, DetectError> {
        let state = self.plan.spawn().map_err(failed)?;
        let (width, height) = self.preparation.size;
        let input = Tensor::zero::<f32>(&[1, 3, height, width]).map_err(failed)?;
        Ok(Session { state, input: Arc::new(input) })
    }
}

/// The state of one worker that runs a model, and its input. After an error it must be made anew.
#[derive(Debug)]
pub struct Session {
    state: TypedSimpleState,
    input: Arc<Tensor>,
}

impl Session {
    /// Where to write the prepared picture before `infer`.
    ///
    /// # Errors
    /// `Inference`.
    pub fn input(&mut self) -> Result<&mut [f32], DetectError> {
        // The run before has given its reference back; if not, this copies.
        let numbers = Arc::make_mut(&mut self.input).to_plain_array_view_mut::<f32>().map_err(failed)?;
        Ok(numbers.into_slice().expect("a fresh tensor is contiguous"))
    }

    /// Runs the model on what `input` holds.
    ///
    /// # Errors
    /// `Inference`.
    pub fn infer(&mut self) -> Result<Outputs, DetectError> {
        let input = TValue::from_const(Arc::clone(&self.input));
        self.state.run(tvec!(input)).map(|v| Outputs(v.into_vec())).map_err(failed)
    }
}

/// What a model said.
#[derive(Debug)]
pub struct Outputs(Vec<TValue>);

impl Outputs {
    /// The arrays, in the order of the model's outputs.
    ///
    /// # Errors
    /// `Inference`, where an output is not made of 32-bit floating point numbers.
    pub fn arrays(&self) -> Result<Vec<ArrayViewD<'_, f32>>, DetectError> {
        self.0.iter().map(|v| v.to_plain_array_view::<f32>().map_err(failed)).collect()
    }
}

fn failed(source: TractError) -> DetectError {
    DetectError::Inference { source: source.into() }
}

fn read(path: &Path) -> Result<InferenceModel, DetectError> {
    let unreadable = |source| DetectError::Read { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > Model::MOST_BYTES {
        return Err(unreadable(io::Error::other("it is larger than 512 MiB")));
    }
    let unusable = |source: TractError| DetectError::Model { model: path.display().to_string(), source: source.into() };
    reader().model_for_path(path).map_err(unusable)
}

/// Exporters write shapes of outputs and of what lies between for the input they were given: only what follows from the
/// input's own shape counts.
fn reader() -> Onnx {
    onnx().with_ignore_output_shapes(true).with_ignore_value_info(true)
}

/// Smaller holds nobody, larger does not fit into memory.
const SIDES: std::ops::RangeInclusive<usize> = 32..=4096;

/// Width and height of the input: as the file says, or where it leaves them open, as the sidecar does.
fn input_size(model: &InferenceModel, sidecar: &Sidecar) -> Result<(usize, usize), DetectError> {
    let unfit = |found: String, wanted| Err(DetectError::Input { found, wanted });
    let [input] = model.inputs[..] else {
        let found = format!("made of {} tensors", model.inputs.len());
        return unfit(found, "it must be one picture");
    };
    let fact = model.outlet_fact(input).map_err(failed)?;
    let found = || fact.format_dt_shape();
    let dim = |i| {
        let dim = fact.shape.dim(i).and_then(|d| d.concretize());
        dim.and_then(|d| d.as_i64().and_then(|d| usize::try_from(d).ok()))
    };
    let is_float = fact.datum_type.concretize().is_none_or(|t| t == DatumType::F32);
    let is_picture = fact.shape.rank().concretize() == Some(4)
        && matches!(dim(0), None | Some(1))
        && matches!(dim(1), None | Some(3));
    if !is_float || !is_picture {
        return unfit(found(), "it must be 32-bit floating point of shape [1, 3, height, width]");
    }
    let (width, height) = sidecar.size.map_or((None, None), |[w, h]| (Some(w), Some(h)));
    let (Some(w), Some(h)) = (dim(3).or(width), dim(2).or(height)) else {
        return unfit(found(), "name the size in the sidecar, as size = [width, height]");
    };
    if width.is_some_and(|said| said != w) || height.is_some_and(|said| said != h) {
        return unfit(found(), "the sidecar says another size");
    }
    if ![w, h].iter().all(|side| SIDES.contains(side)) {
        return unfit(found(), "width and height must be 32 to 4096");
    }
    Ok((w, h))
}

fn optimised(model: InferenceModel, (width, height): (usize, usize)) -> Result<TypedModel, TractError> {
    let fact = InferenceFact::dt_shape(DatumType::F32, [1, 3, height, width]);
    model.with_input_fact(0, fact)?.into_optimized()
}

fn output_shapes(model: &TypedModel) -> Result<Vec<Vec<usize>>, DetectError> {
    let shape = |i: usize| {
        let fact = model.output_fact(i).map_err(failed)?;
        let concrete = fact.shape.as_concrete().ok_or_else(|| DetectError::Outputs {
            shapes: format!("[{:?}]", fact.shape),
            wanted: "of a fixed size: models that suppress overlapping boxes themselves cannot be used",
        })?;
        Ok(concrete.to_vec())
    };
    (0..model.outputs.len()).map(shape).collect()
}

fn labels(head: &Head, sidecar: &Sidecar) -> Result<Labels, DetectError> {
    let labels = match (&sidecar.labels, head.classes()) {
        (Some(names), _) => Labels::new(names),
        (None, Some(1)) => Labels::person(),
        (None, _) => Labels::coco(),
    };
    match head.classes() {
        Some(classes) if classes != labels.len() => Err(DetectError::Labels { classes, labels: labels.len() }),
        _ => Ok(labels),
    }
}

#[cfg(test)]
mod tests;
