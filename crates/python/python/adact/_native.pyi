"""The extension module: the command, and the kernels on the memory of tensors."""

__version__: str

def command(arguments: list[str]) -> int: ...
def images(
    name: str, directory: str | None
) -> tuple[tuple[list[int], bytes, bytes], tuple[list[int], bytes, bytes], list[str]]: ...
def text(name: str, directory: str | None) -> str: ...
def candidates(text: str) -> list[str]: ...
def forward(
    description: tuple[str, str, tuple[float, float, float, float]],
    parameters: tuple[int, int, int | None],
    layout: tuple[int, str, tuple[int, int, int] | None],
    addresses: tuple[int, int],
    threads: int,
) -> None: ...
def backward(
    description: tuple[str, str, tuple[float, float, float, float]],
    parameters: tuple[int, int, int | None],
    layout: tuple[int, str, tuple[int, int, int] | None],
    addresses: tuple[int, int, int],
    gradients: tuple[int, int],
    threads: int,
) -> None: ...
