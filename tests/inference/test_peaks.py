# SPDX-License-Identifier: GPL-3.0-or-later
"""Peaks of known Gaussians, wherever they lie between the bins."""

import numpy as np
import pytest
from track_spine.inference.peaks import heatmap_peaks, simcc_peaks, unmirror

SIGMA = 4.9
LENGTH = 384


def gaussian(centre, sigma=SIGMA, length=LENGTH, height=1.0):
    bins = np.arange(length)
    centre = np.asarray(centre, float)[..., None]
    return height * np.exp(-((bins - centre) ** 2) / (2 * sigma**2))


def published(vectors):
    """What the published library reads off a vector: the highest bin and its height."""
    return vectors.argmax(axis=-1), vectors.max(axis=-1)


def test_a_peak_anywhere_between_two_bins_is_found():
    centres = 150 + np.linspace(-0.5, 0.5, 101)
    peaks, heights = simcc_peaks(gaussian(centres).astype(np.float32), SIGMA)
    assert np.abs(peaks - centres).max() < 1e-3  # bins; float32
    assert np.abs(published(gaussian(centres))[0] - centres).max() > 0.49
    np.testing.assert_allclose(heights, gaussian(centres).max(axis=-1), atol=1e-6)


@pytest.mark.parametrize("sigma", [3.0, 4.9, 5.66, 6.93, 10.0])
def test_the_width_of_the_peak_need_not_be_the_one_expected(sigma):
    centres = 200 + np.linspace(-0.5, 0.5, 21)
    peaks, _ = simcc_peaks(gaussian(centres, sigma).astype(np.float32), SIGMA)
    assert np.abs(peaks - centres).max() < 0.02


@pytest.mark.parametrize("level", [-0.05, 0.05, 0.2])
def test_a_level_under_the_peak_moves_it_little(level):
    centres = 200 + np.linspace(-0.5, 0.5, 21)
    peaks, _ = simcc_peaks((gaussian(centres) + level).astype(np.float32), SIGMA)
    assert np.abs(peaks - centres).max() < 0.02


def test_noise_is_averaged_where_the_highest_bin_jumps():
    random = np.random.default_rng(3)
    centres = random.uniform(60, 300, 2000)
    vectors = gaussian(centres) + random.normal(0, 0.02, (2000, LENGTH))
    peaks, _ = simcc_peaks(vectors, SIGMA)
    refined, plain = (np.sqrt(np.mean((x - centres) ** 2)) for x in (peaks, published(vectors)[0]))
    assert refined < 0.25
    assert refined < plain / 3


def test_of_two_peaks_the_higher_one_is_read_as_if_alone():
    vectors = gaussian(100.3) + gaussian(140.7, height=0.9)
    peaks, heights = simcc_peaks(np.stack([vectors, vectors[::-1]]), SIGMA)
    np.testing.assert_allclose(peaks, [100.3, LENGTH - 1 - 100.3], atol=0.02)
    np.testing.assert_allclose(heights, vectors.max(), atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.4, -0.3])
def test_a_flat_vector_scores_nothing(level):
    peaks, heights = simcc_peaks(np.full((2, LENGTH), level, np.float32), SIGMA)
    assert (heights == 0.0).all()
    assert np.isfinite(peaks).all()


def test_noise_without_a_peak_scores_next_to_nothing():
    noise = 0.3 + np.random.default_rng(4).normal(0, 0.005, (50, LENGTH))
    _, heights = simcc_peaks(noise, SIGMA)
    assert heights.max() < 0.03
    assert published(noise)[1].min() > 0.3


@pytest.mark.parametrize("centre", [0.0, 0.3, 0.49, 1.2, LENGTH - 1.4, LENGTH - 1.0])
def test_peaks_at_the_edge_are_read_from_the_bins_there_are(centre):
    peaks, _ = simcc_peaks(gaussian(centre), SIGMA)
    assert abs(float(peaks) - centre) < 0.02


@pytest.mark.parametrize(("centre", "edge"), [(-6.0, -0.5), (LENGTH + 6.0, LENGTH - 0.5)])
def test_peaks_beyond_the_edge_stay_on_it(centre, edge):
    peaks, _ = simcc_peaks(gaussian(centre), SIGMA)
    assert float(peaks) == edge


@pytest.mark.parametrize("junk", [np.nan, np.inf, -1.0])
def test_a_broken_network_does_not_stop_the_others(junk):
    vectors = np.stack([np.full(LENGTH, junk), gaussian(100.25)])
    with np.errstate(invalid="ignore"):
        peaks, heights = simcc_peaks(vectors, SIGMA)
    assert abs(peaks[1] - 100.25) < 0.02
    assert not heights[0] > 0.0


def test_points_and_people_do_not_mix():
    centres = np.random.default_rng(5).uniform(0, LENGTH - 1, (3, 37))
    vectors = gaussian(centres)
    together, _ = simcc_peaks(vectors, SIGMA)
    alone, _ = simcc_peaks(vectors[1, 20], SIGMA)
    assert together.shape == (3, 37)
    assert together[1, 20] == pytest.approx(float(alone), abs=1e-12)


def blob(x, y, wide=2.5, narrow=1.5, turn=0.6, shape=(64, 48)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    along = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
    across = -(columns - x) * np.sin(turn) + (rows - y) * np.cos(turn)
    return np.exp(-(along**2) / (2 * wide**2) - across**2 / (2 * narrow**2))


def test_oblong_turned_blobs_are_found_between_cells():
    places = np.random.default_rng(6).uniform((0.0, 0.0), (47.0, 63.0), (40, 2))
    heatmaps = np.stack([blob(*place) for place in places]).astype(np.float32)
    peaks, heights = heatmap_peaks(heatmaps.reshape(4, 10, 64, 48), 2.0)
    assert np.abs(peaks.reshape(-1, 2) - places).max() < 0.02
    assert heights.shape == (4, 10)
    np.testing.assert_allclose(heights.ravel(), heatmaps.max(axis=(1, 2)), atol=1e-6)


def test_a_flat_heatmap_scores_nothing():
    peaks, heights = heatmap_peaks(np.zeros((1, 64, 48)), 2.0)
    assert heights[0] == 0.0
    assert np.isfinite(peaks).all()


@pytest.mark.parametrize("split", [1, 2, 3])
def test_a_mirrored_picture_gives_the_same_points(split):
    width, partners = 64, [0, 2, 1]
    x, y = np.array([20.25, 12.5, 50.0]), np.array([30.0, 31.0, 33.0])
    vectors_y = gaussian(split * y, length=80 * split)
    straight = gaussian(split * x, length=width * split)
    mirrored = gaussian(split * (width - 1 - x[partners]), length=width * split)
    back_x, back_y = unmirror(mirrored[None], vectors_y[None, partners], partners, split)
    np.testing.assert_allclose(
        back_x[0][:, : -split + 1 or None], straight[:, : -split + 1 or None]
    )
    np.testing.assert_allclose(back_y[0], vectors_y)
