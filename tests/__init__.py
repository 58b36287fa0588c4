"""The tests. Those that need a broker ask for the fixture `kafka` or `broker`; none sleeps and hopes."""
