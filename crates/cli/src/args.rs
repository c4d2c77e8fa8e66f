//! The command line. Options that are not given come from `--config`, then from the paper's protocol.

use std::path::PathBuf;
use std::str::FromStr;

use adact_data::Augment;
use adact_evidence::Rule;
use adact_evidence::records::Selection;
use adact_kernels::activation::UnknownActivation;
use adact_kernels::{Activation, Precision};
use adact_lab::bench::Shape;
use adact_lab::config::{Decay, Granularity, Method, Objective, OptimizerName, ScheduleName, Seeds};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Learn which activation function each layer of a network should use.
///
/// AdAct (R. Maiti, ICLR 2024 Tiny Papers) trains a network whose layers mix seven activations, reads the weights of
/// the mixture, and rebuilds the network with the strongest activation of each layer. `adact study` does all of it and
/// says whether the difference is real.
#[derive(Debug, Parser)]
#[command(name = "adact", version, propagate_version = true, args_override_self = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  adact study                         the whole study on the data set in the program
  adact study --dataset cifar10 --seeds 7    seven seeds, and what they show
  adact study --network gpt           a language model, on the text in the program
  adact train --activation mish+mish+elu+silu    an activation for each layer
  adact predict runs/train-fmnist-mini-adact-seed0 shoe.png
  adact data list                     the data sets, and how to get them

`adact COMMAND --help` explains a command. With NO_COLOR or TERM=dumb in the environment there are
plain lines where a terminal would show bars.")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// Print machine-readable lines (JSON) on standard output, and nothing else there
    #[arg(long, global = true, display_order = 1000)]
    pub json: bool,
    /// Leave out progress and notes: only results and errors
    #[arg(short, long, global = true, display_order = 1000)]
    pub quiet: bool,
    /// Processor threads [default: all]
    #[arg(long, global = true, value_name = "N", display_order = 1000)]
    pub threads: Option<usize>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train one network
    #[command(after_help = "Examples:
  adact train                                 AdAct on the data set in the program
  adact train --dataset fmnist --activation relu     the paper's baseline
  adact train --activation mish+mish+elu+silu        an activation for each layer
  adact train --epochs 2 --limit-train 1000          a quick look
  adact train --resume                               go on where it was stopped
  adact train --resume --epochs 30                   and on to 30 epochs

The folder holds config.toml, manifest.json, metrics.jsonl, result.json,
best.safetensors (PyTorch's names and shapes) and last/ (what resuming needs).")]
    Train(Box<TrainArgs>),
    /// Train AdAct, read its choice, train that choice and the baseline, and compare
    #[command(after_help = "Examples:
  adact study                            one seed on the data set in the program
  adact study --dataset cifar10 --seeds 7 --out runs/cifar10
  adact study --dataset cifar10 --seeds 7 --out runs/cifar10 --resume
                                         go on where it was stopped; with more seeds,
                                         variants or epochs, do those in addition
  adact study --network resnet20 --dataset cifar10 --seeds 3
                                         a residual network (also vit, gpt, unet)
  adact study --seeds 0,1,7 --jobs 2     those seeds, two trainings side by side
  adact study --variants adact,optimized,all-uniform,random:3 --against optimized --seeds 10
                                         AdAct's choice against single and random activations
  adact study --select validation        choose on held-out images, and touch the
                                         test set once
  adact study --objective accuracy+speed --seeds 7
                                         what activations cost in time, and the fastest
                                         of those that are as good
  adact study --program 'python train.py --epochs 10' --metric accuracy --seeds 7
                                         a training program of your own, in any
                                         language: see docs/program.md

The folder holds report.html, table.md, table.csv, result.json, figures/ and
runs/ with a folder for each training.")]
    Study(Box<StudyArgs>),
    /// Repeat the paper on its four data sets and compare with its numbers
    #[command(after_help = "Examples:
  adact reproduce                               every data set that is here
  adact reproduce --dataset fmnist --seeds 7    one data set, seven seeds
  adact reproduce --resume                      go on where it was stopped")]
    Reproduce(Box<ReproduceArgs>),
    /// Make the report of finished studies again, or one over several
    #[command(after_help = "Examples:
  adact report runs/study-cifar10
  adact report runs/study-fmnist runs/study-cifar10 --out both.html")]
    Report(ReportArgs),
    /// Work on a study that `adact study --plan` planned, beside any number of other processes and machines
    #[command(after_help = "Examples:
  adact study --seeds 10 --plan --out shared/mine    plan it in a folder that all machines see
  adact work shared/mine                        on each of them: train whatever is left
  adact work shared/mine --task 3               the training with the number 3 alone
  adact work shared/mine --task auto            the one that the job array's index names
  adact status shared/mine                      who does what
  adact collect shared/mine                     tables, figures and report of what is finished

SIGINT, SIGTERM and SIGUSR1 end it at the next training step; what was trained is kept.

Exit codes: 0 when all trainings have ended, 1 if any of them failed, 2 for wrong input, 130 when
it was interrupted, 75 when all that is left waits for other processes, so that it is worth trying
again later.")]
    Work(WorkerArgs),
    /// Say how far the trainings of a study are, and who works on them
    Status(StatusArgs),
    /// Make the tables, figures and report of a study from the trainings that are finished
    Collect(CollectArgs),
    /// Say what images show
    #[command(after_help = "Examples:
  adact predict runs/train-fmnist-mini-adact-seed0 shoe.png bag.jpg
  adact predict best.safetensors --json *.png
  adact predict runs/study-nuclei-mini/runs/adact-seed0 cells.png --out masks
                                         the class of each pixel, as a picture
  adact predict pytorch.safetensors --shape 3x32x32 --activation relu cat.png
                                         weights that another program wrote
  adact predict net.onnx cat.png         a file of `adact export`, where the feature `onnx` is on")]
    Predict(PredictArgs),
    /// Let a language model write
    #[command(after_help = "Examples:
  adact sample runs/train-shakespeare-adact-seed0 --prompt 'ROMEO:'
  adact sample runs/train-shakespeare-adact-seed0 --num-samples 3 --temperature 1")]
    Sample(SampleArgs),
    /// Show a trained network: parameters, activations, weights per layer
    Inspect(InspectArgs),
    /// Write a trained network in a format that other programs run
    #[command(after_help = "Examples:
  adact export runs/train-fmnist-mini-adact-seed0               model.onnx in that folder
  adact export runs/study-cifar10/runs/optimized-seed0 --out net.onnx --fold-batch-norm

The file has opset 18 with standard operators alone, the batch is open, and so is the length
of a text. Mixtures are sums with what they learned as constants. Names of classes and how
pixels are normalised are in the metadata.")]
    Export(ExportArgs),
    /// Measure the speed of training, activations and inference, and what activations cost at each place
    #[command(subcommand)]
    Bench(BenchCommand),
    /// List, download, check and show data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// Print what a shell needs to complete these commands
    #[command(after_help = "Examples:
  adact completions bash > ~/.local/share/bash-completion/completions/adact
  adact completions zsh > ~/.zfunc/_adact
  adact completions fish > ~/.config/fish/completions/adact.fish")]
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    #[command(after_help = "Examples:
  adact man | man -l -
  adact man --out ~/.local/share/man/man1")]
    Man(ManArgs),
}

/// `adact train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// `adact`, an activation for all places, one for each joined by `+`, patterns of places (`layer1.*=relu,*=mish`), or
    /// a file of patterns (`@choice.toml`) [default: adact]
    #[arg(long, value_name = "NAMES")]
    pub activation: Option<String>,
    /// The seed of the initial weights, of the order of the images and of RReLU [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Initial weights from a file of this program, or of PyTorch: safetensors, or what torch.save wrote of a state dict
    #[arg(long, value_name = "FILE")]
    pub init: Option<PathBuf>,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `adact study`.
#[derive(Debug, Args)]
pub struct StudyArgs {
    #[command(flatten)]
    pub machines: MachinesArgs,
    #[command(flatten)]
    pub program: ProgramArgs,
    #[command(flatten)]
    pub plan: PlanArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// A study on many machines.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many machines")]
pub struct MachinesArgs {
    /// Only plan the trainings, for `adact work` to do them, in as many processes and on as many machines as one likes
    ///
    /// Not with --objective accuracy+speed: times of several machines can't be compared.
    #[arg(long = "plan")]
    pub plan_only: bool,
    /// Plan them, and print a script that submits them to Slurm: a job array, one for what follows a mixture, and the report
    ///
    /// A job that is told that its time is nearly up (SIGUSR1, a minute before) keeps what it trained, and Slurm runs it again.
    /// --jobs N lets N jobs of an array run at once.
    #[arg(long)]
    pub sbatch: bool,
    /// Plan them, and submit them to Slurm
    #[arg(long, conflicts_with = "sbatch")]
    pub submit: bool,
    /// Options for each job: `--sbatch-args '--partition=x --time=2:00:00 --gpus=1'`
    ///
    /// They become a part of a bash command, so quotes and variables are bash's.
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub sbatch_args: Option<String>,
}

/// A training program that is not this one.
#[derive(Debug, Args)]
pub struct ProgramArgs {
    /// A command that trains, run once for each variant and seed instead of a network of this program
    ///
    /// What to train is in its environment (ADACT_ACTIVATION, ADACT_SEED, ...), what it measured in a file that it writes;
    /// docs/program.md is the protocol. In Python, `adact.run()` speaks it. --dataset names the data in the report.
    #[arg(long, value_name = "COMMAND")]
    pub program: Option<String>,
    /// What the report calls the program [default: its file]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The metric that decides, among those that the program logs [default: accuracy]
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// A lower number is better (known of losses and the like)
    #[arg(long)]
    pub lower_is_better: bool,
}

/// `adact reproduce`.
#[derive(Debug, Args)]
pub struct ReproduceArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What a study adds.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Their number (`5`) or a list (`0,1,7`); every variant is trained with every seed [default: 1]
    #[arg(long, value_name = "SEEDS")]
    pub seeds: Option<Seeds>,
    /// One seed alone
    #[arg(long, value_name = "N", conflicts_with = "seeds", value_parser = Seeds::alone)]
    pub seed: Option<Seeds>,
    /// What to compare: adact, optimized, nearest, frozen, ACTIVATION, uniform:ACTIVATION, all-uniform, random:COUNT, search:METHOD,
    /// search:METHOD/RULE, or an activation for each place joined by `+` [default: adact,optimized,relu; vit and gpt: with gelu]
    ///
    /// optimized and nearest are trained anew after adact, with an activation at each place: optimized with that of the
    /// largest weight, as in the paper, nearest with the one that is nearest to what the mixture does with the inputs that
    /// the place sees. frozen keeps the curves that adact learned, and trains all else anew. search:METHOD mixes in another
    /// way (see --mixing), and search:METHOD/RULE is trained anew with what a rule (see --choose) names when that search has
    /// learned: search:gumbel/weight.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub variants: Option<Vec<String>>,
    /// Compare all with this variant only, not every two: fewer comparisons, which fewer seeds can decide
    #[arg(long, value_name = "VARIANT")]
    pub against: Option<String>,
    /// The rule by which optimized gets its activations [default: weight]
    ///
    /// weight: the candidate of the largest weight, as in the paper. nearest: the one nearest to the learned curve, under the
    /// inputs that the place sees. distil: the one with which the loss on held-out data (--select validation; else on
    /// training data) is smallest in the place of the mixture. halving (with --select validation): what is left of these and
    /// the next best after short trainings, of which the better half goes on each time. The records and the report tell what
    /// each rule chooses.
    #[arg(long, value_name = "RULE")]
    pub choose: Option<Rule>,
    /// What a choice is to be good at: accuracy (the metric alone), or accuracy+speed [default: accuracy]
    ///
    /// With accuracy+speed a rule takes at each place the fastest of the candidates that it can't tell from its best: by weight those
    /// less than 0.02 behind the largest, by distil those within the standard error of the difference in loss; nearest and halving
    /// choose as ever. What candidates cost is measured before the first training and kept in places.json. When all trainings
    /// have ended their activations are timed, and the report tells what each variant costs beside what it reaches.
    #[arg(long, value_name = "WHAT")]
    pub objective: Option<Objective>,
    /// What candidates cost at each place, from `adact bench places --json` or a study's places.json, instead of a measurement
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// Trainings side by side, which share the threads [default: 1]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
}

/// What every training needs.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Options from a TOML file; those of the command line come first
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub network: NetworkArgs,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub protocol: ProtocolArgs,
    #[command(flatten)]
    pub mixture: MixtureArgs,
    #[command(flatten)]
    pub search: SearchArgs,
}

/// Which network, and its sizes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// convnet (the paper's), resnet20 (or resnet:BLOCKS), vit, gpt or unet [default: convnet]
    ///
    /// Each brings its own recipe and data: convnet the paper's protocol; resnet20 that of He et al. 2015 (SGD, steps, crops
    /// and flips); vit AdamW with a cosine; gpt nanoGPT's recipe for a CPU on a text; unet AdamW with a cosine on images with
    /// masks. Options that are given come first.
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,
    /// Channels of the blocks (convnet: 32,64,128,256) or stages (resnet: 16,32,64)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub widths: Option<Vec<usize>>,
    /// The side of a patch (vit: 4)
    #[arg(long, value_name = "PIXELS")]
    pub patch: Option<usize>,
    /// The width of the states (vit, gpt: 128)
    #[arg(long, value_name = "N")]
    pub dim: Option<usize>,
    /// Blocks (vit: 6, gpt: 4)
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// Heads of the attention (vit, gpt: 4)
    #[arg(long, value_name = "N")]
    pub heads: Option<usize>,
    /// Characters of a sequence (gpt: 64)
    #[arg(long, value_name = "N")]
    pub context: Option<usize>,
    /// Channels of the first level (unet: 16)
    #[arg(long, value_name = "N")]
    pub base: Option<usize>,
    /// Levels (unet: 4)
    #[arg(long, value_name = "N")]
    pub levels: Option<usize>,
}

/// Where the results go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// The output folder [default: a new one below runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on where the folder's training or study was stopped, or finished with fewer epochs, seeds or variants
    ///
    /// What isn't given is as the folder that --out names was made.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Replace what the folder holds
    #[arg(long)]
    pub force: bool,
    /// TensorBoard's event files [default: on]
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    pub tensorboard: Option<Switch>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

/// Which images or text.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// A data set's name (`adact data list`), a folder of images, or a text [default: fmnist-mini; gpt: shakespeare; unet:
    /// nuclei-mini]
    ///
    /// A text is a file in UTF-8, or a folder with input.txt; its last tenth judges.
    ///
    /// Images with masks lie in images/ and masks/, under the same names, in train/ and test/ (or val/), or in the folder
    /// itself, which is then split. A mask is a PNG of its image's size; each grey value or colour in it is a class.
    ///
    /// In a folder of images each class has a folder of its own: train/CLASS and test/CLASS, or CLASS alone and a split.
    /// A folder `val`, `valid` or `validation` is the validation set, or the test set where there is none. PNG, JPEG,
    /// WebP, GIF (the first frame), BMP and TIFF (the first page) are read, by content; transparent pictures are put on
    /// white.
    #[arg(long, value_name = "NAME|PATH")]
    pub dataset: Option<String>,
    /// Where the data sets lie [default: $ADACT_DATA, or the cache folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Only the first N training images (or characters); of a folder N drawn by --split-seed, the same share of every class
    #[arg(long, value_name = "N")]
    pub limit_train: Option<usize>,
    /// Only the first N test images (or characters); of a folder N drawn in the same way
    #[arg(long, value_name = "N")]
    pub limit_test: Option<usize>,
    /// The seed of splits: of sets without a test set, and of the validation part [default: 0]
    #[arg(long, value_name = "N")]
    pub split_seed: Option<u64>,
    /// The side to which a folder's images are resized [default: 32; unet: 128]
    #[arg(long, value_name = "PIXELS")]
    pub side: Option<usize>,
    /// Make a folder's images grey
    #[arg(long)]
    pub grey: bool,
}

/// Two numbers, joined by a comma.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair(pub [f64; 2]);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once(',').map(|(a, b)| (a.trim().parse(), b.trim().parse()));
        match numbers {
            Some((Ok(a), Ok(b))) => Ok(Self([a, b])),
            _ => Err("give two numbers joined by a comma, as in `0.9,0.999`".into()),
        }
    }
}

/// How a network is trained and judged.
#[derive(Debug, Args)]
#[command(next_help_heading = "Protocol (the defaults are the paper's; other networks bring theirs)")]
pub struct ProtocolArgs {
    /// How often the training set is seen [default: 15]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Images a training step [default: 64]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Images a step of evaluation [default: 1000]
    #[arg(long, value_name = "N")]
    pub test_batch: Option<usize>,
    /// Training steps, instead of epochs
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    pub steps: Option<usize>,
    /// Steps between two evaluations of a text, which has no epochs [default: 250]
    #[arg(long, value_name = "N")]
    pub eval_every: Option<usize>,
    /// The optimizer [default: adamw]
    #[arg(long, value_name = "adamw|sgd", hide_possible_values = true)]
    pub optimizer: Option<OptimizerArg>,
    /// The learning rate [default: 0.001]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub lr: Option<f64>,
    /// How the learning rate changes: it stays, falls as half a cosine to --min-lr, or is divided by 10 after 1/2 and 3/4 of
    /// the steps [default: constant]
    #[arg(long, value_name = "constant|cosine|steps", hide_possible_values = true)]
    pub schedule: Option<ScheduleArg>,
    /// Steps over which the learning rate rises at first [default: 0]
    #[arg(long, value_name = "N")]
    pub warmup: Option<usize>,
    /// The last learning rate of the cosine [default: 0]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub min_lr: Option<f64>,
    /// SGD's momentum [default: 0.9]
    #[arg(long, value_name = "M", allow_hyphen_values = true)]
    pub momentum: Option<f64>,
    /// Scale gradients down to this norm of all together; 0 for not at all [default: 0; gpt: 1]
    #[arg(long, value_name = "NORM", allow_hyphen_values = true)]
    pub clip_grad: Option<f64>,
    /// `f32` or `bf16`: that of matrix products, whose sums are f32 either way [default: f32]
    ///
    /// bf16 is for gpt so far. It takes a processor with AVX512-BF16 to be faster; others give the same numbers, slowly.
    #[arg(long, value_name = "NAME")]
    pub precision: Option<Precision>,
    /// Vary training images: none, or crop-flip (a crop out of 4 black pixels around, and flips) [default: none]
    #[arg(long, value_name = "none|crop-flip")]
    pub augment: Option<Augment>,
    /// AdamW's decay rates [default: 0.9,0.999]
    #[arg(long, value_name = "B1,B2", allow_hyphen_values = true)]
    pub betas: Option<Pair>,
    /// AdamW's epsilon [default: 1e-8]
    #[arg(long, value_name = "EPS", allow_hyphen_values = true)]
    pub eps: Option<f64>,
    /// The weight decay; AdamW's is decoupled [default: 0.01]
    #[arg(long, value_name = "DECAY", allow_hyphen_values = true)]
    pub weight_decay: Option<f64>,
    /// What decays: all parameters, or matrices only (no biases, scales or mixtures) [default: all]
    #[arg(long, value_name = "all|matrices", hide_possible_values = true)]
    pub decay: Option<DecayArg>,
    /// Where the best epoch is picked: `test`, as the paper does, or `validation[:FRACTION]` [default: test]
    ///
    /// `validation` holds a part of the training images out (a tenth, or FRACTION), or takes a folder's validation set
    /// where it has one.
    #[arg(long, value_name = "WHERE")]
    pub select: Option<Selection>,
}

/// An optimizer's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OptimizerArg {
    /// Adam with decoupled weight decay.
    Adamw,
    /// SGD with momentum.
    Sgd,
}

impl From<OptimizerArg> for OptimizerName {
    fn from(arg: OptimizerArg) -> Self {
        match arg {
            OptimizerArg::Adamw => Self::Adamw,
            OptimizerArg::Sgd => Self::Sgd,
        }
    }
}

/// A schedule's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScheduleArg {
    /// It stays.
    Constant,
    /// Half a cosine.
    Cosine,
    /// Divided by 10, twice.
    Steps,
}

impl From<ScheduleArg> for ScheduleName {
    fn from(arg: ScheduleArg) -> Self {
        match arg {
            ScheduleArg::Constant => Self::Constant,
            ScheduleArg::Cosine => Self::Cosine,
            ScheduleArg::Steps => Self::Steps,
        }
    }
}

/// What decays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DecayArg {
    /// All parameters.
    All,
    /// Matrices only.
    Matrices,
}

impl From<DecayArg> for Decay {
    fn from(arg: DecayArg) -> Self {
        match arg {
            DecayArg::All => Self::All,
            DecayArg::Matrices => Self::Matrices,
        }
    }
}

/// The activations' own settings.
#[derive(Debug, Args)]
#[command(next_help_heading = "Activations")]
pub struct MixtureArgs {
    /// What AdAct mixes: activations, or sets of them [default: paper]
    ///
    /// The sets: paper (relu,elu,leaky_relu,prelu,rrelu,silu,mish), all (every activation), smooth (those with derivatives
    /// of every order), cheap (those without exponential, division and random numbers). `paper,gelu` adds one to a set.
    #[arg(long, value_name = "LIST")]
    pub candidates: Option<CandidateList>,
    /// AdAct's initial weights, one a candidate [default: zeros]
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub weights: Option<Vec<f64>>,
    /// What has weights of its own [default: place]
    ///
    /// place: each place, as in the paper. channel: each channel of a place (and PReLU's slope of each); tables and
    /// figures show the means of the channels. network: all places share one set.
    #[arg(long, value_name = "WHAT")]
    pub granularity: Option<Granularity>,
    /// PReLU's initial slope [default: 0.25]
    #[arg(long, value_name = "SLOPE", allow_hyphen_values = true)]
    pub prelu_slope: Option<f64>,
    /// Leaky ReLU's slope [default: 0.01]
    #[arg(long, value_name = "SLOPE", allow_hyphen_values = true)]
    pub leaky_relu_slope: Option<f64>,
    /// ELU's alpha [default: 1]
    #[arg(long, value_name = "ALPHA", allow_hyphen_values = true)]
    pub elu_alpha: Option<f64>,
    /// The bounds of RReLU's random slope [default: 0.125,0.3333]
    #[arg(long, value_name = "LOW,HIGH", allow_hyphen_values = true)]
    pub rrelu: Option<Pair>,
}

/// Activations, and sets of them, between commas.
#[derive(Clone, Debug)]
pub struct CandidateList(pub Vec<Activation>);

impl FromStr for CandidateList {
    type Err = UnknownActivation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Activation::list(text).map(Self)
    }
}

/// How mixtures search for the best of their candidates.
#[derive(Debug, Args)]
#[command(next_help_heading = "Search")]
pub struct SearchArgs {
    /// How weights become shares while the network searches [default: softmax]
    ///
    /// softmax: their softmax, as in the paper. anneal: over a temperature that falls from 1 to 0.1. entropy: with a
    /// penalty on the entropy of the shares, which grows from a third of the training on. gumbel: one candidate a step,
    /// drawn by the weights. hard: the candidate of the largest weight. dirichlet: shares drawn from a Dirichlet
    /// distribution. sigmoid: a gate for each candidate, and linear: the weights themselves, shares that need not add up to 1,
    /// which the trained network keeps; the choice is by the largest gate, or the coefficient of the largest magnitude.
    /// shrink: the softmax, and the weakest candidates leave one after the other; gumbel-shrink and the like join it with the
    /// others but linear. In a study, --variants search:METHOD compares them.
    #[arg(long, value_name = "METHOD")]
    pub mixing: Option<Method>,
    /// The learning rate of the mixtures' weights and slopes [default: --lr]
    #[arg(long, value_name = "RATE")]
    pub search_lr: Option<f64>,
    /// AdamW's decay rates of the two moments for them [default: --betas]
    #[arg(long, value_name = "BETA1,BETA2")]
    pub search_betas: Option<Pair>,
    /// Their weight decay [default: --weight-decay for softmax, 0 for the other methods]
    #[arg(long, value_name = "DECAY")]
    pub search_decay: Option<f64>,
    /// The first and the last temperature of anneal and gumbel [default: 1,0.1 and 5,0.5]
    #[arg(long, value_name = "FIRST,LAST")]
    pub temperature: Option<Pair>,
    /// Epochs with the network's usual activation alone, before the search [default: 0]
    ///
    /// That activation (gelu for vit and gpt, relu else) must be among the --candidates. No epoch before the search is kept.
    #[arg(long, value_name = "EPOCHS")]
    pub warm_epochs: Option<usize>,
    /// Let the weights and slopes learn from a quarter of the training data, and all else from the rest
    #[arg(long)]
    pub bilevel: bool,
}

/// `adact report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folders of studies
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// The page to write [default: report.html in the folder, or here for several folders]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `adact work`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// The study's folder, as `adact study --plan` made it
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The only training to work on: its number from 0 (see `adact status`), or `auto`, which takes it from SLURM_ARRAY_TASK_ID,
    /// JOB_COMPLETION_INDEX, PBS_ARRAY_INDEX, SGE_TASK_ID, LSB_JOBINDEX or HQ_TASK_ID [default: whatever is left]
    ///
    /// SGE_TASK_ID and LSB_JOBINDEX begin with 1, so that 1 is the training 0.
    #[arg(long, value_name = "N")]
    pub task: Option<Index>,
    /// Trainings side by side, which share the threads [default: 1]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Where the data sets are on this machine [default: as planned]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Try trainings again that failed
    #[arg(long)]
    pub retry_failed: bool,
    /// Where SIGUSR1 says that the time of this job is nearly up, have Slurm run it again
    #[arg(long)]
    pub requeue: bool,
    /// The identity that the plan must have, as `adact study --plan` told it: the folder may not be the one that was planned
    #[arg(long, value_name = "ID")]
    pub plan_id: Option<String>,
}

/// The number of a training in a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// It.
    Number(usize),
    /// What the scheduler says.
    Auto,
}

impl FromStr for Index {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().map(Self::Number).map_err(|_| format!("`{text}` is no number and not `auto`")),
        }
    }
}

/// `adact status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The study's folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Look again every two seconds, until all trainings have ended
    #[arg(long)]
    pub watch: bool,
}

/// `adact collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// The study's folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// `adact completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// `adact man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// A folder for the pages of all commands, instead of the first page on standard output
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// A trained network.
#[derive(Debug, Args)]
pub struct TrainedArgs {
    /// A safetensors file, a state dict of torch.save, or the folder of a training
    pub model: PathBuf,
    /// The images' channels, height and width, for a file that doesn't say
    #[arg(long)]
    pub shape: Option<Shape>,
    /// `adact`, an activation, or one a layer joined by `+`, for a file that doesn't say
    #[arg(long, value_name = "NAMES")]
    pub activation: Option<String>,
}

/// `adact predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub trained: TrainedArgs,
    /// PNG, JPEG, WebP, GIF, BMP or TIFF files; a language model takes none
    #[arg(value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// How many classes to show
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub top: usize,
    /// The folder for the masks of a segmentation [default: here]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `adact sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    #[command(flatten)]
    pub trained: TrainedArgs,
    /// What to go on from [default: a new line, or the first character that the model knows]
    #[arg(long, visible_alias = "start", value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// Characters to write
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub count: usize,
    /// Texts to write, with seeds from --seed on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub num_samples: u64,
    /// Below 1 the likely becomes likelier; 0 takes the likeliest
    #[arg(long, value_name = "T", default_value_t = 0.8, allow_hyphen_values = true)]
    pub temperature: f64,
    /// The seed of the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// `adact inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    #[command(flatten)]
    pub trained: TrainedArgs,
}

/// `adact export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub trained: TrainedArgs,
    /// The format
    #[arg(long, value_name = "onnx", default_value = "onnx", hide_possible_values = true)]
    pub format: Format,
    /// The file to write [default: model.onnx in the training's folder, or beside the weights with their name]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Make batch norm a part of the convolution before it
    #[arg(long)]
    pub fold_batch_norm: bool,
}

/// A format of trained networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// ONNX, opset 18.
    Onnx,
}

/// `adact bench`.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// A training step: loss, all gradients, AdamW, on new random images each time
    Step(StepArgs),
    /// Every activation and the mixture over an array
    Activation(ActivationArgs),
    /// Answers of a network
    Infer(InferArgs),
    /// What each candidate costs at each place of a network: training step and inference, beside ReLU there
    #[command(after_help = "Examples:
  adact bench places --network unet
  adact bench places --network resnet20 --candidates relu,silu,mish --seconds 600
  adact bench places --network gpt --json > places.json     for `adact study --costs places.json`

Everywhere else the network has its usual activation. Networks take turns (A B C, C B A, ...) in
one process; a figure is the median of the ratios to ReLU in the same round. ReLU is measured
twice: what it differs from itself is noise, as are three standard errors, and what is usual over
all places. A longer measurement has less noise, and so has --threads 1 on a machine that others
use. Steps are those of AdamW, on random inputs. What a place keeps for the backward pass are the
numbers that go into it, whichever activation it has.")]
    Places(PlacesArgs),
    /// Sharing a study's folder: how long workers take from one training to the next, on the file system of your choice
    #[command(after_help = "Examples:
  adact bench claims shared/try                           10000 trainings of a second, 64 workers
  adact bench claims /tmp/try --trainings 1000 --seconds 0.1

Trainings only wait and leave a result as real ones do; workers are threads of this process that share nothing but
the folder, which is removed afterwards.")]
    Claims(ClaimsArgs),
}

/// `adact bench claims`.
#[derive(Debug, Args)]
pub struct ClaimsArgs {
    /// A folder that isn't there yet, on the file system to be measured
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The trainings: a multiple of 10, at most 10000
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub trainings: usize,
    /// Those who work on them at once
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub workers: usize,
    /// How long a training takes
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub seconds: f64,
}

/// What `adact bench step` and `infer` work on.
#[derive(Debug, Args)]
pub struct WorkArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// `adact`, `base` (what such networks use), an activation, one for each place joined by `+`, or patterns of places
    #[arg(long, value_name = "NAMES", default_value = "adact")]
    pub activation: String,
    /// The images' channels, height and width [default: 3x32x32; unet 3x128x128]
    #[arg(long)]
    pub shape: Option<Shape>,
    /// `f32` or `bf16`: that of matrix products
    #[arg(long, value_name = "NAME", default_value_t)]
    pub precision: Precision,
}

/// `adact bench step`.
#[derive(Debug, Args)]
pub struct StepArgs {
    #[command(flatten)]
    pub work: WorkArgs,
    /// Images or sequences a step [default: 64; resnet 128, gpt 12, unet 8]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Steps to measure
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub steps: usize,
}

/// `adact bench activation`.
#[derive(Debug, Args)]
pub struct ActivationArgs {
    /// The array's length
    #[arg(long, value_name = "N", default_value_t = 2_097_152)]
    pub elements: usize,
    /// Rounds to measure
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub steps: usize,
}

/// `adact bench infer`.
#[derive(Debug, Args)]
pub struct InferArgs {
    #[command(flatten)]
    pub work: WorkArgs,
    /// Images or sequences at once [default: 1000]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Batches to measure
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub steps: usize,
}

/// `adact bench places`.
#[derive(Debug, Args)]
pub struct PlacesArgs {
    #[command(flatten)]
    pub network: NetworkArgs,
    /// The images' channels, height and width [default: 3x32x32; unet 3x128x128]
    #[arg(long)]
    pub shape: Option<Shape>,
    /// Images or sequences a step, and an inference [default: 64; resnet 128, gpt 12, unet 8]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// What to measure: activations, or the sets paper, all, smooth and cheap [default: paper]
    #[arg(long, value_name = "LIST")]
    pub candidates: Option<CandidateList>,
    /// About how long to measure; three rounds are measured at least
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0)]
    pub seconds: f64,
}

/// `adact data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// The data sets, and which of them are here
    List(DataDirArgs),
    /// Download a data set's files from its publisher, and check them
    Get(DataGetArgs),
    /// Read a data set whole and compare its files with the publisher's checksums
    Verify(DataNameArgs),
    /// Show a data set in a picture (PNG): images of each class, images with their masks, or how a text begins
    Preview(DataPreviewArgs),
}

/// Where the data sets lie.
#[derive(Debug, Args)]
pub struct DataDirArgs {
    /// Where the data sets lie [default: $ADACT_DATA, or the cache folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// `adact data verify`.
#[derive(Debug, Args)]
pub struct DataNameArgs {
    /// The data set
    pub name: String,
    #[command(flatten)]
    pub dir: DataDirArgs,
}

/// `adact data get`.
#[derive(Debug, Args)]
pub struct DataGetArgs {
    /// The data set
    pub name: String,
    /// A folder on a server that has the files, instead of the publisher's servers
    #[arg(long)]
    pub url: Option<String>,
    #[command(flatten)]
    pub dir: DataDirArgs,
}

/// `adact data preview`.
#[derive(Debug, Args)]
pub struct DataPreviewArgs {
    /// The data set, a folder of images, or a text
    pub name: String,
    /// The picture to write [default: NAME.png]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Images in a row
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub columns: usize,
    #[command(flatten)]
    pub dir: DataDirArgs,
}
