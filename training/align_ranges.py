# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the joints of the spine go in the literature: what the generator is held against.

Unlike anatomy.py's ranges, which the generator draws from, these are the studies' own numbers, and
a bound beyond which a healthy back hardly goes. No logic.
"""

from typing import Final

import numpy as np

MEAN_DEG: Final = np.column_stack(
    [
        (
            *(14.0, 14.0, 14.0, 14.0, 14.0, 4.2),
            *(3.8, 3.4, 3.0, 2.6, 2.1, 1.7, 1.3, 0.9, 2.9, 2.9, 2.9, 5.0),
            *(8.0, 10.4, 9.8, 8.2, 6.8, 24.4, 27.4),
        ),
        (
            *(3.0, 6.0, 10.0, 10.0, 10.0, 2.6),
            *(2.6,) * 11,
            4.0,
            *(5.4, 6.5, 9.3, 9.0, 9.6, 6.5, 9.1),
        ),
        (
            *(3.2, 3.4, 3.4, 2.8, 2.6, 4.2),
            *(4.2,) * 11,
            4.0,
            *(2.9, 5.0, 6.8, 5.1, 3.3, 56.7, 9.9),
        ),
    ]
)
"""(25, 3) whole range of each joint of anatomy.JOINTS, both directions together: sagittal,
lateral, axial.

Sources: lumbar sagittal and lateral Pearcy 1985 (biplanar radiographs), axial Fujii (MRI, trunk
turned 45 degrees, both sides). Thoracic sagittal Morita 2014 (CT; T12-L1 4.2, T4-T5 0.9 and the
total 31.7 are published, the rest lies between), lateral and axial Fujimori 2014 and 2012 (totals
of 15.6 and 24.9 to a side, shared evenly). C7-T1 has no figure in these: halfway between its
neighbours. Neck Panjabi, as reprinted in s13018-024-04567-5, table 2.
"""

BOUND_DEG: Final = np.column_stack(
    [
        (
            *(24.0, 24.0, 24.0, 24.0, 24.0, 8.5),
            *(8.0,) * 10,
            14.0,
            14.0,
            *(16.6, 20.8, 17.8, 17.6, 9.6, 35.6, 36.7),
        ),
        (
            *(4.5, 9.0, 15.0, 15.0, 15.0, 9.0),
            *(9.0,) * 5,
            *(12.0,) * 7,
            *(9.6, 11.5, 22.3, 15.9, 17.0, 11.5, 16.1),
        ),
        (
            *(5.0, 5.0, 5.0, 5.0, 5.0, 8.0),
            *(8.0, 8.0),
            *(12.0,) * 10,
            *(4.7, 8.2, 11.1, 8.3, 5.7, 92.0, 16.1),
        ),
    ]
)
"""(25, 3) the same, of very supple people.

Sources: lumbar sagittal the mean and two standard deviations of 5 degrees (1471-2474-7-45, table
5), T12-L1 the OpenSim model's; lumbar lateral half more than the mean; lumbar axial Fujii's largest
and half more. Thoracic Wilke 2017 (specimens without rib cage at 7.5 Nm). Neck the larger of the
mean and two standard deviations, and of the mean times what living necks do beyond specimens
(C0-C7 sagittal 127 against 95 degrees, lateral 98 against 55, axial 146 against 90).
"""

REGIONS: Final = {
    "lumbar": ((51.0, 16.0), (17.5, 17.5), (4.5, 4.5)),
    "thoracic": ((21.5, 14.0), (15.6, 15.6), (24.9, 24.9)),
    "neck": ((65.3, 60.9), (44.0, 44.0), (73.0, 73.0)),
}
"""Mean of healthy adults: flexion and extension, bend to each side, turn to each side.

Sources: lumbar Pearcy 1985; thoracic Jiang 2025, Fujimori 2014 and 2012; neck Niewiadomski 2019.
"""

REGION_SD_SHARE: Final = 0.25
"""Standard deviation between people, as a share of the mean: 15-25 % in these studies."""

LORDOSIS_DEG: Final = (46.5, 10.0)
KYPHOSIS_DEG: Final = (47.0, 10.0)
"""Standing curves, mean and spread between people. Sources: means of 100 young adults on
radiographs Vaz 2002, doi 10.1007/s005860000224; spread about 10 as in trunk_draw.py. SIMSPINE
reports 32-41 and 28-39 by action."""
