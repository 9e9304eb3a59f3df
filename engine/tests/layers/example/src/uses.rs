//! Imports by a nested `use`.

use crate::{
    a::{self, deep::two as second},
    b::*,
};
use std::a::uses;
