# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic people for training: bodies, poses, clothes, pictures and labels; never shipped."""
