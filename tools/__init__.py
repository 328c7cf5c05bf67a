# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Makefile runs: fetching, converting, building, the demo."""
