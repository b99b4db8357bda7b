"""The reference network: shapes, switches, and the loss against values computed by hand."""

from __future__ import annotations

import pytest
import torch
from ultralytics.utils.loss import v8DetectionLoss

from ml_backend.reference.loss import DistanceLoss, distance_loss
from ml_backend.reference.modules import ResidualSPPF, SqueezeFusion
from ml_backend.reference.network import Changes, ReferenceModel

PLAIN = Changes(attention=False, residual=False, distance_iou=False, balance=False)


def test_the_modules_keep_the_shape() -> None:
    features = torch.randn(2, 32, 6, 5)
    for module in (SqueezeFusion(32), ResidualSPPF(32)):
        assert module.eval()(features).shape == features.shape


def test_what_the_pooling_makes_is_added_to_its_input() -> None:
    module = ResidualSPPF(16).eval()
    torch.nn.init.zeros_(module.cv2.conv.weight)
    features = torch.randn(1, 16, 8, 8)
    assert torch.allclose(module(features), features)


@pytest.mark.parametrize(
    ("changes", "attention", "residual"),
    [(Changes(), 3, 1), (PLAIN, 0, 0), (Changes(attention=False), 0, 1), (Changes(residual=False), 3, 0)],
)
def test_each_module_can_be_left_out(changes: Changes, attention: int, residual: int) -> None:
    network = ReferenceModel(changes)
    found = [type(layer) for layer in network.modules()]
    assert (found.count(SqueezeFusion), found.count(ResidualSPPF)) == (attention, residual)
    answer = network.eval()(torch.zeros(1, 1, 64, 64))[0]
    assert answer.shape == (1, 4 + 5, 8 * 8 + 4 * 4 + 2 * 2)


def test_the_criterion_and_the_balance_can_be_left_out() -> None:
    assert isinstance(ReferenceModel(Changes()).init_criterion(), DistanceLoss)
    plain = ReferenceModel(PLAIN)
    assert type(plain.init_criterion()) is v8DetectionLoss
    assert (plain.args.box, plain.args.cls, plain.args.dfl) == (7.5, 0.5, 1.5)
    args = ReferenceModel(Changes()).args
    assert (args.box, args.cls, args.dfl) == (0.5, 0.5, 0)


def test_the_distance_loss_is_that_of_the_formula() -> None:
    found = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [1, 1, 3, 3]])
    true = torch.tensor([[0.0, 0, 2, 2], [4, 0, 6, 2], [0, 0, 2, 2]])
    expected = [0.0, 1 + 16 / 40, 1 - 1 / 7 + 2 / 18]
    assert distance_loss(found, true).flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_the_loss_reaches_every_module() -> None:
    torch.manual_seed(0)
    network = ReferenceModel(Changes()).train()
    batch = {
        "img": torch.rand(2, 1, 64, 64),
        "batch_idx": torch.tensor([0.0, 1]),
        "cls": torch.tensor([[3.0], [1]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.2], [0.4, 0.6, 0.5, 0.3]]),
    }
    loss = network(batch)[0].sum()
    loss.backward()
    assert torch.isfinite(loss)
    learned = [layer for layer in network.modules() if isinstance(layer, SqueezeFusion | ResidualSPPF)]
    for layer in learned:
        slopes = [parameter.grad for parameter in layer.parameters()]
        assert all(slope is not None and torch.isfinite(slope).all() for slope in slopes)
        assert any(float(slope.abs().sum()) > 0 for slope in slopes if slope is not None)
