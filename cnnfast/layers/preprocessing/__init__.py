"""What is done to images and sounds before a network."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.preprocessing.categorical import (
        CategoryEncoding as CategoryEncoding,
        Discretization as Discretization,
    )
    from cnnfast.layers.preprocessing.hashing import HashedCrossing as HashedCrossing
    from cnnfast.layers.preprocessing.hashing import Hashing as Hashing
    from cnnfast.layers.preprocessing.integer_lookup import IntegerLookup as IntegerLookup
    from cnnfast.layers.preprocessing.mel_spectrogram import MelSpectrogram as MelSpectrogram
    from cnnfast.layers.preprocessing.mixing import (
        AugMix as AugMix,
        CutMix as CutMix,
        MixUp as MixUp,
        RandAugment as RandAugment,
    )
    from cnnfast.layers.preprocessing.pipeline import Pipeline as Pipeline
    from cnnfast.layers.preprocessing.random_colors import (
        RandomBrightness as RandomBrightness,
        RandomColorDegeneration as RandomColorDegeneration,
        RandomColorJitter as RandomColorJitter,
        RandomContrast as RandomContrast,
        RandomGrayscale as RandomGrayscale,
        RandomHue as RandomHue,
        RandomSaturation as RandomSaturation,
    )
    from cnnfast.layers.preprocessing.random_effects import (
        Equalization as Equalization,
        RandomElasticTransform as RandomElasticTransform,
        RandomErasing as RandomErasing,
        RandomGaussianBlur as RandomGaussianBlur,
        RandomInvert as RandomInvert,
        RandomPosterization as RandomPosterization,
        RandomSharpness as RandomSharpness,
        Solarization as Solarization,
    )
    from cnnfast.layers.preprocessing.random_geometry import (
        RandomFlip as RandomFlip,
        RandomHeight as RandomHeight,
        RandomPerspective as RandomPerspective,
        RandomRotation as RandomRotation,
        RandomShear as RandomShear,
        RandomTranslation as RandomTranslation,
        RandomWidth as RandomWidth,
        RandomZoom as RandomZoom,
    )
    from cnnfast.layers.preprocessing.resizing import (
        CenterCrop as CenterCrop,
        RandomCrop as RandomCrop,
        Resizing as Resizing,
    )
    from cnnfast.layers.preprocessing.scaling import (
        Normalization as Normalization,
        Rescaling as Rescaling,
    )
    from cnnfast.layers.preprocessing.stft_spectrogram import STFTSpectrogram as STFTSpectrogram
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "categorical": ["CategoryEncoding", "Discretization"],
            "hashing": ["HashedCrossing", "Hashing"],
            "integer_lookup": ["IntegerLookup"],
            "mel_spectrogram": ["MelSpectrogram"],
            "mixing": ["AugMix", "CutMix", "MixUp", "RandAugment"],
            "pipeline": ["Pipeline"],
            "random_colors": [
                "RandomBrightness",
                "RandomColorDegeneration",
                "RandomColorJitter",
                "RandomContrast",
                "RandomGrayscale",
                "RandomHue",
                "RandomSaturation",
            ],
            "random_effects": [
                "Equalization",
                "RandomElasticTransform",
                "RandomErasing",
                "RandomGaussianBlur",
                "RandomInvert",
                "RandomPosterization",
                "RandomSharpness",
                "Solarization",
            ],
            "random_geometry": [
                "RandomFlip",
                "RandomHeight",
                "RandomPerspective",
                "RandomRotation",
                "RandomShear",
                "RandomTranslation",
                "RandomWidth",
                "RandomZoom",
            ],
            "resizing": ["CenterCrop", "RandomCrop", "Resizing"],
            "scaling": ["Normalization", "Rescaling"],
            "stft_spectrogram": ["STFTSpectrogram"],
        },
    )
