"""Content templates: what Twilio's Content API lists of them, which language of one is taken, and its variables.

`events` is what the log holds, `listing` makes it of Content resources, `placeholders` judges variables. Pure.
"""
