"""Who trains together: one process, or the ranks of a `torch.distributed` group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

# A rank whose table failed closes its sockets and the others fail at once; this is for machines that vanish.
COLLECTIVE_TIMEOUT = timedelta(minutes=5)


class World:
    """One worker: all collectives are the identity.

    Attributes:
        rank: of this process, from 0.
        size: number of processes.
    """

    rank = 0
    size = 1

    def reduce(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Average the gradients of `parameters` over all ranks."""

    def copy_from_first(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Give every rank the parameters of rank 0."""

    def minimum(self, value: int) -> int:
        """The least `value` of any rank."""
        return value

    def decide(self, value: bool) -> bool:
        """What rank 0 says."""
        return value


class GlooWorld(World):
    """The ranks of the default process group. Every rank must make the same calls in the same order, or all of them hang."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def reduce(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        held = list(parameters)
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in held]
        flat = torch.cat([g.reshape(-1) for g in grads])  # one message instead of one per parameter
        dist.all_reduce(flat)
        flat /= self.size
        for parameter, part in zip(held, flat.split([g.numel() for g in grads]), strict=True):
            parameter.grad = part.view_as(parameter)

    def copy_from_first(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        for parameter in (p for p in parameters if p.numel()):
            dist.broadcast(parameter.data, src=0)

    def minimum(self, value: int) -> int:
        agreed = torch.tensor([value])
        dist.all_reduce(agreed, op=dist.ReduceOp.MIN)
        return int(agreed)

    def decide(self, value: bool) -> bool:
        said = torch.tensor([int(value)])
        dist.broadcast(said, src=0)
        return bool(said)


@contextmanager
def gloo_world() -> Iterator[World]:
    """Join the group that the launcher's environment (`MASTER_ADDR`, `RANK`, `WORLD_SIZE`) names, and leave it however the block ends."""
    dist.init_process_group("gloo", timeout=COLLECTIVE_TIMEOUT)
    try:
        yield GlooWorld()
    finally:
        dist.destroy_process_group()
