"""For tests of chatnet and of what is built on it: memory network, virtual clock, simulation, conformance suites."""
