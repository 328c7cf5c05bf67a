# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of `track-spine` that choose networks and what computes them."""

import argparse

from .inference.networks import Networks
from .inference.providers import NAMES


def add_network_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options that put networks of others in place of those that ship.

    Args:
        command: Parser of a command that looks at pictures.
    """
    command.add_argument(
        "--model",
        metavar="NAME",
        help="find the 37 points with this network: as `models list` names it, or an ONNX file",
    )
    command.add_argument(
        "--detector", metavar="NAME", help="find people with this one (RF-DETR or YOLOX)"
    )
    command.add_argument(
        "--flip-test",
        action="store_true",
        help="let --model look at mirrored pictures too and take the mean: twice the work",
    )
    add_provider_argument(command)


def add_lifter_argument(command: argparse.ArgumentParser) -> None:
    """Add the option that puts a lifter of others in place of what ships.

    Args:
        command: Parser of a command that makes points in space.
    """
    command.add_argument(
        "--lifter",
        metavar="NAME",
        help="make points in space with this network: spinepose-lifter, or an ONNX file",
    )


def add_provider_argument(command: argparse.ArgumentParser) -> None:
    """Add the option that forces an execution provider.

    Args:
        command: Parser of a command that runs networks.
    """
    command.add_argument(
        "--provider",
        choices=NAMES,
        help="compute with this and nothing else (default: the best that works)",
    )


def networks_of(arguments: argparse.Namespace) -> Networks:
    """Read what `add_network_arguments` added.

    Args:
        arguments: Parsed arguments.

    Returns:
        The networks wanted, without a lifter.
    """
    return Networks(
        model=arguments.model,
        detector=arguments.detector,
        flip_test=arguments.flip_test,
        provider=arguments.provider,
    )
