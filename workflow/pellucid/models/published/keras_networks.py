"""The networks of keras.applications, readable without TensorFlow; a test compares them with Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# How images from 0 to 1 are scaled for a network: (factor, shift) of red, green, blue.
BLUE_GREEN_RED = "blue, green, red, minus ImageNet's means"  # loading the weights adapts the order
MINUS_ONE_TO_ONE = "from -1 to 1"
UNIT_DEVIATION = "minus ImageNet's means, divided by its standard deviations"
ITS_OWN = "from 0 to 255: the network has layers that scale"
# These networks were trained on images divided by the variances, but Keras' layer divides by the standard deviations.
# Loading the weights divides by the standard deviations once more.
ITS_OWN_AND_DEVIATIONS = "from 0 to 255: the network has layers that scale, except for ImageNet's standard deviations"

# Of ImageNet's red, green and blue on the scale from 0 to 1.
_MEANS, DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SCALING: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    BLUE_GREEN_RED: ((255.0,) * 3, (-123.68, -116.779, -103.939)),
    MINUS_ONE_TO_ONE: ((2.0,) * 3, (-1.0,) * 3),
    UNIT_DEVIATION: (
        tuple(1 / deviation for deviation in DEVIATIONS),
        tuple(-mean / deviation for mean, deviation in zip(_MEANS, DEVIATIONS, strict=True)),
    ),
    ITS_OWN: ((255.0,) * 3, (0.0,) * 3),
    ITS_OWN_AND_DEVIATIONS: ((255.0,) * 3, (0.0,) * 3),
}


@dataclass(frozen=True)
class Family:
    """The properties that the networks of one family share.

    Attributes:
        scaling: of the images; a key of `SCALING`.
        features: besides "conv", as in `ModelSpec.features`, with the published head.
        minimum: side of the smallest image, in pixels.
        folder: where Keras publishes the weights.
    """

    scaling: str
    features: tuple[str, ...]
    folder: str
    minimum: int = 32


@dataclass(frozen=True)
class Network:
    """One network.

    Attributes:
        family: of the network.
        size: side of the images that it was trained on, in pixels.
        address: of the weights with the head for ImageNet's 1,000 classes.
        checksum: MD5 or SHA-256 of the weights, in hexadecimal; empty where Keras states none.
    """

    family: Family
    size: int
    address: str
    checksum: str


_STORE = "https://storage.googleapis.com"
_KERAS = f"{_STORE}/tensorflow/keras-applications"

_CONVNEXT = Family(ITS_OWN, (), f"{_KERAS}/convnext")
_DENSENET = Family(UNIT_DEVIATION, ("relu", "rescale_rule", "gap"), f"{_KERAS}/densenet")
_EFFICIENTNET = Family(ITS_OWN_AND_DEVIATIONS, ("gap",), f"{_STORE}/keras-applications")
_EFFICIENTNET_V2 = Family(ITS_OWN, ("gap",), f"{_KERAS}/efficientnet_v2")
_INCEPTION_RESNET = Family(
    MINUS_ONE_TO_ONE, ("relu", "rescale_rule", "gap"), f"{_KERAS}/inception_resnet_v2", minimum=75
)
_INCEPTION = Family(MINUS_ONE_TO_ONE, ("relu", "rescale_rule", "gap"), f"{_KERAS}/inception_v3", minimum=75)
_MOBILENET = Family(MINUS_ONE_TO_ONE, ("relu",), f"{_KERAS}/mobilenet")
_MOBILENET_V2 = Family(MINUS_ONE_TO_ONE, ("relu", "gap"), f"{_KERAS}/mobilenet_v2")
_MOBILENET_V3 = Family(ITS_OWN, ("relu",), f"{_KERAS}/mobilenet_v3")
_NASNET = Family(MINUS_ONE_TO_ONE, ("relu", "gap"), f"{_KERAS}/nasnet")
_RESNET = Family(BLUE_GREEN_RED, ("relu", "rescale_rule", "gap"), f"{_KERAS}/resnet")
_RESNET_V2 = Family(MINUS_ONE_TO_ONE, ("relu", "rescale_rule", "gap"), f"{_KERAS}/resnet")
_VGG = Family(BLUE_GREEN_RED, ("relu", "rescale_rule"), _KERAS)
_XCEPTION = Family(MINUS_ONE_TO_ONE, ("relu", "rescale_rule", "gap"), f"{_KERAS}/xception", minimum=71)

# The end of the file names of most networks.
_TF = "_weights_tf_dim_ordering_tf_kernels.h5"
_ROWS: tuple[tuple[str, Family, int, str, str], ...] = (
    (
        "ConvNeXtBase",
        _CONVNEXT,
        224,
        "convnext_base.h5",
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    ),
    (
        "ConvNeXtLarge",
        _CONVNEXT,
        224,
        "convnext_large.h5",
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    ),
    (
        "ConvNeXtSmall",
        _CONVNEXT,
        224,
        "convnext_small.h5",
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    ),
    (
        "ConvNeXtTiny",
        _CONVNEXT,
        224,
        "convnext_tiny.h5",
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    ),
    (
        "ConvNeXtXLarge",
        _CONVNEXT,
        224,
        "convnext_xlarge.h5",
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    ),
    ("DenseNet121", _DENSENET, 224, f"densenet121{_TF}", "9d60b8095a5708f2dcce2bca79d332c7"),
    ("DenseNet169", _DENSENET, 224, f"densenet169{_TF}", "d699b8f76981ab1b30698df4c175e90b"),
    ("DenseNet201", _DENSENET, 224, f"densenet201{_TF}", "1ceb130c1ea1b78c3bf6114dbdfd8807"),
    ("EfficientNetB0", _EFFICIENTNET, 224, "efficientnetb0.h5", "902e53a9f72be733fc0bcb005b3ebbac"),
    ("EfficientNetB1", _EFFICIENTNET, 240, "efficientnetb1.h5", "1d254153d4ab51201f1646940f018540"),
    ("EfficientNetB2", _EFFICIENTNET, 260, "efficientnetb2.h5", "b15cce36ff4dcbd00b6dd88e7857a6ad"),
    ("EfficientNetB3", _EFFICIENTNET, 300, "efficientnetb3.h5", "ffd1fdc53d0ce67064dc6a9c7960ede0"),
    ("EfficientNetB4", _EFFICIENTNET, 380, "efficientnetb4.h5", "18c95ad55216b8f92d7e70b3a046e2fc"),
    ("EfficientNetB5", _EFFICIENTNET, 456, "efficientnetb5.h5", "ace28f2a6363774853a83a0b21b9421a"),
    ("EfficientNetB6", _EFFICIENTNET, 528, "efficientnetb6.h5", "165f6e37dce68623721b423839de8be5"),
    ("EfficientNetB7", _EFFICIENTNET, 600, "efficientnetb7.h5", "8c03f828fec3ef71311cd463b6759d99"),
    ("EfficientNetV2B0", _EFFICIENTNET_V2, 224, "efficientnetv2-b0.h5", "21ecbf6da12460d5c40bb2f29ceb2188"),
    ("EfficientNetV2B1", _EFFICIENTNET_V2, 240, "efficientnetv2-b1.h5", "069f0534ff22adf035c89e2d9547a9dc"),
    ("EfficientNetV2B2", _EFFICIENTNET_V2, 260, "efficientnetv2-b2.h5", "424e49f28180edbde1e94797771950a7"),
    ("EfficientNetV2B3", _EFFICIENTNET_V2, 300, "efficientnetv2-b3.h5", "1f1fc43bd98a6e4fd8fdfd551e02c7a0"),
    ("EfficientNetV2L", _EFFICIENTNET_V2, 480, "efficientnetv2-l.h5", "27e6d408b53c7ebc868fefa357689935"),
    ("EfficientNetV2M", _EFFICIENTNET_V2, 480, "efficientnetv2-m.h5", "a3bf6aa3276309f4fc6a34aa114c95cd"),
    ("EfficientNetV2S", _EFFICIENTNET_V2, 384, "efficientnetv2-s.h5", "e1d88a8495beba45748fedd0cecbe016"),
    ("InceptionResNetV2", _INCEPTION_RESNET, 299, f"inception_resnet_v2{_TF}", "e693bd0210a403b3192acc6073ad2e96"),
    ("InceptionV3", _INCEPTION, 299, f"inception_v3{_TF}", "9a0d58056eeedaa3f26cb7ebd46da564"),
    ("MobileNet", _MOBILENET, 224, "mobilenet_1_0_224_tf.h5", ""),
    ("MobileNetV2", _MOBILENET_V2, 224, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5", ""),
    (
        "MobileNetV3Large",
        _MOBILENET_V3,
        224,
        "weights_mobilenet_v3_large_224_1.0_float.h5",
        "59e551e166be033d707958cf9e29a6a7",
    ),
    (
        "MobileNetV3Small",
        _MOBILENET_V3,
        224,
        "weights_mobilenet_v3_small_224_1.0_float.h5",
        "8768d4c2e7dee89b9d02b2d03d65d862",
    ),
    ("NASNetLarge", _NASNET, 331, "NASNet-large.h5", "11577c9a518f0070763c2b964a382f17"),
    ("NASNetMobile", _NASNET, 224, "NASNet-mobile.h5", "020fb642bf7360b370c678b08e0adf61"),
    ("ResNet101", _RESNET, 224, f"resnet101{_TF}", "f1aeb4b969a6efcfb50fad2f0c20cfc5"),
    ("ResNet152", _RESNET, 224, f"resnet152{_TF}", "100835be76be38e30d865e96f2aaae62"),
    ("ResNet50", _RESNET, 224, f"resnet50{_TF}", "2cb95161c43110f7111970584f804107"),
    ("ResNet101V2", _RESNET_V2, 224, f"resnet101v2{_TF}", "6343647c601c52e1368623803854d971"),
    ("ResNet152V2", _RESNET_V2, 224, f"resnet152v2{_TF}", "a49b44d1979771252814e80f8ec446f9"),
    ("ResNet50V2", _RESNET_V2, 224, f"resnet50v2{_TF}", "3ef43a0b657b3be2300d5770ece849e0"),
    ("VGG16", _VGG, 224, f"vgg16/vgg16{_TF}", "64373286793e3c8b2b4e3219cbf3544b"),
    ("VGG19", _VGG, 224, f"vgg19/vgg19{_TF}", "cbe5617147190e668d6c5d5026f83318"),
    ("Xception", _XCEPTION, 299, f"xception{_TF}", "0a58e3b7378bc2990ea3b43d5981f1f6"),
)
NETWORKS: Mapping[str, Network] = {
    name: Network(family, size, f"{family.folder}/{file}", checksum) for name, family, size, file, checksum in _ROWS
}

PUBLISHED = "imagenet"


def published(name: str, weights: str) -> dict[str, str]:
    """Return the address and the checksum that `weights: imagenet` stands for; {} for other values.

    The checksum is an MD5 for most files, a SHA-256 for some, and none for MobileNet and MobileNetV2.
    """
    if weights != PUBLISHED:
        return {}
    checksum = NETWORKS[name].checksum
    kind = {32: "weights_md5", 64: "weights_sha256"}.get(len(checksum))
    return {"weights": NETWORKS[name].address} | ({kind: checksum} if kind else {})
