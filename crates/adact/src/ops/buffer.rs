//! Buffers that go back to where they came from.
//!
//! A step of training fills a few large buffers, drops them, and asks for the same sizes again. Handing them to
//! the system and back costs page faults (a third of a step, measured), so every tensor that an operation
//! returns keeps its buffer on loan from one [`Workspace`]: Burn drops the tensor whenever it is done with it,
//! and the buffer is there for the next step.

use std::mem::MaybeUninit;
use std::slice;
use std::sync::LazyLock;

use adact_kernels::{Buffer, Workspace};
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty};

/// The buffers of all operations.
pub(super) static WORKSPACE: LazyLock<Workspace> = LazyLock::new(Workspace::new);

/// A tensor of values in row-major order of `shape`.
pub(super) fn tensor(values: impl Values, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::new(values.into_bytes(), Layout::contiguous(shape.into()), DType::F32)
}

/// A tensor of one axis.
pub(super) fn vector(values: Vec<f32>) -> FlexTensor {
    let length = values.len();
    tensor(values, [length])
}

/// Values that a tensor can own.
pub(super) trait Values {
    fn into_bytes(self) -> Bytes;
}

impl Values for Vec<f32> {
    fn into_bytes(self) -> Bytes {
        Bytes::from_elems(self)
    }
}

/// The buffer returns to the workspace when the tensor is dropped.
impl Values for Buffer {
    fn into_bytes(self) -> Bytes {
        let length = size_of_val(&self[..]);
        // SAFETY: all of the buffer's bytes are initialised.
        unsafe { Bytes::from_controller(Box::new(Loan(self)), length) }
    }
}

/// A buffer that goes back to the workspace when the tensor is dropped.
struct Loan(Buffer);

impl AllocationController for Loan {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Native
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        // SAFETY: the slice covers the buffer's elements, and any byte is a valid MaybeUninit<u8>.
        Ok(unsafe { slice::from_raw_parts(self.0.as_ptr().cast(), size_of_val(&self.0[..])) })
    }

    unsafe fn memory_mut(&mut self, _: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let length = size_of_val(&self.0[..]);
        // SAFETY: as above, and any initialised bytes are valid f32s; the caller writes only such.
        Ok(unsafe { slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), length) })
    }
}
