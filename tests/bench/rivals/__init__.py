"""What we compare ourselves with, each a program of its own, written as its library's documentation would."""
