"""The C++ core: kernels, plans over them, and what the machine can run."""

import enum
from collections.abc import Callable, Sequence
from typing import final

import numpy as np
import numpy.typing as npt

__version__: str

class ActivationKind(enum.Enum):
    LINEAR = 0
    RELU = 1
    CLIPPED_RELU = 2
    LEAKY_RELU = 3
    THRESHOLDED_RELU = 4
    MINIMUM = 5
    ELU = 6
    SELU = 7
    CELU = 8
    GELU = 9
    GELU_TANH = 10
    SIGMOID = 11
    HARD_SIGMOID = 12
    SILU = 13
    HARD_SILU = 14
    TANH = 15
    EXP = 16
    SOFTPLUS = 17
    SOFTSIGN = 18
    MISH = 19
    SQUAREPLUS = 20
    SOFT_SHRINK = 21
    HARD_SHRINK = 22
    HARD_TANH = 23
    TANH_SHRINK = 24
    LOG_SIGMOID = 25
    SPARSE_PLUS = 26
    SPARSE_SIGMOID = 27
    THRESHOLD = 28
    ABS = 29
    SQUARE = 30
    SQRT = 31
    RSQRT = 32
    RECIPROCAL = 33
    LOG = 34
    LOG1P = 35
    EXPM1 = 36
    SIN = 37
    COS = 38
    FLOOR = 39
    CEIL = 40
    ROUND = 41
    SIGN = 42
    ERF = 43
    SCALE = 44
    CLIP = 45
    POWER = 46
    TAN = 47
    ARCSIN = 48
    ARCCOS = 49
    ARCTAN = 50
    SINH = 51
    COSH = 52
    ARCSINH = 53
    ARCCOSH = 54
    ARCTANH = 55
    LOG2 = 56
    LOG10 = 57
    EXP2 = 58

class PoolKind(enum.Enum):
    MAX = 0
    AVERAGE = 1

class BinaryKind(enum.Enum):
    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    MAXIMUM = 4
    MINIMUM = 5
    POWER = 6
    PRELU = 7
    FLOOR_DIVIDE = 8
    MODULO = 9
    ARCTAN2 = 10
    EQUAL = 11
    NOT_EQUAL = 12
    GREATER = 13
    GREATER_EQUAL = 14
    LOGICAL_AND = 15
    LOGICAL_OR = 16
    LOGICAL_XOR = 17
    KEEP = 18
    LEAVE = 19
    EITHER = 20

class ReductionKind(enum.Enum):
    SUM = 0
    MEAN = 1
    MAX = 2
    MIN = 3
    PRODUCT = 4

class ScanKind(enum.Enum):
    SUM = 0
    PRODUCT = 1

class NormalizationKind(enum.Enum):
    STANDARD = 0
    VARIANCE = 1
    RMS = 2
    L2 = 3

class WeightDtype(enum.Enum):
    FLOAT32 = 0
    FLOAT16 = 1
    BFLOAT16 = 2

class RecurrentKind(enum.Enum):
    SIMPLE = 0
    LSTM = 1
    GRU = 2
    GRU_RESET_AFTER = 3

class MaskedSteps(enum.Enum):
    NONE = 0
    STATE = 1
    OUTPUT = 2
    ZERO = 3

_Float32Array = npt.NDArray[np.float32]

@final
class StepInfo:
    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def candidates(self) -> dict[str, float]: ...
    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def flops(self) -> float: ...
    @property
    def own_flops(self) -> float: ...
    @property
    def weight_bytes(self) -> float: ...
    @property
    def moved_bytes(self) -> float: ...
    @property
    def packed_bytes(self) -> int: ...
    @property
    def units(self) -> int: ...
    @property
    def images(self) -> int: ...
    @property
    def batched(self) -> bool: ...

_Rows = Callable[[int, int], _Float32Array]

@final
class Kernel:
    def __init__(
        self, source: _Float32Array | _Rows, shape: Sequence[int], at_once: bool = False
    ) -> None: ...
    @property
    def shape(self) -> list[int]: ...

@final
class Plan:
    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]: ...
    @property
    def output_shapes(self) -> tuple[tuple[int, ...], ...]: ...
    @property
    def steps(self) -> list[StepInfo]: ...
    def steps_for(self, images: int, threads: int) -> list[StepInfo]: ...
    def useful_threads(self, images: int, threads: int) -> int: ...
    @property
    def packed_bytes(self) -> int: ...
    @property
    def constant_bytes(self) -> int: ...
    def workspace_bytes(self, images: int, threads: int) -> int: ...
    def run(
        self,
        inputs: Sequence[_Float32Array],
        outputs: Sequence[_Float32Array],
        threads: int,
        useful_only: bool = False,
    ) -> None: ...
    def run_profiled(
        self,
        inputs: Sequence[_Float32Array],
        outputs: Sequence[_Float32Array],
        threads: int,
        useful_only: bool = False,
    ) -> list[float]: ...

@final
class PlanBuilder:
    def __init__(
        self,
        winograd: bool = True,
        weight_dtype: WeightDtype = WeightDtype.FLOAT32,
        bfloat16: bool = False,
    ) -> None: ...
    def label(self, text: str) -> None: ...
    def input(self, shape: Sequence[int]) -> int: ...
    # And a method for each step: what it takes, bindings/builder.cpp says, and engine/ops.py hands
    # over.
    def build(self, outputs: Sequence[int]) -> Plan: ...

def isa() -> str: ...
def available_isas() -> list[str]: ...
def threadings() -> list[str]: ...
def threading() -> str: ...
def set_threading(name: str) -> None: ...
def allowed_processors() -> list[int]: ...
def digest_blocks(data: npt.NDArray[np.uint8], block: int, seed: int) -> npt.NDArray[np.uint64]: ...
def packed_bytes() -> int: ...
def packed_bytes_of(plans: Sequence[Plan], kernels: Sequence[Kernel] = ()) -> int: ...
def workspace_limit() -> int: ...
def set_workspace_limit(bytes: int) -> None: ...
def idle_workspace_bytes() -> int: ...
def release_idle_workspaces() -> None: ...
def fma_peak(seconds: float, threads: int = 1) -> float: ...
def read_peak(bytes: int, seconds: float, threads: int = 1) -> float: ...
