"""`switchboard consent import`: what a system that is retired knew of people's yes and no, with its evidence."""
