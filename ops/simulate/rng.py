"""Random numbers by name: the same seed and name give the same stream, however many other streams there are."""

from hashlib import blake2b

import numpy as np


def stream(seed: int, *names: object) -> np.random.Generator:
    """The generator of this name under this seed."""
    text = "|".join(map(str, (seed, *names)))
    return np.random.Generator(np.random.PCG64(int.from_bytes(blake2b(text.encode(), digest_size=16).digest())))
