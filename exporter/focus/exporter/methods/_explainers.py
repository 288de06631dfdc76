"""Every way to make maps of a trained network, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

from torch import Tensor

from focus.exporter.evaluate._contract import Array, Explainer
from focus.exporter.methods._adapted_vit import AdaptedViT
from focus.exporter.methods._attention import chefer, rollout
from focus.exporter.methods._explainer import Maps, TorchExplainer, by_patch, maps_of_heatmap
from focus.exporter.methods._literal import literal_maps
from focus.exporter.methods._prompt_cam import PromptCam, prompt_attention
from focus.exporter.methods._se_cnn import SpectralSeCnn, gate_sensitivity
from focus.exporter.model import FocusNet, TrainableNet
from focus.runtime import Bundle, FocusError


def explainers_of(name: str, net: TrainableNet, bundle: Bundle, *, share: bool = False) -> dict[str, Explainer]:
    """The ways to make maps of a network (docs/methods-compared.md).

    Args:
        name: ``adapted-vit``, ``prompt-cam``, ``se-cnn`` (from ``train_method``), or ``focus-literal`` for a
            ``FocusNet``, trained with ``read_blocks`` = L.
        net: trained.
        bundle: of a FOCUS model of the same data and split: sensor, standardisation, classes and window are the same
            for every network. For ``focus-literal`` the network's own.
        share: maps of the same attributions compute them once for a window, in the precision of a training; not where
            each one's cost is counted.
    Raises:
        ValueError: an unknown name; TypeError: a network of another kind.
        FocusError: the extra ``evaluate``, which CAMs and integrated gradients need, is not installed.
    """
    if name not in _KINDS:
        raise ValueError(f"no method {name}; there are {', '.join(_KINDS)}")
    kind, ways = _KINDS[name]
    if not isinstance(net, kind):
        raise TypeError(f"{name} is a {kind.__name__}, got a {type(net).__name__}")
    net.eval()
    return {way: TorchExplainer(net, bundle, maps) for way, maps in ways(net, bundle, share).items()}


def require_evaluate() -> None:
    """Names the extra that is missing.

    Raises:
        FocusError: captum or grad-cam is not installed.
    """
    wanted = {"captum": "captum", "pytorch_grad_cam": "grad-cam"}
    missing = [package for module, package in wanted.items() if find_spec(module) is None]
    if missing:
        raise FocusError(f'{", ".join(missing)} not installed; pip install "focus-hsi[evaluate]"')


def _of_adapted_vit(net: AdaptedViT, bundle: Bundle, share: bool) -> dict[str, Maps]:
    require_evaluate()
    from focus.exporter.methods._cams import difference_of_means, grad_cam, layer_cam
    from focus.exporter.methods._gradients import attributions, maps_of_attributions, spectral_maps_of_attributions

    def attributed(*window: Any) -> Array:
        return attributions(net, bundle, *window, quick=share)

    of_window = _remembered(attributed) if share else attributed
    heatmaps = {
        "grad-cam": grad_cam,
        "layer-cam": layer_cam,
        "rollout": rollout,
        "chefer": chefer,
        "difference-of-means": difference_of_means,
    }
    return {
        **{way: by_patch(partial(heatmap, net)) for way, heatmap in heatmaps.items()},
        "integrated-gradients": lambda *window: maps_of_attributions(of_window(*window)),
        "spectral-ig": lambda *window: spectral_maps_of_attributions(of_window(*window)),
    }


def _remembered(work: Callable[..., Array]) -> Callable[..., Array]:
    """Keeps the result of the last window."""
    last: dict[tuple[bytes, bytes, int], Array] = {}

    def attributed(band_means: Tensor, composite: Tensor, shown: int) -> Array:
        window = (band_means.cpu().numpy().tobytes(), composite.cpu().numpy().tobytes(), shown)
        if window not in last:
            last.clear()
            last[window] = work(band_means, composite, shown)
        return last[window]

    return attributed


def _of_prompt_cam(net: PromptCam, bundle: Bundle, share: bool) -> dict[str, Maps]:
    return {"prompt-cam": by_patch(partial(prompt_attention, net))}


def _of_se_cnn(net: SpectralSeCnn, bundle: Bundle, share: bool) -> dict[str, Maps]:
    require_evaluate()
    from focus.exporter.methods._cams import grad_cam

    return {
        "se-cnn": by_patch(partial(grad_cam, net)),
        "se-gates": lambda *window: maps_of_heatmap(grad_cam(net, *window), window[0], gate_sensitivity(net, *window)),
    }


def _of_focus(net: FocusNet, bundle: Bundle, share: bool) -> dict[str, Maps]:
    return {"literal-eq-5": partial(literal_maps, net, bundle)}


_KINDS: dict[str, tuple[type[TrainableNet], Callable[..., dict[str, Maps]]]] = {
    "adapted-vit": (AdaptedViT, _of_adapted_vit),
    "prompt-cam": (PromptCam, _of_prompt_cam),
    "se-cnn": (SpectralSeCnn, _of_se_cnn),
    "focus-literal": (FocusNet, _of_focus),
}
