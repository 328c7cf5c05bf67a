# SPDX-License-Identifier: GPL-3.0-or-later
"""Track Spine: video of a person becomes an animated armature with a nine-segment spine."""


def register() -> None:
    """Register the extension with Blender."""
    from .addon import registration

    registration.register()


def unregister() -> None:
    """Remove everything that `register` added."""
    from .addon import registration

    registration.unregister()
