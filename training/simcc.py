# SPDX-License-Identifier: GPL-3.0-or-later
"""SimCC in place of heatmaps: two distributions a point, one along each axis."""

from torch import Tensor, nn


class SeparateAxes(nn.Module):
    """Logits of a heatmap that are a sum of its column's and its row's."""

    column: Tensor
    row: Tensor

    def __init__(self, width: int, points: int, cells: int, places: Tensor) -> None:
        """Make fresh weights.

        Args:
            width: Channels of the maps.
            points: How many points.
            cells: Cells of the maps, h x w.
            places: (C, 2) middles of the heatmap's cells, 0..1.

        Source: Li et al., SimCC, arXiv 2107.03332.
        """
        super().__init__()
        bins = round(len(places) ** 0.5)
        self.maps = nn.Conv2d(width, points, 1)
        self.across, self.down = nn.Linear(cells, bins), nn.Linear(cells, bins)
        column, row = (places * bins).long().unbind(dim=1)
        self.register_buffer("column", column)
        self.register_buffer("row", row)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (N, points, C) logits for (N, width, h, w) maps."""
        flat = self.maps(maps).flatten(2)
        logits: Tensor = self.across(flat)[:, :, self.column] + self.down(flat)[:, :, self.row]
        return logits
