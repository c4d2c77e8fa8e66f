//! How activations and variants are called in text and pictures.

/// The name of an activation as papers write it; an unknown one stays as it is.
pub fn activation(name: &str) -> &str {
    match name {
        "adact" => "AdAct",
        "relu" => "ReLU",
        "elu" => "ELU",
        "leaky_relu" => "LReLU",
        "prelu" => "PReLU",
        "rrelu" => "RReLU",
        "silu" => "SiLU",
        "mish" => "Mish",
        "gelu" => "GELU",
        "hardswish" => "Hardswish",
        "tanh" => "Tanh",
        "identity" => "Identity",
        other => other,
    }
}

/// Several activations in words: "Mish and PReLU", "ReLU, ELU and Mish".
pub fn activations<S: AsRef<str>>(names: &[S]) -> String {
    list(&names.iter().map(|name| activation(name.as_ref()).to_string()).collect::<Vec<_>>())
}

/// Several things in words: "a", "a and b", "a, b and c".
pub fn list(things: &[String]) -> String {
    match things {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The name of a data set; one's own stays as it is.
pub fn dataset(name: &str) -> &str {
    match name {
        "fmnist" => "Fashion-MNIST",
        "fmnist-mini" => "Fashion-MNIST (mini)",
        "cifar10" => "CIFAR-10",
        "svhn" => "SVHN",
        "fer2013" => "FER2013",
        other => other,
    }
}

/// The name of a variant of the network; an unknown one stays as it is.
pub fn variant(name: &str) -> String {
    match name.split_once(':') {
        Some(("uniform", single)) => format!("{} everywhere", activation(single)),
        Some(("random", draw)) => format!("Random {draw}"),
        None if name.starts_with("random-") => format!("Random {}", &name["random-".len()..]),
        _ if name == "optimized" => "Optimized".into(),
        _ if name.contains('+') => name.split('+').map(activation).collect::<Vec<_>>().join(" + "),
        _ => activation(name).into(),
    }
}
