"""Who trains together: one process, or the ranks of a group that `torch.distributed` or Horovod makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

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


class GroupWorld(World, ABC):
    """The ranks of a group that can do three things. Every rank must make the same calls in the same order, or all of them hang."""

    @abstractmethod
    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all ranks."""

    @abstractmethod
    def least(self, values: torch.Tensor) -> torch.Tensor:
        """The least over all ranks."""

    @abstractmethod
    def of_first(self, values: torch.Tensor) -> torch.Tensor:
        """What rank 0 has."""

    def reduce(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        held = list(parameters)
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in held]
        flat = self.total(torch.cat([g.reshape(-1) for g in grads]))  # one message instead of one per parameter
        flat /= self.size
        for parameter, part in zip(held, flat.split([g.numel() for g in grads]), strict=True):
            parameter.grad = part.view_as(parameter)

    def copy_from_first(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        for parameter in (p for p in parameters if p.numel()):
            parameter.data.copy_(self.of_first(parameter.data))

    def minimum(self, value: int) -> int:
        return int(self.least(torch.tensor([value])))

    def decide(self, value: bool) -> bool:
        return bool(self.of_first(torch.tensor([int(value)])))


class GlooWorld(GroupWorld):
    """The ranks of torch's default process group."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def total(self, values: torch.Tensor) -> torch.Tensor:
        dist.all_reduce(values)
        return values

    def least(self, values: torch.Tensor) -> torch.Tensor:
        dist.all_reduce(values, op=dist.ReduceOp.MIN)
        return values

    def of_first(self, values: torch.Tensor) -> torch.Tensor:
        dist.broadcast(values, src=0)
        return values


class HorovodWorld(GroupWorld):
    """The ranks that Horovod has started."""

    def __init__(self) -> None:
        import horovod.torch as hvd

        self._hvd: Any = hvd
        self.rank, self.size = hvd.rank(), hvd.size()

    def total(self, values: torch.Tensor) -> torch.Tensor:
        return self._hvd.allreduce(values, op=self._hvd.Sum)

    def least(self, values: torch.Tensor) -> torch.Tensor:
        return self._hvd.allreduce(values, op=self._hvd.Min)

    def of_first(self, values: torch.Tensor) -> torch.Tensor:
        return self._hvd.broadcast(values, root_rank=0)


@contextmanager
def gloo_world() -> Iterator[World]:
    """Join the group that the launcher's environment (`MASTER_ADDR`, `RANK`, `WORLD_SIZE`) names, and leave it however the block ends."""
    dist.init_process_group("gloo", timeout=COLLECTIVE_TIMEOUT)
    try:
        yield GlooWorld()
    finally:
        dist.destroy_process_group()


@contextmanager
def horovod_world() -> Iterator[World]:
    """Join the ranks that Horovod has started, and leave them however the block ends: those that still wait for this one get an error."""
    import horovod.torch as hvd

    hvd.init()
    try:
        yield HorovodWorld()
    finally:
        hvd.shutdown()


WORLDS: dict[str, Callable[[], AbstractContextManager[World]]] = {"gloo": gloo_world, "horovod": horovod_world}
