# SPDX-License-Identifier: GPL-3.0-or-later
"""`track-spine models`: networks that others publish are listed, fetched, or added from a file."""

import argparse
import sys
from pathlib import Path

from .cli_terminal import OK, bars, console
from .inference.catalogue import CATALOGUE, PublishedModel
from .inference.installed import ModelFolder
from .inference.licences import Accept
from .inference.protocol import ProtocolError
from .inference.terms import Terms
from .inference.user_folder import user_folder


def add_model_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the parser of `track-spine models`.

    Args:
        commands: What they are added to; each sets `run`, from arguments to exit status.
    """
    names = [model.name for model in CATALOGUE]
    listing = commands.add_parser("list", help="say which there are and which of them are here")
    fetch = commands.add_parser("fetch", help="download one")
    add = commands.add_parser("add", help="take one from a file that was downloaded by hand")
    fetch.add_argument("name", metavar="NAME", choices=names, help="as `models list` says it")
    add.add_argument("file", type=Path, metavar="FILE", help="the ONNX file, or its archive")
    add.add_argument("--as", dest="name", choices=names, metavar="NAME", help="which network it is")
    for command, run in ((listing, _models_list), (fetch, _models_fetch), (add, _models_add)):
        command.add_argument(
            "--folder",
            type=Path,
            metavar="DIR",
            help="folder of such networks (default: the user's)",
        )
        command.set_defaults(run=run)
    for command in (fetch, add):
        command.add_argument(
            "--accept-licence", action="store_true", help="accept its licence without being asked"
        )


def _models_list(arguments: argparse.Namespace) -> int:
    folder = _model_folder(arguments)
    for model in CATALOGUE:
        state = "here" if folder.has(model) else "-"
        sys.stdout.write(f"{model.name:18} {state:5} {model.terms}\n")
    console.print(f"Folder: {folder.folder}")
    return OK


def _models_fetch(arguments: argparse.Namespace) -> int:
    model = next(one for one in CATALOGUE if one.name == arguments.name)
    shown = bars()
    bar = shown.add_task("Bytes", total=None)

    def report(done: int, total: int | None) -> None:
        shown.start()  # not before: bars and the question about the licence would mix
        shown.update(bar, completed=done, total=total)

    folder = _model_folder(arguments)
    try:
        accept = _licence_question(arguments.accept_licence)
        card = folder.fetch(model, online=True, accept=accept, report=report)
    finally:
        shown.stop()
    console.print(f"{model.name} is here: {folder.folder / card.file}, SHA-256 {card.sha256}")
    return OK


def _models_add(arguments: argparse.Namespace) -> int:
    model = _model_of(arguments)
    folder = _model_folder(arguments)
    card = folder.add(model, arguments.file, accept=_licence_question(arguments.accept_licence))
    console.print(f"{model.name} is here: {folder.folder / card.file}, SHA-256 {card.sha256}")
    return OK


def _model_folder(arguments: argparse.Namespace) -> ModelFolder:
    return ModelFolder(arguments.folder or user_folder("models"))


def _model_of(arguments: argparse.Namespace) -> PublishedModel:
    for model in CATALOGUE:
        if arguments.name == model.name:
            return model
        if arguments.name is None and model.url.endswith("/" + arguments.file.name):
            return model
    raise ProtocolError(
        f"{arguments.file.name} is not the name of a published file: say with --as which it is"
    )


def _licence_question(accepted: bool) -> Accept:
    def ask(terms: Terms) -> bool:
        console.print(f"Licence: {terms}, {terms.address}\n{terms.note}")
        if accepted:
            return True
        console.print("Type yes to accept it:", end=" ")
        return sys.stdin.readline().strip().lower() == "yes"

    return ask
