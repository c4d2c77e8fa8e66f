//! Any of the networks, for programs that learn at run time which.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::Value;

use super::conv_net::{ConvNet, ConvNetConfig};
use super::foreign::{self, Hints};
use super::gpt::{Gpt, GptConfig};
use super::resnet::{ResNet, ResNetConfig};
use super::unet::{UNet, UNetConfig};
use super::vit::{Vit, VitConfig};
use crate::activation::ActivationConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::init::Init;
use crate::network::{Inputs, Network, NetworkConfig};
use crate::optim::TrainingState;
use crate::pass::Pass;
use crate::weights;

macro_rules! networks {
    ($($name:literal $variant:ident $config:ident $network:ident,)*) => {
        /// The configuration of any network of this crate.
        ///
        /// As JSON it is that of the network, with its name as `network`; without a name it is a [`ConvNetConfig`].
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyConfig {
            $(#[doc = concat!("`", $name, "`")] $variant($config),)*
        }

        /// The module of any network.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "there is one of it in a program")]
        pub enum AnyModule {
            $(#[doc = concat!("`", $name, "`")] $variant($network),)*
        }

        $(impl From<$config> for AnyConfig {
            fn from(config: $config) -> Self {
                Self::$variant(config)
            }
        })*

        impl AnyConfig {
            /// The names of the networks.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The network's name.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            fn to_value(&self) -> serde_json::Result<Value> {
                match self { $(Self::$variant(config) => serde_json::to_value(config),)* }
            }

            fn from_value(name: &str, value: Value) -> serde_json::Result<Self> {
                match name {
                    $($name => serde_json::from_value(value).map(Self::$variant),)*
                    _ => Err(<serde_json::Error as serde::de::Error>::custom(format!("{name:?} is no network"))),
                }
            }
        }

        impl NetworkConfig for AnyConfig {
            type Network = AnyNetwork;

            fn build(&self, init: &mut Init<'_>) -> Result<AnyNetwork> {
                let network = match self { $(Self::$variant(config) => AnyModule::$variant(config.build(init)?),)* };
                Ok(AnyNetwork { network, config: self.clone() })
            }

            fn activations(&self) -> &[ActivationConfig] {
                match self { $(Self::$variant(config) => config.activations(),)* }
            }

            fn with_activations(self, activations: Vec<ActivationConfig>) -> Self {
                match self { $(Self::$variant(config) => config.with_activations(activations).into(),)* }
            }

            fn seed(&self) -> u64 {
                match self { $(Self::$variant(config) => config.seed(),)* }
            }

            fn with_seed(self, seed: u64) -> Self {
                match self { $(Self::$variant(config) => config.with_seed(seed).into(),)* }
            }

            fn words(&self) -> String {
                match self { $(Self::$variant(config) => config.words(),)* }
            }

            fn size(&self) -> Option<usize> {
                match self { $(Self::$variant(config) => config.size(),)* }
            }

            fn validate(&self) -> Result<()> {
                match self { $(Self::$variant(config) => config.validate(),)* }
            }
        }

        impl AnyModule {
            fn logits(&self, inputs: Inputs, pass: &Pass) -> Result<Tensor<2>> {
                match self { $(Self::$variant(network) => network.logits(inputs, pass),)* }
            }
        }
    };
}

networks! {
    "convnet" ConvNet ConvNetConfig ConvNet,
    "resnet" ResNet ResNetConfig ResNet,
    "vit" Vit VitConfig Vit,
    "gpt" Gpt GptConfig Gpt,
    "unet" UNet UNetConfig UNet,
}

/// Any network of this crate. Its parameters have the names that they have in the network itself.
#[derive(Module, Debug)]
pub struct AnyNetwork {
    network: AnyModule,
    #[module(skip)]
    config: AnyConfig,
}

impl Network for AnyNetwork {
    type Config = AnyConfig;

    fn config(&self) -> &AnyConfig {
        &self.config
    }

    fn logits(&self, inputs: Inputs, pass: &Pass) -> Result<Tensor<2>> {
        self.network.logits(inputs, pass)
    }

    fn aliases() -> &'static [(&'static str, &'static str)] {
        // No other network has tensors of these names.
        Gpt::aliases()
    }
}

impl AnyNetwork {
    /// The network itself.
    pub fn module(&self) -> &AnyModule {
        &self.network
    }

    /// Reads a network that [`save`](Network::save) wrote, or a [`ConvNet`] of PyTorch's: see [`ConvNet::load_with`].
    ///
    /// # Errors
    /// As there.
    pub fn load_with(path: impl AsRef<Path>, hints: &Hints, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let (entries, metadata) = weights::read(path)?;
        let config = match metadata {
            Some(json) => {
                if is_anothers(&json) {
                    let message = format!(
                        "{} holds a network that is not among {}: read it with the program that trained it",
                        path.display(),
                        AnyConfig::NAMES.join(", ")
                    );
                    return Err(Error::new(ErrorKind::ModelMismatch, message));
                }
                let config: AnyConfig = weights::config(path, &json)?;
                hints.check(path, &config)?;
                config
            }
            None => foreign::infer(path, &entries, hints)?.into(),
        };
        weights::build(&config, path, entries, device)
    }
}

/// Whether a configuration is of a network that another program made: it has no name, and not a [`ConvNetConfig`]'s fields.
fn is_anothers(json: &str) -> bool {
    let fields = serde_json::from_str::<serde_json::Map<String, Value>>(json);
    fields.is_ok_and(|fields| {
        !fields.contains_key(NAME) && !fields.contains_key("widths") && !TrainingState::is_one(json)
    })
}

/// The key of the network's name.
const NAME: &str = "network";

impl Serialize for AnyConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut value = self.to_value().map_err(S::Error::custom)?;
        if let (Value::Object(fields), false) = (&mut value, matches!(self, Self::ConvNet(_))) {
            fields.insert(NAME.into(), self.name().into());
        }
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AnyConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let name = value.as_object_mut().and_then(|fields| fields.remove(NAME));
        let name = name.as_ref().map_or(Some("convnet"), Value::as_str);
        let name = name.ok_or_else(|| D::Error::custom("the network's name is no text"))?;
        Self::from_value(name, value).map_err(D::Error::custom)
    }
}
