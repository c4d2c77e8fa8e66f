//! How activations, variants, networks and their places are called in text and pictures.

use crate::records::Role;

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
        "gelu_tanh" => "GELU (tanh)",
        "sigmoid" => "Sigmoid",
        "softplus" => "Softplus",
        "selu" => "SELU",
        "celu" => "CELU",
        "relu6" => "ReLU6",
        "hardtanh" => "Hardtanh",
        "softsign" => "Softsign",
        "logsigmoid" => "LogSigmoid",
        "hardsigmoid" => "Hardsigmoid",
        "tanhshrink" => "Tanhshrink",
        "softshrink" => "Softshrink",
        "hardshrink" => "Hardshrink",
        "squared_relu" => "ReLU²",
        "star_relu" => "StarReLU",
        "snake" => "Snake",
        "sine" => "Sine",
        "gaussian" => "Gaussian",
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
        "shakespeare" => "Shakespeare",
        "nuclei-mini" => "Nuclei (mini)",
        other => other,
    }
}

/// The network of the paper, which records without a network mean.
pub const PAPERS_NETWORK: &str = "convnet";

/// Whether a record's network is the paper's.
pub fn is_papers_network(network: Option<&str>) -> bool {
    network.is_none_or(|name| name == PAPERS_NETWORK)
}

/// The name of a network; one's own stays as it is.
pub fn network(name: &str) -> &str {
    match name {
        "resnet20" => "ResNet-20",
        "vit" => "ViT",
        "gpt" => "GPT",
        "unet" => "U-Net",
        other => other,
    }
}

/// The name of a place by the path of its module: "layer 1" to "layer 4" for `act.0` to `act.3` of the paper's network,
/// the path itself elsewhere.
pub fn place(path: &str, network: Option<&str>) -> String {
    let number = path.strip_prefix("act.").and_then(|number| number.parse::<usize>().ok());
    match number {
        Some(number) if is_papers_network(network) => format!("layer {}", number.saturating_add(1)),
        _ => path.into(),
    }
}

/// The name of a place at the beginning of a title: "Layer 1"; a path stays as it is.
pub fn place_title(path: &str, network: Option<&str>) -> String {
    let name = place(path, network);
    if name == path { name } else { crate::table::capital(&name) }
}

/// What places are called: "layer" in the paper's network, "place" elsewhere.
pub fn place_word(network: Option<&str>) -> &'static str {
    if is_papers_network(network) { "layer" } else { "place" }
}

/// Many activations by how often they are there: "Mish (12), ReLU (7)"; the first of equals first.
pub fn tally<S: AsRef<str>>(names: &[S]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in names.iter().map(AsRef::as_ref) {
        match counts.iter_mut().find(|(n, _)| *n == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.iter().map(|(name, n)| format!("{} ({n})", activation(name))).collect::<Vec<_>>().join(", ")
}

/// The name of a training: "AdAct, seed 3".
pub fn training(variant: &str, seed: u64) -> String {
    format!("{}, seed {seed}", self::variant(variant))
}

/// More places than these are told by what they have in common, not one by one.
pub const MANY_PLACES: usize = 8;

/// The name of a variant of the network; an unknown one stays as it is.
pub fn variant<'a>(of: impl Into<Role<'a>>) -> String {
    let name = match of.into() {
        Role::Mixture => return activation("adact").into(),
        Role::Optimized => return "Optimized".into(),
        Role::Nearest => return "Nearest".into(),
        Role::Frozen => return "Frozen".into(),
        Role::Search(method) => return format!("{} ({method})", activation("adact")),
        Role::Searched(method, rule) => return format!("Optimized ({method}, {rule})"),
        Role::Random(draw) => return format!("Random {draw}"),
        Role::Named(name) => name,
    };
    match name.split_once(':') {
        Some(("uniform", single)) => format!("{} everywhere", activation(single)),
        Some(("random", draw)) => format!("Random {draw}"),
        _ if name.contains('+') => name.split('+').map(activation).collect::<Vec<_>>().join(" + "),
        _ => activation(name).into(),
    }
}
