"""The commands of the torch side, one file each."""
