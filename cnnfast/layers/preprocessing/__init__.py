"""What is done to images and sounds before a network."""

from cnnfast.layers.preprocessing.mel_spectrogram import MelSpectrogram
from cnnfast.layers.preprocessing.mixing import AugMix, CutMix, MixUp, RandAugment
from cnnfast.layers.preprocessing.random_colors import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from cnnfast.layers.preprocessing.random_effects import (
    Equalization,
    RandomElasticTransform,
    RandomErasing,
    RandomGaussianBlur,
    RandomInvert,
    RandomPosterization,
    RandomSharpness,
    Solarization,
)
from cnnfast.layers.preprocessing.random_geometry import (
    RandomFlip,
    RandomHeight,
    RandomPerspective,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomWidth,
    RandomZoom,
)
from cnnfast.layers.preprocessing.resizing import CenterCrop, RandomCrop, Resizing
from cnnfast.layers.preprocessing.scaling import Normalization, Rescaling
from cnnfast.layers.preprocessing.stft_spectrogram import STFTSpectrogram

__all__ = [
    "AugMix",
    "CenterCrop",
    "CutMix",
    "Equalization",
    "MelSpectrogram",
    "MixUp",
    "Normalization",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHeight",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "Rescaling",
    "Resizing",
    "STFTSpectrogram",
    "Solarization",
]
