"""The native protocol as bytes: frames and the codec. No I/O."""
