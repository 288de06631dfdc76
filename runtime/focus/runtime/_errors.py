"""The one family of errors for the environment: files, cameras, engines, disks.

Bad arguments of a call raise the built-in types; both are shown to a user of the commands as one line.
"""


class FocusError(Exception):
    """Something outside the program does not fit; the message says what, and the way out."""


class CubeError(FocusError):
    """A data file is missing, damaged, or not what it says it is."""


class BundleError(FocusError):
    """A model file is not ours, is damaged, or does not fit this sensor."""


class OutputError(FocusError):
    """Results cannot be written there."""


class CameraError(FocusError):
    """A camera cannot be opened, or does not send what it said it would."""


class CameraLost(CameraError):
    """A camera that worked went away or fell silent; opening it again may bring it back."""


class CannotKeepUp(FocusError):
    """Lines come faster than they are read; what was taken is safe."""


class BrokenOff(Exception):
    """A run that was on its way failed; neither its user nor its input is to blame. What was taken is safe."""


class Stopped(FocusError):
    """Somebody asked for the end (Ctrl-C, SIGTERM); what was taken is safe."""
