"""A program without kernels whose results are not used."""

from dataclasses import replace

from .kernel import Program

__all__ = ["alive"]


def alive(program: Program) -> Program:
    """The kernels that emit, and those whose maps they read, directly or by way of others."""
    needed: set[int] = set()
    keep: list[int] = []
    for number in reversed(range(len(program.kernels))):
        kernel = program.kernels[number]
        if kernel.emit or kernel.result in needed:
            needed.update(kernel.sources)
            keep.insert(0, number)
    place = {number: index for index, number in enumerate(keep)}
    views = {}
    for tensor, view in program.views.items():
        if view is not None:
            pieces = [replace(p, kernel=place[p.kernel]) for p in view.pieces if p.kernel in place]
            view = replace(view, pieces=tuple(pieces))
        views[tensor] = view
    kernels = [program.kernels[number] for number in keep]
    return Program(program.maps, kernels, views, program.alike)
