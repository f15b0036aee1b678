"""The published changes of the difference map (Di Noto et al. 2022, arXiv 2210.09698), by MONAI's own transforms.

For `absolute-difference` only: the result holds the changed map as the current exam and 0 as the prior. Noise makes
some voxels of the map negative; the representation takes their absolute value, where the published network saw them.
"""

# What the network must be given; arms and recipes of another representation are refused.
REPRESENTATION = "absolute-difference"
# Of each change.
PROBABILITY = 0.2


def augment(pairs, generator, size_mm):
    """Changes the difference map of each pair at random; see the package for the arguments."""
    import torch

    changes = transforms(pairs.device)
    maps = (pairs[:, 1:] - pairs[:, :1]).abs()
    seeds = torch.randint(2**31, (len(maps),), generator=generator, device=pairs.device)
    changed = [
        changes.set_random_state(seed)(image).as_tensor() for seed, image in zip(seeds.tolist(), maps, strict=True)
    ]
    return torch.stack([torch.cat([torch.zeros_like(image), image]) for image in changed])


def transforms(device):
    """Returns the published changes in their order as a `monai.transforms.Compose` of images [1, X, Y, Z].

    Flips turn all axes at once, noise falls on the background too, and the elastic change moves voxels by far more than
    heads differ. What the paper does not name is MONAI's default: the noise's standard deviation is drawn up to the one
    given, and zoomed-out maps are padded with their edge.
    """
    # Nine seconds, which only this plug-in's users pay.
    from monai.transforms import Compose, Rand3DElastic, RandFlip, RandGaussianNoise, RandZoom

    elastic = Rand3DElastic(
        sigma_range=(5, 7), magnitude_range=(50, 150), prob=PROBABILITY, padding_mode="zeros", device=device
    )
    return Compose([
        RandFlip(prob=PROBABILITY, spatial_axis=None),
        RandGaussianNoise(prob=PROBABILITY, std=0.1),
        RandZoom(prob=PROBABILITY, min_zoom=0.7, max_zoom=1.3),
        elastic,
    ])  # fmt: skip
