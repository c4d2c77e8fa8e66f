//! Data sets for AdAct studies.
