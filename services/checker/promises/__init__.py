"""The promises, a module for each: `look(facts)` counts its cases and names what breaks it."""
