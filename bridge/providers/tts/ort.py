"""ONNX Runtime under the voices: the ORT_* variables, and what it is given of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from bridge import options
from bridge.providers.device import device, split
from bridge.providers.onnx import CUDA, execution


class OrtOptions(options.Options):
    """How fast the voices speak, and how ONNX Runtime computes them."""

    tts_speed: float = Field(1.0, ge=0.25, le=4, description="Speed of speech; 2 is twice as fast.")
    tts_device: str = device(
        "tts", "Where the voices run: cpu, cuda, cuda:1; auto takes a GPU where ONNX Runtime can."
    )
    ort_optimization: Literal["disabled", "basic", "extended", "all"] = Field(
        "all", description="How far ONNX Runtime rewrites the network when it loads it."
    )
    ort_execution_mode: Literal["sequential", "parallel"] = Field(
        "sequential", description="Whether independent parts of the network run at once."
    )
    ort_cpu_mem_arena: bool = Field(
        False, description="Keep the memory of a sentence for the next: faster, and never given back."
    )
    ort_intra_op_threads: int = Field(
        1, ge=0, description="Threads of one operation, 0 for one per core; two save 8 % on a short sentence."
    )
    ort_inter_op_threads: int = Field(
        0, ge=0, description="Operations at once with ORT_EXECUTION_MODE=parallel, 0 for one per core."
    )
    ort_device_id: int | None = Field(
        None,
        ge=0,
        description="Number of the GPU among those the worker sees; unset, that of TTS_DEVICE or 0.",
    )
    ort_arena_strategy: Literal["kNextPowerOfTwo", "kSameAsRequested"] = Field(
        "kNextPowerOfTwo", description="How the memory taken on a GPU grows."
    )
    ort_gpu_mem_limit: int = Field(
        2_147_483_648, ge=1_048_576, description="Bytes that a voice may take on a GPU."
    )
    ort_cudnn_search: Literal["HEURISTIC", "EXHAUSTIVE", "DEFAULT"] = Field(
        "HEURISTIC",
        description="How cuDNN picks its convolutions; EXHAUSTIVE tries all anew for each new length.",
    )


def session_options(options: OrtOptions) -> Any:
    """ONNX Runtime's SessionOptions of the ORT_* variables."""
    import onnxruntime as ort

    made = ort.SessionOptions()
    made.graph_optimization_level = {
        "disabled": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
        "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
        "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    }[options.ort_optimization]
    parallel = options.ort_execution_mode == "parallel"
    made.execution_mode = ort.ExecutionMode.ORT_PARALLEL if parallel else ort.ExecutionMode.ORT_SEQUENTIAL
    made.enable_cpu_mem_arena = options.ort_cpu_mem_arena
    made.intra_op_num_threads = options.ort_intra_op_threads
    made.inter_op_num_threads = options.ort_inter_op_threads
    return made


def chosen(options: OrtOptions, available: Sequence[str]) -> list[str | tuple[str, dict[str, Any]]]:
    """ONNX Runtime's providers with their options, in the order to try.

    Raises SettingsError for a GPU that is asked for where ONNX Runtime has no provider for one.
    """
    _, number = split(options.tts_device)
    gpu = {
        "device_id": number if options.ort_device_id is None else options.ort_device_id,
        "arena_extend_strategy": options.ort_arena_strategy,
        "gpu_mem_limit": options.ort_gpu_mem_limit,
        "cudnn_conv_algo_search": options.ort_cudnn_search,
    }
    names = execution("tts", options.tts_device, available)
    return [(CUDA, gpu) if name == CUDA else name for name in names]
