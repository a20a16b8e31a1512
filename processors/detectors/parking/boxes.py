"""Boxes in a camera's picture."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def overlap(one: Box, two: Box) -> float:
    """Intersection over union, 0 to 1; 0 of boxes without area."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_area(one) + _area(two) - both)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
