"""What messages cost: Twilio's price list, what a message will cost by it, budgets, and what Twilio charged.

`prices` is what the log holds of the list, `listing` makes it of Twilio's resources, `estimating` asks it. Amounts are
decimals, and keep their currency: nothing here converts one into another. Pure.
"""
