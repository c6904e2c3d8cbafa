//! Python values to JSON, for the options, and JSON to Python values, for what comes back.

use std::borrow::Cow;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde::Serialize;
use serde_json::{Map, Number, Value};

/// Options nest two or three deep; a list that holds itself must not end the process.
const DEEPEST: u8 = 16;

/// Keyword arguments as a JSON object.
pub fn options(given: Option<&Bound<'_, PyDict>>) -> PyResult<Value> {
    let pairs = given.into_iter().flatten();
    let pairs = pairs.map(|(name, given)| Ok((name.cast::<PyString>()?.to_string_lossy().into_owned(), value(&given))));
    pairs.collect::<PyResult<Map<_, _>>>().map(Value::Object)
}

/// A Python value as JSON. One that JSON cannot carry (bytes, NaN, an object) becomes `[null]`, which no option takes: so it is
/// the core that names the option and what to write instead.
pub fn value(given: &Bound<'_, PyAny>) -> Value {
    json(given, 0).unwrap_or_else(|| Value::Array(vec![Value::Null]))
}

/// JSON as Python values: what comes back is small and asked for seldom.
pub fn python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(value).map_err(|error| PyValueError::new_err(error.to_string()))?;
    py.import("json")?.call_method1("loads", (text,))
}

fn json(given: &Bound<'_, PyAny>, depth: u8) -> Option<Value> {
    if depth > DEEPEST {
        None
    } else if given.is_none() {
        Some(Value::Null)
    } else if let Ok(text) = given.cast::<PyString>() {
        string(text).map(Value::String)
    } else if let Ok(flag) = given.cast::<PyBool>() {
        Some(Value::Bool(flag.is_true()))
    } else if let Ok(number) = given.cast::<PyInt>() {
        number.extract::<i64>().ok().map(Value::from)
    } else if let Ok(number) = given.cast::<PyFloat>() {
        Number::from_f64(number.value()).map(Value::Number)
    } else if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
        given.try_iter().ok()?.map(|item| json(&item.ok()?, depth + 1)).collect()
    } else if let Ok(members) = given.cast::<PyDict>() {
        let pairs = members.iter().map(|(name, value)| Some((string(name.cast().ok()?)?, json(&value, depth + 1)?)));
        pairs.collect::<Option<Map<_, _>>>().map(Value::Object)
    } else {
        let path = given.call_method0("__fspath__").ok()?;
        string(path.cast().ok()?).map(Value::String)
    }
}

/// None for a lone surrogate, which UTF-8 cannot carry.
fn string(text: &Bound<'_, PyString>) -> Option<String> {
    text.to_cow().ok().map(Cow::into_owned)
}
