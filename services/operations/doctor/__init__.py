"""What is wrong, each fault with its remedy. Looks only: nothing here changes anything, at the broker or at Twilio.

`finding` is what a look tells; `machine`, `broker`, `apart`, `account` look; `examining` is the whole round.
"""
