"""The command line: parse, call chatnet, print."""
