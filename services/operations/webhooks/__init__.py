"""The webhook URLs at Twilio against the settings.

`urls` says what a URL is to us, `reading` asks Twilio for all of them, `owners` says whose each is, `planning`
what is to be changed and what is left; `applying` changes it.
"""
