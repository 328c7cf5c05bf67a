# SPDX-License-Identifier: GPL-3.0-or-later
"""Model cards against the files that they describe."""

import hashlib

import pytest
from track_spine.inference.models import CARDS, MODELS_FOLDER
from track_spine.inference.session import Session


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_pins_the_file_that_is_there(card):
    content = (MODELS_FOLDER / card.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == card.sha256


def test_cards_have_names_and_files_of_their_own():
    assert len({card.name for card in CARDS}) == len({card.file for card in CARDS}) == len(CARDS)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_base_models_may_be_used_commercially_and_say_where_they_are_from(card):
    assert card.licence == "Apache-2.0"
    assert "mediapipe 0.10.21" in card.source


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_pinned_file_runs_on_the_cpu(card):
    assert Session(card).provider == "CPUExecutionProvider"
