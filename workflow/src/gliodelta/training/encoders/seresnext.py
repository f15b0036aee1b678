"""SEResNeXt50 in 3-D as in Di Noto et al. 2022: MONAI's, with layers (2, 3, 4, 2)."""


def build(channels, shape, outputs=1):
    """Builds the network.

    Args:
        channels: channels of the representation.
        shape: (X, Y, Z) of the grid; the network pools globally and fits any.
        outputs: of the loss; 2 for the published size.

    Returns:
        torch.nn.Sequential with `features` and `head`.
    """
    from collections import OrderedDict

    from monai.networks.nets import SEResNext50
    from torch import nn

    network = SEResNext50(spatial_dims=3, in_channels=channels, num_classes=outputs, layers=(2, 3, 4, 2))
    stages = [network.layer0, network.layer1, network.layer2, network.layer3, network.layer4]
    features = nn.Sequential(*stages, network.adaptive_avg_pool, nn.Flatten())
    return nn.Sequential(OrderedDict(features=features, head=network.last_linear))
