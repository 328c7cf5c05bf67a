# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and tables for people who measure: text made of arrays, nothing fetched, no script."""
