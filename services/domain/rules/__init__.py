"""What keyword rules have sent: commands that follow from what people wrote. Pure.

    making (a rule and a message into commands, or why there are none) → commanded (once for each message, and for a
    person and rule no more than its caps)

Stands on the products whose commands these are (`messages`, `studio`).
"""
