"""What is played after the story: a module for each chapter, all of them data."""

from services.demo.chapters import ambiguous, contact, flow, landline, next_day, start, stop, templates, windows
from services.demo.script import Chapter

# The clock only ever goes ahead, from yesterday to the true time: what needs it moved comes last.
CHAPTERS: tuple[Chapter, ...] = (
    ambiguous.CHAPTER,
    landline.CHAPTER,
    templates.CHAPTER,
    windows.CHAPTER,
    contact.CHAPTER,
    stop.CHAPTER,
    start.CHAPTER,
    flow.CHAPTER,
    next_day.CHAPTER,
)
